"""Between which probabilities an option lies where a server names only the likeliest tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.models.http.replies import Step


@dataclass(frozen=True)
class OptionBounds:
    """Bounds on the probability of each option of one prompt, nats.

    They hold for the event that the answer is the option's text and nothing else. What the server does not name has an
    unknown probability, not none: it counts in full for the upper bound of every option it may belong to.

    Attributes:
        lower: Per option; -inf where nothing shows that the option has any probability.
        upper: Per option.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]


def option_bounds(options: Sequence[str], steps: Sequence[Step], *, text: str, ended: bool) -> OptionBounds:
    """Bounds from one drawn answer and the likeliest tokens at each of its places.

    The answer is a path through the tree of tokens. An option leaves it where their texts part; up to there its
    probability is that of the path times that of the tokens named that go on with the option, and of all unnamed ones.

    Args:
        options: The options.
        steps: The answer's tokens, from the first on; the end of the turn is among them or not, as the server has it.
        text: The answer's text, without what ends the turn.
        ended: Whether the model ended its turn.
    """
    pairs = [_bounds(option.encode(), steps, is_whole=ended and option == text) for option in options]
    return OptionBounds(
        lower=tuple(_log(lower) for lower, _ in pairs),
        upper=tuple(_log(min(1.0, upper)) for _, upper in pairs),
    )


def _bounds(option: bytes, steps: Sequence[Step], *, is_whole: bool) -> tuple[float, float]:
    """Bounds on the probability of one option; `is_whole` where the path is the option and the end of the turn."""
    path, rest, upper = 1.0, option, 0.0
    for step in steps:
        if not rest:
            # The path has said the option. What comes now ends the turn or not; only of the last token is it known.
            lower = path * math.exp(step.log_prob) if is_whole and step is steps[-1] else 0.0
            return lower, upper + path
        others = _others(step)
        unnamed = max(0.0, 1 - math.fsum(map(math.exp, [step.log_prob, *(value for _, value in others)])))
        going_on = math.fsum(math.exp(value) for token, value in others if token and rest.startswith(token))
        upper += path * (going_on + unnamed)
        if not step.token or not rest.startswith(step.token):
            return 0.0, upper
        path *= math.exp(step.log_prob)
        rest = rest.removeprefix(step.token)
    return 0.0, upper + path


def _others(step: Step) -> list[tuple[bytes, float]]:
    """The likeliest tokens without the one drawn. Two tokens may have one text, so one is left out at most."""
    same = (
        place
        for place, (token, value) in enumerate(step.candidates)
        if token == step.token and math.isclose(value, step.log_prob, abs_tol=1e-4)
    )
    own = next(same, None)
    return [candidate for place, candidate in enumerate(step.candidates) if place != own]


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf
