"""What the curve says, in words: whether the loss falls, and whether by more than the person's own frequencies."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite

from pluralign.evals.in_context.baselines import OWN_MARGINAL, UNIFORM
from pluralign.evals.in_context.measures import Value
from pluralign.metrics import cluster_bootstrap

# Losses that differ by less are the same.
ROUNDING_NATS = 1e-9


def readings(losses: Sequence[Value], *, gains: Sequence[Value], method: str, seed: int) -> tuple[str, ...]:
    """Whether the examples help, and whether they help more than counting the person's choices.

    Both are read at the largest number of examples that at least half of the people were shown.

    Args:
        losses: Negative log-likelihoods of the turns, nats.
        gains: Their gains.
        method: How intervals are made.
        seed: Seed of the bootstrap.
    """
    n_examples = _most_examples(losses)
    if n_examples == 0:
        return ()
    after = f"After {'one own answer' if n_examples == 1 else f'{n_examples} own answers'}"
    last = [one for one in losses if one.turn.n_examples == n_examples]
    if n_ruled_out := sum(not isfinite(one.model) for one in last):
        return (
            f"{after} the model rules out what the person answered at {n_ruled_out} of {len(last)} turns, so that its "
            "loss is infinite: the accuracy says how it fares.",
        )
    gained = [one for one in gains if one.turn.n_examples == n_examples]
    gainers = {one.turn.person for one in gained}
    first = [one for one in losses if one.turn.n_examples == 0 and one.turn.person in gainers]
    counted = [one for one in last if OWN_MARGINAL in one.baselines]
    found = (
        _reading(
            [one.model for one in gained],
            people=[one.turn.person for one in gained],
            against="that without any",
            verdicts=(
                f"the examples help{_but_at_first(first)}",
                "the examples mislead the model",
                "whether the examples help is open",
            ),
            method=method,
            seed=seed,
        ),
        _reading(
            [one.baselines[OWN_MARGINAL] - one.model for one in counted],
            people=[one.turn.person for one in counted],
            against="that of counting which options the person has chosen so far",
            verdicts=(
                "the model reads more than frequencies",
                "frequencies alone say more",
                "which is better is open",
            ),
            method=method,
            seed=seed,
        ),
    )
    return tuple(f"{after} {sentence}." for sentence in found if sentence)


def _reading(
    values: Sequence[float],
    *,
    people: Sequence[str],
    against: str,
    verdicts: tuple[str, str, str],
    method: str,
    seed: int,
) -> str | None:
    """By how much the loss lies below another one, and what its interval over people says of that.

    Args:
        values: The other loss less the model's, nats.
        people: Whose they are.
        against: The other loss, in words.
        verdicts: What is said where the interval lies above 0, below it, and around it.
        method: How the interval is made.
        seed: Seed of the bootstrap.
    """
    if not values or not all(map(isfinite, values)):
        return None
    mean = sum(values) / len(values)
    size = f"the loss is {abs(mean):.3f} nats {'below' if mean >= 0 else 'above'} {against}"
    bounds = cluster_bootstrap(values, people, seed=seed)
    if bounds is None:
        return f"{size}; one person tells nothing of others"
    low, high = bounds if mean >= 0 else (-bounds.high, -bounds.low)
    verdict = verdicts[0] if bounds.low > 0 else verdicts[1] if bounds.high < 0 else verdicts[2]
    return f"{size} ({low:.3f} to {high:.3f}, 95 %, {method}): {verdict}"


def _but_at_first(losses: Sequence[Value]) -> str:
    """A word of warning where the fall of the loss need not come from knowing the person."""
    worse = sum(one.model - one.baselines[UNIFORM] for one in losses) / max(1, len(losses))
    if worse <= ROUNDING_NATS:
        return ""
    return (
        f", but without any the model does {worse:.3f} nats worse than uniform answers, so that a part of the help is "
        "to show what an answer looks like"
    )


def _most_examples(losses: Sequence[Value]) -> int:
    """The largest number of examples that at least half of the people were shown; 0 where there is none."""
    n_people = len({one.turn.person for one in losses})
    shown = Counter(one.turn.n_examples for one in losses)
    return max((count for count, n_turns in shown.items() if 2 * n_turns >= n_people), default=0)
