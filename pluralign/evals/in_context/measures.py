"""What is measured of a turn: loss, accuracy, what the examples gained, and how much of the answer is an option."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log

import numpy as np

from pluralign.evals.cells import Array
from pluralign.evals.distributional import VALID_MASS
from pluralign.evals.distributional.measures import QUANTITIES
from pluralign.evals.in_context.baselines import UNIFORM, PersonBaselines
from pluralign.evals.in_context.turns import Turn

NLL, ACCURACY, GAIN = "nll_nats", "accuracy", "gain_nats"


@dataclass(frozen=True)
class Value:
    """One measure of one turn.

    Attributes:
        turn: The turn.
        model: The model's value; may be infinite or, as a difference of infinite ones, not a number.
        baselines: Trivial predictor -> its value.
    """

    turn: Turn
    model: float
    baselines: Mapping[str, float]


@dataclass(frozen=True)
class Measure:
    """What is measured.

    Attributes:
        name: `Estimate.name`.
        unit: Unit.
        definition: The formula in words.
        lower_is_better: Direction.
        values: The values of all turns that have one.
    """

    name: str
    unit: str
    definition: str
    lower_is_better: bool
    values: Callable[[Sequence[Turn], PersonBaselines], list[Value]]


def nll_values(turns: Sequence[Turn], baselines: PersonBaselines) -> list[Value]:
    """-ln of the probability of the person's answer; infinite where it is ruled out."""
    return _values(turns, baselines, lambda prediction, turn: _nll(prediction[turn.choice]))


def accuracy_values(turns: Sequence[Turn], baselines: PersonBaselines) -> list[Value]:
    """1 where the likeliest option is the person's, else 0; uniform answers are right in one of K cases."""
    found = _values(turns, baselines, lambda prediction, turn: float(prediction.argmax() == turn.choice))
    return [
        Value(one.turn, one.model, {**one.baselines, UNIFORM: 1 / len(one.turn.question.options)})
        for one in found
    ]


def gain_values(turns: Sequence[Turn], baselines: PersonBaselines) -> list[Value]:
    """The loss of the same person's turn without examples, less that of the turn: one value a turn with examples."""
    losses = nll_values(turns, baselines)
    first = {one.turn.person: one for one in losses if one.turn.n_examples == 0}
    return [
        Value(
            one.turn,
            _difference(before.model, one.model),
            {
                name: before.baselines[name] - value
                for name, value in one.baselines.items()
                if name in before.baselines
            },
        )
        for one in losses
        if one.turn.n_examples > 0 and (before := first.get(one.turn.person)) is not None
    ]


def mass_values(turns: Sequence[Turn], baselines: PersonBaselines) -> list[Value]:
    """The probability that the model answers with one of the options."""
    return [
        Value(turn, turn.answer.valid_mass_prob, {})
        for turn in turns
        if turn.answer.valid_mass_prob is not None
    ]


_MASS = next(quantity for quantity in QUANTITIES if quantity.name == VALID_MASS)

MEASURES = (
    Measure(
        NLL,
        "nats",
        "mean over people and their questions of -ln of the probability that the model gives to the person's own "
        "answer, options normalised",
        True,
        nll_values,
    ),
    Measure(
        ACCURACY,
        "probability",
        "share of turns at which the model's likeliest option is the person's answer; the first counts on ties",
        False,
        accuracy_values,
    ),
    Measure(
        GAIN,
        "nats",
        "mean over people of the negative log-likelihood of the same person's answer to the question asked without "
        "any example, less that after the examples; which question is asked first is drawn for each person",
        False,
        gain_values,
    ),
    Measure(VALID_MASS, _MASS.unit, _MASS.definition, False, mass_values),
)


def _values(
    turns: Sequence[Turn], baselines: PersonBaselines, value: Callable[[Array, Turn], float]
) -> list[Value]:
    return [
        Value(
            turn,
            value(own, turn),
            {name: value(prediction, turn) for name, prediction in baselines.predictions(turn).items()},
        )
        for turn in turns
        if (own := turn.probabilities) is not None
    ]


def _nll(probability: float) -> float:
    return -log(probability) if probability > 0 else inf


def _difference(first: float, second: float) -> float:
    return float(np.nan) if first == second == inf else first - second
