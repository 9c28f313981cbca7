"""Probes whose right answer is known exactly: coins, dice, random integers and urns."""

from collections.abc import Sequence

import numpy as np

from pluralign.data.selection import select
from pluralign.errors import ConfigurationError
from pluralign.records import Option, Question, QuestionSet

FAMILIES = ("coin", "die", "integer", "urn")

# id, text, chance of heads in per cent
_COINS = (
    ("fair-flip", "Flip a fair coin. Which side lands up?", 50),
    ("fair-toss", "Please toss a fair coin once and tell me the result.", 50),
    ("fair-pocket", "I take an ordinary coin out of my pocket and flip it. What does it show?", 50),
    ("fair-referee", "Before a match, the referee tosses a fair coin. How does it land?", 50),
    ("heads-70", "A bent coin lands heads 70% of the time. Flip it once. Which side lands up?", 70),
    ("heads-90", "You toss a loaded coin that shows heads 9 times out of 10. What do you get?", 90),
    (
        "tails-80",
        "A trick coin comes up tails with a probability of 80%. Toss it once. What is the result?",
        20,
    ),
    ("tails-60", "A worn coin lands tails 60% of the time. Flip it once and tell me the side.", 40),
)

_DIE_SIDES = (4, 6, 8, 10, 12, 20)

# lowest, highest, text
_INTEGERS = (
    (0, 10, "Give me a random integer between 0 and 10. Answer with the number only."),
    (1, 5, "Pick a random whole number from 1 to 5. Answer with the number only."),
    (1, 10, "Choose a number from 1 to 10 at random. Answer with the number only."),
    (10, 20, "Generate a random integer from 10 to 20. Answer with the number only."),
    (0, 9, "Name one of the digits 0 to 9 at random. Answer with the digit only."),
    (51, 60, "I need a random number from 51 to 60, each equally likely. Answer with the number only."),
)

_COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "brown", "black", "white")


def load_processes(*, families: Sequence[str] | None = None, n_urns: int = 24, seed: int = 0) -> QuestionSet:
    """Build questions about random processes, each with its exact distribution as `truth`.

    Args:
        families: Out of `FAMILIES`; None for all of them.
        n_urns: Number of urns; the first urns of a longer list are the same.
        seed: Seed of the urns, not negative; the other families are fixed.

    Raises:
        ConfigurationError: An unknown or repeated family, no urns, or a negative seed.
    """
    if n_urns < 1:
        raise ConfigurationError(f"n_urns: {n_urns} urns cannot be built, at least 1 is needed.")
    if seed < 0:
        raise ConfigurationError(f"seed: {seed} is negative; a seed is 0 or more.")
    chosen = select(families, FAMILIES, default=FAMILIES, what="family of processes")
    questions = {"coin": _coins(), "die": _dice(), "integer": _integers(), "urn": _urns(n_urns, seed=seed)}
    return QuestionSet(
        id="processes",
        questions=tuple(question for family in chosen for question in questions[family]),
        source="Written for pluralign; the distributions are exact. Licence: Apache-2.0.",
    )


def _coins() -> list[Question]:
    return [
        Question(
            id=f"coin/{name}",
            text=text,
            options=(Option(text="heads"), Option(text="tails")),
            truth=(heads / 100, (100 - heads) / 100),
        )
        for name, text, heads in _COINS
    ]


def _dice() -> list[Question]:
    return [
        _uniform_integer(
            f"die/{sides}",
            f"Roll a fair {sides}-sided die. Which number from 1 to {sides} comes up? "
            "Answer with the number only.",
            values=range(1, sides + 1),
        )
        for sides in _DIE_SIDES
    ]


def _integers() -> list[Question]:
    return [
        _uniform_integer(f"integer/{low}-{high}", text, values=range(low, high + 1))
        for low, high, text in _INTEGERS
    ]


def _uniform_integer(question_id: str, text: str, *, values: range) -> Question:
    return Question(
        id=question_id,
        text=text,
        options=tuple(Option(text=str(value), value=value) for value in values),
        truth=(1 / len(values),) * len(values),
        options_listed=False,
    )


def _urns(n: int, *, seed: int) -> list[Question]:
    """Urns as in the Spectrum Suite (Sorensen et al. 2025): its ranges, in its order of draws."""
    rng = np.random.default_rng(seed)
    return [_urn(f"urn/seed{seed}-{number}", rng) for number in range(1, n + 1)]


def _urn(question_id: str, rng: np.random.Generator) -> Question:
    n_colours = int(rng.integers(2, 6))
    bounds = rng.integers(1, 11, size=n_colours)
    colours = [str(colour) for colour in rng.choice(_COLOURS, size=n_colours, replace=False)]
    counts = [int(count) for count in rng.integers(1, bounds + 1)]
    balls = ", ".join(f"{count} {colour}" for count, colour in zip(counts, colours, strict=True))
    return Question(
        id=question_id,
        text=f"There is an urn with the following balls shuffled together: {balls}. "
        "Draw a ball at random, and tell me the color (lowercase).",
        options=tuple(Option(text=colour) for colour in colours),
        truth=tuple(count / sum(counts) for count in counts),
        options_listed=False,
    )
