"""From a spec to results: the one place where data, model, elicitation, run folder and evaluator meet."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from pluralign.data import load_questions
from pluralign.elicitation import ELICITATIONS, Elicitation, PromptStyle, style_of
from pluralign.errors import ConfigurationError, StorageError, did_you_mean
from pluralign.evals import PRIMARY, DistributionalScores, score_distributional
from pluralign.models import load_model
from pluralign.models.protocol import LanguageModel
from pluralign.records import Answer, Condition, Group, Question, QuestionSet
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe
from pluralign.reports import Report, Section, Series, write_page
from pluralign.resources import resource_folder
from pluralign.runs import (
    Plan,
    Progress,
    RunStore,
    Status,
    execute,
    flat_facts,
    make_plan,
    read_json,
    run_facts,
)

RESULTS_SCHEMA = 1


class DataSource(Record):
    """Which adapter reads the questions, and its arguments."""

    adapter: Text
    arguments: Mapping[str, Any] = {}


class Source(Record):
    """Where the data come from."""

    name: Text
    licence: Text


class ElicitationSettings(Record):
    """How answers are got out of the model."""

    name: Text = "logprob"
    max_orders: int | None = Field(default=None, ge=1)


class EvalSpec(Record):
    """An evaluation: what is asked, of whom, where the data come from, how it is scored.

    Attributes:
        id: Name, for example "distributional/anes96".
        version: "N-X": N rises when results stop being comparable, X when the call changes.
        title: One line for listings.
        description: What the evaluation finds out.
        evaluator: Which evaluator scores it.
        data: Where the questions come from.
        source: Source and licence of the data.
        conditions: "population": every question once without a condition; "groups": for each group of people.
        elicitation: How answers are got out of the model.
        max_unscored_share: With a larger share of cells unscored, a run counts as incomplete.
    """

    id: Text
    version: str = Field(pattern=r"^\d+-[A-Z]+$")
    title: Text
    description: str = ""
    evaluator: Literal["distributional"]
    data: DataSource
    source: Source
    conditions: Literal["population", "groups"] = "population"
    elicitation: ElicitationSettings = ElicitationSettings()
    max_unscored_share: float = Field(default=0.05, ge=0, le=1)


class Settings(Record):
    """What may be set when an evaluation is run.

    Attributes:
        groups: Only these groups: ids ("party=Democrat") or groupings ("party"); None: all.
        limit: Only the first so many questions; None: all.
        max_orders: At most this many orders of the options, instead of what the spec says.
        seed: Seed of everything random.
    """

    groups: tuple[str, ...] | None = None
    limit: int | None = Field(default=None, ge=1)
    max_orders: int | None = Field(default=None, ge=1)
    seed: int = 0


DEFAULT_SETTINGS = Settings()


@dataclass(frozen=True)
class Prepared:
    """An evaluation that is ready to run: nothing has been asked yet."""

    spec: EvalSpec
    settings: Settings
    model_name: str
    model: LanguageModel
    questions: QuestionSet
    elicitation: Elicitation
    plan: Plan


class RunConfig(Record):
    """config.json of a run: everything that is needed to go on with it.

    Attributes:
        spec: What is run.
        settings: Groups, limits and seed.
        model: The model's name, as `load_model` takes it.
    """

    spec: EvalSpec
    settings: Settings
    model: Text


@dataclass(frozen=True)
class EvalRun:
    """A finished evaluation.

    Attributes:
        config: What was run, how, and the name of the model.
        questions: What was asked.
        answers: One a cell, at least one.
        scores: Estimates over all cells and over each slice.
        folder: Where the run lies.
    """

    config: RunConfig
    questions: QuestionSet
    answers: tuple[Answer, ...]
    scores: DistributionalScores
    folder: Path

    @property
    def spec(self) -> EvalSpec:
        """What was run."""
        return self.config.spec

    @property
    def model_id(self) -> str:
        """Who answered: model and adapter with their revisions."""
        return self.answers[0].model_id

    @property
    def complete(self) -> bool:
        """Whether no more cells are unscored than the spec allows."""
        return sum(self.scores.n_unscored.values()) <= self.spec.max_unscored_share * len(self.answers)

    @property
    def status(self) -> Status:
        """Status in run.json and results.json."""
        return Status.COMPLETE if self.complete else Status.INCOMPLETE

    @property
    def command(self) -> str:
        """The command that runs the same evaluation again."""
        settings = self.config.settings
        flags = {
            "--groups": ",".join(settings.groups or ()),
            "--limit": settings.limit,
            "--max-orders": settings.max_orders,
            "--seed": settings.seed,
        }
        words = ["pluralign", "eval", "run", self.spec.id, "--model", self.config.model]
        return shlex.join(words + [str(word) for flag in flags.items() if flag[1] for word in flag])


def list_specs() -> dict[str, Path]:
    """Id -> file of every shipped evaluation."""
    folder = resource_folder("evals")
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))
    }


def load_spec(name: str | Path) -> EvalSpec:
    """Load a shipped evaluation by id, or any by the path of its YAML file.

    Raises:
        ConfigurationError: Unknown name, unreadable file, or a field that is wrong.
    """
    shipped = list_specs()
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        raise ConfigurationError(f"Unknown evaluation {str(name)!r}.{did_you_mean(str(name), shipped)}")
    try:
        return EvalSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {describe(error)}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read as YAML: {error}") from error


def prepare(
    spec: str | Path | EvalSpec, *, model: str | LanguageModel, settings: Settings = DEFAULT_SETTINGS
) -> Prepared:
    """Load everything and plan the work, without asking anything.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        settings: Groups, limits and seed.

    Raises:
        ConfigurationError: Unknown evaluation, group or argument.
        ModelError: The model cannot be loaded.
        UnsupportedError: The model cannot do what the elicitation needs.
    """
    spec = spec if isinstance(spec, EvalSpec) else load_spec(spec)
    questions = _questions(spec, settings)
    cells = _cells(questions, by_group=spec.conditions == "groups", groups=settings.groups)
    name, loaded = (model, load_model(model)) if isinstance(model, str) else (model.id, model)
    elicitation = _elicitation(spec.elicitation, style=style_of(loaded), max_orders=settings.max_orders)
    evaluation = f"{spec.id}@{spec.version}"
    plan = make_plan(cells, model=loaded, elicitation=elicitation, evaluation=evaluation, seed=settings.seed)
    return Prepared(spec, settings, name, loaded, questions, elicitation, plan)


def _questions(spec: EvalSpec, settings: Settings) -> QuestionSet:
    questions = load_questions(spec.data.adapter, spec.data.arguments)
    return questions.model_copy(update={"questions": questions.questions[: settings.limit]})


def _elicitation(settings: ElicitationSettings, *, style: PromptStyle, max_orders: int | None) -> Elicitation:
    make = ELICITATIONS.get(settings.name)
    return make(style=style, max_orders=max_orders or settings.max_orders)


def _cells(
    questions: QuestionSet, *, by_group: bool, groups: Sequence[str] | None
) -> list[tuple[Question, Condition]]:
    """Every question under every condition, the conditions outermost so that a persona's prompts lie together."""
    if not by_group:
        if groups:
            raise ConfigurationError(
                f"The evaluation of {questions.id!r} asks the population only: it has no groups."
            )
        return [(question, Condition()) for question in questions.questions]
    return [
        (question, _condition(group))
        for group in _chosen(questions.groups, groups)
        for question in questions.questions
        if sum(question.counts.get(group.id, ())) > 0
    ]


