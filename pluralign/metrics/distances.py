"""Distances between distributions over K options, each under a name that says what it is and in which unit.

"JS" stands for four different numbers in the literature; for (.7, .2, .1) against (.2, .5, .3) they are a divergence
of 0.1329 nats or 0.1918 bits, and a distance (its square root) of 0.3646 (nats) or 0.4379 (base 2).

Every function takes distributions along the last axis, shape (..., K), broadcasts the leading axes and returns
shape (...), float64: a NumPy scalar for two single distributions. Zeros are exact: nothing is smoothed. Each row must be
finite, non-negative and sum to 1 within 1e-6; it is never renormalised, and what that slack leaves outside the
range of a distance is clipped to it.
"""

from collections.abc import Callable
from math import inf, log, log2

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import DataError

FloatArray = NDArray[np.float64]
Distance = Callable[[FloatArray, FloatArray], FloatArray]
"""Two stacks of distributions, shape (..., K) each, to their distances, shape (...)."""

SUM_TOLERANCE = 1e-6  # room for rounding in files, as in the records


def total_variation(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Total variation, half the L1 distance: sum |p - q| / 2, in [0, 1].

    Args:
        p: Distributions, shape (..., K).
        q: Distributions, shape (..., K).

    Returns:
        Shape (...).

    Raises:
        DataError: A row is not a distribution, or the shapes do not fit.
    """
    p, q = _pair(p, q)
    return _clip(np.abs(p - q).sum(axis=-1) / 2, 1)


def js_divergence_nats(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Jensen-Shannon divergence in nats: (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2, in [0, ln 2].

    Args:
        p: Distributions, shape (..., K).
        q: Distributions, shape (..., K).

    Returns:
        Shape (...).

    Raises:
        DataError: A row is not a distribution, or the shapes do not fit.
    """
    from scipy.special import rel_entr

    p, q = _pair(p, q)
    # Twice p and q against p + q instead of p and q against m: halving the smallest floats would give m = 0.
    twice_m = p + q
    divergence = (rel_entr(2 * p, twice_m) + rel_entr(2 * q, twice_m)).sum(axis=-1) / 4
    return _clip(divergence, log(2))


def js_divergence_bits(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Jensen-Shannon divergence in bits: `js_divergence_nats` / ln 2, in [0, 1]. Arguments as there."""
    return js_divergence_nats(p, q) / log(2)


def js_distance_nats(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Jensen-Shannon distance, natural logarithm: sqrt(`js_divergence_nats`), in [0, 0.8326]. Arguments as there."""
    return np.sqrt(js_divergence_nats(p, q))


def js_distance_base2(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Jensen-Shannon distance, base 2: sqrt(`js_divergence_bits`), in [0, 1]. Arguments as there."""
    return np.sqrt(js_divergence_bits(p, q))


def kl_divergence(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Kullback-Leibler divergence in nats: sum p ln(p / q), infinite where q is 0 and p is not.

    Args:
        p: The true distributions, shape (..., K).
        q: The predicted distributions, shape (..., K).

    Returns:
        Shape (...).

    Raises:
        DataError: A row is not a distribution, or the shapes do not fit.
    """
    from scipy.special import rel_entr

    p, q = _pair(p, q)
    return _clip(rel_entr(p, q).sum(axis=-1), inf)


def entropy_bits(p: ArrayLike) -> FloatArray:
    """Shannon entropy in bits: -sum p log2 p, in [0, log2 K].

    Args:
        p: Distributions, shape (..., K).

    Returns:
        Shape (...).

    Raises:
        DataError: A row is not a distribution.
    """
    from scipy.special import entr

    p = as_distributions("p", p)
    return _clip(entr(p).sum(axis=-1) / log(2), log2(p.shape[-1]))


def wasserstein_ordinal(p: ArrayLike, q: ArrayLike, positions: ArrayLike) -> FloatArray:
    """Wasserstein-1 distance on a scale, as a share of its range: 0 if equal, 1 for all mass at opposite ends.

    sum_i |F_p(i) - F_q(i)| (o_{i+1} - o_i) / (o_K - o_1) over the options sorted by position; 1 minus its mean
    is the alignment of OpinionQA (Santurkar et al. 2023).

    Args:
        p: Distributions over the substantive options (no refusals), shape (..., K).
        q: Distributions, shape (..., K).
        positions: Where the options lie on the scale, shape (K,), in any order, not all equal.

    Returns:
        Shape (...).

    Raises:
        DataError: A row is not a distribution, the shapes do not fit, or the positions have no range.
    """
    p, q = _pair(p, q)
    scale = as_floats("positions", positions)
    if scale.shape != p.shape[-1:] or not np.isfinite(scale).all():
        raise DataError(
            f"positions must be {p.shape[-1]} finite numbers, one for each option, not {scale.tolist()}."
        )
    if (scale == scale[0]).all():
        raise DataError(
            f"positions must not all be equal: {scale.tolist()}. On a scale without range the distance is undefined."
        )
    order = np.argsort(scale)
    gaps = np.diff(scale[order]) / np.ptp(scale)
    cdf_differences = np.cumsum((p - q)[..., order], axis=-1)[..., :-1]
    return _clip((np.abs(cdf_differences) * gaps).sum(axis=-1), 1)


def as_distributions(name: str, values: ArrayLike) -> FloatArray:
    """Return the values as float64 after checking that each row is a distribution.

    Args:
        name: What to call them in a message.
        values: Shape (..., K).

    Raises:
        DataError: A row is not finite, has a negative entry or does not sum to 1; the message shows the row.
    """
    rows = as_floats(name, values)
    if rows.ndim == 0 or rows.shape[-1] == 0:
        raise DataError(f"{name} must have shape (..., K) with at least one option, not {rows.shape}.")
    _refuse(name, rows, ~np.isfinite(rows).all(axis=-1), "must be finite")
    _refuse(name, rows, (rows < 0).any(axis=-1), "must not be negative")
    _refuse(name, rows, np.abs(rows.sum(axis=-1) - 1) > SUM_TOLERANCE, "must sum to 1")
    return rows


def as_floats(name: str, values: ArrayLike) -> FloatArray:
    """Return the values as a float64 array; `name` is what to call them in a message.

    Raises:
        DataError: They are not numbers, or ragged.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array of numbers: {error}") from error


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[FloatArray, FloatArray]:
    first, second = as_distributions("p", p), as_distributions("q", q)
    # One option would broadcast against any K without a word.
    if first.shape[-1] != second.shape[-1]:
        raise DataError(
            f"p and q must have the same number of options, not {first.shape[-1]} and {second.shape[-1]}."
        )
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError as error:
        raise DataError(
            f"The leading axes of p, shape {first.shape}, and q, shape {second.shape}, do not broadcast."
        ) from error
    return first, second


def _refuse(name: str, rows: FloatArray, is_bad: NDArray[np.bool_] | np.bool_, rule: str) -> None:
    if not is_bad.any():
        return
    index = tuple(np.argwhere(is_bad)[0].tolist())
    where = name + "".join(f"[{i}]" for i in index)
    raise DataError(f"{where} {rule}: {rows[index].tolist()} sums to {rows[index].sum():.6g}.")


def _clip(distances: FloatArray, highest: float) -> FloatArray:
    clipped: FloatArray = np.clip(distances, 0, highest)
    return clipped
