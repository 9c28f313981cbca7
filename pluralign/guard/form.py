# ruff: noqa: RUF001, RUF003
"""The first layer of the guard: what no honest text holds is refused, what tries to give orders is unsure.

Nothing is deleted or repaired, because deleting makes new control tokens out of nested ones: a text is served byte
for byte, or not at all. Whether a text is one profile long is checked before anything that takes time.
"""

import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pluralign.guard.confusables import script_of
from pluralign.guard.encodings import find_encoded
from pluralign.guard.inspection import skeleton
from pluralign.guard.instructions import find_instructions
from pluralign.guard.verdict import Document, Passage, Role, Ruling, Span, Verdict
from pluralign.profiles.characters import (
    TURN_MARK,
    TURN_MARKS,
    WEAK_MARKS,
    character_faults,
    character_name,
    is_invisible,
)
from pluralign.profiles.record import ValueProfile

# The policy's category of attacks on the guard and the model.
ATTACK = "prompt_attack"
VERSION = "1"
MOST_SPANS = 20
_MOST_NAMED = 3
# So many accents on one letter hide it; phonetic writing, which has the most, stays far below.
_PILED = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{13,}")
# Ends of statements in the scripts that mark them, and spaces in those that mark nothing else.
_STATEMENT_END = re.compile(
    r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？｡؟۔।॥။።։།])\s*|\n|(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\s+"
)
_WORD = re.compile(r"[^\W\d_]+")
# Quantities and formulas put a Greek letter before Latin ones ("µm", "πr"): no lookalike word is so short.
_SHORTEST_MIXED = 4
_WEAK_MARK = re.compile("|".join(map(re.escape, (*TURN_MARKS, *WEAK_MARKS))) + r"|<\|\w|\w\|>", re.IGNORECASE)
_SQUEEZED = re.compile(r"[\s\\]+")
_ENTITY = re.compile(r"&(?:lt|gt|#x?[0-9a-f]+);|%[0-9a-f]{2}|\\u00[0-9a-f]{2}|\\x[0-9a-f]{2}", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """How long a profile may be; answers of a model are not measured.

    Attributes:
        n_characters: Of all passages together.
        n_tokens: Of all passages together, as `count_tokens` counts them.
        n_statements: Sentences and lines of all passages together.
        n_statement_characters: Of one statement.
        count_tokens: Counts the tokens of a text with the served model's tokenizer. None: tokens are not counted,
            and the characters stand in for them; an estimate without a tokenizer is several times too long in
            most scripts and would refuse in Hindi what it serves in English.
    """

    n_characters: int = 4000
    n_tokens: int = 1000
    n_statements: int = 60
    n_statement_characters: int = 400
    count_tokens: Callable[[str], int] | None = None


@dataclass(frozen=True)
class _Finding:
    certain: bool
    why: str
    start: int
    end: int
    category: str | None = ATTACK


class _Joined:
    """All passages of a document as one text, with places told by passage."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = passages
        self.text = "\n".join(passage.text for passage in passages)
        self.starts: list[int] = []
        place = 0
        for passage in passages:
            self.starts.append(place)
            place += len(passage.text) + 1

    def spans(self, start: int, end: int) -> Iterator[Span]:
        """The parts of the passages between two places of the joined text."""
        first = max(0, bisect_right(self.starts, start) - 1)
        for passage, begin in zip(self.passages[first:], self.starts[first:], strict=True):
            if begin >= end:
                return
            low, high = max(start - begin, 0), min(end - begin, len(passage.text))
            if low < high:
                yield Span(field=passage.field, start=low, end=high)


class FormLayer:
    """Judges the form of texts: length, characters, control tokens, encoded runs, instructions.

    Attributes:
        name: "form".
        version: Of its rules.
        languages: None: it judges all.
        categories: The category of attacks.
    """

    name = "form"
    version = VERSION
    languages: frozenset[str] | None = None
    categories: frozenset[str] | None = frozenset({ATTACK})

    def __init__(self, limits: Limits | None = None) -> None:
        """Judge by these limits; None: the usual ones."""
        self.limits = limits or Limits()

    def judge(self, documents: Sequence[Document], *, role: Role) -> list[Verdict]:
        """One verdict a document, in order."""
        return [self._judge(document, role) for document in documents]

    def _judge(self, document: Document, role: Role) -> Verdict:
        began = time.perf_counter()
        joined = _Joined((*document.passages, *document.denied))
        findings = list(_too_long(document, joined, self.limits)) if role == "profile" else []
        if not findings:
            findings = list(_inspected(joined))
        certain = [finding for finding in findings if finding.certain]
        shown = certain or findings
        ruling = Ruling.REFUSE if certain else Ruling.UNSURE if findings else Ruling.SERVE
        spans = [span for finding in shown for span in joined.spans(finding.start, finding.end)]
        return Verdict(
            ruling=ruling,
            layer="form",
            backend=self.name,
            backend_version=self.version,
            category=shown[0].category if shown else None,
            reason=_reason(shown),
            spans=tuple(dict.fromkeys(spans))[:MOST_SPANS],
            seconds=time.perf_counter() - began,
        )


def document_of(profile: ValueProfile) -> Document:
    """What of a profile is judged: all that is written in it for readers, in the order in which it is rendered."""
    passages = [("title", profile.title), ("summary", profile.summary)]
    for index, value in enumerate(profile.values):
        passages.append((f"values[{index}].statement", value.statement))
        if value.hedge is not None:
            passages.append((f"values[{index}].hedge", value.hedge))
    passages += [(f"norms[{index}]", norm) for index, norm in enumerate(profile.norms)]
    denied = [(f"does_not_hold[{index}]", text) for index, text in enumerate(profile.does_not_hold)]
    return Document(
        passages=tuple(Passage(field=field, text=text) for field, text in passages),
        denied=tuple(Passage(field=field, text=text) for field, text in denied),
        language=profile.language,
    )


def _reason(findings: Iterable[_Finding]) -> str:
    whys = list(dict.fromkeys(finding.why for finding in findings))
    if not whys:
        return "Nothing in its form speaks against it."
    more = len(whys) - _MOST_NAMED
    named = "; ".join(whys[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return f"It holds {named}."


def _too_long(document: Document, joined: _Joined, limits: Limits) -> Iterator[_Finding]:
    """What a profile is beyond its limits, or that it says nothing."""
    n_characters = sum(len(passage.text) for passage in joined.passages)
    if n_characters > limits.n_characters:
        # Nothing else is looked at: a text of any length costs no more than counting it.
        yield _Finding(
            True, f"{n_characters} characters, where {limits.n_characters} are allowed", 0, 0, None
        )
        return
    if not any(_is_visible(passage.text) for passage in document.passages):
        yield _Finding(True, "no statement at all", 0, 0, None)
    elif limits.count_tokens and (n_tokens := limits.count_tokens(joined.text)) > limits.n_tokens:
        yield _Finding(True, f"{n_tokens} tokens, where {limits.n_tokens} are allowed", 0, 0, None)
    n_statements = 0
    for start, end in _statements(joined.text):
        n_statements += 1
        if end - start > limits.n_statement_characters:
            why = (
                f"a statement of {end - start} characters, where {limits.n_statement_characters} are allowed"
            )
            yield _Finding(True, why, start, end, None)
    if n_statements > limits.n_statements:
        yield _Finding(
            True, f"{n_statements} statements, where {limits.n_statements} are allowed", 0, 0, None
        )


def _statements(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _STATEMENT_END.finditer(text):
        if text[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if text[start:].strip():
        yield start, len(text)


def _is_visible(text: str) -> bool:
    return any(not character.isspace() and not is_invisible(character) for character in text)


def _inspected(joined: _Joined) -> Iterator[_Finding]:
    """Everything that a text's characters and words give away."""
    text = joined.text
    for begin, passage in zip(joined.starts, joined.passages, strict=True):
        for fault in character_faults(passage.text):
            named = character_name(passage.text[fault.end - 1])
            yield _Finding(fault.certain, f"{named}: {fault.why}", begin + fault.start, begin + fault.end)
    yield from _marks(text)
    for encoded in find_encoded(text):
        yield _Finding(encoded.certain, encoded.what, encoded.start, encoded.end)
    for hit in find_instructions(text):
        yield _Finding(False, hit.rule, hit.start, hit.end)
    if not text.isascii():
        for found in _PILED.finditer(text):
            yield _Finding(False, f"{len(found[0])} marks on one letter", *found.span())
        yield from _mixed_words(text)


def _marks(text: str) -> Iterator[_Finding]:
    """Control tokens, also those that only look like them, and what becomes one when spaces or escapes are undone."""
    seen = skeleton(text)
    certain = False
    for found in TURN_MARK.finditer(seen.text):
        certain = True
        start, end = seen.origin(*found.span())
        disguised = "" if text[start:end] == found[0] else ", disguised"
        yield _Finding(
            True, f"{found[0]!r}, which opens or closes a turn in a chat format{disguised}", start, end
        )
    if certain:
        return
    if piece := _WEAK_MARK.search(seen.text):
        yield _Finding(False, f"{piece[0]!r}, a piece of a chat format", *seen.origin(*piece.span()))
    elif any(sign in seen.text for sign in "<&%\\["):
        undone = _SQUEEZED.sub("", _ENTITY.sub(_unescaped, seen.text))
        if undone != seen.text and (made := TURN_MARK.search(undone)):
            yield _Finding(False, f"{made[0]!r} with spaces or escapes in it", 0, len(text))


def _unescaped(found: re.Match[str]) -> str:
    """The character that an escape stands for in HTML, an address or JSON."""
    escape = found[0].lower()
    if escape in {"&lt;", "&gt;"}:
        return "<" if escape == "&lt;" else ">"
    decimal = escape.startswith("&#") and not escape.startswith("&#x")
    digits = escape.strip("&#;%\\ux")
    try:
        return chr(int(digits, 10 if decimal else 16))
    except (ValueError, OverflowError):
        return escape


def _mixed_words(text: str) -> Iterator[_Finding]:
    """Words with letters of two scripts that are taken for one another."""
    for found in _WORD.finditer(text):
        word = found[0]
        if word.isascii() or len(word) < _SHORTEST_MIXED:
            continue
        scripts = {script for character in word if (script := script_of(character))}
        if len(scripts) > 1:
            named = " and ".join(script.capitalize() for script in sorted(scripts))
            yield _Finding(False, f"a word of {named} letters", *found.span())
