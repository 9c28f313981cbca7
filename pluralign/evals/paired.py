"""The paired comparison of two systems on the same cells, as every evaluator makes it."""

from collections.abc import Sequence

import numpy as np

from pluralign.evals.distributional.estimates import N_RESAMPLES
from pluralign.metrics import minimum_detectable_difference, paired_bootstrap_difference
from pluralign.records import Comparison, Interval


def paired_comparison(
    name: str,
    *,
    first: tuple[str, Sequence[float]],
    second: tuple[str, Sequence[float]],
    clusters: Sequence[str],
    method: str,
    unit: str,
    lower_is_better: bool | None,
    slice_name: str = "all",
    n_questions: int | None = None,
    seed: int,
) -> Comparison:
    """The mean difference, first minus second, with its interval, p-value and smallest difference to be found.

    Args:
        name: Metric.
        first: Label and finite values of the minuend, one a cell, at least one.
        second: Label and values of the subtrahend on the same cells.
        clusters: What each cell belongs to and is resampled with.
        method: How the interval is made, in words.
        unit: Unit of the metric.
        lower_is_better: Its direction.
        slice_name: What the cells are.
        n_questions: Number of questions; that of clusters where None.
        seed: Seed of the bootstrap.
    """
    values = first[1], second[1]
    paired = paired_bootstrap_difference(*values, clusters=clusters, n_resamples=N_RESAMPLES, seed=seed)
    differences = np.subtract(*values)
    return Comparison(
        name=name,
        slice=slice_name,
        first=first[0],
        second=second[0],
        difference=float(differences.mean()),
        interval=Interval(low=paired.low, high=paired.high, method=method) if paired else None,
        p_value=paired.p_value if paired else None,
        minimum_detectable=minimum_detectable_difference(differences, clusters, seed=seed),
        n_questions=len(set(clusters)) if n_questions is None else n_questions,
        n_cells=len(differences),
        unit=unit,
        lower_is_better=lower_is_better,
    )
