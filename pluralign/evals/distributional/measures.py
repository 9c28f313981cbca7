"""What is measured: distances between the model's and the people's answers, and quantities of the model alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pluralign.evals.cells import Array, Cell
from pluralign.metrics import (
    Distance,
    entropy_bits,
    js_distance_base2,
    js_distance_nats,
    js_divergence_bits,
    js_divergence_bits_corrected,
    js_divergence_nats,
    js_divergence_nats_smoothed,
    kl_divergence,
    mode_mismatch,
    total_variation,
    wasserstein_ordinal,
)
from pluralign.records import Question

PRIMARY = "js_divergence_bits"
VALID_MASS = "valid_mass_prob"


@dataclass(frozen=True)
class View:
    """What a distance compares of one question.

    Attributes:
        distance: The distance between distributions over the compared options.
        options: Indices of these options, both sides renormalised over them; None for all options.
    """

    distance: Distance
    options: tuple[int, ...] | None = None

    def distances(self, first: Array, second: Array) -> Array:
        """Distances between the rows of two stacks of distributions over all options, (R or 1, K) each.

        Returns:
            Shape (R,): infinite where a distance is, NaN where a row has no mass on the compared options.
        """
        if self.options is None:
            return self.distance(first, second)
        first, second = np.broadcast_arrays(first[:, self.options], second[:, self.options])
        comparable = (first.sum(-1) > 0) & (second.sum(-1) > 0)
        first, second = (
            rows[comparable] / rows[comparable].sum(-1, keepdims=True) for rows in (first, second)
        )
        found = np.full(len(comparable), np.nan)
        if comparable.any():
            found[comparable] = self.distance(first, second)
        return found


@dataclass(frozen=True)
class DistanceMeasure:
    """A distance between a cell's target and a prediction.

    Attributes:
        name: Name in results.
        unit: Unit of the value.
        definition: The formula.
        view: What is compared of a question; None where the distance is undefined for it.
        similarity: Whether 1 minus the distance is reported: higher is then better.
        at_zeros: Distance of a lost answer that a published definition counts as a vector of zeros.
    """

    name: str
    unit: str
    definition: str
    view: Callable[[Question], View | None]
    similarity: bool = False
    at_zeros: float | None = None

    def reported(self, distances: Array) -> float | None:
        """The mean of distances as it is reported; None where there are none."""
        known = distances[~np.isnan(distances)]
        if not known.size:
            return None
        mean = float(known.mean())
        return 1 - mean if self.similarity else mean

    def value(self, cell: Cell) -> float | None:
        """The reported value of the model's answer; None where there is none or the measure is undefined."""
        view = self.view(cell.question)
        if cell.probabilities is None or view is None:
            return None
        return self.reported(view.distances(cell.target[None], cell.probabilities[None]))


@dataclass(frozen=True)
class Quantity:
    """A quantity of the model's answer alone, beside the people's own where these have it.

    Attributes:
        name: Name in results.
        unit: Unit of the value.
        definition: What it is.
        value: The model's; None where a cell has none.
        people: The people's; None where a cell has none.
        lower_is_better: Direction; None where the people's value is the right one.
        is_ratio: Whether the mean of the model's is divided by the mean of the people's.
    """

    name: str
    unit: str
    definition: str
    value: Callable[[Cell], float | None]
    people: Callable[[Cell], float | None] | None = None
    lower_is_better: bool | None = None
    is_ratio: bool = False


def all_options(question: Question, *, distance: Distance) -> View:
    """Compare over all options, refusals included."""
    return View(distance)


def options_on_scale(question: Question) -> View | None:
    """Compare substantive options with a place on the scale; refusals have none (Santurkar et al. 2023)."""
    placed = {
        index: option.value
        for index, option in enumerate(question.options)
        if option.value is not None and not option.refusal
    }
    if len(set(placed.values())) < 2:
        return None
    return View(partial(wasserstein_ordinal, positions=list(placed.values())), tuple(placed))


def _over_all(distance: Distance) -> Callable[[Question], View | None]:
    return partial(all_options, distance=distance)


