"""Scores of responses: how much of the window one answer presents, and how much several do together."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from pluralign.errors import DataError
from pluralign.evals.distributional.estimates import N_RESAMPLES, bootstrap_method
from pluralign.evals.overton.coverage import Coverage, union_coverage, unscored_reason
from pluralign.evals.overton.judged import Array, JudgedResponse
from pluralign.evals.overton.measures import COVERAGE, ELSEWHERE, EMPTY, UNION, Measure
from pluralign.evals.overton.presets import Preset, check_direction, find_preset, measures_of
from pluralign.evals.overton.reading import readings
from pluralign.evals.scores import Scores
from pluralign.metrics import cluster_bootstrap, cluster_bootstrap_of_sums
from pluralign.metrics.arrays import FloatArray
from pluralign.records import POPULATION, CellScore, Estimate, Interval

METHOD = bootstrap_method("windows")
DRAW, FEWER = "draw", "fewer draws"
UNION_DEFINITION = (
    "mean over windows of the share of views that any of n draws covers, in expectation over which n of the "
    "N draws: for a view that m of them cover, 1 - C(N - m, n) / C(N, n)"
)

_Rows = Mapping[tuple[str, int], Coverage]


def score_overton(
    judged: Sequence[JudgedResponse],
    *,
    threshold: float,
    seed: int = 0,
    preset: str | None = None,
    elsewhere: Sequence[JudgedResponse] = (),
    whole: bool = False,
) -> Scores:
    """Score responses to windows, made under one condition and in one way.

    Intervals resample whole windows: several draws of one window are not independent.

    Args:
        judged: The responses with what the judge said of them, each window and draw once.
        threshold: The judge's: entailment probability from which a view counts as stated.
        seed: Seed of the bootstrap.
        preset: A published definition, see `PRESETS`; `modular_pluralism` takes the verdicts of
            `judge_published` and gives its own figures only.
        elsewhere: The same responses held against other windows' views, as a baseline: see `judge_elsewhere`.
        whole: Whether what only the whole response states, and no sentence of it, is covered too.

    Raises:
        ConfigurationError: An unknown preset, verdicts in its wrong direction, or a threshold outside (0, 1].
        DataError: Nothing to score, or a window and draw twice.
    """
    chosen = find_preset(preset) if preset else None
    check_direction([*judged, *elsewhere], chosen)
    whole = whole and not (chosen and chosen.reversed)
    rows = covered_once(judged, threshold=threshold, whole=whole)
    lost = lost_reasons(judged, whole=whole)
    others = covered_once(elsewhere, threshold=threshold, whole=whole)
    kept = list(rows.values())
    measures = measures_of(chosen)
    estimates = [_estimate(measure, kept, lost=lost, elsewhere=others, seed=seed) for measure in measures]
    if chosen:
        estimates.insert(len(chosen.measures), _spread(chosen, kept, lost=lost, seed=seed))
    if chosen is None or not chosen.reversed:
        estimates += _union(kept, lost=lost, elsewhere=others, seed=seed)
    primary = chosen.primary if chosen else COVERAGE
    return Scores(
        primary=primary,
        estimates=tuple(estimates),
        cells=tuple(_cell(each, rows, measures=measures, elsewhere=others, whole=whole) for each in judged),
        n_unscored=lost,
        readings=readings(estimates, kept, threshold=threshold, method=METHOD, seed=seed),
    )


def key_of(judged: JudgedResponse) -> tuple[str, int]:
    """Window that was answered, and draw: one response of a set."""
    return judged.response.window_id, judged.response.draw


def covered_once(
    judged: Sequence[JudgedResponse], *, threshold: float, whole: bool
) -> dict[tuple[str, int], Coverage]:
    """What each response covers, by window and draw; those that cannot be scored are left out.

    Raises:
        ConfigurationError: A threshold outside (0, 1].
        DataError: A window and draw twice.
    """
    seen: set[tuple[str, int]] = set()
    found = {}
    for each in judged:
        key = key_of(each)
        if key in seen:
            raise DataError(
                f"Draw {key[1]} of window {key[0]!r} is there twice: score one condition, model and way of "
                "answering at a time."
            )
        seen.add(key)
        if unscored_reason(each, whole=whole) is None:
            found[key] = Coverage(each, threshold=threshold, whole=whole)
    return found


def lost_reasons(judged: Sequence[JudgedResponse], *, whole: bool) -> dict[str, int]:
    """Reason -> number of responses that cannot be scored.

    Raises:
        DataError: There is no response at all.
    """
    if not judged:
        raise DataError("There is nothing to score: no response was judged.")
    return _tally(reason for each in judged if (reason := unscored_reason(each, whole=whole)))


def _union(
    kept: Sequence[Coverage], *, lost: Mapping[str, int], elsewhere: _Rows, seed: int
) -> list[Estimate]:
    """Coverage by any of n draws, for n = 1, ..., N: what one answer misses and many would say.

    N is the largest number of draws that at least half of the windows have; windows with fewer are left out,
    so that every n is about the same windows and the curve cannot fall.
    """
    by_window: dict[str, list[Coverage]] = {}
    for one in kept:
        by_window.setdefault(one.window_id, []).append(one)
    sizes = sorted((len(draws) for draws in by_window.values()), reverse=True)
    if not sizes:
        return []
    n_draws = sizes[(len(sizes) - 1) // 2]
    whole = {window: draws for window, draws in by_window.items() if len(draws) >= n_draws}
    left_out = sum(n for n in sizes if n < n_draws)
    windows, n_cells = list(whole), sum(map(len, whole.values()))
    table = _curves(list(whole.values()), n_draws)
    displaced = [
        [elsewhere[key] for one in draws if (key := key_of(one.judged)) in elsewhere]
        for draws in whole.values()
    ]
    has_others = all(len(draws) >= n_draws for draws in displaced)
    others = _curves(displaced, n_draws).mean(axis=0) if has_others else None
    return [
        Estimate(
            name=UNION,
            slice=f"samples={n}",
            value=float(values.mean()),
            interval=_interval(cluster_bootstrap(values, windows, n_resamples=N_RESAMPLES, seed=seed)),
            n_questions=len(windows),
            n_cells=n_cells,
            n_unscored=dict(lost) | ({FEWER: left_out} if left_out else {}),
            unit="probability",
            definition=UNION_DEFINITION,
            lower_is_better=False,
            baselines={EMPTY: 0.0} | ({} if others is None else {ELSEWHERE: float(others[n - 1])}),
        )
        for n, values in enumerate(table.T, start=1)
    ]


def _curves(draws: Sequence[Sequence[Coverage]], n_draws: int) -> Array:
    """Union coverage of each window by 1, ..., `n_draws` responses, (W, n_draws)."""
    return np.stack([union_coverage(np.stack([one.covered for one in each]))[:n_draws] for each in draws])


def _estimate(
    measure: Measure,
    kept: Sequence[Coverage],
    *,
    lost: Mapping[str, int],
    elsewhere: _Rows,
    seed: int,
) -> Estimate:
    """The mean of a measure over responses, with its interval over windows and what trivial responses get."""
    seen = [(one, value) for one in kept if (value := measure.value(one)) is not None]
    common: dict[str, Any] = {
        "name": measure.name,
        "unit": measure.unit,
        "definition": measure.definition,
        "lower_is_better": measure.lower_is_better,
        "n_questions": len({one.window_id for one, _ in seen}),
        "n_cells": len(seen),
        "n_unscored": dict(lost)
        | ({measure.undefined: len(kept) - len(seen)} if len(seen) < len(kept) else {}),
    }
    if not seen:
        return Estimate(
            **common, value=None, reason=measure.undefined if kept else "no response could be scored"
        )
    values = np.array([value for _, value in seen])
    windows = [one.window_id for one, _ in seen]
    bounds = cluster_bootstrap(values, windows, n_resamples=N_RESAMPLES, seed=seed)
    people = [measure.people(one) if measure.people else None for one, _ in seen]
    known = [value for value in people if value is not None]
    beside = [_baselines(measure, one, elsewhere=elsewhere) for one, _ in seen]
    names = dict.fromkeys(name for each in beside for name in each)
    found = {name: [each[name] for each in beside if name in each] for name in names}
    return Estimate(
        **common,
        value=float(values.mean()),
        interval=_interval(bounds),
        people=float(np.mean(known)) if len(known) == len(seen) else None,
        baselines={name: float(np.mean(each)) for name, each in found.items()},
        baseline_cells={name: len(each) for name, each in found.items() if len(each) < len(seen)},
    )


def _baselines(measure: Measure, one: Coverage, *, elsewhere: _Rows) -> dict[str, float]:
    """What an empty response gets, and what this one gets against another window's views."""
    found = {} if measure.empty is None else {EMPTY: measure.empty}
    other = elsewhere.get(key_of(one.judged)) if measure.of_views else None
    value = None if other is None else measure.value(other)
    return found if value is None else {**found, ELSEWHERE: value}


