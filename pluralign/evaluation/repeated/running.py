"""Running an evaluation of open prompts: from a plan to a folder with responses, results and a page."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from pluralign.data.prompts import PromptSet
from pluralign.errors import ConfigurationError, ModelError, StorageError
from pluralign.evals.homogeneity import InterModel, inter_model
from pluralign.evals.scores import Scores
from pluralign.evaluation.drawing import draw_responses
from pluralign.evaluation.finished import FinishedRun, flags_of, run_command
from pluralign.evaluation.folders import evaluator_of, read_run_record, run_folder
from pluralign.evaluation.repeated.asking import RepeatedUnit
from pluralign.evaluation.repeated.config import DEFAULT_REPEATED, RepeatedConfig, RepeatedSettings
from pluralign.evaluation.repeated.planning import PreparedRepeated, embedder_of, prepare_repeated
from pluralign.evaluation.repeated.results import (
    AnswerSet,
    answers_report,
    answers_results,
    compare_answer_sets,
    score_answers,
)
from pluralign.evaluation.results import side_by_side, write_scores
from pluralign.evaluation.spec import HOMOGENEITY, REPEATED, RepeatedSpec
from pluralign.models.embedding import Embedder
from pluralign.models.protocol import Draw, LanguageModel, OptionScores
from pluralign.overton import outcome_of
from pluralign.records import Comparison, Outcome, Response
from pluralign.reports import Report
from pluralign.runs import Progress, ResponseStore, run_facts, work_off, write_json_atomically

PROMPTS = "prompts.json"


@dataclass(frozen=True)
class RepeatedRun(FinishedRun):
    """A finished evaluation of open prompts.

    Attributes:
        answers: What was asked, how, what was answered, and its scores.
        folder: Where the run lies.
    """

    counted = "prompts"

    answers: AnswerSet
    folder: Path

    @property
    def config(self) -> RepeatedConfig:
        """What was run, how, and the name of the model."""
        return self.answers.config

    @property
    def spec(self) -> RepeatedSpec:
        """What was run."""
        return self.config.spec

    @property
    def scores(self) -> Scores:
        """Estimates over all prompts."""
        return self.answers.scores

    @property
    def label(self) -> str:
        """Model and what sets the run apart from a plain one."""
        return self.answers.label

    @property
    def command(self) -> str:
        """The command that runs the same evaluation again."""
        settings = self.config.settings
        return run_command(
            self.spec.id, model=self.config.model, flags=flags_of(settings), data=settings.data
        )

    def results(self) -> dict[str, Any]:
        """results.json of the run."""
        return {"status": self.status.value} | answers_results(self.answers)


def is_repeated(folder: Path) -> bool:
    """Whether a folder holds a run of open prompts.

    Raises:
        StorageError: It holds no run.
    """
    return evaluator_of(folder) in REPEATED


def evaluate_repeated(
    spec: str | Path | RepeatedSpec,
    *,
    model: str | LanguageModel,
    settings: RepeatedSettings = DEFAULT_REPEATED,
    embedder: Embedder | None = None,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> RepeatedRun:
    """Ask open prompts many times, or go on with a run that was stopped, and score the answers.

    Args:
        spec: Id, path or spec.
        model: A model, or a name for `load_model`.
        settings: What else may be set.
        embedder: Instead of the one that the settings name.
        out: Folder of the run. Default: one under `runs/` named after evaluation, model and plan.
        fresh: Take a new folder rather than going on in the old one.
        progress: Called with (finished, planned) draws.

    Raises:
        PluralignError: One of its kinds, see `prepare_repeated` and `run_repeated`.
    """
    prepared = prepare_repeated(spec, model=model, settings=settings, embedder=embedder)
    return run_repeated(prepared, out=out, fresh=fresh, progress=progress)


def run_repeated(
    prepared: PreparedRepeated,
    *,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> RepeatedRun:
    """Work off a prepared evaluation; see `evaluate_repeated`.

    Raises:
        StorageError: The folder holds another run, or cannot be written.
        InterruptedRunError: Ctrl-C; what was finished is on disk, and the same call goes on.
    """
    config, model = prepared.config, prepared.model
    folder = run_folder(config.spec.id, model=model.id, digest=prepared.plan.digest, out=out, fresh=fresh)
    facts = run_facts() | {"prompts_digest": prepared.prompts.digest}
    facts |= {"embedder": prepared.embedder.id} if prepared.embedder else {}
    store = ResponseStore.open(folder, plan=prepared.plan, facts=facts, config=config.model_dump(mode="json"))
    # Kept with the responses, so that these can be scored again without the data.
    write_json_atomically(folder / PROMPTS, prepared.prompts.model_dump(mode="json"))
    responses = work_off(
        prepared.plan,
        ask=lambda units: _ask(model, units, config=config),
        units_per_call=config.units_per_call,
        run=store,
        rows=store.rows,
        progress=progress,
    )
    scored = score_answers(config, prompts=prepared.prompts, responses=responses, embedder=prepared.embedder)
    finished = RepeatedRun(scored, folder)
    report = answers_report({finished.label: scored}, reproduce=finished.command)
    write_scores(folder, scores=finished.scores, report=report)
    store.finish(finished.results(), status=finished.status)
    return finished


def _ask(model: LanguageModel, units: Sequence[RepeatedUnit], *, config: RepeatedConfig) -> list[Response]:
    """A response to each unit, in order: drawn, or the log-probability of a text that was given."""
    scored = [unit for unit in units if unit.asked.way == "scored"]
    rows = {row.key: row for row in _scored(model, scored)}
    drawn = draw_responses(
        model,
        [unit for unit in units if unit.asked.way != "scored"],
        prompt=lambda unit: unit.asked.prompt,
        params=lambda unit: unit.asked.params,
        row=lambda unit, draw: _response(unit, draw, model_id=model.id),
        block=config.block,
        seed=config.settings.seed,
    )
    rows |= {row.key: row for row in drawn}
    return [rows[unit.key] for unit in units]


def _scored(model: LanguageModel, units: Sequence[RepeatedUnit]) -> list[Response]:
    """Log-probabilities of given texts; one that cannot be had costs only itself."""
    if not units:
        return []
    try:
        found = model.score_options(
            [unit.asked.prompt for unit in units], [[unit.asked.scored] for unit in units]
        )
    except ModelError as error:
        if len(units) > 1:
            return [row for unit in units for row in _scored(model, [unit])]
        return [_response(units[0], error, model_id=model.id)]
    return [_response(unit, scores, model_id=model.id) for unit, scores in zip(units, found, strict=True)]


def _response(unit: RepeatedUnit, found: Draw | OptionScores | ModelError, *, model_id: str) -> Response:
    """A row; its window is the prompt."""
    common: dict[str, Any] = {
        "key": unit.key,
        "window_id": unit.prompt_id,
        "model_id": model_id,
        "way": unit.asked.way,
        "draw": unit.draw,
    }
    if isinstance(found, OptionScores):
        # Rounding may leave a certain answer slightly above 0.
        log_prob = min(0.0, found.log_probs[0])
        if not isfinite(log_prob):
            return Response(**common, outcome=Outcome.ERROR, error="its probability is 0")
        text = unit.asked.scored
        return Response(
            **common, outcome=Outcome.OK, text=text, n_tokens=found.n_tokens[0], log_prob=log_prob
        )
    if isinstance(found, ModelError):
        return Response(**common, outcome=Outcome.ERROR, error=str(found))
    return Response(**common, outcome=outcome_of(found), text=found.text, n_tokens=found.n_tokens)


def resume_repeated(folder: Path, *, progress: Progress | None = None) -> RepeatedRun:
    """Go on with a run that was stopped, with the model and the settings of its config.json.

    Raises:
        StorageError: There is no run, or the model, data or code have changed so that its plan is another.
    """
    config = read_run_record(folder / "config.json", RepeatedConfig)
    prepared = prepare_repeated(config.spec, model=config.model, settings=config.settings)
    return run_repeated(prepared, out=folder, progress=progress)


def load_repeated_run(folder: Path, *, embedder: Embedder | None = None) -> RepeatedRun:
    """Read a run from its folder and score its responses; the model that wrote them is not loaded.

    Args:
        folder: The run's folder.
        embedder: Instead of the run's own.

    Raises:
        StorageError: There is no run in the folder, or it holds no responses yet.
    """
    config = read_run_record(folder / "config.json", RepeatedConfig)
    prompts = read_run_record(folder / PROMPTS, PromptSet)
    place = {prompt.id: number for number, prompt in enumerate(prompts.prompts)}
    rows = ResponseStore(folder).rows.read().values()
    responses = sorted(rows, key=lambda row: (place.get(row.window_id, len(place)), row.draw))
    if not responses:
        raise StorageError(f"{folder} holds no responses yet.")
    scored = score_answers(
        config, prompts=prompts, responses=responses, embedder=embedder_of(config, given=embedder)
    )
    return RepeatedRun(scored, folder)


def compare_repeated_runs(first: RepeatedRun, second: RepeatedRun) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of two runs on the same prompts.

    Raises:
        ConfigurationError: The runs asked something else, or take different embedders.
        DataError: They have different numbers of draws.
    """
    _check_same_prompts([first, second])
    return compare_answer_sets(first.answers, second.answers)


