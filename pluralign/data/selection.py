"""The choice that a caller makes among named things, checked, and the draw of some of many."""

from collections.abc import Iterable, Sequence

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.records import content_hash


def select(
    names: Sequence[str] | None, known: Iterable[str], *, default: Iterable[str], what: str
) -> list[str]:
    """The names asked for, in the order asked for.

    Args:
        names: What the caller asked for, or None for the default.
        known: Every name there is.
        default: The names taken for None.
        what: What is named, for messages: "ANES 1996 question".

    Raises:
        ConfigurationError: A lone string, nothing at all, an unknown name, or a name twice.
    """
    if names is None:
        return list(default)
    if isinstance(names, str):
        raise ConfigurationError(f"Give a list of {what} names, not the text {names!r}: [{names!r}].")
    known = list(known)
    if not names:
        raise ConfigurationError(f"No {what} is asked for. Known: {', '.join(known)}.")
    for position, name in enumerate(names):
        if name not in known:
            raise ConfigurationError(f"Unknown {what} {name!r}.{did_you_mean(name, known)}")
        if name in names[:position]:
            raise ConfigurationError(f"The {what} {name!r} is asked for twice.")
    return list(names)


def draw(names: Sequence[str], n: int | None, *, seed: int, what: str) -> list[str]:
    """So many of the names, in their order; a larger draw with the same seed holds the smaller one.

    Args:
        names: What is drawn from; no name twice.
        n: How many, at most; None for all of them.
        seed: Seed of the draw, which does not depend on the order of the names.
        what: What is named, for messages: "people".

    Raises:
        ConfigurationError: `n` is below 1.
    """
    if n is not None and n < 1:
        raise ConfigurationError(f"{what} must be at least 1, not {n}.")
    if n is None or n >= len(names):
        return list(names)
    drawn = set(sorted(names, key=lambda name: content_hash([seed, name]))[:n])
    return [name for name in names if name in drawn]
