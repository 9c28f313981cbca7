"""Distances between distributions over K options, each under a name that says what it is and in which unit.

"JS" stands for four different numbers in the literature; for (.7, .2, .1) against (.2, .5, .3) they are a divergence
of 0.1329 nats or 0.1918 bits, and a distance (its square root) of 0.3646 (nats) or 0.4379 (base 2).

Every function takes distributions along the last axis, shape (..., K), broadcasts the leading axes and returns
shape (...), float64: a NumPy scalar for two single distributions. Zeros are exact: nothing is smoothed. Each row must be
finite, non-negative and sum to 1 within 1e-6; it is never renormalised, and what that slack leaves outside the
range of a distance is clipped to it. Two functions depart from this and say so: `js_divergence_nats_smoothed` smooths,
`js_divergence_bits_corrected` can be negative.
"""

from collections.abc import Callable
from math import inf, isfinite, log, log2

import numpy as np
from numpy.typing import ArrayLike

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import FloatArray, as_distributions, as_floats

Distance = Callable[[FloatArray, FloatArray], FloatArray]
"""Two stacks of distributions, shape (..., K) each, to their distances, shape (...)."""


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


def js_divergence_nats_smoothed(p: ArrayLike, q: ArrayLike, *, eps: float = 1e-6) -> FloatArray:
    """`js_divergence_nats` of both distributions smoothed: (p + eps) / sum(p + eps), zeros and all other entries alike.

    Sorensen et al. 2025 (Spectrum Tuning) state an eps of 1e-6 and no more; added to every entry of both sides and
    renormalised is how it is read here.

    Args:
        p: Distributions, shape (..., K).
        q: Distributions, shape (..., K).
        eps: What is added to each entry, as a probability.

    Returns:
        Shape (...), nats.

    Raises:
        DataError: A row is not a distribution, or the shapes do not fit.
        ConfigurationError: `eps` is negative or not finite.
    """
    if not (isfinite(eps) and eps >= 0):
        raise ConfigurationError(f"eps must be a finite number of at least 0, for example 1e-6, not {eps}.")
    smoothed = [rows + eps for rows in _pair(p, q)]
    return js_divergence_nats(*(rows / rows.sum(axis=-1, keepdims=True) for rows in smoothed))


def js_divergence_bits_corrected(
    p: ArrayLike, q: ArrayLike, *, n_p: float | None, n_q: float | None
) -> FloatArray:
    """`js_divergence_bits` less what sampling adds to it to first order; negative where chance made p and q alike.

    The second-order delta method (as Miller 1955 for the entropy): with q estimated by n draws, Var(q_i) =
    q_i (1 - q_i) / n and d^2 JSD / dq_i^2 = 1 / (2 q_i) - 1 / (4 m_i), m = (p + q) / 2, in nats, so that the bias is

        1 / (4 n) [(K_q - 1) - sum_i q_i (1 - q_i) / (2 m_i)] = 1 / (4 n) sum_i (1 - q_i) p_i / (p_i + q_i),

    both sums over the K_q options with q_i > 0; likewise for p. It is (K - 1) / (8 n) where p = q, and 0 where they are
    disjoint. The estimates stand in for the true p and q: an option that was never drawn adds nothing, so that
    with few draws and rare options some of the bias remains. Averages are to be read, not single values.

    Args:
        p: Distributions, shape (..., K).
        q: Distributions, shape (..., K).
        n_p: Number of draws behind each p, effective for weighted ones; None for an exact p.
        n_q: The same for q.

    Returns:
        Shape (...), bits, in (-(K - 1) / (4 ln 2) (1 / n_p + 1 / n_q), 1].

    Raises:
        DataError: A row is not a distribution, the shapes do not fit, or `n_p` or `n_q` is not positive.
    """
    first, second = _pair(p, q)
    bias = _js_bias_nats(first, second, n=n_p, name="n_p") + _js_bias_nats(second, first, n=n_q, name="n_q")
    return js_divergence_bits(first, second) - bias / log(2)


def mode_mismatch(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """1 where the likeliest options of p and q differ, else 0; among equals the first counts, as in published codes.

    Its mean is 1 minus the "most-likely correctness" of Feng et al. 2024 (Modular Pluralism).

    Args:
        p: Distributions, shape (..., K).
        q: Distributions, shape (..., K).

    Returns:
        Shape (...).

    Raises:
        DataError: A row is not a distribution, or the shapes do not fit.
    """
    p, q = _pair(p, q)
    return np.asarray(p.argmax(axis=-1) != q.argmax(axis=-1), dtype=np.float64)


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


def _js_bias_nats(
    estimated: FloatArray, other: FloatArray, *, n: float | None, name: str
) -> FloatArray | float:
    """First-order bias of the JS divergence from the `n` draws behind `estimated`, shape (...)."""
    if n is None:
        return 0.0
    if not n > 0:
        raise DataError(
            f"{name} must be a positive number of draws, or None for an exact distribution, not {n}."
        )
    sums = estimated + other
    share = np.divide(other, sums, out=np.zeros_like(sums), where=sums > 0)
    terms = np.where(estimated > 0, (1 - estimated) * share, 0.0)
    return np.asarray(terms.sum(axis=-1) / (4 * n))


def _clip(distances: FloatArray, highest: float) -> FloatArray:
    clipped: FloatArray = np.clip(distances, 0, highest)
    return clipped
