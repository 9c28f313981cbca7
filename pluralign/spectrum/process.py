"""A data-generating process: what it is called, how it is drawn from, and how it may be worded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Draw = Callable[[np.random.Generator, int], list[str]]


@dataclass(frozen=True)
class Process:
    """One process with its parameters fixed.

    Attributes:
        descriptions: Wordings, from vague to fully specified. Each is true; a row shows one of them.
        draw: (generator, n) -> n outputs.
        distribution: output -> probability where draws are independent and the outcomes finite, else None.
        limit: Most outputs that can be drawn, for draws without replacement; None where there is no end.
    """

    descriptions: tuple[str, ...]
    draw: Draw
    distribution: Mapping[str, float] | None = None
    limit: int | None = None


Family = Callable[[np.random.Generator], Process]


def finite(
    distribution: Mapping[str, float], descriptions: Sequence[str], *, rng: np.random.Generator | None = None
) -> Process:
    """A process of independent draws from finitely many outcomes.

    Args:
        distribution: output -> weight; normalised here.
        descriptions: Wordings.
        rng: Where given, each wording also comes with the list of possible outputs, in shuffled order.
    """
    outputs = np.array(list(distribution), dtype=object)
    probs = np.array(list(distribution.values()), dtype=float)
    probs /= probs.sum()
    wordings = list(descriptions)
    if rng is not None:
        wordings += [with_options(text, list(distribution), rng=rng) for text in descriptions]
    return Process(
        descriptions=tuple(wordings),
        draw=lambda generator, n: [str(output) for output in generator.choice(outputs, size=n, p=probs)],
        distribution={str(output): float(prob) for output, prob in zip(outputs, probs, strict=True)},
    )


def without_replacement(items: Sequence[str], descriptions: Sequence[str]) -> Process:
    """A process that draws each item at most once, all orders equally likely."""
    pool = list(items)
    return Process(
        descriptions=tuple(descriptions),
        draw=lambda generator, n: [pool[i] for i in generator.permutation(len(pool))[:n]],
        limit=len(pool),
    )


# The first wording is the one that evaluation asks with; training sees it among the others.
_OPTION_WORDINGS = (
    ("\nOptions: ", "; ", ""),
    ("\nOptions: ", ", ", ""),
    ("\nAnswer with one of: ", "; ", ""),
    ("\nPossible answers: ", " / ", ""),
    (" (", ", ", ")"),
    ("\n- ", "\n- ", ""),
)


def with_options(text: str, options: Sequence[str], *, rng: np.random.Generator) -> str:
    """A text followed by the list of possible outputs, in one of several wordings and a random order."""
    wording = 0 if rng.random() < 0.4 else int(rng.integers(1, len(_OPTION_WORDINGS)))
    shuffled = [options[i] for i in rng.permutation(len(options))]
    return text + list_options(shuffled, wording=wording)


def list_options(options: Sequence[str], *, wording: int = 0) -> str:
    """The list of possible outputs as it is put behind a text; wording 0 is what evaluation uses."""
    opening, separator, closing = _OPTION_WORDINGS[wording]
    return opening + separator.join(options) + closing


def pick(rng: np.random.Generator, items: Sequence[str]) -> str:
    """One of the items, each equally likely."""
    return items[int(rng.integers(len(items)))]


def pick_some(rng: np.random.Generator, items: Sequence[str], *, n: int) -> list[str]:
    """So many different items, in random order."""
    return [items[i] for i in rng.permutation(len(items))[:n]]


def percentages(rng: np.random.Generator, n: int) -> list[int]:
    """Whole percentages, each at least 1, that sum to 100: Dirichlet(1) rounded by largest remainder."""
    shares = rng.dirichlet(np.ones(n)) * (100 - n)
    whole = np.floor(shares).astype(int)
    short = 100 - n - int(whole.sum())
    whole[np.argsort(whole - shares, kind="stable")[:short]] += 1
    return [int(value) + 1 for value in whole]
