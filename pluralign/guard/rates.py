"""Shares and areas under the curve with their intervals, as the guard reports them."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pluralign.records.base import Probability, Record
from pluralign.records.estimate import Interval

_RESAMPLES = 2000
_LEVEL = 0.95


class Rate(Record):
    """A share, or an area under a curve.

    Attributes:
        value: The share; None where there is nothing to take it of.
        interval: Its 95 % interval.
        n: Number of rows, or of pairs.
    """

    value: Probability | None
    interval: Interval | None = None
    n: Annotated[int, Field(ge=0)]

    @property
    def shown(self) -> str:
        """Value and interval, for a message."""
        if self.value is None:
            return "unknown"
        between = f" (95 %: {self.interval.low:.2f} to {self.interval.high:.2f})" if self.interval else ""
        return f"{self.value:.3f}{between}"


def area_under_curve(scores: NDArray[np.float64], *, seed: int) -> Rate:
    """Area under the curve over pairs of rows, with an interval from resampling contrast pairs.

    Args:
        scores: Of the refused and the served row of each pair, shape (n, 2).
        seed: Of the resampling.
    """
    n = len(scores)
    if n == 0:
        return Rate(value=None, n=0)
    refused, served = scores[:, :1], scores[:, 1]
    # wins[i, j]: whether refused row i stands above served row j; a resample weights rows and columns alike.
    wins = (refused > served) + 0.5 * (refused == served)
    interval = None
    if n > 1:
        weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES) / n
        areas = np.einsum("ri,ij,rj->r", weights, wins, weights, optimize=True)
        tail = (1 - _LEVEL) / 2
        low, high = np.quantile(areas, [tail, 1 - tail])
        method = f"bootstrap over pairs, percentile, {_RESAMPLES} resamples"
        interval = Interval(low=float(low), high=float(high), level=_LEVEL, method=method)
    return Rate(value=float(wins.mean()), interval=interval, n=n)


def share(hits: Sequence[bool]) -> Rate:
    """A share with Wilson's interval, which holds near 0 and 1 too."""
    from scipy.stats import binomtest

    n = len(hits)
    if n == 0:
        return Rate(value=None, n=0)
    low, high = binomtest(sum(hits), n).proportion_ci(_LEVEL, method="wilson")
    interval = Interval(low=float(low), high=float(high), level=_LEVEL, method="Wilson")
    return Rate(value=sum(hits) / n, interval=interval, n=n)