DISTANCES = (
    DistanceMeasure(
        "js_divergence_bits",
        "bits",
        "Jensen-Shannon divergence, base 2, of the model's distribution from the target; no smoothing",
        _over_all(js_divergence_bits),
    ),
    DistanceMeasure(
        "total_variation",
        "probability",
        "half the sum of the absolute differences between the options' probabilities",
        _over_all(total_variation),
    ),
    DistanceMeasure(
        "wasserstein_ordinal",
        "scale range",
        "Wasserstein-1 distance over the options that have a place on the scale, divided by the scale's range",
        options_on_scale,
    ),
    DistanceMeasure(
        "js_divergence_nats", "nats", "Jensen-Shannon divergence, base e", _over_all(js_divergence_nats)
    ),
    DistanceMeasure(
        "js_distance_base2",
        "square root of bits",
        "square root of the Jensen-Shannon divergence in bits",
        _over_all(js_distance_base2),
    ),
    DistanceMeasure(
        "js_distance_nats",
        "square root of nats",
        "square root of the Jensen-Shannon divergence in nats",
        _over_all(js_distance_nats),
    ),
    DistanceMeasure(
        "kl_divergence_nats",
        "nats",
        "forward Kullback-Leibler divergence: the sum of p log(p / q), p the target; infinite where the model "
        "rules out what people answered",
        _over_all(kl_divergence),
    ),
    DistanceMeasure(
        "mode_match",
        "probability",
        "share of cells whose most frequent answer is the model's likeliest; the first one counts on ties",
        _over_all(mode_mismatch),
        similarity=True,
    ),
)


def _model_entropy(cell: Cell) -> float | None:
    return None if cell.probabilities is None else float(entropy_bits(cell.probabilities))


def _people_entropy(cell: Cell) -> float | None:
    return float(entropy_bits(cell.target))


def _refusal(cell: Cell, *, distribution: Array | None) -> float | None:
    refusals = [index for index, option in enumerate(cell.question.options) if option.refusal]
    return float(distribution[refusals].sum()) if refusals and distribution is not None else None


def _model_refusal(cell: Cell) -> float | None:
    return _refusal(cell, distribution=cell.probabilities)


def _people_refusal(cell: Cell) -> float | None:
    return _refusal(cell, distribution=cell.target)


def _valid_mass(cell: Cell) -> float | None:
    return cell.answer.valid_mass_prob if cell.answer else None


def _order_sensitivity(cell: Cell) -> float | None:
    return cell.answer.order_sensitivity if cell.answer else None


def corrected_divergence(cell: Cell, prediction: Array, *, n_drawn: float | None) -> float:
    """Jensen-Shannon divergence in bits less what sampling adds to it on both sides."""
    return float(js_divergence_bits_corrected(cell.target, prediction, n_p=cell.n_people, n_q=n_drawn))


def _corrected(cell: Cell) -> float | None:
    if cell.answer is None or cell.probabilities is None:
        return None
    return corrected_divergence(cell, cell.probabilities, n_drawn=cell.answer.sample_size or None)


QUANTITIES = (
    Quantity(
        "entropy_bits",
        "bits",
        "mean entropy of the model's distributions, beside that of the people's",
        _model_entropy,
        people=_people_entropy,
    ),
    Quantity(
        "entropy_ratio",
        "ratio",
        "mean entropy of the model's distributions over that of the people's: below 1, opinions collapse",
        _model_entropy,
        people=_people_entropy,
        is_ratio=True,
    ),
    Quantity(
        "refusal_mass_prob",
        "probability",
        "mass on the options that refuse to answer, where a question has any",
        _model_refusal,
        people=_people_refusal,
    ),
    Quantity(
        VALID_MASS,
        "probability",
        "probability that the model answers with one of the options, before normalising",
        _valid_mass,
        lower_is_better=False,
    ),
    Quantity(
        "order_sensitivity",
        "probability",
        "mean total variation between the answer under one order of the options and the average over orders",
        _order_sensitivity,
        lower_is_better=True,
    ),
)

CORRECTED = Quantity(
    "js_divergence_bits_corrected",
    "bits",
    "Jensen-Shannon divergence, base 2, less its first-order bias from finitely many draws and people; its "
    "expectation is 0 for a perfect model",
    _corrected,
    lower_is_better=True,
)

SMOOTHED_JS = DistanceMeasure(
    "js_divergence_nats_smoothed",
    "nats",
    "Jensen-Shannon divergence in nats after adding 1e-6 to every probability of both sides",
    _over_all(js_divergence_nats_smoothed),
)
