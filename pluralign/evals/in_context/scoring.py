"""Scores of answers that were given after more and more of a person's own answers.

Every person is asked a question after k of the person's other answers, for k = 0, 1, 2, ... The curve of the loss
against k says whether the model reads a person from answers; a predictor that only counts the person's earlier
choices says how much of that is more than frequencies. Answers of one person are not independent, so that intervals
resample whole people.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from pluralign.errors import ConfigurationError
from pluralign.evals.distributional import VALID_MASS
from pluralign.evals.distributional.estimates import N_RESAMPLES, bootstrap_method
from pluralign.evals.in_context.baselines import PersonBaselines
from pluralign.evals.in_context.measures import GAIN, MEASURES, NLL, Measure, Value
from pluralign.evals.in_context.reading import readings
from pluralign.evals.in_context.turns import Turn, make_turns, turn_slices
from pluralign.evals.scores import Scores
from pluralign.metrics import cluster_bootstrap
from pluralign.records import Answer, CellScore, Estimate, Interval, QuestionSet

METHOD = bootstrap_method("people")
N_EXAMPLES = "n_examples"

_Values = Mapping[str, Mapping[tuple[str, str, int], Value]]


def score_in_context(
    questions: QuestionSet,
    answers: Iterable[Answer],
    *,
    groups: Collection[str] | None = None,
    preset: str | None = None,
    faulty: Collection[tuple[str, str | None]] = (),
    drop_faulty: bool = False,
    seed: int = 0,
) -> Scores:
    """Score answers that were given after a person's own answers.

    Args:
        questions: Questions with the people's counts, one person a group.
        answers: The model's answers under conditions of kind "in_context".
        groups: Ids of the people; None: everybody for whom there are answers.
        preset: There is none; see `check_preset`.
        faulty: (question id, person or None for everybody) of items that lint found faulty. Where any of them is
            scored, results with and without them are both given.
        drop_faulty: Whether the slice "all" leaves them out.
        seed: Seed of the bootstrap.

    Raises:
        ConfigurationError: A preset.
        DataError: There is nothing to score, or somebody is no single person.
    """
    check_preset(preset)
    turns = make_turns(questions, answers, groups=groups)
    parts = turn_slices(turns, faulty=set(faulty), drop_faulty=drop_faulty)
    baselines = PersonBaselines(questions, people={turn.person for turn in turns})
    values = {
        measure.name: {one.turn.key: one for one in measure.values(turns, baselines)} for measure in MEASURES
    }
    estimates = [
        _estimate(measure, part, slice_name=name, values=values, seed=seed)
        for name, part in parts.items()
        for measure in MEASURES
        if name == "all" or _tells(measure, part, values)
    ]
    kept = parts["all"]
    return Scores(
        primary=NLL,
        estimates=tuple(estimates),
        cells=tuple(_row(turn, values) for turn in turns),
        n_unscored=_unscored(kept),
        readings=readings(
            [values[NLL][turn.key] for turn in kept if turn.key in values[NLL]],
            gains=[values[GAIN][turn.key] for turn in kept if turn.key in values[GAIN]],
            method=METHOD,
            seed=seed,
        ),
    )


def check_preset(preset: str | None) -> None:
    """Refuse a published definition: none is known of this evaluation.

    Raises:
        ConfigurationError: One is asked for.
    """
    if preset is not None:
        raise ConfigurationError(f"Unknown preset {preset!r}: there are none for answers in context.")


def _tells(measure: Measure, turns: Sequence[Turn], values: _Values) -> bool:
    """Whether a measure is worth a row of its own: what no turn of a slice can have is none."""
    return measure.name == NLL or any(turn.key in values[measure.name] for turn in turns)


def _estimate(
    measure: Measure, turns: Sequence[Turn], *, slice_name: str, values: _Values, seed: int
) -> Estimate:
    """The mean of a measure over turns, with its interval over people and what trivial predictors get."""
    seen = [values[measure.name][turn.key] for turn in turns if turn.key in values[measure.name]]
    common = {
        "name": measure.name,
        "slice": slice_name,
        "unit": measure.unit,
        "definition": measure.definition,
        "lower_is_better": measure.lower_is_better,
        "n_questions": len({one.turn.question.id for one in seen}),
        "n_cells": len(seen),
        "n_unscored": {} if measure.name == VALID_MASS else _unscored(turns),
        **_baselines(seen),
    }
    if not seen:
        return Estimate(**common, value=None, reason="no turn could be scored")
    found = np.array([one.model for one in seen])
    if not np.isfinite(found).all():
        n_infinite = int(np.count_nonzero(~np.isfinite(found)))
        reason = (
            f"infinite at {n_infinite} of {len(seen)} turns: the model rules out what the person answered"
        )
        return Estimate(**common, value=None, reason=reason)
    people = [one.turn.person for one in seen]
    bounds = cluster_bootstrap(found, people, n_resamples=N_RESAMPLES, seed=seed)
    return Estimate(
        **common,
        value=float(found.mean()),
        interval=None if bounds is None else Interval(low=bounds.low, high=bounds.high, method=METHOD),
    )


def _baselines(seen: Sequence[Value]) -> dict[str, Any]:
    """What trivial predictors get, as fields of an Estimate."""
    names = dict.fromkeys(name for one in seen for name in one.baselines)
    found = {name: [one.baselines[name] for one in seen if name in one.baselines] for name in names}
    return {
        "baselines": {name: float(np.mean(values)) for name, values in found.items()},
        "baseline_cells": {name: len(values) for name, values in found.items() if len(values) < len(seen)},
    }


def _unscored(turns: Sequence[Turn]) -> dict[str, int]:
    """Reason -> number of turns that cannot be scored."""
    reasons = [reason for turn in turns if (reason := turn.unscored_reason)]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _row(turn: Turn, values: _Values) -> CellScore:
    """One turn as it is written to the run's folder."""
    found = {name: own[turn.key].model for name, own in values.items() if turn.key in own}
    loss = values[NLL].get(turn.key)
    return CellScore(
        question_id=turn.question.id,
        group=turn.person,
        n_people=1,
        sample_size=turn.answer.sample_size,
        unscored=turn.unscored_reason,
        values={N_EXAMPLES: float(turn.n_examples)}
        | {name: value if isfinite(value) else None for name, value in found.items()},
        baselines=loss.baselines if loss else {},
    )
