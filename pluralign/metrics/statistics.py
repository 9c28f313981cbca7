"""What makes a mean distance believable: intervals over questions, the noise floor and the human ceiling.

Answers of several groups to one question are not independent, so whole questions (clusters) are resampled, never
single rows. All randomness comes from the `seed` given.
"""

from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.distances import Distance, FloatArray, as_distributions, as_floats

MIN_PEOPLE_TO_SPLIT = 4  # two a half: with one person a half, the ceiling only says whether two people agree


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
    _check_count("n_resamples", n_resamples)
    cells = _finite_vector("values", values)
    means = _resampled_means(cells, clusters, n_resamples=n_resamples, seed=seed)
    return None if means is None else _percentile_bounds(means, level)


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
    _check_count("n_resamples", n_resamples)
    minuend, subtrahend = _finite_vector("first", first), _finite_vector("second", second)
    if minuend.shape != subtrahend.shape:
        raise DataError(f"first and second must be equally long, not {minuend.size} and {subtrahend.size}.")
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


def noise_floor(
    p: ArrayLike, n: float, *, distance: Distance, n_replications: int = 1000, seed: int
) -> float:
    """Mean distance that the population itself would score if it were known by n draws only.

    Args:
        p: Distribution of the population, shape (K,).
        n: Number of draws; an effective n is rounded, to at least 1.
        distance: Called once as distance(p, draws), shapes (K,) and (n_replications, K).
        n_replications: Number of simulated samples.
        seed: Seed of the simulation.

    Raises:
        DataError: `p` is not one distribution, or `n` is not a positive number.
        ConfigurationError: `n_replications` is below 1.
    """
    _check_count("n_replications", n_replications)
    population = as_distributions("p", p)
    if population.ndim != 1:
        raise DataError(f"p must be one distribution, shape (K,), not {population.shape}.")
    if not (isfinite(n) and n > 0):
        raise DataError(f"n must be a positive number of draws, not {n}.")
    n_draws = max(1, round(n))
    rng = np.random.default_rng(seed)
    # The sampler allows less slack in the sum than the records do.
    draws = rng.multinomial(n_draws, population / population.sum(), size=n_replications)
    return float(np.mean(distance(population, draws / n_draws)))


def split_half_ceiling(
    counts: ArrayLike, distance: Distance, *, n_people: float | None = None, n_splits: int = 200, seed: int
) -> float | None:
    """Mean distance between two random halves of the people who answered.

    Args:
        counts: How often each option was chosen, shape (K,): whole numbers, or weighted with `n_people` given.
        distance: Called once as distance(half, other half), shapes (n_splits, K).
        n_people: Effective number of people behind weighted counts: the counts are scaled to it and rounded, by
            largest remainder so that the total holds. None takes the counts as they are.
        n_splits: Number of random splits.
        seed: Seed of the splits.

    Returns:
        The distance, or None with fewer than 4 people.

    Raises:
        DataError: The counts are not finite, negative, or not whole without `n_people`.
        ConfigurationError: `n_splits` is below 1.
    """
    _check_count("n_splits", n_splits)
    people = _whole_people(_finite_vector("counts", counts), n_people)
    total = int(people.sum())
    if total < MIN_PEOPLE_TO_SPLIT:
        return None
    half = total // 2
    rng = np.random.default_rng(seed)
    first = rng.multivariate_hypergeometric(people, half, size=n_splits)
    return float(np.mean(distance(first / half, (people - first) / (total - half))))


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
    labels = np.asarray(clusters)
    if labels.shape != values.shape:
        raise DataError(
            f"clusters must hold one label for each of the {values.size} values, shape {values.shape}, not "
            f"{labels.shape}."
        )
    names, index = np.unique(labels, return_inverse=True)
    if names.size < 2:
        return None
    sums = np.bincount(index, weights=values)
    sizes = np.bincount(index)
    shares = np.full(names.size, 1 / names.size)
    times_drawn = np.random.default_rng(seed).multinomial(names.size, shares, size=n_resamples)
    return (times_drawn @ sums) / (times_drawn @ sizes)


def _percentile_bounds(means: FloatArray, level: float) -> Bounds:
    if not 0 < level < 1:
        raise ConfigurationError(f"level must lie between 0 and 1, for example 0.95, not {level}.")
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Bounds(float(low), float(high))


def _whole_people(counts: FloatArray, n_people: float | None) -> NDArray[np.int64]:
    """Counts scaled to `n_people` and rounded by largest remainder, shape (K,)."""
    if (counts < 0).any():
        raise DataError(f"counts must not be negative: {counts.tolist()}.")
    total = float(counts.sum())
    if n_people is None:
        if (counts != np.rint(counts)).any():
            raise DataError(f"counts must be whole numbers unless n_people is given: {counts.tolist()}.")
        n_people = total
    if not (isfinite(n_people) and n_people >= 0):
        raise DataError(f"n_people must be a number of people, not {n_people}.")
    if total == 0:
        return counts.astype(np.int64)
    scaled = counts * (n_people / total)
    people = np.floor(scaled).astype(np.int64)
    n_missing = round(n_people) - int(people.sum())
    people[np.argsort(people - scaled, kind="stable")[:n_missing]] += 1
    return people


def _finite_vector(name: str, values: ArrayLike) -> FloatArray:
    vector = as_floats(name, values)
    if vector.ndim != 1:
        raise DataError(f"{name} must have shape (n,), not {vector.shape}.")
    if not np.isfinite(vector).all():
        index = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise DataError(f"{name}[{index}] must be a finite number, not {vector[index]}.")
    return vector


def _check_count(name: str, number: int) -> None:
    if number < 1:
        raise ConfigurationError(f"{name} must be at least 1, not {number}.")