def _condition(group: Group) -> Condition:
    return Condition(kind="persona", id=group.id, text=group.text) if group.text else Condition()


def _chosen(groups: Sequence[Group], wanted: Sequence[str] | None) -> list[Group]:
    if not wanted:
        return list(groups)
    known = {name for group in groups for name in (group.id, group.id.partition("=")[0])}
    for name in wanted:
        if name not in known:
            raise ConfigurationError(f"Unknown group {name!r}.{did_you_mean(name, known)}")
    return [group for group in groups if {group.id, group.id.partition("=")[0]} & set(wanted)]


def evaluate(
    spec: str | Path | EvalSpec,
    *,
    model: str | LanguageModel,
    settings: Settings = DEFAULT_SETTINGS,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> EvalRun:
    """Run an evaluation, or go on with one that was stopped, and score it.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        settings: Groups, limits and seed.
        out: Folder of the run. Default: one under `runs/` named after evaluation, model and plan.
        fresh: Take a new folder rather than going on in the old one.
        progress: Called with (finished, planned) units.

    Raises:
        PluralignError: One of its kinds, see `prepare` and `pluralign.runs.execute`.
    """
    return run(prepare(spec, model=model, settings=settings), out=out, fresh=fresh, progress=progress)


def run(
    prepared: Prepared, *, out: Path | None = None, fresh: bool = False, progress: Progress | None = None
) -> EvalRun:
    """Work off a prepared evaluation; see `evaluate`."""
    folder = out or Path("runs") / run_name(prepared)
    if fresh:
        folder = _unused(folder)
    # People's counts are no part of a row's key: new counts need no new answers. The digest tells which were used.
    facts = run_facts() | {"questions_digest": prepared.questions.digest}
    config = _config(prepared)
    store = RunStore.open(folder, plan=prepared.plan, facts=facts, config=config.model_dump(mode="json"))
    answers = execute(
        prepared.plan, model=prepared.model, elicitation=prepared.elicitation, store=store, progress=progress
    )
    finished = _scored(config, questions=prepared.questions, answers=answers, folder=folder)
    write_page(report_of(finished), folder / "report.html")
    store.finish(results_of(finished), status=finished.status)
    return finished


def resume(folder: Path, *, progress: Progress | None = None) -> EvalRun:
    """Go on with a run that was stopped, with the model and the settings of its config.json.

    Raises:
        StorageError: There is no run, or the model, data or code have changed so that its plan is another.
    """
    config = read_config(folder)
    prepared = prepare(config.spec, model=config.model, settings=config.settings)
    return run(prepared, out=folder, progress=progress)


def load_run(folder: Path) -> EvalRun:
    """Read a run from its folder and score its answers, with no model loaded.

    Raises:
        StorageError: There is no run in the folder.
    """
    config = read_config(folder)
    answers = list(RunStore(folder).answers().values())
    return _scored(config, questions=_questions(config.spec, config.settings), answers=answers, folder=folder)


def _scored(config: RunConfig, *, questions: QuestionSet, answers: Sequence[Answer], folder: Path) -> EvalRun:
    if not answers:
        raise StorageError(f"{folder} holds no answers yet.")
    scores = score_distributional(questions, answers, seed=config.settings.seed)
    return EvalRun(config=config, questions=questions, answers=tuple(answers), scores=scores, folder=folder)


def run_name(prepared: Prepared) -> str:
    """Folder name of a run: evaluation, model and the first eight digits of the plan's digest."""
    parts = (prepared.spec.id, prepared.model.id, prepared.plan.digest[:8])
    return "--".join(re.sub(r"[^A-Za-z0-9.@+-]+", "_", part) for part in parts)


def _unused(folder: Path) -> Path:
    """The folder itself where it does not exist, else the first of folder-2, folder-3, ... that does not."""
    candidates = (folder, *(folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000)))
    for candidate in candidates:
        if not candidate.exists():
            return candidate
    raise StorageError(f"{folder} and {len(candidates) - 1} folders beside it exist; choose another --out.")


