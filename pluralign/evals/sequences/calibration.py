"""Calibration of next-token probabilities: expected calibration error over ten bins of equally many.

After Sorensen et al. 2025 (arXiv:2510.06084): at every token of the scored outputs, the token that came and all others
with a probability above 0.01 are pooled, those above 0.01 kept and cut into ten bins at their deciles. The error is the
mean over bins of |mean probability - share that came|.

Their released code closes bins on both sides, so that a value on an edge falls in two. Here a bin holds its lower edge
and not its upper one, the last holds both, so that each value is in one bin. Where many values are equal, bins between
equal edges are empty; these are left out, there as here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from pluralign.metrics import Bounds, cluster_bootstrap_of_sums
from pluralign.records import SequenceScore
from pluralign.records.sequence_score import KEPT_PROB

N_BINS = 10
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """One bin of the reliability table.

    Attributes:
        low_prob: Lower edge, inside.
        high_prob: Upper edge, outside but for the last bin.
        n: Number of probabilities.
        mean_prob: Their mean.
        correct_share: Share of them whose token came.
    """

    low_prob: float
    high_prob: float
    n: int
    mean_prob: float
    correct_share: float

    @property
    def error(self) -> float:
        """Distance of what was foretold from what came."""
        return abs(self.mean_prob - self.correct_share)


@dataclass(frozen=True)
class Calibration:
    """How well probabilities agree with frequencies.

    Attributes:
        bins: Those that hold something, by rising probability; empty where no probability is above 0.01.
        n_probs: Number of probabilities pooled.
        ece: Expected calibration error, in [0, 1]; None where there are no bins.
        bounds: Its 95 % interval, sequences resampled within the same bins and moved to the error itself, as resampling
            alone adds error; None for fewer than two sequences, or where a resample leaves it undefined.
    """

    bins: tuple[Bin, ...]
    n_probs: int
    ece: float | None
    bounds: Bounds | None


def calibration(rows: Sequence[SequenceScore], *, n_resamples: int = 2000, seed: int = 0) -> Calibration:
    """Pool the probabilities of all scored outputs and compare them with what came.

    Args:
        rows: Scored sequences.
        n_resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.
    """
    probs, came, sequence = _pooled(rows)
    if not probs.size:
        return Calibration(bins=(), n_probs=0, ece=None, bounds=None)
    # Edges are values: interpolation between equal ones would tear them apart by rounding.
    edges = np.quantile(probs, np.linspace(0, 1, min(N_BINS, probs.size) + 1), method="higher")
    place = np.searchsorted(edges[1:-1], probs, side="right")
    # Sums of each bin (number, probabilities, what came), by sequence: what is resampled.
    sums = np.zeros((3, edges.size - 1, len(rows)))
    for layer, values in enumerate((np.ones_like(probs), probs, came)):
        np.add.at(sums[layer], (place, sequence), values)
    n, total, hits = sums.sum(axis=2)
    bins = tuple(
        Bin(float(edges[i]), float(edges[i + 1]), int(n[i]), float(total[i] / n[i]), float(hits[i] / n[i]))
        for i in range(edges.size - 1)
        if n[i]
    )
    ece = float(np.mean([each.error for each in bins]))
    bounds = cluster_bootstrap_of_sums(
        sums.reshape(-1, len(rows)),
        _error_of_sums,
        clusters=[row.sequence_id for row in rows],
        centre=ece,
        n_resamples=n_resamples,
        seed=seed,
    )
    return Calibration(bins, n_probs=int(probs.size), ece=ece, bounds=bounds)


def _error_of_sums(sums: FloatArray) -> FloatArray:
    """Expected calibration error of R resamples. `sums`: (3 x bins, R), numbers, probabilities, what came."""
    n, total, hits = sums.reshape(3, -1, sums.shape[-1])
    filled = n > 0
    gaps = np.divide(np.abs(total - hits), n, out=np.zeros_like(total), where=filled)
    errors: FloatArray = gaps.sum(axis=0) / np.maximum(filled.sum(axis=0), 1)
    return errors


def _pooled(rows: Sequence[SequenceScore]) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Probabilities above 0.01, whether their token came (1 or 0), and the number of their sequence, each (n,)."""
    log_probs: list[float] = []
    came: list[float] = []
    sequence: list[int] = []
    for number, row in enumerate(rows):
        for output in row.outputs:
            kept = [value for value in output.log_probs if value > log(KEPT_PROB)]
            log_probs += [*kept, *output.other_log_probs]
            came += [1.0] * len(kept) + [0.0] * len(output.other_log_probs)
            sequence += [number] * (len(kept) + len(output.other_log_probs))
    return np.exp(np.array(log_probs)), np.array(came), np.array(sequence, dtype=np.int64)
