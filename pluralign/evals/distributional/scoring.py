"""Distributional pluralism: how far a model's answers are from the people's, and from a known truth.

A *cell* is one question for one group of people. Its target is the group's answers, or the exact
distribution where the answer comes from a process known in closed form.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite

from pluralign.evals.cells import Cell, group_slices, make_cells, sound_slices, unscored
from pluralign.evals.distributional.baselines import Baselines
from pluralign.evals.distributional.estimates import N_RESAMPLES, distance_estimate, quantity_estimate
from pluralign.evals.distributional.measures import (
    CORRECTED,
    DISTANCES,
    QUANTITIES,
    VALID_MASS,
    DistanceMeasure,
)
from pluralign.evals.distributional.presets import Preset, find_preset
from pluralign.evals.distributional.values import Scored, score_cells
from pluralign.evals.scores import Scores
from pluralign.records import Answer, CellScore, Estimate, QuestionSet

_QUANTITIES = frozenset(quantity.name for quantity in QUANTITIES)


def score_distributional(
    questions: QuestionSet,
    answers: Iterable[Answer],
    *,
    groups: Collection[str] | None = None,
    preset: str | None = None,
    faulty: Collection[tuple[str, str | None]] = (),
    drop_faulty: bool = False,
    leave_out: bool = True,
    seed: int = 0,
) -> Scores:
    """Score answers against people's answers, or against the truth of a known process.

    Args:
        questions: Questions with counts, shares or truth.
        answers: The model's answers.
        groups: Ids of the groups to be met, see `make_cells`.
        preset: A published definition to be put first, see `PRESETS`.
        faulty: (question id, group or None for all groups) of items that lint found faulty. Where any of
            them is scored, results with and without them are both given.
        drop_faulty: Whether the slice "all" leaves them out.
        leave_out: Whether the position marginal leaves a question's own answers out, see `Baselines`.
        seed: Seed of the bootstrap, the noise floor, the split halves and the shuffles.

    Raises:
        ConfigurationError: An unknown preset.
        DataError: There is nothing to score: no question has answers of these groups, or all are faulty.
    """
    chosen = find_preset(preset) if preset else None
    cells = make_cells(questions, answers, groups=groups)
    parts = sound_slices(cells, faulty=set(faulty), drop_faulty=drop_faulty)
    measures = (chosen.measure, *DISTANCES) if chosen else DISTANCES
    primary = measures[0].name
    baselines = Baselines(questions, leave_out=leave_out)
    scored = score_cells(cells, measures, baselines=baselines, preset=chosen, seed=seed)
    drawn = any(cell.answer and cell.answer.sample_size for cell in cells)
    quantities = (CORRECTED, *QUANTITIES) if drawn else QUANTITIES
    estimates: list[Estimate | None] = []
    for name, part in parts.items():
        estimates += [
            _distance(measure, part, slice_name=name, scored=scored, preset=chosen, seed=seed)
            for measure in measures
        ]
        estimates += [
            quantity_estimate(quantity, part, slice_name=name, seed=seed) for quantity in quantities
        ]
    for name, part in group_slices(parts["all"]).items():
        estimates.append(
            _distance(measures[0], part, slice_name=name, scored=scored, preset=chosen, seed=seed)
        )
    return Scores(
        primary=primary,
        estimates=tuple(each for each in estimates if each and _tells(each, is_scored=bool(scored[primary]))),
        cells=tuple(_row(cell, scored, primary=primary) for cell in cells),
        n_unscored=unscored(parts["all"]),
    )


def _tells(estimate: Estimate, *, is_scored: bool) -> bool:
    """Whether an estimate is worth a row: a quantity that the answers do not have is none.

    Where nothing was scored at all, the valid mass says so.
    """
    return (
        estimate.value is not None
        or estimate.name not in _QUANTITIES
        or (estimate.name == VALID_MASS and not is_scored)
    )


def _distance(
    measure: DistanceMeasure,
    cells: Sequence[Cell],
    *,
    slice_name: str,
    scored: Mapping[str, Mapping[tuple[str, str], Scored]],
    preset: Preset | None,
    seed: int,
) -> Estimate | None:
    published = preset if preset and measure is preset.measure else None
    return distance_estimate(
        measure,
        cells,
        slice_name=slice_name,
        scored=scored[measure.name],
        n_resamples=published.n_resamples if published else N_RESAMPLES,
        by_cell=bool(published and published.by_cell),
        seed=seed,
    )


def _row(cell: Cell, scored: Mapping[str, Mapping[tuple[str, str], Scored]], *, primary: str) -> CellScore:
    """One cell as it is written to the run's folder."""
    values = {name: cells[cell.key].value for name, cells in scored.items() if cell.key in cells}
    first = scored[primary].get(cell.key)
    return CellScore(
        question_id=cell.question.id,
        group=cell.group,
        n_people=cell.n_people,
        sample_size=cell.answer.sample_size if cell.answer else 0,
        unscored=cell.unscored_reason,
        values={name: value if isfinite(value) else None for name, value in values.items()}
        | {
            quantity.name: value
            for quantity in QUANTITIES
            if not quantity.is_ratio and (value := quantity.value(cell)) is not None
        },
        baselines=first.baselines if first else {},
        noise_floor=first.floor if first else None,
        ceiling=first.ceiling if first else None,
    )
