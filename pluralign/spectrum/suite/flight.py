"""Flights: a simulated traveller chooses among three flights by a linear utility. Held out for steering.

After Qiu et al. 2025 (arXiv 2503.17523, appendix A.1), as arXiv 2510.06084 evaluates with it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pluralign.spectrum.format import Example, format_fields
from pluralign.spectrum.suite.source import Instance, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings, row_generator

N_USERS, N_CONTEXTS, N_FLIGHTS = 200, 20, 3
FEATURES = ("departure", "duration", "stops", "price")
WEIGHTS = (-1.0, -0.5, 0.0, 0.5)

_GRID = np.linspace(0, 1, 100)
_STOPS = (0.0, 0.5, 1.0)
# Lowest and highest shown: minutes after midnight, minutes, number, dollars.
_DEPARTURE, _DURATION, _N_STOPS, _PRICE = (300, 1440), (45, 960), (0, 2), (500, 1950)
_DESCRIPTIONS = (
    "One traveller chooses among three flights, again and again. Each choice is the number of a flight: 1, 2 or 3.",
    "A person picks a flight out of three by departure time, duration, number of stops and price, always with the "
    "same preferences. Answer with the number of the flight.",
    "Which flight does this user choose? The user has fixed preferences on departure, duration, stops and price.",
)


class Traveller(NamedTuple):
    """A simulated user.

    Attributes:
        weights: Weight of each feature out of -1, -0.5, 0, 0.5, not all zero, shape (4,).
        flights: Features in [0, 1] of the flights of every context, shape (20, 3, 4).
    """

    weights: NDArray[np.float64]
    flights: NDArray[np.float64]

    @property
    def choices(self) -> NDArray[np.int64]:
        """The flight of the highest utility in each context, the first of equals, from 0, shape (20,)."""
        choices: NDArray[np.int64] = np.argmax(self.flights @ self.weights, axis=1)
        return choices


def traveller(rng: np.random.Generator) -> Traveller:
    """Draw a user with the contexts that the user is asked about."""
    weights = rng.choice(WEIGHTS, size=len(FEATURES))
    while not weights.any():
        weights = rng.choice(WEIGHTS, size=len(FEATURES))
    shape = (N_CONTEXTS, N_FLIGHTS)
    features = [rng.choice(_STOPS if feature == "stops" else _GRID, size=shape) for feature in FEATURES]
    return Traveller(weights, np.stack(features, axis=-1))


def shown(flight: Sequence[float]) -> str:
    """A flight as it is shown: features in [0, 1] as a time of day, a duration, stops and a price."""
    departure, duration, stops, price = (
        round(low + value * (high - low))
        for value, (low, high) in zip(flight, (_DEPARTURE, _DURATION, _N_STOPS, _PRICE), strict=True)
    )
    clock = f"{departure // 60 % 24:02d}:{departure % 60:02d}"
    return (
        f"departs {clock}, takes {duration // 60} h {duration % 60:02d} min, "
        f"{stops} stop{'' if stops == 1 else 's'}, ${price:,}"
    )


def _opened(start: Opening) -> Opened:
    def instance(index: int, _: np.random.Generator) -> Instance:
        # The user is one, whatever the row does with it: description dropped, order changed.
        user = traveller(row_generator("flight", "user", index, seed=start.seed))
        examples = [
            Example(
                input=format_fields({
                    f"flight {number}": shown(flight) for number, flight in enumerate(context, start=1)
                }),
                output=str(int(choice) + 1),
            )
            for context, choice in zip(user.flights.tolist(), user.choices, strict=True)
        ]
        return Instance(
            _DESCRIPTIONS,
            lambda rng, n: [examples[int(i)] for i in rng.permutation(len(examples))[:n]],
            limit=len(examples),
        )

    return Opened(instance=instance, n_rows=N_USERS)


SOURCES = (
    Source(
        name="flight",
        split="held_out",
        what="one simulated user's choices among three flights",
        origin="written for pluralign",
        licence="Apache-2.0",
        citation="Qiu et al. 2025, arXiv:2503.17523",
        material=("flight",),
        opened=_opened,
        n_rows=N_USERS,
        settings=TaskSettings(mean_examples=None, max_examples=N_CONTEXTS, description_keep_prob=1.0),
    ),
)
