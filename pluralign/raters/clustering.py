"""Groups of raters around a few value profiles: the one of them that predicts a rater's ratings best is his.

Algorithm 2 of Sorensen et al. 2025 (Value Profiles, arXiv 2503.15484): raters need not have rated the same items.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import ConfigurationError, DataError

FloatArray = NDArray[np.float64]
# A swap must lower the loss by more than float error, so that equal candidates do not change places for ever.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Clustering:
    """Profiles that stand for groups of raters.

    Attributes:
        chosen: Indices of the candidates chosen, ascending.
        assigned: For each rater the index into `chosen` of the one that predicts him best.
        loss: Sum over raters of the loss under that one, nats.
        n_restarts: Number of random starts, the best of which is kept.
        n_agreeing: How many of them ended at that loss: few mean that more starts may find better.
    """

    chosen: tuple[int, ...]
    assigned: tuple[int, ...]
    loss: float
    n_restarts: int
    n_agreeing: int


def cluster(losses: ArrayLike, *, n_clusters: int, n_restarts: int = 20, seed: int = 0) -> Clustering:
    """Choose the profiles that minimise sum_i min_k L(i, k), by greedy coordinate swaps from random starts.

    One chosen candidate at a time is replaced by whichever lowers the sum most, until no replacement lowers it.

    Args:
        losses: L(i, k) = -sum of log P(rating | profile k) over the fit ratings of rater i, nats,
            shape (raters, candidates).
        n_clusters: Number of profiles chosen, at most that of the candidates.
        n_restarts: Number of random starts.
        seed: Seed of the starts.

    Raises:
        ConfigurationError: `n_clusters` or `n_restarts` is out of range.
        DataError: The losses are no finite matrix.
    """
    matrix = _matrix(losses)
    n_candidates = matrix.shape[1]
    if not 1 <= n_clusters <= n_candidates:
        raise ConfigurationError(
            f"n_clusters: {n_clusters} profiles cannot be chosen from {n_candidates} candidates."
        )
    if n_restarts < 1:
        raise ConfigurationError(f"n_restarts: {n_restarts}; at least one start is needed.")
    rng = np.random.default_rng(seed)
    ends = [_swapped(matrix, rng.permutation(n_candidates)[:n_clusters]) for _ in range(n_restarts)]
    sums = np.array([_loss(matrix, end) for end in ends])
    best = int(sums.argmin())
    chosen = tuple(sorted(int(index) for index in ends[best]))
    return Clustering(
        chosen=chosen,
        assigned=assign(matrix, chosen),
        loss=float(sums[best]),
        n_restarts=n_restarts,
        n_agreeing=int(np.count_nonzero(sums <= sums[best] + _TOLERANCE)),
    )


def assign(losses: ArrayLike, chosen: Sequence[int]) -> tuple[int, ...]:
    """Give each rater the chosen profile under which his fit ratings are likeliest; of equal ones the first.

    Args:
        losses: As in `cluster`, of any raters.
        chosen: Indices of candidates.

    Returns:
        For each rater an index into `chosen`.
    """
    return tuple(int(index) for index in _matrix(losses)[:, list(chosen)].argmin(axis=1))


def _swapped(matrix: FloatArray, start: NDArray[np.int64]) -> NDArray[np.int64]:
    """The candidates at which no single replacement lowers the loss any more."""
    chosen = start.copy()
    best = _loss(matrix, chosen)
    improved = True
    while improved:
        improved = False
        for position in range(len(chosen)):
            others = np.delete(chosen, position)
            kept = matrix[:, others].min(axis=1, initial=np.inf)  # (raters,)
            sums = np.minimum(kept[:, None], matrix).sum(axis=0)  # (candidates,)
            candidate = int(sums.argmin())
            if sums[candidate] < best - _TOLERANCE:
                chosen[position], best, improved = candidate, float(sums[candidate]), True
    return chosen


def _loss(matrix: FloatArray, chosen: NDArray[np.int64]) -> float:
    return float(matrix[:, chosen].min(axis=1).sum())


def _matrix(losses: ArrayLike) -> FloatArray:
    matrix = np.asarray(losses, dtype=np.float64)
    if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
        raise DataError(
            f"losses must be finite numbers of shape (raters, candidates), at least one of each, found shape "
            f"{matrix.shape}{'' if np.isfinite(matrix).all() else ' with values that are not finite'}."
        )
    return matrix
