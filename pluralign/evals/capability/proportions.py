"""Estimates of shares of right answers, with intervals that hold near 0 and 1."""

from collections.abc import Sequence

from pluralign.evals.per_prompt import Measure, estimate
from pluralign.records import CellScore, Estimate, Interval

WILSON = "Wilson score"
_LEVEL = 0.95


def share_estimate(
    measure: Measure,
    cells: Sequence[CellScore],
    *,
    of: str,
    slice_name: str = "all",
    seed: int = 0,
    with_baselines: bool = False,
) -> Estimate:
    """As `pluralign.evals.per_prompt.estimate`; with Wilson's interval where every value is 0 or 1.

    A bootstrap of a hundred wrong answers finds nothing but wrong answers, and would say 0 with certainty.
    """
    from scipy.stats import binomtest

    found = estimate(measure, cells, of=of, slice_name=slice_name, seed=seed, with_baselines=with_baselines)
    values = [cell.values.get(measure.name) for cell in cells if cell.unscored is None]
    known = [value for value in values if value is not None]
    if not known or any(value not in {0.0, 1.0} for value in known):
        return found
    low, high = binomtest(round(sum(known)), len(known)).proportion_ci(_LEVEL, method="wilson")
    interval = Interval(low=float(low), high=float(high), method=f"{WILSON}, over {of}")
    return found.model_copy(update={"interval": interval})
