"""Cells as arrays, and the pairs of groups that a question was put to: there may be hundreds of thousands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pluralign.evals.cells import Array, Cell
from pluralign.metrics import total_variation
from pluralign.records import Answer, QuestionSet

Mask = NDArray[np.bool_]
Index = NDArray[np.int64]

# More pairs than this take minutes and tell nothing more.
MAX_PAIRS = 200_000


@dataclass(frozen=True)
class Table:
    """Cells as rows. Distributions are padded with zeros to the largest number K of options.

    Attributes:
        cells: The cells, (N,).
        people: Shares of the people, (N, K).
        model: The model's distributions, (N, K); NaN where there is none.
        unsteered: The model's distributions with no condition, (N, K); NaN where there is none, and where the cell's
            own answer has no condition.
        n_people: Number of people, effective where weights apply, (N,); NaN where unknown.
        questions: Number of each cell's question, (N,).
        groupings: Number of what stands before the "=" of each cell's group, (N,).
        ranks: Place of each cell's group among the groups of the set, (N,).
        lost: Why there is no distribution, (N,); "" where there is one.
    """

    cells: tuple[Cell, ...]
    people: Array
    model: Array
    unsteered: Array
    n_people: Array
    questions: Index
    groupings: Index
    ranks: Index
    lost: NDArray[np.str_]

    @property
    def own(self) -> Array:
        """Total variation between the model's answer and its own group's, (N,)."""
        return distances(self.model, self.people)

    def mask(self, cells: Sequence[Cell]) -> Mask:
        """Which rows are among some cells, (N,)."""
        keys = {cell.key for cell in cells}
        return np.array([cell.key in keys for cell in self.cells], dtype=bool)


@dataclass(frozen=True)
class Pairs:
    """Two groups of one grouping that a question was put to, by the rows of a table.

    Attributes:
        first: Row of the group that comes first in the set, (P,).
        second: Row of the other, (P,).
        n_possible: Number of pairs there are; more than P where some were drawn.
    """

    first: Index
    second: Index
    n_possible: int


def grouping(group: str) -> str:
    """What a group is one of: "party" for "party=Democrat"; ids without "=" are of one grouping, ""."""
    name, has_value, _ = group.partition("=")
    return name if has_value else ""


def make_table(questions: QuestionSet, cells: Sequence[Cell], *, unsteered: Mapping[str, Answer]) -> Table:
    """Lay out cells as arrays.

    Args:
        questions: Gives the order of questions and groups.
        cells: The cells.
        unsteered: Question id -> the answer without condition.
    """
    width = max((len(cell.target) for cell in cells), default=1)
    numbers = {question.id: number for number, question in enumerate(questions.questions)}
    ranks = {group.id: rank for rank, group in enumerate(questions.groups)}
    groupings = {
        name: number
        for number, name in enumerate(dict.fromkeys(grouping(group.id) for group in questions.groups))
    }
    return Table(
        cells=tuple(cells),
        people=_stack([cell.target for cell in cells], width=width),
        model=_stack([cell.probabilities for cell in cells], width=width),
        unsteered=_stack([_unsteered(cell, unsteered) for cell in cells], width=width),
        n_people=np.array([np.nan if cell.n_people is None else cell.n_people for cell in cells]),
        questions=np.array([numbers[cell.question.id] for cell in cells], dtype=np.int64),
        groupings=np.array([groupings[grouping(cell.group)] for cell in cells], dtype=np.int64),
        ranks=np.array([ranks[cell.group] for cell in cells], dtype=np.int64),
        lost=np.array([cell.unscored_reason or "" for cell in cells], dtype=np.str_),
    )


def make_pairs(table: Table, *, limit: int = MAX_PAIRS, seed: int) -> Pairs:
    """All pairs of groups of one grouping that the model was asked one question for; or so many, drawn at random.

    Args:
        table: The cells; those that were not asked are in no pair.
        limit: Largest number of pairs.
        seed: Seed of the draw.
    """
    asked = np.flatnonzero([cell.answer is not None for cell in table.cells])
    rows = asked[np.lexsort((table.ranks[asked], table.groupings[asked], table.questions[asked]))]
    blocks = np.stack([table.questions[rows], table.groupings[rows]])
    is_start = np.ones(len(rows), dtype=bool)
    is_start[1:] = (np.diff(blocks) != 0).any(axis=0)
    starts = np.flatnonzero(is_start)
    sizes = np.diff(np.append(starts, len(rows)))
    ends = np.cumsum(sizes * (sizes - 1) // 2)
    n_possible = int(ends[-1]) if len(ends) else 0
    drawn = np.arange(n_possible)
    if n_possible > limit:
        drawn = np.sort(np.random.default_rng(seed).choice(n_possible, size=limit, replace=False))
    block = np.searchsorted(ends, drawn, side="right")
    number = drawn - np.append(0, ends[:-1])[block] if len(ends) else drawn
    first, second = _unranked(number)
    return Pairs(rows[starts[block] + first], rows[starts[block] + second], n_possible)


def distances(first: Array, second: Array) -> Array:
    """Total variation between the rows of two stacks, (N, K) each: (N,), NaN where a row is missing."""
    known = ~np.isnan(first[:, 0]) & ~np.isnan(second[:, 0])
    found = np.full(len(first), np.nan)
    if known.any():
        found[known] = total_variation(first[known], second[known])
    return found


def _unranked(numbers: Index) -> tuple[Index, Index]:
    """The pairs (0, 1), (0, 2), (1, 2), (0, 3), ... by their number."""
    second = ((1 + np.sqrt(1 + 8 * numbers.astype(np.float64))) / 2).astype(np.int64)
    # The root may be rounded to the wrong side of a whole number.
    second -= second * (second - 1) // 2 > numbers
    second += second * (second + 1) // 2 <= numbers
    return numbers - second * (second - 1) // 2, second


def _stack(distributions: Sequence[Array | None], *, width: int) -> Array:
    rows = np.full((len(distributions), width), np.nan)
    for row, distribution in zip(rows, distributions, strict=True):
        if distribution is not None:
            row[:] = 0.0
            row[: len(distribution)] = distribution
    return rows


def _unsteered(cell: Cell, unsteered: Mapping[str, Answer]) -> Array | None:
    answer = unsteered.get(cell.question.id)
    is_steered = cell.answer is not None and cell.answer.condition.kind != "none"
    return np.array(answer.probabilities) if is_steered and answer and answer.probabilities else None
