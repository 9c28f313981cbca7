"""Running an evaluation: from a plan to a folder with answers, results and a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.data.loaded import Loaded
from pluralign.errors import StorageError
from pluralign.evals import EVALUATORS, Scores
from pluralign.evaluation.finished import FinishedRun, run_command
from pluralign.evaluation.folders import read_run_record, run_folder
from pluralign.evaluation.planning import Prepared, groups_met, prepare, read_data
from pluralign.evaluation.results import score_report, score_results, write_scores
from pluralign.evaluation.spec import DEFAULT_SETTINGS, EvalSpec, RunConfig, Settings
from pluralign.models.protocol import LanguageModel
from pluralign.records import Answer, QuestionSet
from pluralign.reports import Report
from pluralign.runs import Progress, RunStore, execute, run_facts


@dataclass(frozen=True)
class EvalRun(FinishedRun):
    """A finished evaluation.

    Attributes:
        config: What was run, how, and the name of the model.
        data: What was asked, and what is wrong with it.
        answers: One a work unit, at least one.
        scores: Estimates over all cells and over each slice.
        folder: Where the run lies.
    """

    config: RunConfig
    data: Loaded
    answers: tuple[Answer, ...]
    scores: Scores
    folder: Path

    @property
    def spec(self) -> EvalSpec:
        """What was run."""
        return self.config.spec

    @property
    def questions(self) -> QuestionSet:
        """What was asked."""
        return self.data.questions

    @property
    def groups(self) -> tuple[str, ...] | None:
        """Ids of the groups that the answers are held against."""
        return groups_met(self.spec, self.config.settings, questions=self.questions)

    @property
    def model_id(self) -> str:
        """Who answered: model and adapter with their revisions."""
        return self.answers[0].model_id

    @property
    def label(self) -> str:
        """What the run is called beside others: who answered, and in which way profiles were put where one was set."""
        way = self.config.settings.way
        return self.model_id if way is None else f"{self.model_id} (way {way.value})"

    @property
    def command(self) -> str:
        """The command that runs the same evaluation again."""
        settings = self.config.settings
        flags = {
            "--groups": settings.groups,
            "--limit": settings.limit,
            "--max-orders": settings.max_orders,
            "--elicit": settings.elicit,
            "--draws": settings.draws,
            "--condition": settings.condition,
            "--way": settings.way.value if settings.way else None,
            "--examples": settings.examples,
            "--people": settings.people,
            "--preset": settings.preset,
            "--seed": settings.seed or None,
            "--drop-faulty": settings.drop_faulty,
        }
        return run_command(self.spec.id, model=self.config.model, flags=flags, data=settings.data)

    def results(self) -> dict[str, Any]:
        """results.json of the run."""
        return {
            "evaluation": self.spec.id,
            "version": self.spec.version,
            "status": self.status.value,
            **score_results(self.scores, model=self.model_id, findings=self.data.findings),
        }


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
        settings: Groups, limits, elicitation, seed.
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
    folder = run_folder(
        prepared.config.spec.id, model=prepared.model.id, digest=prepared.plan.digest, out=out, fresh=fresh
    )
    # People's counts are no part of a row's key: new counts need no new answers. The digest tells which were used.
    facts = run_facts() | {"questions_digest": prepared.data.questions.digest}
    config = prepared.config
    store = RunStore.open(folder, plan=prepared.plan, facts=facts, config=config.model_dump(mode="json"))
    answers = execute(
        prepared.plan, model=prepared.model, elicitation=prepared.elicitation, store=store, progress=progress
    )
    finished = _scored(config, data=prepared.data, answers=answers, folder=folder)
    write_scores(folder, scores=finished.scores, report=report_of(finished))
    store.finish(finished.results(), status=finished.status)
    return finished


def resume(folder: Path, *, progress: Progress | None = None) -> EvalRun:
    """Go on with a run that was stopped, with the model and the settings of its config.json.

    Raises:
        StorageError: There is no run, or the model, data or code have changed so that its plan is another.
    """
    config = read_run_record(folder / "config.json", RunConfig)
    prepared = prepare(config.spec, model=config.model, settings=config.settings)
    return run(prepared, out=folder, progress=progress)


def load_run(folder: Path) -> EvalRun:
    """Read a run from its folder and score its answers, with no model loaded.

    Raises:
        StorageError: There is no run in the folder.
    """
    config = read_run_record(folder / "config.json", RunConfig)
    answers = list(RunStore(folder).answers().values())
    return _scored(config, data=read_data(config.spec, config.settings), answers=answers, folder=folder)


def _scored(config: RunConfig, *, data: Loaded, answers: Sequence[Answer], folder: Path) -> EvalRun:
    if not answers:
        raise StorageError(f"{folder} holds no answers yet.")
    scores = EVALUATORS[config.spec.evaluator].score(
        data.questions,
        answers,
        groups=groups_met(config.spec, config.settings, questions=data.questions),
        preset=config.settings.preset or config.spec.preset,
        faulty=data.faulty,
        drop_faulty=config.settings.drop_faulty,
        seed=config.settings.seed,
    )
    return EvalRun(config=config, data=data, answers=tuple(answers), scores=scores, folder=folder)


def report_of(finished: EvalRun) -> Report:
    """The page of one run."""
    return score_report(
        title=finished.spec.title,
        label=finished.label,
        summary=finished.spec.description.strip(),
        data=finished.data,
        answers=finished.answers,
        scores=finished.scores,
        reproduce=finished.command,
    )
