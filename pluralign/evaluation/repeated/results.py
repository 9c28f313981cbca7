"""From answers to scores, and the scores as they are written and shown."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.data.prompts import PromptSet
from pluralign.evals.capability import compare_solutions, score_solutions
from pluralign.evals.coverage import Said, compare_coverage, said_in, score_coverage
from pluralign.evals.homogeneity import (
    CosineEquivalence,
    answers_in,
    compare_homogeneity,
    score_homogeneity,
)
from pluralign.evals.scores import Scores
from pluralign.evaluation.repeated.config import DEFAULT_REPEATED, RepeatedConfig
from pluralign.evaluation.repeated.planning import tasks_of
from pluralign.evaluation.results import score_results, side_by_side
from pluralign.evaluation.spec import COVERAGE, HOMOGENEITY, SOLUTIONS
from pluralign.models.embedding import Embedder
from pluralign.records import Comparison, Outcome, Response
from pluralign.reports import AnsweredPrompt, AnswersSection, Report, Series
from pluralign.runs import flat_facts, run_facts

_COMPARE: Mapping[str, Callable[..., tuple[Comparison, ...]]] = {
    COVERAGE: compare_coverage,
    HOMOGENEITY: compare_homogeneity,
    SOLUTIONS: compare_solutions,
}


@dataclass(frozen=True)
class AnswerSet:
    """Answers to open prompts with their scores.

    Attributes:
        config: How they were got.
        prompts: What was asked.
        responses: In the order of prompts and draws, at least one; texts that were scored among them.
        scores: Over all prompts.
    """

    config: RepeatedConfig
    prompts: PromptSet
    responses: tuple[Response, ...]
    scores: Scores

    @property
    def model_id(self) -> str:
        """Who answered: model and adapter with their revisions."""
        return self.responses[0].model_id

    @property
    def label(self) -> str:
        """Model and what sets the run apart from a plain one."""
        settings = self.config.settings
        marks = {
            settings.way: settings.way != "plain",
            f"by {settings.mode}": settings.mode != "both",
            f"{settings.shots} examples": settings.shots != DEFAULT_REPEATED.shots,
            f"temperature {settings.temperature}": settings.temperature is not None,
            f"top-p {settings.top_p}": settings.top_p is not None,
            f"min-p {settings.min_p}": settings.min_p is not None,
        }
        return ", ".join([self.model_id, *(mark for mark, is_set in marks.items() if is_set)])

    def texts(self) -> dict[str, list[str]]:
        """Prompt -> the answers with words, of a run of homogeneity."""
        found: dict[str, list[str]] = {prompt.id: [] for prompt in self.prompts.prompts}
        for each in self.responses:
            if each.outcome is not Outcome.ERROR:
                given = answers_in(each, way=self.config.settings.way, k=self.config.k)
                found[each.window_id] += [answer.text for answer in given if answer.text]
        return found


def score_answers(
    config: RepeatedConfig,
    *,
    prompts: PromptSet,
    responses: Sequence[Response],
    embedder: Embedder | None,
) -> AnswerSet:
    """Score answers, by the evaluator that their specification names.

    Args:
        config: How they were got.
        prompts: What was asked.
        responses: At least one; `window_id` is the prompt's id.
        embedder: Whose cosines are meant; None but for homogeneity.

    Raises:
        DataError: There is nothing to score.
    """
    settings = config.settings
    if config.spec.evaluator == SOLUTIONS:
        scores = score_solutions(prompts, responses, seed=settings.seed)
    elif embedder is None:
        scores = score_coverage(tasks_of(settings), _said(config, prompts, responses), seed=settings.seed)
    else:
        scores = score_homogeneity(
            prompts,
            responses,
            embedder=embedder,
            way=settings.way,
            k=config.k,
            limit=config.draws,
            equivalence=CosineEquivalence(settings.threshold),
            seed=settings.seed,
        )
    return AnswerSet(config, prompts, tuple(responses), scores)


def _said(
    config: RepeatedConfig, prompts: PromptSet, responses: Sequence[Response]
) -> dict[str, tuple[Said, ...] | None]:
    """Task -> its answers in order, None where a draw failed; tasks that are not finished are left out."""
    found: dict[str, tuple[Said, ...] | None] = {}
    for prompt in prompts.prompts:
        own = [each for each in responses if each.window_id == prompt.id]
        if any(each.outcome is Outcome.ERROR for each in own):
            found[prompt.id] = None
        elif len(own) >= config.n_replies:
            read = [each for reply in own for each in said_in(reply, way=config.settings.way, k=config.k)]
            found[prompt.id] = tuple(read[: config.draws])
    return found


def compare_answer_sets(first: AnswerSet, second: AnswerSet) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, by the evaluator of both."""
    labels = side_by_side(first.label, second.label)
    pair = {"first": (labels[0], first.scores), "second": (labels[1], second.scores)}
    compare = _COMPARE[first.config.spec.evaluator]
    return compare(**pair, seed=first.config.settings.seed)


def answers_results(answers: AnswerSet) -> dict[str, Any]:
    """What results.json holds."""
    drawn = [response for response in answers.responses if response.way != "scored"]
    outcomes = Counter(response.outcome for response in drawn)
    spec, prompts = answers.config.spec, answers.prompts
    return {
        "evaluation": spec.id,
        "version": spec.version,
        "prompts": {
            "id": prompts.id,
            "n": len(prompts.prompts),
            "digest": prompts.digest,
            "source": prompts.source,
        },
        "settings": answers.config.settings.model_dump(mode="json"),
        "responses": {outcome.value: outcomes[outcome] for outcome in Outcome if outcomes[outcome]},
        **score_results(answers.scores, model=answers.model_id, findings=()),
    }


def answers_report(
    sets: Mapping[str, AnswerSet], *, reproduce: str, comparisons: Sequence[Comparison] = ()
) -> Report:
    """The page of one set of answers, or of several to the same prompts.

    Args:
        sets: Label -> answers; at least one.
        reproduce: The command that makes the page again.
        comparisons: Paired differences between the labels.
    """
    first = next(iter(sets.values()))
    spec = first.config.spec
    readings = [
        f"{label}: {reading}" if len(sets) > 1 else reading
        for label, each in sets.items()
        for reading in each.scores.readings
    ]
    section = AnswersSection(
        title=spec.title,
        source=first.prompts.source,
        series=tuple(Series(label=label, estimates=each.scores.estimates) for label, each in sets.items()),
        prompts=tuple(
            AnsweredPrompt(
                prompt.id, prompt.text, {label: _written(each, prompt.id) for label, each in sets.items()}
            )
            for prompt in first.prompts.prompts
        ),
        comparisons=tuple(comparisons),
        readings=tuple(readings),
    )
    return Report(
        title=f"{' and '.join(sets)}: {spec.title}",
        summary=(spec.description.strip(),) if spec.description else (),
        sections=(section,),
        run_facts=flat_facts(run_facts()),
        reproduce=reproduce,
    )


def _written(answers: AnswerSet, prompt: str) -> tuple[str, ...]:
    """What was written to a prompt, in order of drawing; what failed or is empty as a note in brackets."""
    own = (each for each in answers.responses if each.window_id == prompt and each.way != "scored")
    return tuple(each.text.strip() or f"({each.error or 'empty'})" for each in own)
