"""The values of single cells: the model's, those of trivial predictors, the noise floor and the human ceiling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from pluralign.evals.cells import Array, Cell
from pluralign.evals.distributional.baselines import UNIFORM, Baselines, cell_rng
from pluralign.evals.distributional.measures import DistanceMeasure
from pluralign.evals.distributional.presets import Lost, Preset
from pluralign.metrics import MIN_PEOPLE_TO_SPLIT, noise_draws, split_halves
from pluralign.records import Outcome

# Per cell: an estimate averages over many, so a few hundred suffice.
N_NOISE_DRAWS, N_SPLITS = 400, 200

# Replies from which nothing could be read: what published definitions put a number on.
REPLIED = frozenset({Outcome.REFUSED, Outcome.UNPARSED, Outcome.TRUNCATED})


_MODEL, _NOISE = "model", "noise"


@dataclass(frozen=True)
class Scored:
    """One cell under one distance, as it is reported.

    Attributes:
        cell: The cell.
        value: The model's; may be infinite.
        baselines: name -> what a trivial predictor gets.
        floor: What the population itself would get, given how many people were asked and draws taken; None
            where the number of people was not published and nothing was drawn.
        ceiling: What one half of the people gets against the other; None where their number is unknown.
    """

    cell: Cell
    value: float
    baselines: Mapping[str, float]
    floor: float | None
    ceiling: float | None


@dataclass(frozen=True)
class _Beside:
    """What every distance of a cell is set beside.

    Attributes:
        predictions: Baseline -> predictions, (R, K).
        noise: The target as finitely many draws would show it, (R, K); the target itself where it is exact;
            (0, K) where nobody knows how many people were asked.
        halves: Random halves of the people, (S, K) each; None where their number is unknown or too small.
    """

    predictions: Mapping[str, Array]
    noise: Array
    halves: tuple[Array, Array] | None


def score_cells(
    cells: Sequence[Cell],
    measures: Sequence[DistanceMeasure],
    *,
    baselines: Baselines,
    preset: Preset | None,
    seed: int,
) -> dict[str, dict[tuple[str, str], Scored]]:
    """Measure -> cell key -> values, for the cells that have any.

    Args:
        cells: The cells.
        measures: The distances.
        baselines: The trivial predictors.
        preset: Says what its own measure makes of lost answers; every other measure leaves them out.
        seed: Seed of noise draws, halves and shuffles; each cell derives its own.
    """
    found: dict[str, dict[tuple[str, str], Scored]] = {measure.name: {} for measure in measures}
    for cell in cells:
        if cell.answer is None:
            continue
        beside = _beside(cell, baselines=baselines, seed=seed)
        for measure in measures:
            lost = preset.lost if preset and measure is preset.measure else Lost.LEFT_OUT
            scored = _scored(measure, cell, beside=beside, lost=lost)
            if scored is not None:
                found[measure.name][cell.key] = scored
    return found


def _beside(cell: Cell, *, baselines: Baselines, seed: int) -> _Beside:
    predictions = baselines.predictions(cell, seed=seed)
    n, row = cell.n_noise, cell.target[None]
    if cell.target.max() == 1:
        # Everybody agrees, as a single person does: so does every sample and every half.
        noise = row if cell.is_exact or n is not None else row[:0]
        can_split = cell.n_people is not None and round(cell.n_people) >= MIN_PEOPLE_TO_SPLIT
        return _Beside(predictions, noise, (row, row) if can_split else None)
    rng = cell_rng(cell, seed=seed, purpose="noise")
    noise = row if cell.is_exact else row[:0]
    if n is not None:
        noise = noise_draws(cell.target, n, n_replications=N_NOISE_DRAWS, seed=int(rng.integers(2**63)))
    halves = None
    if cell.n_people is not None:
        counts = cell.target * cell.n_people
        halves = split_halves(
            counts, n_people=cell.n_people, n_splits=N_SPLITS, seed=int(rng.integers(2**63))
        )
    return _Beside(predictions, noise, halves)


def _scored(measure: DistanceMeasure, cell: Cell, *, beside: _Beside, lost: Lost) -> Scored | None:
    """A cell's values under a measure; None where the model has none."""
    view = measure.view(cell.question)
    if view is None:
        return None
    own = _rows_of_model(cell, lost=lost, uniform=beside.predictions[UNIFORM])
    stacks = {_MODEL: own, _NOISE: beside.noise, **beside.predictions}
    # One call for all rows: a cell has few of them, and there are thousands of cells.
    distances = view.distances(cell.target[None], np.concatenate(list(stacks.values())))
    ends = np.cumsum([len(rows) for rows in stacks.values()])
    values = {
        name: measure.reported(part)
        for name, part in zip(stacks, np.split(distances, ends[:-1]), strict=True)
    }
    value, floor = values.pop(_MODEL), values.pop(_NOISE)
    if value is None and lost is Lost.ZEROS and _replied_in_vain(cell):
        value = measure.at_zeros
    if value is None:
        return None
    return Scored(
        cell=cell,
        value=value,
        baselines={
            name: number for name, number in values.items() if number is not None and isfinite(number)
        },
        floor=_finite(floor),
        ceiling=_finite(measure.reported(view.distances(*beside.halves))) if beside.halves else None,
    )


def _rows_of_model(cell: Cell, *, lost: Lost, uniform: Array) -> Array:
    """The model's distribution, (1, K), or what a published definition puts in its place; (0, K) for nothing."""
    if cell.probabilities is not None:
        return cell.probabilities[None]
    return uniform if lost is Lost.UNIFORM and _replied_in_vain(cell) else np.empty((0, len(cell.target)))


def _replied_in_vain(cell: Cell) -> bool:
    """Whether the model has replied, but nothing could be read from it: a failed call is no reply."""
    return cell.answer is not None and cell.answer.outcome in REPLIED


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
