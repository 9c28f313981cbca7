"""Finds runs of text that encode something: base64, hexadecimal, escapes, codes of characters. Nothing is decoded."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# Nobody writes a word of so many characters without a space; a sha512 in hexadecimal is the longest honest one.
LONGEST_RUN = 120
# Codes of so many characters, spaces included, are no quotation and no joke.
LONGEST_CODES = 300
# Of a run of random letters and digits, one neighbour in three or more is of another kind (upper, lower, digit); of
# words joined by hyphens or capitals fewer are, and of hexadecimal and base32 about 0.3 to 0.5.
_CHANGES = 0.2
# Bits a character: English prose without spaces has about 4.1, base85 and random ASCII above 4.8.
_ENTROPY_BITS = 4.6
_RUN = re.compile(rf"(?<![!-~])[!-~]{{{LONGEST_RUN},}}")
_LINES = re.compile(r"(?<![A-Za-z0-9+/_=-])(?:[A-Za-z0-9+/_=-]{40,}[ \t\r]*\n[ \t\r]*)+[A-Za-z0-9+/_=-]{4,}")
_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]*")
# What it looks like, what it cannot do without, and its pattern.
_CODES = (
    ("percent signs", re.compile("%"), re.compile(r"(?:%[0-9A-Fa-f]{2}){8,}")),
    (
        "escaped characters",
        re.compile(r"\\[xu]"),
        re.compile(r"(?:\\x[0-9A-Fa-f]{2}){6,}|(?:\\u[0-9A-Fa-f]{4}){4,}"),
    ),
    ("HTML entities", re.compile("&#"), re.compile(r"(?:&#x?[0-9A-Fa-f]{2,6};\s*){5,}")),
    ("binary digits", re.compile("[01]{7}"), re.compile(r"(?:\b[01]{7,8}\b\s*){5,}|\b[01]{40,}\b")),
    (
        "numbers of characters",
        re.compile(r"\d[\s,]+\d"),
        re.compile(r"(?:\b(?:3[2-9]|[4-9]\d|1[01]\d|12[0-6])\b[\s,]+){9,}"),
    ),
    (
        "hexadecimal numbers",
        re.compile(r"\d[A-Fa-f]?[\s:,]+[\dA-Fa-f]"),
        re.compile(r"(?:\b[0-9A-Fa-f]{2}[\s:,]+){16,}"),
    ),
    ("Morse code", re.compile(r"[.\-]\s+[.\-]"), re.compile(r"(?:(?<!\S)[.\-]{1,5}(?:\s+|\s*/\s*)){10,}")),
)


@dataclass(frozen=True)
class Encoded:
    """A run that encodes something.

    Attributes:
        what: What it looks like, for a sentence.
        start: First character.
        end: One past the last.
        certain: True: long enough that no honest text holds it; False: short.
    """

    what: str
    start: int
    end: int
    certain: bool


def find_encoded(text: str) -> Iterator[Encoded]:
    """Every encoded run of a text."""
    for found in _RUN.finditer(text):
        if _is_random(found[0]):
            yield Encoded(f"a run of {len(found[0])} encoded characters", *found.span(), True)
    if "\n" in text:
        for found in _LINES.finditer(text):
            joined = "".join(found[0].split())
            if len(joined) >= LONGEST_RUN and _is_random(joined):
                yield Encoded(f"{len(joined)} encoded characters over several lines", *found.span(), True)
    for what, needed, pattern in _CODES:
        if needed.search(text):
            for found in pattern.finditer(text):
                yield Encoded(what, *found.span(), len(found[0]) >= LONGEST_CODES)


def _is_random(run: str) -> bool:
    longest = max(re.split(r"[^A-Za-z0-9+/_=-]", run), key=len)
    if len(longest) >= LONGEST_RUN:
        if _changes(longest) >= _CHANGES:
            return True
        # Hexadecimal of a text has few letters among its digits.
        if _HEX.fullmatch(longest) and not longest.isdigit() and not longest.isalpha():
            return True
    return not run.startswith(("http://", "https://")) and _entropy_bits(run) >= _ENTROPY_BITS


def _changes(run: str) -> float:
    """Share of neighbouring letters and digits that are of different kinds, a capital before a small letter apart."""
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" for c in run if c.isalnum()]
    changed = sum(a != b for a, b in pairwise(kinds))
    return changed / max(1, len(kinds) - 1)


def _entropy_bits(run: str) -> float:
    """Entropy of the run's characters in bits a character."""
    return -sum(n / len(run) * math.log2(n / len(run)) for n in Counter(run).values())
