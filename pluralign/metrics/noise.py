"""What sampling alone makes of a distance: the noise floor of a perfect model, and the ceiling that people set.

All randomness comes from the `seed` given.
"""

from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import DataError
from pluralign.metrics.arrays import FloatArray, as_distributions, check_count, finite_vector
from pluralign.metrics.distances import Distance

MIN_PEOPLE_TO_SPLIT = 4  # two a half: with one person a half, the ceiling only says whether two people agree


def noise_draws(p: ArrayLike, n: float, *, n_replications: int = 1000, seed: int) -> FloatArray:
    """What samples of `n` draws say of a population: one estimated distribution a sample.

    Args:
        p: Distribution of the population, shape (K,).
        n: Number of draws; an effective n is rounded, to at least 1.
        n_replications: Number R of simulated samples.
        seed: Seed of the simulation.

    Returns:
        Distributions, shape (R, K).

    Raises:
        DataError: `p` is not one distribution, or `n` is not a positive number.
        ConfigurationError: `n_replications` is below 1.
    """
    check_count("n_replications", n_replications)
    population = as_distributions("p", p)
    if population.ndim != 1:
        raise DataError(f"p must be one distribution, shape (K,), not {population.shape}.")
    if not (isfinite(n) and n > 0):
        raise DataError(f"n must be a positive number of draws, not {n}.")
    n_draws = max(1, round(n))
    rng = np.random.default_rng(seed)
    # The sampler allows less slack in the sum than the records do.
    counts = rng.multinomial(n_draws, population / population.sum(), size=n_replications)
    return np.divide(counts, n_draws, dtype=np.float64)


def noise_floor(
    p: ArrayLike, n: float, *, distance: Distance, n_replications: int = 1000, seed: int
) -> float:
    """Mean distance that the population itself would score if it were known by n draws only.

    For many distances on the same draws, call `noise_draws` once and the distances on its result.

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
    draws = noise_draws(p, n, n_replications=n_replications, seed=seed)
    return float(np.mean(distance(np.asarray(p, dtype=np.float64), draws)))


def split_halves(
    counts: ArrayLike, *, n_people: float | None = None, n_splits: int = 200, seed: int
) -> tuple[FloatArray, FloatArray] | None:
    """Distributions of two random halves of the people who answered; of an odd number, the second is larger by one.

    Args:
        counts: How often each option was chosen, shape (K,): whole numbers, or weighted with `n_people` given.
        n_people: Effective number of people behind weighted counts: the counts are scaled to it and rounded, by
            largest remainder so that the total holds. None takes the counts as they are.
        n_splits: Number of random splits.
        seed: Seed of the splits.

    Returns:
        The halves, shape (n_splits, K) each, or None with fewer than 4 people.

    Raises:
        DataError: The counts are not finite, negative, or not whole without `n_people`.
        ConfigurationError: `n_splits` is below 1.
    """
    check_count("n_splits", n_splits)
    people = _whole_people(finite_vector("counts", counts), n_people)
    total = int(people.sum())
    if total < MIN_PEOPLE_TO_SPLIT:
        return None
    half = total // 2
    rng = np.random.default_rng(seed)
    first = rng.multivariate_hypergeometric(people, half, size=n_splits)
    return first / half, (people - first) / (total - half)


def split_half_ceiling(
    counts: ArrayLike, distance: Distance, *, n_people: float | None = None, n_splits: int = 200, seed: int
) -> float | None:
    """Mean distance between two random halves of the people who answered.

    For many distances on the same halves, call `split_halves` once and the distances on its result.

    Args:
        counts: How often each option was chosen, shape (K,): whole numbers, or weighted with `n_people` given.
        distance: Called once as distance(half, other half), shapes (n_splits, K).
        n_people: As in `split_halves`.
        n_splits: Number of random splits.
        seed: Seed of the splits.

    Returns:
        The distance, or None with fewer than 4 people.

    Raises:
        DataError: The counts are not finite, negative, or not whole without `n_people`.
        ConfigurationError: `n_splits` is below 1.
    """
    halves = split_halves(counts, n_people=n_people, n_splits=n_splits, seed=seed)
    return None if halves is None else float(np.mean(distance(*halves)))


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
