"""Metrics of single cells: distance, what the answers look like, what steering gains, how equally groups fare."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pluralign.evals.cells import Array
from pluralign.evals.distributional.measures import DISTANCES, QUANTITIES, Quantity
from pluralign.evals.steerable.classes import NONE, Classes
from pluralign.evals.steerable.membership import NO_GROUP, Membership, grouping_parts
from pluralign.evals.steerable.metric import FORM, GROUP, WHOLE, Metric, Rows, means
from pluralign.evals.steerable.table import Index, Mask, Table, distances
from pluralign.metrics import entropy_bits, group_columns, spread_of_group_means_of_sums

_BY_NAME = {measure.name: measure for measure in DISTANCES}
OWN = replace(
    _BY_NAME["total_variation"],
    name="own_total_variation",
    definition="total variation between the model's answer for a group and that group's: half the sum of the absolute "
    "differences between the options' probabilities",
)
MATCH = _BY_NAME["mode_match"]
GAIN, INEQUITY, ENTROPY_RATIO = "steering_gain", "value_inequity", "entropy_ratio"

N_PERMUTATIONS = 200


def own_metric(table: Table) -> Metric:
    """The distance from the own group, without what stands beside it."""
    return Metric(
        name=OWN.name,
        unit=OWN.unit,
        definition=OWN.definition,
        lower_is_better=True,
        rows=Rows.of_cells(table),
        columns=means(table.own),
        kinds=frozenset({WHOLE, FORM, GROUP}),
    )


def gain_metric(table: Table) -> Metric:
    """By how much the condition brings the model nearer to the group."""
    return Metric(
        name=GAIN,
        unit="probability",
        definition="mean of the total variation between the unsteered model's answer and the group's, less that of the "
        "answer for the group: above 0, steering brings the model nearer",
        lower_is_better=False,
        rows=Rows.of_cells(table),
        columns=means(distances(table.unsteered, table.people) - table.own),
    )


def quantity_metrics(table: Table) -> list[Metric]:
    """What the distributional evaluator says of the answers themselves: entropy, refusals, valid mass."""
    return [_quantity_metric(quantity, table) for quantity in QUANTITIES]


def _quantity_metric(quantity: Quantity, table: Table) -> Metric:
    values, people = _quantity_values(quantity, table)
    columns = np.stack([values, people]) if quantity.is_ratio and people is not None else means(values)
    return Metric(
        name=quantity.name,
        unit=quantity.unit,
        definition=quantity.definition,
        lower_is_better=quantity.lower_is_better,
        rows=Rows.of_cells(table),
        columns=columns,
        undefined="the people have none",
        people=None if people is None else 1.0 if quantity.is_ratio else means(people),
        optional=True,
    )


def _quantity_values(quantity: Quantity, table: Table) -> tuple[Array, Array | None]:
    """The model's values, (N,), NaN where there is none, and the people's, if they have any."""
    if quantity.name.startswith("entropy"):  # the one that takes long, cell by cell
        known = ~np.isnan(table.model[:, 0])
        values = np.full(len(known), np.nan)
        values[known] = entropy_bits(table.model[known])
        return values, entropy_bits(table.people)
    values = np.array([_number(quantity.value(cell)) for cell in table.cells])
    if quantity.people is None:
        return values, None
    return values, np.array([_number(quantity.people(cell)) for cell in table.cells])


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def inequity_metrics(
    table: Table,
    classes: Classes,
    *,
    groupings: Sequence[Membership],
    kept: Mask,
    chance_seed: int | None = None,
    scale: float = 1.0,
    unit: str = "probability",
) -> list[Metric]:
    """The spread of accuracy over the groups of each grouping.

    Args:
        table: The cells.
        classes: Their classes.
        groupings: The groupings.
        kept: The cells that count, (N,).
        chance_seed: Seed of the spread that an equal model has; None where it is not needed.
        scale: What the standard deviation is multiplied by.
        unit: Unit of the result.
    """
    hits = np.where(classes.predicted == NONE, np.nan, (classes.predicted == classes.gold).astype(np.float64))
    found = []
    for membership, part in zip(groupings, grouping_parts(groupings, kept=kept), strict=True):
        belongs = membership.of_cell != NO_GROUP
        known = belongs & kept & ~np.isnan(hits)
        groups = membership.of_cell[known]
        columns = np.full((2 * len(membership.groups), len(hits)), np.nan)
        columns[:, known] = group_columns(hits[known], groups, n_groups=len(membership.groups))
        baselines = {}
        if chance_seed is not None and known.any():
            spread = _chance_spread(hits[known], groups, n_groups=len(membership.groups), seed=chance_seed)
            baselines["chance"] = scale * spread
        found.append(
            Metric(
                name=INEQUITY,
                unit=unit,
                definition="population standard deviation of accuracy over the groups, here "
                f"{len(membership.groups)}; beside it what an equal model has by chance: the mean when right and wrong "
                f"answers are dealt out anew over all cells, {N_PERMUTATIONS} times",
                lower_is_better=True,
                rows=Rows.of_cells(table),
                columns=columns,
                statistic=lambda sums: scale * spread_of_group_means_of_sums(sums),
                baselines=baselines,
                parts=(part,),
                grows=True,
            )
        )
    return found


def _chance_spread(hits: Array, groups: Index, *, n_groups: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    counts = np.bincount(groups, minlength=n_groups).astype(np.float64)
    totals = [
        np.bincount(groups, weights=rng.permutation(hits), minlength=n_groups) for _ in range(N_PERMUTATIONS)
    ]
    sums = np.concatenate([np.transpose(totals), np.repeat(counts[:, None], N_PERMUTATIONS, axis=1)])
    return float(spread_of_group_means_of_sums(sums).mean())
