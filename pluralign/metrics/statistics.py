"""What makes a mean believable: intervals and tests over questions, and its place between baseline and floor.

Answers of several groups to one question are not independent, so whole questions (clusters) are resampled, never
single rows. All randomness comes from the `seed` given.
"""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import FloatArray, check_count, finite_vector


class Bounds(NamedTuple):
    """Both ends of an interval."""

    low: float
    high: float


class PairedDifference(NamedTuple):
    """Mean difference of two systems on the same cells.

    Attributes:
        difference: mean(first - second).
        low: Lower end of the interval.
        high: Upper end of the interval.
        p_value: Two-sided, of no difference.
    """

    difference: float
    low: float
    high: float
    p_value: float


def cluster_bootstrap(
    values: ArrayLike, clusters: ArrayLike, *, n_resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> Bounds | None:
    """Percentile bootstrap interval of the mean of the values, whole clusters resampled.

    Args:
        values: One value a cell, shape (n,).
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        n_resamples: Number of bootstrap resamples.
        level: Coverage aimed at.
        seed: Seed of the resampling.

    Returns:
        The interval, or None where fewer than two clusters exist: one cluster says nothing of the spread between
        clusters.

    Raises:
        DataError: The arrays are not finite, not one-dimensional or not equally long.
        ConfigurationError: `n_resamples` or `level` is out of range.
    """
    cells = finite_vector("values", values)
    means = _resampled_means(cells, clusters, n_resamples=n_resamples, seed=seed)
    return None if means is None else _percentile_bounds(means, level)


def cluster_bootstrap_ratio(
    numerators: ArrayLike,
    denominators: ArrayLike,
    *,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Bounds | None:
    """Percentile bootstrap interval of sum(numerators) / sum(denominators), whole clusters resampled.

    Args:
        numerators: One value a cell, shape (n,).
        denominators: One value a cell, at least 0, shape (n,).
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        n_resamples: Number of bootstrap resamples.
        level: Coverage aimed at.
        seed: Seed of the resampling.

    Returns:
        The interval, or None where fewer than two clusters exist, or where so few denominators are above 0 that
        those of a whole resample sum to 0.

    Raises:
        DataError: The arrays are not finite, not one-dimensional or not equally long, or a denominator is negative.
        ConfigurationError: `n_resamples` or `level` is out of range.
    """
    above, below = _equally_long(("numerators", numerators), ("denominators", denominators))
    if (below < 0).any():
        index = int(np.flatnonzero(below < 0)[0])
        raise DataError(f"denominators[{index}] must not be negative: {below[index]}.")
    sums = _resampled_sums([above, below], clusters, n_resamples=n_resamples, seed=seed)
    if sums is None or not sums[1].all():
        return None
    return _percentile_bounds(sums[0] / sums[1], level)


def paired_bootstrap_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> PairedDifference | None:
    """Mean difference, first - second, of two systems scored on the same cells, whole clusters resampled.

    The p-value inverts the percentile interval: 2 (min(#{d* <= 0}, #{d* >= 0}) + 1) / (n_resamples + 1), at most
    1; the + 1 keeps it above 0 (Davison & Hinkley 1997, section 4.2).

    Args:
        first: Values of the first system, shape (n,).
        second: Values of the second system on the same cells in the same order, shape (n,).
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        n_resamples: Number of bootstrap resamples.
        level: Coverage of the interval aimed at.
        seed: Seed of the resampling.

    Returns:
        The difference, or None where fewer than two clusters exist.

    Raises:
        DataError: The arrays are not finite, not one-dimensional or not equally long.
        ConfigurationError: `n_resamples` or `level` is out of range.
    """
    minuend, subtrahend = _equally_long(("first", first), ("second", second))
    differences = minuend - subtrahend
    means = _resampled_means(differences, clusters, n_resamples=n_resamples, seed=seed)
    if means is None:
        return None
    n_beyond_zero = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    return PairedDifference(
        difference=float(differences.mean()),
        **_percentile_bounds(means, level)._asdict(),
        p_value=min(1.0, 2 * (n_beyond_zero + 1) / (n_resamples + 1)),
    )


def minimum_detectable_difference(
    differences: ArrayLike,
    clusters: ArrayLike,
    *,
    power: float = 0.8,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> float | None:
    """Smallest true mean difference that a test on as many clusters finds with probability `power`.

    (z_{(1 + level) / 2} + z_power) times the standard error of the mean (Miller 2024, "Adding Error Bars to Evals",
    section 5), here the spread of the means of resampled whole clusters: 2.80 standard errors by default.

    Args:
        differences: First minus second system, one value a cell, shape (n,).
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        power: Probability of finding the difference, above (1 - level) / 2.
        level: 1 minus the two-sided significance level of the test.
        n_resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The difference, at least 0, in the unit of the values; None where fewer than two clusters exist.

    Raises:
        DataError: The arrays are not finite, not one-dimensional or not equally long.
        ConfigurationError: `n_resamples`, `level` or `power` is out of range.
    """
    from scipy.special import ndtri

    _check_level(level)
    if not (1 - level) / 2 <= power < 1:
        raise ConfigurationError(
            f"power must lie between (1 - level) / 2 = {(1 - level) / 2:g} and 1, for example 0.8, not {power}."
        )
    cells = finite_vector("differences", differences)
    means = _resampled_means(cells, clusters, n_resamples=n_resamples, seed=seed)
    return None if means is None else float((ndtri((1 + level) / 2) + ndtri(power)) * means.std())


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjusted p-values that control the family-wise error under any dependence (Holm 1979).

    The k-th smallest of m is multiplied by m + 1 - k, raised to the largest before it and capped at 1: comparing
    with alpha gives Holm's step-down test.

    Args:
        p_values: Shape (m,), in any order; m may be 0.

    Returns:
        Shape (m,), in the given order.

    Raises:
        DataError: A p-value lies outside [0, 1], or they are not one-dimensional.
    """
    p = finite_vector("p_values", p_values)
    outside = np.flatnonzero((p < 0) | (p > 1))
    if outside.size:
        raise DataError(f"p_values[{outside[0]}] must lie between 0 and 1, not {p[outside[0]]}.")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)).clip(max=1)
    return adjusted


def normalised_score(value: float, *, baseline: float, floor: float) -> float | None:
    """Share of the way from a trivial baseline (0) to the floor (1): (baseline - value) / (baseline - floor).

    Args:
        value: The system's distance; lower is better.
        baseline: Distance of the best trivial predictor.
        floor: Distance that a perfect predictor would get.

    Returns:
        The score, below 0 for a system worse than the baseline; None where the baseline does not lie above the
        floor, so that there is no way to go.

    Raises:
        DataError: A number is not finite.
    """
    if not (isfinite(value) and isfinite(baseline) and isfinite(floor)):
        raise DataError(f"value, baseline and floor must be finite, not {value}, {baseline} and {floor}.")
    return None if baseline <= floor else (baseline - value) / (baseline - floor)


def _resampled_means(
    values: FloatArray, clusters: ArrayLike, *, n_resamples: int, seed: int
) -> FloatArray | None:
    """Mean of the values in each resample of whole clusters, shape (n_resamples,); None below two clusters."""
    sums = _resampled_sums([values, np.ones_like(values)], clusters, n_resamples=n_resamples, seed=seed)
    return None if sums is None else sums[0] / sums[1]


def _resampled_sums(
    columns: Sequence[FloatArray], clusters: ArrayLike, *, n_resamples: int, seed: int
) -> FloatArray | None:
    """Sum of each column, shape (n,), in each resample of whole clusters: (columns, n_resamples); None below two."""
    check_count("n_resamples", n_resamples)
    labels = np.asarray(clusters)
    if labels.shape != columns[0].shape:
        raise DataError(
            f"clusters must hold one label for each of the {columns[0].size} values, shape {columns[0].shape}, not "
            f"{labels.shape}."
        )
    names, index = np.unique(labels, return_inverse=True)
    if names.size < 2:
        return None
    sums = [np.bincount(index, weights=column) for column in columns]
    shares = np.full(names.size, 1 / names.size)
    times_drawn = np.random.default_rng(seed).multinomial(names.size, shares, size=n_resamples)
    resampled: FloatArray = np.matmul(sums, times_drawn.T, dtype=np.float64)
    return resampled


def _percentile_bounds(resampled: FloatArray, level: float) -> Bounds:
    _check_level(level)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Bounds(float(low), float(high))


def _equally_long(
    first: tuple[str, ArrayLike], second: tuple[str, ArrayLike]
) -> tuple[FloatArray, FloatArray]:
    a, b = finite_vector(*first), finite_vector(*second)
    if a.shape != b.shape:
        raise DataError(f"{first[0]} and {second[0]} must be equally long, not {a.size} and {b.size}.")
    return a, b


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ConfigurationError(f"level must lie between 0 and 1, for example 0.95, not {level}.")