def repeated_comparison_report(first: RepeatedRun, second: RepeatedRun) -> Report:
    """The page of two runs side by side, with their paired differences; raises as `compare_repeated_runs`."""
    return answers_report(
        dict(zip(side_by_side(first.label, second.label), (first.answers, second.answers), strict=True)),
        reproduce=shlex.join(["pluralign", "compare", str(first.folder), str(second.folder)]),
        comparisons=compare_repeated_runs(first, second),
    )


def similarity_of_runs(
    runs: Sequence[RepeatedRun], *, embedder: Embedder | None = None, n_nearest: int | None = None
) -> InterModel:
    """How alike the models of several runs on the same prompts answer.

    Args:
        runs: Runs of one homogeneity evaluation, at least two.
        embedder: Instead of the first run's own.
        n_nearest: See `inter_model`.

    Raises:
        ConfigurationError: The runs asked something else.
        DataError: There are fewer than two, or no prompt was answered by all.
    """
    _check_same_prompts(runs)
    if any(run.spec.evaluator != HOMOGENEITY for run in runs):
        raise ConfigurationError(
            "Models are compared on the prompts of homogeneity/, not on tasks or problems."
        )
    labels = [run.label for run in runs]
    named = labels if len(set(labels)) == len(labels) else [str(run.folder) for run in runs]
    found = embedder_of(runs[0].config, given=embedder)
    if found is None:
        raise ConfigurationError(f"{runs[0].folder}: names no embedder.")
    return inter_model(
        {name: run.answers.texts() for name, run in zip(named, runs, strict=True)},
        embedder=found,
        n_nearest=n_nearest,
        seed=runs[0].config.settings.seed,
    )


def _check_same_prompts(runs: Sequence[RepeatedRun]) -> None:
    """Make sure that runs can be held against each other.

    Raises:
        ConfigurationError: Other prompts, another evaluator or another embedder.
    """
    for run in runs[1:]:
        first = runs[0]
        for what, theirs, ours in (
            ("evaluator", run.spec.evaluator, first.spec.evaluator),
            ("prompts", run.answers.prompts.digest, first.answers.prompts.digest),
            ("embedder", run.config.settings.embedder, first.config.settings.embedder),
        ):
            if theirs != ours:
                raise ConfigurationError(
                    f"{first.folder} and {run.folder} have different {what}: {ours}, {theirs}."
                )
