"""Metrics of pairs of groups: is the right one recognised, in which direction do answers differ, and by how much."""

from functools import partial

import numpy as np

from pluralign.evals.cells import Array
from pluralign.evals.steerable.halves import Halves
from pluralign.evals.steerable.metric import FORM, PAIR, WHOLE, Metric, Rows, means
from pluralign.evals.steerable.table import Pairs, Table, distances
from pluralign.metrics import (
    contrast_products,
    corrected_slope_of_sums,
    correlation_of_sums,
    identified,
    sampling_noise,
    slope_of_sums,
)

IDENTIFICATION = "identification_rate"
SLOPE, CORRECTED_SLOPE, CORRELATION = "contrast_slope", "contrast_slope_corrected", "contrast_correlation"
SWAPPED, BETWEEN, DRIFT = "swapped_total_variation", "group_total_variation", "drift_total_variation"

# Two groups agree on a question where at most one person in ten would have to answer otherwise for their shares to be
# equal: with some hundred people a group, sampling alone makes half of that.
AGREEMENT = 0.1

ALIKE, UNCOUNTED = "people alike", "number of people unknown"
_KINDS = frozenset({WHOLE, FORM, PAIR})


def contrast_metrics(
    table: Table, pairs: Pairs, *, halves: Halves | None = None, split_half: Array | None = None
) -> list[Metric]:
    """Every metric of pairs.

    Args:
        table: The cells.
        pairs: The pairs of cells.
        halves: One half of the people against the other, for the ceilings; None where these are not needed.
        split_half: Total variation between halves of the people of each cell, (N,); None likewise.
    """
    drawn = ""
    if len(pairs.first) < pairs.n_possible:
        drawn = f"; over {len(pairs.first):,} pairs, drawn at random out of {pairs.n_possible:,}"
    metric = partial(Metric, kinds=_KINDS)
    found = [
        _identification(table, pairs, halves=halves, drawn=drawn),
        *_contrasts(table, pairs, halves=halves, drawn=drawn),
        *_distances(table, pairs, split_half=split_half, drawn=drawn),
    ]
    agree = distances(table.people[pairs.first], table.people[pairs.second]) <= AGREEMENT
    rows = Rows(table, pairs.first[agree], pairs.second[agree])
    found.append(
        metric(
            name=DRIFT,
            unit="probability",
            definition="mean total variation between the model's answers for two groups, over the questions on which "
            f"their people agree: a total variation of at most {AGREEMENT}; beside it the people's own{drawn}",
            lower_is_better=True,
            rows=rows,
            columns=means(distances(table.model[rows.first], table.model[pairs.second[agree]])),
            people=means(distances(table.people[rows.first], table.people[pairs.second[agree]])),
        )
    )
    return found


def _identification(table: Table, pairs: Pairs, *, halves: Halves | None, drawn: str) -> Metric:
    rows = Rows.of_comparisons(table, pairs)
    second = np.concatenate([pairs.second, pairs.first])
    nearer = identified(table.own[rows.first], distances(table.model[rows.first], table.people[second]))
    alike = distances(table.people[rows.first], table.people[second]) <= 1e-9
    return Metric(
        name=IDENTIFICATION,
        unit="probability",
        definition="share of comparisons in which the answer for a group is nearer, in total variation, to that group "
        "than to the other of the pair; equal distances count half; pairs whose people answer exactly alike are left "
        f"out{drawn}",
        lower_is_better=False,
        rows=rows,
        columns=means(np.where(alike, np.nan, nearer)),
        baselines={"chance": 0.5},
        ceiling=None if halves is None else means(np.where(alike, np.nan, halves.identified.ravel())),
        left_out={ALIKE: alike},
        kinds=_KINDS,
    )


def _contrasts(table: Table, pairs: Pairs, *, halves: Halves | None, drawn: str) -> list[Metric]:
    """Slope, corrected slope and correlation."""
    first, second = pairs.first, pairs.second
    products = contrast_products(
        table.model[first] - table.model[second], table.people[first] - table.people[second]
    )
    noise = sampling_noise(table.people, table.n_people)
    noise = noise[first] + noise[second]
    metric = partial(Metric, rows=Rows.of_pairs(table, pairs), lower_is_better=None, kinds=_KINDS)
    slope = metric(
        name=SLOPE,
        unit="ratio",
        definition="size of the predicted differences between two groups in the direction of the real ones: "
        "<d_pred, d_hum> / <d_hum, d_hum>, over questions and options; 1 as among people, 0 the group is ignored, "
        f"above 1 caricature, below 0 reversed; sampling noise of the people lowers it{drawn}",
        columns=products[:2],
        statistic=slope_of_sums,
        undefined="the people of no two groups differ",
        people=1.0,
        ceiling=None if halves is None else halves.products[:2],
        baselines={"chance": 0.0},
    )
    corrected = metric(
        name=CORRECTED_SLOPE,
        unit="ratio",
        definition="the contrast slope with the people's sampling noise, the sum of h (1 - h) / (n - 1) over both groups "
        f"and the options, taken out of the denominator: the expectation of a perfect model is 1{drawn}",
        columns=np.stack([*products[:2], noise]),
        statistic=corrected_slope_of_sums,
        undefined="the people's groups differ by no more than sampling noise",
        people=1.0,
        ceiling=None if halves is None else np.stack([*halves.products[:2], halves.noise]),
        baselines={"chance": 0.0},
        left_out={UNCOUNTED: np.isnan(noise)},
    )
    correlation = metric(
        name=CORRELATION,
        unit="correlation",
        definition="Pearson correlation of predicted and real differences between two groups, stacked over questions "
        f"and options: whether the differences are the right ones, whatever their size{drawn}",
        lower_is_better=False,
        columns=products,
        statistic=correlation_of_sums,
        undefined="the predictions do not differ between groups" if products[1].any() else slope.undefined,
        ceiling=None if halves is None else halves.products,
        baselines={"chance": 0.0},
    )
    return [slope, *([] if np.isnan(noise).all() else [corrected]), correlation]


def _distances(table: Table, pairs: Pairs, *, split_half: Array | None, drawn: str) -> list[Metric]:
    """Distance from the other group, and between the groups themselves."""
    first, second = pairs.first, pairs.second
    both = Rows.of_comparisons(table, pairs)
    others = np.concatenate([second, first])
    between = distances(table.people[first], table.people[second])
    swapped = Metric(
        name=SWAPPED,
        unit="probability",
        definition="mean total variation between the model's answer for a group and the people of the other group of the "
        f"pair; beside it what the people of the group themselves have: the distance between the groups{drawn}",
        lower_is_better=None,
        rows=both,
        columns=means(distances(table.model[both.first], table.people[others])),
        people=means(np.concatenate([between, between])),
        kinds=_KINDS,
    )
    apart = Metric(
        name=BETWEEN,
        unit="probability",
        definition="mean total variation between the people of two groups: where it is small, there is nothing to steer "
        f"towards; beside it what two halves of the same group have{drawn}",
        lower_is_better=None,
        rows=Rows.of_pairs(table, pairs),
        columns=means(
            np.where(np.isnan(table.model[first] + table.model[second]).any(axis=1), np.nan, between)
        ),
        ceiling=None if split_half is None else means((split_half[first] + split_half[second]) / 2),
        kinds=_KINDS,
        of_people=True,
    )
    return [swapped, apart]
