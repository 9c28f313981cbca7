"""Running an evaluation of free responses: from a plan to a folder with responses, verdicts, results and a page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.errors import InterruptedRunError, StorageError
from pluralign.evals.scores import Scores
from pluralign.evaluation.finished import FinishedRun, run_command
from pluralign.evaluation.folders import read_run_record, run_folder
from pluralign.evaluation.overton.config import (
    DEFAULT_OVERTON,
    OvertonConfig,
    OvertonSettings,
)
from pluralign.evaluation.overton.planning import PreparedOverton, prepare_overton
from pluralign.evaluation.overton.results import judged_report, judged_results
from pluralign.evaluation.overton.scoring import JudgedSet, JudgeRecord, judge_and_score
from pluralign.evaluation.results import write_scores
from pluralign.evaluation.spec import OvertonSpec
from pluralign.guard.guard import Guard
from pluralign.judges import load_entailment
from pluralign.judges.entailment import Entailment
from pluralign.models.protocol import LanguageModel
from pluralign.records import WindowSet
from pluralign.runs import (
    Progress,
    ResponseStore,
    Status,
    run_facts,
    work_off,
    write_json_atomically,
)

WINDOWS, VERDICTS = "windows.json", "verdicts.jsonl"

# A stage's name -> where its progress goes.
Stages = Callable[[str], Progress]


@dataclass(frozen=True)
class OvertonRun(FinishedRun):
    """A finished evaluation of free responses.

    Attributes:
        config: What was run, how, and the names of model and judge.
        judged: The responses with what the judge said of them, and their scores.
        folder: Where the run lies.
    """

    counted = "responses"

    config: OvertonConfig
    judged: JudgedSet
    folder: Path

    @property
    def spec(self) -> OvertonSpec:
        """What was run."""
        return self.config.spec

    @property
    def windows(self) -> WindowSet:
        """What was asked, and the views that a whole answer presents."""
        return self.judged.windows

    @property
    def scores(self) -> Scores:
        """Estimates over all responses."""
        return self.judged.scores

    @property
    def judge(self) -> JudgeRecord:
        """Who judged, and how far that can be believed."""
        return self.judged.judge

    @property
    def model_id(self) -> str:
        """Who answered: model and adapter with their revisions."""
        return self.judged.model_id

    @property
    def label(self) -> str:
        """The model, and how it was made to answer."""
        settings = self.config.settings
        how = {
            "synthesis": settings.way == "synthesis",
            "asked for views": settings.ask_for_views,
            f"as {settings.profile}": settings.profile is not None,
        }
        return ", ".join([self.model_id, *(words for words, is_so in how.items() if is_so)])

    @property
    def command(self) -> str:
        """The command that runs the same evaluation again."""
        settings = self.config.settings
        flags = {
            "--judge": self.config.judge,
            "--way": settings.way if settings.way != "plain" else None,
            "--profile": settings.profile,
            "--profiles": settings.profiles,
            "--samples": settings.samples,
            "--limit": settings.limit,
            "--draws": settings.draws,
            "--max-new-tokens": settings.max_new_tokens,
            "--preset": settings.preset,
            "--seed": settings.seed or None,
            "--ask-for-views": settings.ask_for_views,
            "--temperature": settings.temperature,
        }
        return run_command(self.spec.id, model=self.config.model, flags=flags, data=settings.data)

    def results(self) -> dict[str, Any]:
        """results.json of the run."""
        run = {"status": self.status.value, "way": self.config.settings.way}
        return run | judged_results(self.judged, spec=self.spec)


def evaluate_overton(
    spec: str | Path | OvertonSpec,
    *,
    model: str | LanguageModel,
    judge: str | Entailment,
    settings: OvertonSettings = DEFAULT_OVERTON,
    guard: Guard | None = None,
    out: Path | None = None,
    fresh: bool = False,
    stages: Stages | None = None,
) -> OvertonRun:
    """Draw responses, or go on with a run that was stopped, judge and score them.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        judge: A judge, or a name for `load_entailment`.
        settings: What else may be set.
        guard: Who admits the profiles of a synthesis; None: `Guard.default()`.
        out: Folder of the run. Default: one under `runs/` named after evaluation, model and plan.
        fresh: Take a new folder rather than going on in the old one.
        stages: Called with each stage's name; gives what is called with (finished, planned).

    Raises:
        PluralignError: One of its kinds, see `prepare_overton` and `run_overton`.
    """
    prepared = prepare_overton(spec, model=model, judge=judge, settings=settings, guard=guard)
    return run_overton(prepared, out=out, fresh=fresh, stages=stages)


def run_overton(
    prepared: PreparedOverton,
    *,
    out: Path | None = None,
    fresh: bool = False,
    stages: Stages | None = None,
) -> OvertonRun:
    """Work off a prepared evaluation; see `evaluate_overton`.

    Raises:
        StorageError: The folder holds another run, or cannot be written.
        InterruptedRunError: Ctrl-C; what was finished is on disk, and the same call goes on.
    """
    config = prepared.config
    folder = run_folder(
        config.spec.id, model=prepared.model.id, digest=prepared.plan.digest, out=out, fresh=fresh
    )
    facts = run_facts() | {"windows_digest": prepared.windows.digest, "judge": prepared.judge.id}
    store = ResponseStore.open(folder, plan=prepared.plan, facts=facts, config=config.model_dump(mode="json"))
    # Kept with the responses, so that these can be scored again without the data.
    write_json_atomically(folder / WINDOWS, prepared.windows.model_dump(mode="json"))
    responses = work_off(
        prepared.plan,
        ask=lambda units: prepared.way.responses(prepared.model, units),
        units_per_call=prepared.way.units_per_call,
        run=store,
        rows=store.rows,
        progress=stages("responses") if stages else None,
    )
    try:
        judged = judge_and_score(
            prepared.windows,
            responses,
            judge=prepared.judge,
            name=config.judge,
            verdicts=folder / VERDICTS,
            preset=config.preset,
            seed=config.settings.seed,
            progress=stages("verdicts") if stages else None,
        )
    except KeyboardInterrupt:
        store.mark(Status.INTERRUPTED)
        raise InterruptedRunError(
            f"Interrupted while the responses were judged. They and the verdicts so far are in {folder}; run the "
            "same command again to go on."
        ) from None
    finished = OvertonRun(config, judged, folder)
    report = judged_report(judged, spec=config.spec, label=finished.label, reproduce=finished.command)
    write_scores(folder, scores=finished.scores, report=report)
    store.finish(finished.results(), status=finished.status)
    return finished


def resume_overton(folder: Path, *, stages: Stages | None = None) -> OvertonRun:
    """Go on with a run that was stopped, with the model, the judge and the settings of its config.json.

    Raises:
        StorageError: There is no run, or the model, data or code have changed so that its plan is another.
    """
    config = read_run_record(folder / "config.json", OvertonConfig)
    prepared = prepare_overton(config.spec, model=config.model, judge=config.judge, settings=config.settings)
    return run_overton(prepared, out=folder, stages=stages)


def load_overton_run(
    folder: Path,
    *,
    judge: str | Entailment | None = None,
    preset: str | None = None,
    progress: Progress | None = None,
) -> OvertonRun:
    """Read a run from its folder and score its responses; the model that wrote them is not loaded.

    Args:
        folder: The run's folder.
        judge: Another judge, or its name; None: the run's own, whose verdicts lie in the folder.
        preset: Another published definition that is put first; None: the run's own.
        progress: Called with (judged, all) responses.

    Raises:
        StorageError: There is no run in the folder, or it holds no responses yet.
        ConfigurationError: An unknown judge or preset.
    """
    config = read_run_record(folder / "config.json", OvertonConfig)
    windows = read_run_record(folder / WINDOWS, WindowSet)
    place = {window.id: number for number, window in enumerate(windows.windows)}
    rows = ResponseStore(folder).rows.read().values()
    responses = sorted(rows, key=lambda row: (place.get(row.window_id, len(place)), row.draw))
    if not responses:
        raise StorageError(f"{folder} holds no responses yet.")
    judge = judge or config.judge
    name, loaded = (judge, load_entailment(judge)) if isinstance(judge, str) else (judge.id, judge)
    settings = config.settings.model_copy(update={"preset": preset or config.settings.preset})
    config = config.model_copy(update={"judge": name, "settings": settings})
    judged = judge_and_score(
        windows,
        responses,
        judge=loaded,
        name=name,
        verdicts=folder / VERDICTS,
        preset=config.preset,
        seed=settings.seed,
        progress=progress,
    )
    return OvertonRun(config, judged, folder)
