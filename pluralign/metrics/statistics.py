"""What makes a mean believable: intervals and tests over questions, and its place between baseline and floor.

Answers of several groups to one question are not independent, so whole questions (clusters) are resampled, never
single rows. All randomness comes from the `seed` given.
"""

from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import FloatArray, as_floats, check_count, finite_vector

Statistic = Callable[[FloatArray], FloatArray]
"""Sums of C columns in R resamples, shape (C, R), to the value of each, shape (R,): NaN where it is undefined."""


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
    columns = np.stack([cells, np.ones_like(cells)])
    return cluster_bootstrap_of_sums(
        columns, ratio_of_sums, clusters=clusters, n_resamples=n_resamples, level=level, seed=seed
    )


def cluster_bootstrap_of_sums(
    columns: ArrayLike,
    statistic: Statistic,
    *,
    clusters: ArrayLike,
    centre: float | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Bounds | None:
    """Percentile bootstrap interval of any function of sums over cells, whole clusters resampled.

    A mean, a ratio, a slope through the origin, a correlation of differences, a mean recall: each is a function of
    what is summed over cells, so that one resampling of the clusters' sums serves them all.

    Args:
        columns: What is summed, one column a row, shape (C, n).
        statistic: The function; called once, with the sums of every resample.
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        centre: Value to which the mean of the resampled values is moved, for a statistic that resampling alone makes
            larger, such as a spread; None leaves them where they are.
        n_resamples: Number R of bootstrap resamples.
        level: Coverage aimed at.
        seed: Seed of the resampling.

    Returns:
        The interval, or None where fewer than two clusters exist, or where the statistic is undefined in a resample.

    Raises:
        DataError: The columns are not finite, or there is not one label for each of their n values.
        ConfigurationError: `n_resamples` or `level` is out of range.
    """
    sums = _resampled_sums(_finite_columns("columns", columns), clusters, n_resamples=n_resamples, seed=seed)
    if sums is None:
        return None
    values = statistic(sums)
    return _percentile_bounds(values if centre is None else values - values.mean() + centre, level)


def ratio_of_sums(sums: FloatArray) -> FloatArray:
    """First column over second, the `Statistic` of a mean and of a ratio; NaN where the second sums to 0.

    Args:
        sums: Shape (2, R).

    Returns:
        Shape (R,).
    """
    above, below = sums
    ratios: FloatArray = np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)
    return ratios


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
    return cluster_bootstrap_of_sums(
        np.stack([above, below]),
        ratio_of_sums,
        clusters=clusters,
        n_resamples=n_resamples,
        level=level,
        seed=seed,
    )


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
    return _paired(float(differences.mean()), means, level=level)


