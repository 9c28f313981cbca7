"""Which options of a survey refuse to answer, where the file does not say so itself."""

import re

_REFUSALS = frozenset({
    "dk",
    "don't know",
    "do not know",
    "refused",
    "refused to answer",
    "no answer",
    "na",
    "missing",
    "other missing",
    "not available",
    "not asked",
    "not applicable",
    "multiple answers mail",
})


def is_refusal(option: str) -> bool:
    """Whether an option says that nothing was answered: "Don't know", "DK/Refused", "Missing; Not available"."""
    bare = re.sub(r"\([^)]*\)", "", option.lower().replace("\u2019", "'"))
    parts = [part.strip(" .[]") for part in re.split(r"[/;,]|\bor\b", bare)]
    return all(part in _REFUSALS for part in parts)
