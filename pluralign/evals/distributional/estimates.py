"""From the values of cells to estimates: the mean with its interval, and everything that stands beside it."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from pluralign.evals.cells import Cell, unscored
from pluralign.evals.distributional.baselines import MODEL_FREE, UNIFORM
from pluralign.evals.distributional.measures import (
    CORRECTED,
    DistanceMeasure,
    Quantity,
    corrected_divergence,
)
from pluralign.evals.distributional.values import Scored
from pluralign.metrics import cluster_bootstrap, cluster_bootstrap_ratio, normalised_score
from pluralign.records import Estimate, Interval

N_RESAMPLES = 2000


def distance_estimate(
    measure: DistanceMeasure,
    cells: Sequence[Cell],
    *,
    slice_name: str,
    scored: Mapping[tuple[str, str], Scored],
    n_resamples: int = N_RESAMPLES,
    by_cell: bool = False,
    seed: int,
) -> Estimate | None:
    """The mean of a distance over cells; None where it is defined for none of the answered ones.

    Args:
        measure: The distance.
        cells: The cells of the slice.
        slice_name: Name of the slice.
        scored: The cells' values under the distance.
        n_resamples: Number of bootstrap resamples.
        by_cell: Whether cells are resampled and not questions.
        seed: Seed of the bootstrap.
    """
    lost = unscored(cells)
    seen = [scored[cell.key] for cell in cells if cell.key in scored]
    if not seen and len(cells) > sum(lost.values()):
        return None
    common = {
        "name": measure.name,
        "slice": slice_name,
        "unit": measure.unit,
        "definition": measure.definition,
        "lower_is_better": not measure.similarity,
        "n_unscored": lost,
        "n_questions": len({one.cell.question.id for one in seen}),
        "n_cells": len(seen),
    }
    if not seen:
        return Estimate(**common, value=None, reason="no cell could be scored")
    beside = _beside(seen)
    values = np.array([one.value for one in seen])
    if not np.isfinite(values).all():
        n_infinite = int(np.count_nonzero(~np.isfinite(values)))
        reason = f"infinite in {n_infinite} of {len(seen)} cells: the model rules out what people answered"
        return Estimate(**common, **beside, value=None, reason=reason)
    clusters = [_cluster(one.cell, by_cell=by_cell) for one in seen]
    bounds = cluster_bootstrap(values, clusters, n_resamples=n_resamples, seed=seed)
    against = _best(measure, beside["baselines"])
    return Estimate(
        **common,
        **beside,
        value=float(values.mean()),
        interval=_interval(bounds, unit="cells" if by_cell else "questions", n_resamples=n_resamples),
        normalised=_normalised(measure, seen, against=against),
        normalised_against=against,
    )


def _beside(seen: Sequence[Scored]) -> dict[str, Any]:
    """What stands beside the value: trivial predictors, noise floor and ceiling, as fields of an Estimate."""
    names = dict.fromkeys(name for one in seen for name in one.baselines)
    baselines = {name: [one.baselines[name] for one in seen if name in one.baselines] for name in names}
    return {
        "baselines": {name: float(np.mean(values)) for name, values in baselines.items()},
        "baseline_cells": {
            name: len(values) for name, values in baselines.items() if len(values) < len(seen)
        },
        "noise_floor": _mean([one.floor for one in seen]),
        "ceiling": _mean([one.ceiling for one in seen]),
    }


def quantity_estimate(quantity: Quantity, cells: Sequence[Cell], *, slice_name: str, seed: int) -> Estimate:
    """The mean of a quantity over the cells that have it; for a ratio, the mean over that of the people."""
    rows = [(cell, value) for cell in cells if (value := quantity.value(cell)) is not None]
    common = {
        "name": quantity.name,
        "slice": slice_name,
        "unit": quantity.unit,
        "definition": quantity.definition,
        "lower_is_better": quantity.lower_is_better,
        "n_questions": len({cell.question.id for cell, _ in rows}),
        "n_cells": len(rows),
        "n_unscored": unscored(cells) if quantity is CORRECTED else {},
    }
    if not rows:
        return Estimate(**common, value=None, reason="no answer has one")
    values = np.array([value for _, value in rows])
    clusters = [cell.question.id for cell, _ in rows]
    theirs = np.array([_people(quantity, cell) for cell, _ in rows]) if quantity.people else None
    value, people = float(values.mean()), None if theirs is None else float(theirs.mean())
    if quantity.is_ratio and theirs is not None:
        if theirs.sum() == 0:
            return Estimate(**common, value=None, reason="the people have none")
        bounds = cluster_bootstrap_ratio(
            values, theirs, clusters=clusters, n_resamples=N_RESAMPLES, seed=seed
        )
        value, people = float(values.sum() / theirs.sum()), 1.0
    else:
        bounds = cluster_bootstrap(values, clusters, n_resamples=N_RESAMPLES, seed=seed)
    return Estimate(
        **common,
        value=value,
        interval=_interval(bounds, unit="questions", n_resamples=N_RESAMPLES),
        people=people,
        baselines=_corrected_baselines(rows) if quantity is CORRECTED else {},
        noise_floor=0.0 if quantity is CORRECTED else None,
    )


def _corrected_baselines(rows: Sequence[tuple[Cell, float]]) -> dict[str, float]:
    """What uniform answers get, free of the people's sampling noise alone: they are not drawn."""
    values = [
        corrected_divergence(cell, np.full(len(cell.target), 1 / len(cell.target)), n_drawn=None)
        for cell, _ in rows
    ]
    return {UNIFORM: float(np.mean(values))}


def _people(quantity: Quantity, cell: Cell) -> float:
    value = quantity.people(cell) if quantity.people else None
    if value is None:
        raise AssertionError(f"{quantity.name}: the people have no value where the model has one")
    return value


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _best(measure: DistanceMeasure, baselines: Mapping[str, float]) -> str | None:
    """The best predictor that knows nothing of the model."""
    known = [name for name in MODEL_FREE if name in baselines]
    if not known:
        return None
    return (
        max(known, key=baselines.__getitem__) if measure.similarity else min(known, key=baselines.__getitem__)
    )


def _normalised(measure: DistanceMeasure, seen: Sequence[Scored], *, against: str | None) -> float | None:
    """Share of the way from the best trivial predictor to the noise floor, on the cells where that predictor exists.

    Where the floor is not known, because the number of people was not published, it is taken for perfection.
    """
    part = [one for one in seen if against in one.baselines]
    if against is None or not part:
        return None
    perfect = 1.0 if measure.similarity else 0.0
    value = float(np.mean([one.value for one in part]))
    baseline = float(np.mean([one.baselines[against] for one in part]))
    floor = float(np.mean([perfect if one.floor is None else one.floor for one in part]))
    if measure.similarity:
        value, baseline, floor = -value, -baseline, -floor
    return normalised_score(value, baseline=baseline, floor=floor)


def _cluster(cell: Cell, *, by_cell: bool) -> str:
    return "\n".join(cell.key) if by_cell else cell.question.id


def _interval(bounds: tuple[float, float] | None, *, unit: str, n_resamples: int) -> Interval | None:
    if bounds is None or not all(map(isfinite, bounds)):
        return None
    low, high = bounds
    return Interval(low=low, high=high, method=bootstrap_method(unit, n_resamples=n_resamples))


def bootstrap_method(unit: str = "questions", *, n_resamples: int = N_RESAMPLES) -> str:
    """How intervals are made, in words."""
    return f"bootstrap over {unit}, percentile, {n_resamples} resamples"
