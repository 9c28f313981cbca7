"""Everything that the metrics of one set of answers are made from, and our own metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.evals.cells import Array, Cell
from pluralign.evals.distributional.baselines import Baselines
from pluralign.evals.distributional.measures import DistanceMeasure
from pluralign.evals.distributional.values import Scored, score_cells
from pluralign.evals.steerable.cellwise import (
    MATCH,
    OWN,
    gain_metric,
    inequity_metrics,
    own_metric,
    quantity_metrics,
)
from pluralign.evals.steerable.classes import Classes, class_metrics, make_classes
from pluralign.evals.steerable.contrastive import contrast_metrics
from pluralign.evals.steerable.halves import Halves, split_pairs
from pluralign.evals.steerable.membership import Membership, memberships
from pluralign.evals.steerable.metric import Metric
from pluralign.evals.steerable.table import Mask, Pairs, Table, make_pairs, make_table
from pluralign.metrics import MIN_PEOPLE_TO_SPLIT
from pluralign.records import Answer, QuestionSet


@dataclass(frozen=True)
class Besides:
    """What stands beside the values; made only where results are reported, as it takes longest.

    Attributes:
        scored: Distance -> cell -> its value, baselines, floor and ceiling.
        halves: One half of the people against the other, pair by pair.
    """

    scored: Mapping[str, Mapping[tuple[str, str], Scored]]
    halves: Halves

    def column(
        self, table: Table, measure: DistanceMeasure, *, pick: Callable[[Scored], float | None]
    ) -> Array:
        """One number of every cell under a distance, (N,); NaN where there is none."""
        scored = self.scored.get(measure.name, {})
        values = [None if (one := scored.get(cell.key)) is None else pick(one) for cell in table.cells]
        return np.array([np.nan if value is None else value for value in values])


@dataclass(frozen=True)
class Measured:
    """One set of answers, ready for metrics.

    Attributes:
        table: The cells.
        pairs: The pairs of cells.
        classes: The classes of the cells.
        memberships: The groupings.
        kept: Which cells count in the slice "all", (N,): all, or those without faults.
        besides: What stands beside the values; None where it is not needed.
        seed: Seed of what is drawn at random.
    """

    table: Table
    pairs: Pairs
    classes: Classes
    memberships: tuple[Membership, ...]
    kept: Mask
    besides: Besides | None
    seed: int


def measure(
    questions: QuestionSet,
    cells: Sequence[Cell],
    *,
    unsteered: Mapping[str, Answer],
    kept: Sequence[Cell],
    beside: Sequence[DistanceMeasure] | None,
    seed: int,
) -> Measured:
    """Lay out one set of answers.

    Args:
        questions: All questions with all groups.
        cells: The cells of groups of people.
        unsteered: Question id -> the answer without condition.
        kept: The cells that count in the slice "all".
        beside: Distances beside which baselines, floor and ceiling are to stand; None for nothing beside anything.
        seed: Seed of what is drawn at random.
    """
    table = make_table(questions, cells, unsteered=unsteered)
    pairs = make_pairs(table, seed=seed)
    baselines = None if beside is None else Baselines(questions)
    besides = None
    if beside is not None and baselines is not None:
        # Of the most frequent answer nothing but the ceiling is used.
        has_halves = any(
            cell.n_people is not None and round(cell.n_people) >= MIN_PEOPLE_TO_SPLIT for cell in cells
        )
        needed = [distance for distance in beside if distance is not MATCH or has_halves]
        besides = Besides(
            score_cells(cells, needed, baselines=baselines, preset=None, seed=seed),
            split_pairs(table, pairs, seed=seed),
        )
    return Measured(
        table=table,
        pairs=pairs,
        classes=make_classes(table, questions, baselines=baselines),
        memberships=memberships(table, questions),
        kept=table.mask(kept),
        besides=besides,
        seed=seed,
    )


def own_metrics(measured: Measured) -> list[Metric]:
    """Every metric of ours; the primary one first."""
    table, besides = measured.table, measured.besides
    split_half = matched = None
    if besides is not None:
        split_half = besides.column(table, OWN, pick=lambda one: one.ceiling)
        matched = besides.column(table, MATCH, pick=lambda one: one.ceiling)
    identification, *contrasts = contrast_metrics(
        table, measured.pairs, halves=besides.halves if besides else None, split_half=split_half
    )
    return [
        identification,
        own_metric(table),
        *contrasts,
        gain_metric(table),
        *class_metrics(table, measured.classes, ceiling=matched),
        *inequity_metrics(
            table,
            measured.classes,
            groupings=measured.memberships,
            kept=measured.kept,
            chance_seed=measured.seed if besides else None,
        ),
        *quantity_metrics(table),
    ]
