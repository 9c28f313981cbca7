"""Running a study: every arm under every seed is trained where it is to be, and measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pluralign.files import writing
from pluralign.models import TransformersModel
from pluralign.models.loading import load_weights
from pluralign.models.mixture import mixed
from pluralign.models.protocol import LanguageModel
from pluralign.records import Estimate, content_hash
from pluralign.runs import Progress, run_facts, write_json_atomically
from pluralign.spectrum import SpectrumFormat, build_sequences
from pluralign.spectrum.suite import build_suite, plan_suite
from pluralign.spectrum.suite.source import DataPlace
from pluralign.spectrum.suite.stored import MANIFEST
from pluralign.study.config import Arm, Measure, StudyConfig, filled_in, slug
from pluralign.study.measuring import check_measure, measure_once
from pluralign.study.training import train_once

# Called with what is about to happen; returns the progress callback of that stage.
Stages = Callable[[str], Progress]


@dataclass(frozen=True)
class Cell:
    """One measure of one arm under one seed.

    Attributes:
        arm: Name of the arm.
        seed: The seed.
        measure: Name of the measure.
        estimates: What was found.
    """

    arm: str
    seed: int
    measure: str
    estimates: tuple[Estimate, ...]


def run_study(config: StudyConfig, *, out: Path, data: Path | None, stages: Stages) -> tuple[Cell, ...]:
    """Train and measure every arm under every seed. The same call goes on where it was stopped.

    What was done under other settings stays in the folder beside what is done under these.

    Args:
        config: The study.
        out: Folder for everything.
        data: Folder of published data; None where nothing needs it.
        stages: Called with the name of each stage; returns its progress callback.

    Raises:
        PluralignError: One of its kinds; what was finished stays on disk.
    """
    for arm in config.arms.values():
        for measure in config.measures_of(arm).values():
            check_measure(measure.evaluation, filled_in(measure.settings, seed=0, data=data))
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    facts = run_facts() | {"config": config.model_dump(mode="json")}
    write_json_atomically(out / "study.json", facts)
    study = _Study(config, out=out, data=data, stages=stages)
    return tuple(
        cell
        for seed in range(config.seeds)
        for name, arm in config.arms.items()
        for cell in study.cells(name, arm, seed=seed)
    )


class _Study:
    """What the arms of a study share."""

    def __init__(self, config: StudyConfig, *, out: Path, data: Path | None, stages: Stages) -> None:
        self.config = config
        self.out = out
        self.data = data
        self.stages = stages

    def cells(self, name: str, arm: Arm, *, seed: int) -> Iterator[Cell]:
        """All measures of an arm under a seed."""
        folder = self.out / slug(name) / f"seed-{seed}"
        trained = None if arm.train is None else self._trained(name, arm, seed=seed, folder=folder)
        identity = self._identity(arm, seed=seed)
        models: dict[str, LanguageModel] = {}
        for label, measure in self.config.measures_of(arm).items():
            settings = filled_in(measure.settings, seed=seed, data=self.data)
            # The folder of data may lie elsewhere on the next machine: it is no part of what is measured.
            asked = {**identity, **measure.model_dump(mode="json", exclude={"report"}), "seed": seed}
            estimates = measure_once(
                measure.evaluation,
                settings=settings,
                model=partial(self._model, arm, measure, trained=trained, kept=models),
                out=folder / f"{slug(label)}-{content_hash(asked)[:8]}",
                progress=self.stages(f"seed {seed}: {name}: {label}"),
            )
            yield Cell(arm=name, seed=seed, measure=label, estimates=estimates)

    def _identity(self, arm: Arm, *, seed: int) -> dict[str, object]:
        """What decides which model answers, and in which format."""
        identity: dict[str, object] = {"model": self.config.model, "format": arm.format}
        if arm.base is not None:
            identity |= {"base": arm.base, "base_weight": arm.base_weight}
        if arm.train is not None:
            recipe = self.config.recipe(arm, seed=seed, built="built")
            identity |= {
                "recipe": recipe.model_dump(mode="json"),
                "suite": self.config.suite.model_dump(mode="json"),
            }
        return identity

    def _trained(self, name: str, arm: Arm, *, seed: int, folder: Path) -> Path:
        """The adapter or model of an arm."""
        built = self._built(seed)
        recipe = self.config.recipe(arm, seed=seed, built=str(built))
        digest = content_hash(self._identity(arm, seed=seed))[:8]
        return train_once(
            recipe,
            sequences=lambda: build_sequences(recipe),
            output_dir=folder / f"training-{digest}",
            progress=self.stages(f"seed {seed}: {name}: training"),
        )

    def _built(self, seed: int) -> Path:
        """The training rows under a seed."""
        recipe = self.config.suite.model_copy(update={"seed": seed})
        folder = self.out / "rows" / f"seed-{seed}-{content_hash(recipe.model_dump(mode='json'))[:8]}"
        if not (folder / MANIFEST).exists():
            plan = plan_suite(recipe, place=DataPlace(folder=self.data))
            build_suite(plan, out=folder, progress=self.stages(f"seed {seed}: training rows"))
        return folder

    def _model(
        self, arm: Arm, measure: Measure, *, trained: Path | None, kept: dict[str, LanguageModel]
    ) -> LanguageModel:
        """The arm's model in a measure's precision, loaded once."""
        if measure.dtype not in kept:
            weights = load_weights(str(trained or self.config.model), dtype=measure.dtype)
            if arm.base is not None:
                base = load_weights(arm.base, dtype=measure.dtype)
                weights = mixed(weights, base, base_weight=arm.base_weight)
            template = None
            if arm.format == "spectrum":
                template = SpectrumFormat.from_tokenizer(weights.tokenizer).chat_template
            kept[measure.dtype] = TransformersModel(weights, chat_template=template)
        return kept[measure.dtype]