def _config(prepared: Prepared) -> RunConfig:
    return RunConfig(spec=prepared.spec, settings=prepared.settings, model=prepared.model_name)


def read_config(folder: Path) -> RunConfig:
    """Read config.json of a run.

    Raises:
        StorageError: It is missing or not what pluralign writes.
    """
    path = folder / "config.json"
    try:
        return RunConfig.model_validate(read_json(path))
    except ValidationError as error:
        raise StorageError(f"{path}: {describe(error)}") from error


def results_of(run: EvalRun) -> dict[str, Any]:
    """results.json of a run."""
    return {
        "schema": RESULTS_SCHEMA,
        "evaluation": run.spec.id,
        "version": run.spec.version,
        "model": run.model_id,
        "status": run.status.value,
        "primary": PRIMARY,
        "n_unscored": dict(run.scores.n_unscored),
        "estimates": [estimate.model_dump(mode="json") for estimate in run.scores.estimates],
    }


def report_of(run: EvalRun) -> Report:
    """The page of one run."""
    series = Series(label=run.model_id, answers=run.answers, estimates=run.scores.estimates)
    facts = flat_facts(run_facts())
    return Report(
        title=f"{run.spec.title}: {run.model_id}",
        summary=(run.spec.description.strip(),),
        sections=(Section(title=run.spec.title, questions=run.questions, series=(series,)),),
        run_facts=facts,
        reproduce=run.command,
    )
