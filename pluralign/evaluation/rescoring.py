"""Scoring answers that were recorded elsewhere, and comparing two runs: no model is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.data import linted, load_data, resolve_source
from pluralign.data.loaded import Loaded
from pluralign.data.recorded import read_answers, read_recorded
from pluralign.errors import ConfigurationError, DataError
from pluralign.evals import EVALUATORS, Scores
from pluralign.evaluation.planning import chosen_groups
from pluralign.evaluation.results import score_report, score_results, write_scores
from pluralign.evaluation.running import EvalRun
from pluralign.evaluation.spec import DEFAULT_SETTINGS, EvaluatorName, Settings, list_specs, load_closed_spec
from pluralign.records import POPULATION, Answer, Comparison, Condition
from pluralign.reports import Report, Section, Series, comparison_sentence
from pluralign.runs import flat_facts, run_facts, write_json_atomically


@dataclass(frozen=True)
class Rescored:
    """Recorded answers with their scores.

    Attributes:
        data: The questions, and what is wrong with them.
        answers: What was recorded.
        scores: Estimates over all cells and over each slice.
        reproduce: The command that scores the same file again.
    """

    data: Loaded
    answers: tuple[Answer, ...]
    scores: Scores
    reproduce: str

    @property
    def model_id(self) -> str:
        """Who answered."""
        return self.answers[0].model_id

    @property
    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        return score_results(self.scores, model=self.model_id, findings=self.data.findings)

    @property
    def report(self) -> Report:
        """The page."""
        questions = self.data.questions
        return score_report(
            title=questions.id,
            label=self.model_id,
            summary=questions.source,
            data=self.data,
            answers=self.answers,
            scores=self.scores,
            reproduce=self.reproduce,
        )

    def write(self, folder: Path) -> None:
        """Write results.json, cells.jsonl and report.html.

        Raises:
            StorageError: The folder cannot be written.
        """
        write_scores(folder, scores=self.scores, report=self.report)
        write_json_atomically(folder / "results.json", self.results)


def load_source(source: str, arguments: Mapping[str, Any]) -> Loaded:
    """The questions of a shipped evaluation, a data adapter or a file.

    Args:
        source: Id of an evaluation, name of an adapter, or path of a file.
        arguments: Arguments of the adapter beside those of the evaluation.

    Raises:
        ConfigurationError: There is no such source, or an argument is wrong.
        DataError: The data cannot be read.
    """
    if source in list_specs():
        spec = load_closed_spec(source)
        return load_data(spec.data.adapter, {**spec.data.arguments, **arguments})
    return resolve_source(source, arguments)


def score_file(
    path: Path,
    *,
    questions: str | None = None,
    evaluator: EvaluatorName | None = None,
    settings: Settings = DEFAULT_SETTINGS,
    reproduce: str = "",
) -> Rescored:
    """Score recorded answers.

    Args:
        path: JSONL of answers; or, without `questions`, JSON or JSONL rows that hold `gold_distribution` and
            `pred_distribution`.
        questions: What was asked: see `load_source`.
        evaluator: What scores them; None: that of the evaluation which `questions` names, else "distributional".
        settings: Groups, preset, faulty items, adapter arguments and seed; everything else is of no use here.
        reproduce: The command that scores the same file again, for the page.

    Raises:
        DataError: A row is wrong (file and row are named), an answer is to no known question or has a wrong
            number of probabilities, or one cell is answered by several models.
        ConfigurationError: An unknown source, group or preset.
    """
    if questions is None:
        recorded = read_recorded(path)
        data, answers = linted(recorded.questions), recorded.answers
    else:
        data, answers = load_source(questions, settings.data), read_answers(path)
    evaluator = evaluator or _evaluator_of(questions)
    _check(answers, data, path=path, by_condition=evaluator != "distributional")
    groups = None
    if settings.groups:
        groups = [group.id for group in chosen_groups(data.questions.groups, settings.groups)]
    elif {answer.condition.group for answer in answers} == {POPULATION}:
        groups = [group.id for group in data.questions.groups]
    scores = EVALUATORS[evaluator].score(
        data.questions,
        answers,
        groups=groups,
        preset=settings.preset,
        faulty=data.faulty,
        drop_faulty=settings.drop_faulty,
        seed=settings.seed,
    )
    return Rescored(data, answers, scores, reproduce)


def _evaluator_of(questions: str | None) -> EvaluatorName:
    """The evaluator of a shipped evaluation; of anything else the distributional one."""
    return load_closed_spec(questions).evaluator if questions in list_specs() else "distributional"


def _check(answers: Sequence[Answer], data: Loaded, *, path: Path, by_condition: bool) -> None:
    """Every answer belongs to a question, and there is one for each group, or for each condition of a group."""
    n_options = {question.id: len(question.options) for question in data.questions.questions}
    answered: dict[tuple[str, str | Condition], Answer] = {}
    for answer in answers:
        where = f"{path}: answer {answer.key[:12]!r} to question {answer.question_id!r}"
        if answer.question_id not in n_options:
            raise DataError(f"{where}: {data.questions.id!r} has no such question.")
        if answer.probabilities and len(answer.probabilities) != n_options[answer.question_id]:
            raise DataError(
                f"{where}: {len(answer.probabilities)} probabilities for {n_options[answer.question_id]} options."
            )
        asked = answer.condition if by_condition else answer.condition.group
        other = answered.setdefault((answer.question_id, asked), answer)
        if other is not answer:
            raise DataError(
                f"{where}: the file holds another answer for {answer.condition.group!r}, of {other.model_id!r} by "
                f"{other.elicitation!r}. Keep one model and elicitation a file."
            )


def compare_runs(first: EvalRun, second: EvalRun, *, preset: str | None = None) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of two runs that asked the same questions.

    Args:
        first: The minuend.
        second: The subtrahend.
        preset: A published definition to be compared as well.

    Raises:
        ConfigurationError: The runs did not ask the same questions, or the preset is unknown.
    """
    if first.questions.digest != second.questions.digest:
        raise ConfigurationError(
            f"{first.folder} and {second.folder} did not ask the same questions: {first.spec.id} "
            f"({len(first.questions.questions)}) and {second.spec.id} ({len(second.questions.questions)})."
        )
    labels = run_labels(first, second)
    if first.spec.evaluator != second.spec.evaluator:
        raise ConfigurationError(
            f"{first.folder} was scored by the evaluator {first.spec.evaluator!r}, {second.folder} by "
            f"{second.spec.evaluator!r}; two runs of one evaluator can be compared."
        )
    return EVALUATORS[first.spec.evaluator].compare(
        first.questions,
        first=(labels[0], first.answers),
        second=(labels[1], second.answers),
        groups=first.groups,
        preset=preset,
        seed=first.config.settings.seed,
    )


