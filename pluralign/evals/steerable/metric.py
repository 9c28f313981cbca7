"""A metric as a function of what is summed over rows: its value, its interval, what stands beside it, differences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pluralign.evals.cells import Array
from pluralign.evals.distributional.estimates import N_RESAMPLES, bootstrap_method
from pluralign.evals.steerable.table import Index, Mask, Pairs, Table
from pluralign.metrics import (
    Statistic,
    cluster_bootstrap_of_sums,
    minimum_detectable_difference_of_sums,
    paired_bootstrap_of_sums,
    ratio_of_sums,
)
from pluralign.records import Comparison, Estimate, Interval

# Kinds of slices.
WHOLE, FORM, GROUP, PAIR = "whole", "form", "group", "pair"

# A value for each row's columns, (C, n), NaN where there is none; or a constant.
Beside = Array | float


@dataclass(frozen=True)
class Part:
    """Some of the cells.

    Attributes:
        name: Name of the slice.
        mask: Which rows of the table, (N,).
        kind: `WHOLE` for all cells, a family and a grouping.
    """

    name: str
    mask: Mask
    kind: str = WHOLE


@dataclass(frozen=True)
class Rows:
    """What a metric has one value of: cells, or pairs of cells.

    Attributes:
        table: The cells.
        first: Row of the cell, or of the pair's cell that the value belongs to, (n,).
        second: Row of the pair's other cell, (n,); None for cells.
    """

    table: Table
    first: Index
    second: Index | None = None

    @classmethod
    def of_cells(cls, table: Table) -> "Rows":
        """Every cell."""
        return cls(table, np.arange(len(table.cells)))

    @classmethod
    def of_pairs(cls, table: Table, pairs: Pairs) -> "Rows":
        """Every pair, once."""
        return cls(table, pairs.first, pairs.second)

    @classmethod
    def of_comparisons(cls, table: Table, pairs: Pairs) -> "Rows":
        """Every pair twice: the first cell against the other group, then the second cell against the first group."""
        there, back = (pairs.first, pairs.second), (pairs.second, pairs.first)
        first, second = (np.concatenate(ends) for ends in zip(there, back, strict=True))
        return cls(table, first, second)

    def within(self, mask: Mask) -> Mask:
        """Which rows lie in a part of the table, with both their cells, (n,)."""
        return mask[self.first] if self.second is None else mask[self.first] & mask[self.second]

    @property
    def lost(self) -> Any:
        """Why a row has no answer, (n,); "" where it has."""
        own = self.table.lost[self.first]
        return own if self.second is None else np.where(own != "", own, self.table.lost[self.second])


@dataclass(frozen=True)
class Metric:
    """A metric over rows.

    Attributes:
        name: Name in results.
        unit: Unit of the value.
        definition: The formula.
        lower_is_better: Direction; None where the people's value is the right one.
        rows: What it has one value of.
        columns: What is summed, (C, n); NaN where a row has none.
        statistic: Function of the sums.
        undefined: Why the value is undefined, where rows have columns but the statistic no value.
        people: The same columns of the people themselves, or their value.
        ceiling: The same columns of one half of the people against the other.
        noise_floor: The same columns of the population itself.
        baselines: Trivial predictor -> the same columns, or its value.
        left_out: Reason -> rows that are left out for it, (n,).
        kinds: Kinds of slices over which it is taken.
        parts: Its own slices, which take the place of the common ones.
        of_people: Whether it says nothing of the model, so that two systems cannot differ in it.
        optional: Whether it is left away where it has no value.
        grows: Whether resampling alone makes the value larger, as it does a spread: the interval is then moved back.
    """

    name: str
    unit: str
    definition: str
    lower_is_better: bool | None
    rows: Rows
    columns: Array
    statistic: Statistic = ratio_of_sums
    undefined: str = "undefined"
    people: Beside | None = None
    ceiling: Array | None = None
    noise_floor: Array | None = None
    baselines: Mapping[str, Beside] = field(default_factory=dict)
    left_out: Mapping[str, Mask] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset({WHOLE, FORM})
    parts: tuple[Part, ...] = ()
    of_people: bool = False
    optional: bool = False
    grows: bool = False

    @property
    def known(self) -> Mask:
        """Which rows have a value, (n,)."""
        return np.asarray(~np.isnan(self.columns).any(axis=0))

    def value(self, columns: Array, rows: Mask) -> float | None:
        """The statistic of columns over some rows; None where it is undefined."""
        found = float(self.statistic(columns[:, rows].sum(axis=1)[:, None])[0])
        return found if np.isfinite(found) else None


def means(values: Array, *, weights: Array | float = 1.0) -> Array:
    """The columns of a (weighted) mean of one value a row: (2, n), NaN where a row has none."""
    return np.stack([values * weights, np.where(np.isnan(values), np.nan, weights)])


def estimate(metric: Metric, part: Part, *, seed: int) -> Estimate | None:
    """A metric over a slice; None where no row of the slice has it and none was lost.

    Args:
        metric: The metric.
        part: The slice.
        seed: Seed of the bootstrap over questions.
    """
    inside = metric.rows.within(part.mask)
    rows = inside & metric.known
    lost = _unscored(metric, inside)
    common: dict[str, Any] = {
        "name": metric.name,
        "slice": part.name,
        "unit": metric.unit,
        "definition": metric.definition,
        "lower_is_better": metric.lower_is_better,
        "n_unscored": lost,
        "n_questions": len(np.unique(_clusters(metric, rows))),
        "n_cells": int(rows.sum()),
    }
    if not rows.any():
        is_told = bool(lost) and not metric.optional
        return Estimate(**common, value=None, reason="nothing could be scored") if is_told else None
    beside = _beside(metric, rows)
    value = metric.value(metric.columns, rows)
    if value is None:
        return None if metric.optional else Estimate(**common, **beside, value=None, reason=metric.undefined)
    return Estimate(**common, **beside, value=value, interval=_interval(metric, rows, value=value, seed=seed))


def _interval(metric: Metric, rows: Mask, *, value: float, seed: int) -> Interval | None:
    bounds = cluster_bootstrap_of_sums(
        metric.columns[:, rows],
        metric.statistic,
        clusters=_clusters(metric, rows),
        centre=value if metric.grows else None,
        n_resamples=N_RESAMPLES,
        seed=seed,
    )
    if bounds is None:
        return None
    if metric.grows:
        method = f"{bootstrap_method()}, less what resampling adds"
        return Interval(low=max(bounds.low, 0.0), high=bounds.high, method=method)
    return Interval(low=bounds.low, high=bounds.high, method=bootstrap_method())


def compare(
    first: tuple[str, Metric], second: tuple[str, Metric], *, part: Part, seed: int
) -> Comparison | None:
    """The difference of a metric between two systems over the rows where both have it; None where there is none.

    Args:
        first: Label and metric of the minuend.
        second: Label and metric of the subtrahend, over the same rows.
        part: The slice.
        seed: Seed of the bootstrap over questions.
    """
    (label, minuend), (other, subtrahend) = first, second
    rows = minuend.rows.within(part.mask) & minuend.known & subtrahend.known
    if not rows.any():
        return None
    value, against = minuend.value(minuend.columns, rows), subtrahend.value(subtrahend.columns, rows)
    if value is None or against is None:
        return None
    columns = minuend.columns[:, rows], subtrahend.columns[:, rows]
    clusters = _clusters(minuend, rows)
    settings: Any = {
        "statistic": minuend.statistic,
        "clusters": clusters,
        "n_resamples": N_RESAMPLES,
        "seed": seed,
    }
    paired = paired_bootstrap_of_sums(*columns, **settings)
    interval = Interval(low=paired.low, high=paired.high, method=bootstrap_method()) if paired else None
    return Comparison(
        name=minuend.name,
        slice=part.name,
        first=label,
        second=other,
        difference=value - against,
        interval=interval,
        p_value=paired.p_value if paired else None,
        minimum_detectable=minimum_detectable_difference_of_sums(*columns, **settings),
        n_questions=len(np.unique(clusters)),
        n_cells=int(rows.sum()),
        unit=minuend.unit,
        lower_is_better=minuend.lower_is_better,
    )


def _clusters(metric: Metric, rows: Mask) -> Index:
    return metric.rows.table.questions[metric.rows.first[rows]]


def _unscored(metric: Metric, inside: Mask) -> dict[str, int]:
    """Reason -> number of rows without a value: those without an answer, then those left out on purpose."""
    missing = inside & ~metric.known
    lost = metric.rows.lost
    reasons, counts = np.unique(lost[missing & (lost != "")], return_counts=True)
    found = dict(zip(reasons.tolist(), counts.tolist(), strict=True))
    for reason, mask in metric.left_out.items():
        if n := int((missing & mask & (lost == "")).sum()):
            found[reason] = n
    return found


def _beside(metric: Metric, rows: Mask) -> dict[str, Any]:
    """What stands beside the value, as fields of an Estimate; each over the rows where it exists."""
    baselines, cells = {}, {}
    for name, columns in metric.baselines.items():
        exists = rows if isinstance(columns, float) else rows & ~np.isnan(columns).any(axis=0)
        value = _over(metric, columns, rows)
        if value is not None:
            baselines[name] = value
            if exists.sum() < rows.sum():
                cells[name] = int(exists.sum())
    return {
        "baselines": baselines,
        "baseline_cells": cells,
        "people": _over(metric, metric.people, rows),
        "ceiling": _over(metric, metric.ceiling, rows),
        "noise_floor": _over(metric, metric.noise_floor, rows),
    }


def _over(metric: Metric, columns: Beside | None, rows: Mask) -> float | None:
    if columns is None or isinstance(columns, float):
        return columns
    exists = rows & ~np.isnan(columns).any(axis=0)
    return metric.value(columns, exists) if exists.any() else None