def paired_bootstrap_of_sums(
    first: ArrayLike,
    second: ArrayLike,
    *,
    statistic: Statistic,
    clusters: ArrayLike,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> PairedDifference | None:
    """Difference, first - second, of any function of sums for two systems on the same cells.

    Intervals as in `cluster_bootstrap_of_sums`, the p-value as in `paired_bootstrap_difference`.

    Args:
        first: What is summed of the first system, shape (C, n).
        second: The same of the second system on the same cells in the same order, shape (C, n).
        statistic: The function of the sums.
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        n_resamples: Number of bootstrap resamples.
        level: Coverage of the interval aimed at.
        seed: Seed of the resampling.

    Returns:
        The difference, or None where fewer than two clusters exist, or where the statistic of either system is
        undefined, in the whole or in a resample.

    Raises:
        DataError: The columns are not finite or not of equal shape.
        ConfigurationError: `n_resamples` or `level` is out of range.
    """
    differences = _resampled_differences(
        first, second, statistic=statistic, clusters=clusters, n_resamples=n_resamples, seed=seed
    )
    whole = [
        statistic(np.asarray(columns, dtype=np.float64).sum(axis=1)[:, None]) for columns in (first, second)
    ]
    difference = float(whole[0][0] - whole[1][0])
    if differences is None or not isfinite(difference) or not np.isfinite(differences).all():
        return None
    return _paired(difference, differences, level=level)


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
    cells = finite_vector("differences", differences)
    means = _resampled_means(cells, clusters, n_resamples=n_resamples, seed=seed)
    return _detectable(means, power=power, level=level)


def minimum_detectable_difference_of_sums(
    first: ArrayLike,
    second: ArrayLike,
    *,
    statistic: Statistic,
    clusters: ArrayLike,
    power: float = 0.8,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> float | None:
    """`minimum_detectable_difference` of any function of sums for two systems on the same cells.

    Args:
        first: What is summed of the first system, shape (C, n).
        second: The same of the second system on the same cells in the same order, shape (C, n).
        statistic: The function of the sums.
        clusters: Label of each cell's cluster, usually the question id, shape (n,).
        power: Probability of finding the difference, above (1 - level) / 2.
        level: 1 minus the two-sided significance level of the test.
        n_resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The difference, at least 0; None where fewer than two clusters exist, or where the statistic of either
        system is undefined in a resample.

    Raises:
        DataError: The columns are not finite or not of equal shape.
        ConfigurationError: `n_resamples`, `level` or `power` is out of range.
    """
    differences = _resampled_differences(
        first, second, statistic=statistic, clusters=clusters, n_resamples=n_resamples, seed=seed
    )
    return _detectable(differences, power=power, level=level)


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
    columns = np.stack([values, np.ones_like(values)])
    sums = _resampled_sums(columns, clusters, n_resamples=n_resamples, seed=seed)
    return None if sums is None else ratio_of_sums(sums)


def _resampled_differences(
    first: ArrayLike,
    second: ArrayLike,
    *,
    statistic: Statistic,
    clusters: ArrayLike,
    n_resamples: int,
    seed: int,
) -> FloatArray | None:
    """Statistic of the first less that of the second in each resample, shape (n_resamples,)."""
    minuend, subtrahend = _finite_columns("first", first), _finite_columns("second", second)
    if minuend.shape != subtrahend.shape:
        raise DataError(
            f"first and second must have equal shapes, not {minuend.shape} and {subtrahend.shape}."
        )
    both = np.concatenate([minuend, subtrahend])
    sums = _resampled_sums(both, clusters, n_resamples=n_resamples, seed=seed)
    if sums is None:
        return None
    return statistic(sums[: len(minuend)]) - statistic(sums[len(minuend) :])


def _resampled_sums(
    columns: FloatArray, clusters: ArrayLike, *, n_resamples: int, seed: int
) -> FloatArray | None:
    """Sum of each column, shape (C, n), in each resample of whole clusters, (C, R); None below two clusters."""
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
    times_drawn = _times_drawn(names.size, n_resamples, seed)
    resampled: FloatArray = np.matmul(sums, times_drawn.T, dtype=np.float64)
    return resampled


# Many statistics are taken over the same clusters, and drawing them takes longer than all that follows.
@lru_cache(maxsize=4)
def _times_drawn(n_clusters: int, n_resamples: int, seed: int) -> NDArray[np.uint16]:
    """How often each resample holds each cluster, shape (n_resamples, n_clusters); read-only, as it is shared."""
    shares = np.full(n_clusters, 1 / n_clusters)
    drawn = np.random.default_rng(seed).multinomial(n_clusters, shares, size=n_resamples)
    # 65,536 draws of one cluster out of so many do not happen.
    counts = drawn.astype(np.uint16)
    counts.flags.writeable = False
    return counts


def _paired(difference: float, resampled: FloatArray, *, level: float) -> PairedDifference:
    n_beyond_zero = min(np.count_nonzero(resampled <= 0), np.count_nonzero(resampled >= 0))
    low, high = np.quantile(resampled, _ends(level))
    return PairedDifference(
        difference=difference,
        low=float(low),
        high=float(high),
        p_value=min(1.0, 2 * (n_beyond_zero + 1) / (resampled.size + 1)),
    )


def _detectable(resampled: FloatArray | None, *, power: float, level: float) -> float | None:
    from scipy.special import ndtri

    _check_level(level)
    if not (1 - level) / 2 <= power < 1:
        raise ConfigurationError(
            f"power must lie between (1 - level) / 2 = {(1 - level) / 2:g} and 1, for example 0.8, not {power}."
        )
    if resampled is None or not np.isfinite(resampled).all():
        return None
    return float((ndtri((1 + level) / 2) + ndtri(power)) * resampled.std())


def _percentile_bounds(resampled: FloatArray, level: float) -> Bounds | None:
    """Both ends; None where a resample has no value."""
    ends = _ends(level)
    if not np.isfinite(resampled).all():
        return None
    low, high = np.quantile(resampled, ends)
    return Bounds(float(low), float(high))


def _ends(level: float) -> tuple[float, float]:
    _check_level(level)
    return (1 - level) / 2, (1 + level) / 2


def _finite_columns(name: str, values: ArrayLike) -> FloatArray:
    columns = as_floats(name, values)
    if columns.ndim != 2 or not len(columns):
        raise DataError(f"{name} must have shape (C, n) with at least one column, not {columns.shape}.")
    if not np.isfinite(columns).all():
        column, cell = np.argwhere(~np.isfinite(columns))[0].tolist()
        raise DataError(f"{name}[{column}, {cell}] must be a finite number, not {columns[column, cell]}.")
    return columns


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
