"""GSM8K as questions with four numbers to choose from, for models that are too small to reach the right one alone."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pluralign.data.gsm8k import (
    HUB_ID,
    SOURCE,
    Problem,
    final_result,
    load_problems,
    numbers_in,
    plain_number,
    reasoning,
)
from pluralign.records import Option, Question, QuestionSet, content_hash

N_OPTIONS = 4
# Of the wrong options on one side of the right one, at most so many are numbers of the problem and of its solution.
_N_FROM_STEPS = 2
# Results of a slip: off by one or ten, twice or half, a digit too many.
_NEAR = (1, -1, 2, -2, 10, -10)
_FACTORS = (Decimal(2), Decimal("0.5"), Decimal(10))


def load_gsm8k_choices(
    *,
    path: str | Path = HUB_ID,
    part: Literal["held_out", "test"] = "held_out",
    revision: str | None = None,
    listed: bool = True,
) -> QuestionSet:
    """Load problems with four numbers each, of which one is the result.

    How many of the wrong ones are smaller than the result is drawn first, evenly from 0 to 3, so that size tells
    nothing; where there are not as many, the others are larger. On either side they are at most two numbers that
    stand in the problem or in the steps of its solution, and for the rest results of a slip: the result plus or minus
    1, 2 or 10, doubled, halved or tenfold, or more or less by a number of the problem. All differ, are above 0 and are
    whole where the result is whole. The place of the right one is even over the four. All is drawn by hashes of the
    problem: there is no seed.

    Args:
        path: As `pluralign.data.gsm8k.load_problems`.
        part: As there.
        revision: As there.
        listed: Whether the numbers are listed behind the problem; else the model is asked for the result alone, and
            the four are scored as answers that it may give.

    Raises:
        DataError: As `load_problems`; or a solution has no result.
    """
    problems = load_problems(path, part=part, revision=revision)
    return QuestionSet(
        id="gsm8k_choices",
        questions=tuple(_question(problem, listed=listed) for problem in problems),
        source=SOURCE,
    )


def _question(problem: Problem, *, listed: bool) -> Question:
    result = final_result(problem.answer, where=problem.where)
    options = wrong_results(problem, result=result)
    place = _hashed(problem, "place") % N_OPTIONS
    options.insert(place, result)
    asked = "" if listed else "\n\nGive the result as a number and nothing else."
    return Question(
        id=problem.id,
        text=f"{problem.question.strip()}{asked}",
        options=tuple(Option(text=plain_number(option)) for option in options),
        truth=tuple(float(option == result) for option in options),
        options_listed=listed,
    )


def wrong_results(problem: Problem, *, result: Decimal) -> list[Decimal]:
    """The three wrong numbers, in an order that carries nothing: see `load_gsm8k_choices`.

    Args:
        problem: The problem.
        result: What is right.
    """
    given = numbers_in(problem.question)
    steps = [*given, *numbers_in(reasoning(problem.answer))]
    slips = [result + step for step in _NEAR] + [result * factor for factor in _FACTORS]
    slips += [result + sign * number for number in given for sign in (1, -1)]
    is_whole = result == result.to_integral_value()
    steps, slips = (
        [each for each in numbers if each > 0 and (not is_whole or each == each.to_integral_value())]
        for numbers in (steps, slips)
    )
    smaller, larger = (
        _side(problem, steps=filter(fits, steps), slips=filter(fits, slips))
        for fits in (result.__gt__, result.__lt__)
    )
    smaller = smaller[: _hashed(problem, "rank") % N_OPTIONS]
    found = [*smaller, *larger[: N_OPTIONS - 1 - len(smaller)]]
    return sorted(found, key=lambda number: _hashed(problem, "order", number))


def _side(problem: Problem, *, steps: Iterable[Decimal], slips: Iterable[Decimal]) -> list[Decimal]:
    """The wrong numbers on one side of the right one, each once, those to be taken first before the others."""
    first, then = (
        sorted(set(numbers), key=lambda number: _hashed(problem, "draw", number))
        for numbers in (steps, slips)
    )
    first = first[:_N_FROM_STEPS]
    return [*first, *(each for each in then if each not in first)]


def _hashed(problem: Problem, purpose: str, number: Decimal | None = None) -> int:
    """A number that depends on the problem's words and on a purpose alone."""
    of = None if number is None else plain_number(number)
    return int(content_hash(["gsm8k_choices", purpose, problem.question, of])[:16], 16)