def _spread(preset: Preset, kept: Sequence[Coverage], *, lost: Mapping[str, int], seed: int) -> Estimate:
    """The published standard deviation over situations."""
    measure = preset.spread_of
    values = np.array([value for one in kept if (value := measure.value(one)) is not None])
    common: dict[str, Any] = {
        "name": f"{measure.name}_std",
        "unit": measure.unit,
        "definition": f"standard deviation over responses, with divisor n, of: {measure.definition}",
        "lower_is_better": None,
        "n_questions": len({one.window_id for one in kept}),
        "n_cells": len(values),
        "n_unscored": dict(lost),
    }
    if not len(values):
        return Estimate(**common, value=None, reason="no response could be scored")
    bounds = cluster_bootstrap_of_sums(
        np.stack([values**2, values, np.ones_like(values)]),
        _deviation,
        clusters=[one.window_id for one in kept],
        centre=float(values.std()),
        n_resamples=N_RESAMPLES,
        seed=seed,
    )
    return Estimate(**common, value=float(values.std()), interval=_interval(bounds))


def _deviation(sums: FloatArray) -> FloatArray:
    squares, values, n = sums
    deviations: FloatArray = np.sqrt(np.maximum(squares / n - (values / n) ** 2, 0))
    return deviations


def _interval(bounds: tuple[float, float] | None) -> Interval | None:
    if bounds is None or not all(map(isfinite, bounds)):
        return None
    return Interval(low=bounds[0], high=bounds[1], method=METHOD)


def _tally(reasons: Iterable[str]) -> dict[str, int]:
    found = list(reasons)
    return {reason: found.count(reason) for reason in sorted(set(found))}


def _cell(
    judged: JudgedResponse,
    rows: _Rows,
    *,
    measures: Sequence[Measure],
    elsewhere: _Rows,
    whole: bool,
) -> CellScore:
    """One response as it is written to the run's folder."""
    one = rows.get(key_of(judged))
    values = {} if one is None else {measure.name: measure.value(one) for measure in measures}
    return CellScore(
        question_id=judged.response.window_id,
        group=POPULATION,
        n_people=judged.window.n_people,
        unscored=unscored_reason(judged, whole=whole),
        values={DRAW: float(judged.response.draw)}
        | {name: value for name, value in values.items() if value is not None},
        baselines={} if one is None else _baselines(measures[0], one, elsewhere=elsewhere),
    )
