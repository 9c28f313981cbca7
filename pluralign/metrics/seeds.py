"""Means over repetitions of a whole experiment, usually over seeds, by Student's t."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pluralign.errors import DataError
from pluralign.metrics.arrays import finite_vector
from pluralign.metrics.statistics import Bounds, PairedDifference


class SeedMean(NamedTuple):
    """A mean over repetitions.

    Attributes:
        mean: The mean.
        bounds: Interval of the mean; None with fewer than two repetitions.
    """

    mean: float
    bounds: Bounds | None


def mean_over_seeds(values: ArrayLike, *, level: float = 0.95) -> SeedMean:
    """Mean of one value a repetition, with Student's t interval of it: mean ± t s / √n.

    Args:
        values: One value a repetition, independent of each other, shape (n,).
        level: Coverage aimed at.

    Raises:
        DataError: There is no value, or one is not finite.
    """
    found = finite_vector("values", values)
    if not found.size:
        raise DataError("values: there is none, and a mean needs one.")
    mean = float(found.mean())
    if found.size < 2:
        return SeedMean(mean, None)
    from scipy.stats import t

    half = float(t.ppf((1 + level) / 2, found.size - 1) * found.std(ddof=1) / np.sqrt(found.size))
    return SeedMean(mean, Bounds(mean - half, mean + half))


def difference_over_seeds(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> PairedDifference | None:
    """Mean difference of two arms paired by seed, first minus second, with Student's t interval and test.

    Args:
        first: One value a seed, shape (n,).
        second: The other arm's with the same seeds, shape (n,).
        level: Coverage aimed at.

    Returns:
        The difference, or None with fewer than two seeds, or where it is the same under every seed: then there is
        no spread to judge it by.

    Raises:
        DataError: The shapes differ, or a value is not finite.
    """
    one, other = finite_vector("first", first), finite_vector("second", second)
    if one.shape != other.shape:
        raise DataError(f"first and second: {one.size} and {other.size} values, which do not pair.")
    differences = one - other
    if differences.size < 2 or np.ptp(differences) == 0:
        return None
    from scipy.stats import ttest_1samp

    test = ttest_1samp(differences, 0.0)
    bounds = test.confidence_interval(level)
    return PairedDifference(
        float(differences.mean()), float(bounds.low), float(bounds.high), float(test.pvalue)
    )