def run_labels(first: EvalRun, second: EvalRun) -> tuple[str, str]:
    """What two runs are called side by side: by model and way, or by folder where those are the same."""
    if first.label != second.label:
        return first.label, second.label
    return str(first.folder), str(second.folder)


def comparison_report(first: EvalRun, second: EvalRun, *, preset: str | None = None) -> Report:
    """The page of two runs side by side, with their paired differences."""
    comparisons = compare_runs(first, second, preset=preset)
    labels = run_labels(first, second)
    series = tuple(
        Series(label=label, answers=run.answers, estimates=run.scores.estimates)
        for label, run in zip(labels, (first, second), strict=True)
    )
    return Report(
        title=f"{first.spec.title}: {labels[0]} and {labels[1]}",
        summary=tuple(
            comparison_sentence(comparison)
            for comparison in comparisons
            if (comparison.name, comparison.slice) == (first.scores.primary, "all")
        ),
        sections=(
            Section(
                title=first.spec.title,
                questions=first.questions,
                series=series,
                comparisons=comparisons,
                groups=first.groups,
                readings=tuple(
                    f"{label}: {reading}"
                    for label, run in zip(labels, (first, second), strict=True)
                    for reading in run.scores.readings
                ),
            ),
        ),
        run_facts=flat_facts(run_facts()),
        reproduce=f"pluralign compare {first.folder} {second.folder}",
    )
