"""Copies of a text on which the guard looks for what is hidden; the text itself is never changed.

NFKC makes control tokens out of full-width letters, and taking out invisible characters joins tokens that they
split. So both come before any detection, and whatever they make is looked at again, until nothing changes.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate

from pluralign.guard.confusables import skeleton_of
from pluralign.profiles.characters import is_invisible, is_plain_ascii

# Signs over and under Hebrew and Arabic letters that readers leave out, and the Arabic stroke that stretches a word.
_OPTIONAL_SIGNS = frozenset(
    map(chr, (*range(0x591, 0x5C0), 0x5C1, 0x5C2, 0x640, *range(0x64B, 0x653), 0x670))
)


@dataclass(frozen=True)
class Copy:
    """A changed copy of a text, from which places in the text itself can be told.

    Attributes:
        text: The copy.
        pieces: The text, cut into what was changed as one; empty: the copy equals it.
        change: What was done to each piece.
    """

    text: str
    pieces: tuple[str, ...] = field(default=(), repr=False)
    change: Callable[[str], str] = field(default=str, repr=False)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in the text of what stands in the copy from `start` to `end` (at least one character)."""
        if not self.pieces:
            return start, end
        first, last = self._piece(start), self._piece(max(start, end - 1))
        return self._text_starts[first], self._text_starts[last + 1]

    def _piece(self, place: int) -> int:
        # Pieces that leave nothing in the copy share their start with the next one: the last of them is meant.
        return bisect_right(self._copy_starts, place) - 1

    @cached_property
    def _copy_starts(self) -> list[int]:
        return list(accumulate((len(self.change(piece)) for piece in self.pieces), initial=0))[:-1]

    @cached_property
    def _text_starts(self) -> list[int]:
        return list(accumulate(map(len, self.pieces), initial=0))


def skeleton(text: str) -> Copy:
    """What a text looks like in ASCII letters, without invisible characters and accents."""
    if is_plain_ascii(text):
        return Copy(text)
    return Copy("".join(map(skeleton_of, text)), tuple(text), skeleton_of)


def plain(text: str) -> Copy:
    """A text in NFKC without invisible characters, for reading it in its own script."""
    if is_plain_ascii(text):
        return Copy(text)
    pieces = tuple(_clusters(text))
    return Copy("".join(map(_composed, pieces)), pieces, _composed)


@lru_cache(maxsize=1 << 14)
def _composed(piece: str) -> str:
    """NFKC of a letter with its marks, without what is invisible; again until nothing changes."""
    while True:
        seen = "".join(c for c in piece if not is_invisible(c) and c not in _OPTIONAL_SIGNS)
        composed = unicodedata.normalize("NFKC", seen)
        if composed == piece:
            return piece
        piece = composed


def _clusters(text: str) -> Iterator[str]:
    """A text cut before each character that does not combine with the one before it."""
    start = 0
    for index, character in enumerate(text):
        if index and not _combines(character):
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


@lru_cache(maxsize=1 << 14)
def _combines(character: str) -> bool:
    # Vowels and finals of Hangul compose with the letter before them; an invisible character between is no bound.
    first = unicodedata.normalize("NFKC", character)[0]
    return (
        is_invisible(character)
        or unicodedata.combining(first) != 0
        or "\u1161" <= first <= "\u11ff"
        or unicodedata.category(first) == "Mc"
    )
