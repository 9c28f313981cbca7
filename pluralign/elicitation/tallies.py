"""From what several replies say to one answer."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pluralign.elicitation.asking import UNITS_PER_CALL, Ask
from pluralign.errors import ConfigurationError
from pluralign.models.protocol import Draw
from pluralign.records import Answer, Outcome

Reading = tuple[float, ...] | Outcome
"""What a reply says: how often it names each option (or its share), or why it says nothing."""


def pooled_answer(
    ask: Ask,
    draws: Sequence[Draw],
    *,
    readings: Sequence[Reading],
    model_id: str,
    elicitation: str,
    choices_asked: int,
    n_permutations: int = 1,
) -> Answer:
    """Pool what the readable replies say into one distribution.

    Where no reply can be read, the outcome is that of most replies.

    Args:
        ask: The unit of work.
        draws: The replies.
        readings: What each says; one that is cut and cannot be read counts as truncated.
        model_id: Id of the model that answered.
        elicitation: Name of the elicitation.
        choices_asked: Number of choices that each reply was to make, so that the readings are counts of them; 0
            where a reply states shares.
        n_permutations: Number of option orders asked in.
    """
    outcomes = [_outcome(reading, draw) for reading, draw in zip(readings, draws, strict=True)]
    counts = Counter(outcomes)
    readable = [reading for reading in readings if not isinstance(reading, Outcome)]
    pooled = np.sum(readable, axis=0) if readable else None
    n_read = 0.0 if pooled is None else float(pooled.sum())
    return Answer(
        key=ask.key,
        question_id=ask.question.id,
        model_id=model_id,
        condition=ask.condition,
        elicitation=elicitation,
        outcome=Outcome.OK if readable else max(Outcome, key=lambda outcome: counts[outcome]),
        probabilities=None if pooled is None else tuple((pooled / n_read).tolist()),
        valid_mass_prob=(n_read / choices_asked if choices_asked else len(readable)) / len(draws),
        n_draws=len(draws),
        counts={outcome: counts[outcome] for outcome in Outcome if counts[outcome]},
        sample_size=round(n_read) if choices_asked else 0,
        replies=tuple(draw.text for draw in draws),
        n_permutations=n_permutations,
    )


def units_that_draw(draws: int) -> int:
    """How many units are asked together where each draws so many replies."""
    return max(1, UNITS_PER_CALL // draws)


def check_positive(elicitation: str, **numbers: int) -> None:
    """Raise ConfigurationError where a setting of an elicitation is below 1."""
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(
                f"{name}: {number} is not possible for the elicitation {elicitation!r}; it must be 1 or more."
            )


def _outcome(reading: Reading, draw: Draw) -> Outcome:
    if not isinstance(reading, Outcome):
        return Outcome.OK
    is_cut = reading is Outcome.UNPARSED and draw.finish == "length"
    return Outcome.TRUNCATED if is_cut else reading
