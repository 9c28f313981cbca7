"""Scores of worked solutions: is the final number right, and how probable is the right one behind the right steps?"""

from collections import Counter
from collections.abc import Mapping, Sequence

from pluralign.data.gsm8k import final_result, numbers_in
from pluralign.data.prompts import PromptSet
from pluralign.errors import DataError
from pluralign.evals.capability.proportions import share_estimate
from pluralign.evals.capability.replies import ReadResult, read_result
from pluralign.evals.per_prompt import ERROR, Measure, compare_cells, estimate, unscored
from pluralign.evals.scores import Scores
from pluralign.records import POPULATION, CellScore, Comparison, Estimate, Outcome, Response

ACCURACY, MARKED, NLL, UNREADABLE, CUT = (
    "accuracy",
    "marked_accuracy",
    "answer_nll_nats",
    "unreadable_share",
    "truncated_share",
)
LAST_NUMBER = "last number of the problem"
NOT_ASKED = "not finished"
# Below so many right answers of a hundred a loss cannot be seen in them.
_FLOOR = 0.05

ACCURATE = Measure(
    ACCURACY,
    "probability",
    "replies whose result is right over all replies: the number behind the first '####', or else the last number of a "
    "reply that came to its end; an unreadable reply is not right",
    False,
)
MEASURES = (
    ACCURATE,
    Measure(
        NLL,
        "nats",
        "-log P(right result and end of turn | problem, right solution up to its mark '####')",
        True,
        undefined="no log-probability",
    ),
    Measure(MARKED, "probability", "replies with the right number behind '####' over all replies", False),
    Measure(UNREADABLE, "probability", "replies without a result over all replies", True),
    Measure(CUT, "probability", "replies that the token limit cut over all replies", True),
)
_SHARES = frozenset({ACCURACY, MARKED, UNREADABLE, CUT})


def score_solutions(prompts: PromptSet, responses: Sequence[Response], *, seed: int = 0) -> Scores:
    """Score replies to problems with a known solution.

    Accuracy is put first. A problem of which a draw failed is not scored; one whose right result could not be given a
    probability, because the model gives none or the call failed, has no such value.

    Args:
        prompts: The problems, each with its solution as `answer`.
        responses: Replies, and where `way` is "scored" the log-probability of the right result; `window_id` is the
            problem's id.
        seed: Seed of the intervals, which resample whole problems.

    Raises:
        DataError: There is no reply, one is to an unknown problem, or a problem has no solution.
    """
    replies: dict[str, list[Response]] = {prompt.id: [] for prompt in prompts.prompts}
    log_probs: dict[str, float] = {}
    for response in responses:
        if response.window_id not in replies:
            raise DataError(f"A reply is to the unknown problem {response.window_id!r} of {prompts.id!r}.")
        if response.way != "scored":
            replies[response.window_id].append(response)
        elif response.log_prob is not None:
            log_probs[response.window_id] = response.log_prob
    if not any(replies.values()):
        raise DataError(f"There is nothing to score: no reply to a problem of {prompts.id!r}.")
    cells = tuple(
        _cell(prompt.id, prompt.text, answer=prompt.answer, replies=replies[prompt.id], log_probs=log_probs)
        for prompt in prompts.prompts
    )
    estimates = [
        (share_estimate if measure.name in _SHARES else estimate)(
            measure, cells, of="problems", seed=seed, with_baselines=measure is ACCURATE
        )
        for measure in MEASURES
    ]
    return Scores(
        primary=ACCURACY,
        estimates=tuple(estimates),
        cells=cells,
        n_unscored=unscored(cells),
        readings=_readings(estimates, [each for own in replies.values() for each in own]),
    )


def compare_solutions(
    *, first: tuple[str, Scores], second: tuple[str, Scores], seed: int = 0
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, over the problems that both were asked."""
    return compare_cells(
        first=(first[0], first[1].cells),
        second=(second[0], second[1].cells),
        measures=MEASURES,
        of="problems",
        seed=seed,
    )


def _cell(
    name: str,
    question: str,
    *,
    answer: str | None,
    replies: Sequence[Response],
    log_probs: Mapping[str, float],
) -> CellScore:
    if answer is None:
        raise DataError(f"The problem {name!r} has no solution, so that no reply to it can be right.")
    lost = NOT_ASKED if not replies else ERROR if any(r.outcome is Outcome.ERROR for r in replies) else None
    if lost:
        return CellScore(question_id=name, group=POPULATION, n_people=None, unscored=lost)
    right, n = final_result(answer, where=f"problem {name!r}"), len(replies)
    found = [read_result(reply) for reply in replies]
    values = {
        ACCURACY: sum(each.number == right for each in found) / n,
        MARKED: sum(each.number == right and each.is_marked for each in found) / n,
        UNREADABLE: sum(each.number is None for each in found) / n,
        CUT: sum(reply.outcome is Outcome.TRUNCATED for reply in replies) / n,
    }
    if name in log_probs:
        values[NLL] = -log_probs[name]
    return CellScore(
        question_id=name,
        group=POPULATION,
        n_people=None,
        sample_size=n,
        values=values,
        baselines={LAST_NUMBER: float(numbers_in(question)[-1:] == [right])},
    )


def _readings(estimates: Sequence[Estimate], replies: Sequence[Response]) -> tuple[str, ...]:
    """What the numbers say, and what is to be said against them."""
    value = {each.name: each.value for each in estimates}
    read = [read_result(each) for each in replies if each.outcome is not Outcome.ERROR]
    found = [_counts(read)] if read else []
    accuracy = value[ACCURACY]
    if accuracy is not None and accuracy < _FLOOR:
        measured = "the log-probability of the right result can still tell" if value[NLL] is not None else ""
        found.append(
            f"Of a model that solves {100 * accuracy:.0f}% a loss can hardly be seen in its accuracy"
            f"{'; ' if measured else ''}{measured}."
        )
    if value[NLL] is None:
        found.append("The right results have no log-probability: this model gives none, or was not asked.")
    return tuple(found)


def _counts(read: Sequence[ReadResult]) -> str:
    """How the replies were read, in words."""
    n_marked = sum(each.is_marked for each in read)
    lost = Counter(each.lost for each in read if each.lost)
    n_last = len(read) - n_marked - lost.total()
    text = f"Of {len(read):,} replies {n_marked:,} state their result behind '####'; of {n_last:,} the last number was taken"
    counts = ", ".join(f"{n:,} {reason}" for reason, n in sorted(lost.items()))
    return f"{text}; without a result, and not right: {counts}." if lost else f"{text}."
