"""Metrics that have one value a prompt: their means with intervals over prompts, and paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pluralign.evals.distributional.estimates import N_RESAMPLES, bootstrap_method
from pluralign.evals.paired import paired_comparison
from pluralign.metrics import cluster_bootstrap
from pluralign.records import CellScore, Comparison, Estimate, Interval

ERROR = "error"


@dataclass(frozen=True)
class Measure:
    """A metric with one value a prompt, kept in `CellScore.values` under its name.

    Attributes:
        name: Metric.
        unit: Its unit.
        definition: The formula in words and symbols.
        lower_is_better: Direction; None for a quantity that is neither.
        undefined: Why a prompt that was scored may have no value; empty where each has one.
    """

    name: str
    unit: str
    definition: str
    lower_is_better: bool | None
    undefined: str = ""


def estimate(
    measure: Measure,
    cells: Sequence[CellScore],
    *,
    of: str,
    slice_name: str = "all",
    seed: int = 0,
    with_baselines: bool = False,
) -> Estimate:
    """The mean over prompts with its 95 % bootstrap interval, whole prompts resampled.

    Args:
        measure: What.
        cells: One a prompt.
        of: What is resampled, in the plural: "tasks", "prompts".
        slice_name: What the cells are.
        seed: Seed of the bootstrap.
        with_baselines: Whether the cells' baselines are of this measure.
    """
    lost = unscored(cells)
    scored = [cell for cell in cells if cell.unscored is None]
    seen = [(cell, value) for cell in scored if (value := cell.values.get(measure.name)) is not None]
    if missing := len(scored) - len(seen):
        lost |= {measure.undefined: missing}
    common: dict[str, Any] = {
        "name": measure.name,
        "slice": slice_name,
        "unit": measure.unit,
        "definition": measure.definition,
        "lower_is_better": measure.lower_is_better,
        "n_questions": len(seen),
        "n_cells": len(seen),
        "n_unscored": lost,
    }
    if not seen:
        return Estimate(**common, value=None, reason=next(iter(lost), "nothing was asked"))
    values = [value for _, value in seen]
    bounds = cluster_bootstrap(
        values, [cell.question_id for cell, _ in seen], n_resamples=N_RESAMPLES, seed=seed
    )
    baselines = _baselines([cell for cell, _ in seen]) if with_baselines else {}
    return Estimate(
        **common,
        value=float(np.mean(values)),
        interval=Interval(low=bounds.low, high=bounds.high, method=bootstrap_method(of)) if bounds else None,
        baselines={name: float(np.mean(each)) for name, each in baselines.items()},
        baseline_cells={name: len(each) for name, each in baselines.items() if len(each) < len(seen)},
    )


def unscored(cells: Sequence[CellScore]) -> dict[str, int]:
    """Reason -> number of prompts that could not be scored."""
    reasons = [cell.unscored for cell in cells if cell.unscored]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def compare_cells(
    *,
    first: tuple[str, Sequence[CellScore]],
    second: tuple[str, Sequence[CellScore]],
    measures: Sequence[Measure],
    of: str,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of every metric on the prompts where both have a value.

    Args:
        first: Label and cells of the minuend.
        second: Label and cells of the subtrahend.
        measures: The metrics.
        of: What is resampled, in the plural.
        seed: Seed of the bootstrap.
    """
    found = (
        _compare(measure, first=first, second=second, method=bootstrap_method(of), seed=seed)
        for measure in measures
    )
    return tuple(each for each in found if each)


def _compare(
    measure: Measure,
    *,
    first: tuple[str, Sequence[CellScore]],
    second: tuple[str, Sequence[CellScore]],
    method: str,
    seed: int,
) -> Comparison | None:
    ours, theirs = _values(measure, first[1]), _values(measure, second[1])
    prompts = [prompt for prompt in ours if prompt in theirs]
    if not prompts:
        return None
    return paired_comparison(
        measure.name,
        first=(first[0], [ours[prompt] for prompt in prompts]),
        second=(second[0], [theirs[prompt] for prompt in prompts]),
        clusters=prompts,
        method=method,
        unit=measure.unit,
        lower_is_better=measure.lower_is_better,
        seed=seed,
    )


def _values(measure: Measure, cells: Sequence[CellScore]) -> dict[str, float]:
    values = ((cell.question_id, cell.values.get(measure.name)) for cell in cells if cell.unscored is None)
    return {prompt: value for prompt, value in values if value is not None}


def _baselines(cells: Sequence[CellScore]) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {}
    for cell in cells:
        for name, value in cell.baselines.items():
            found.setdefault(name, []).append(value)
    return found
