# ruff: noqa: RUF001
"""A document as sentences and the stretches of it that a screen looks at, each with its place in the original text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pluralign.guard.inspection import skeleton
from pluralign.guard.verdict import Passage, Span

WINDOW = 3
# A sentence without a full stop may be of any length; an encoder reads its first 256 tokens only.
_LONGEST_WORDS = 60
_STEP_WORDS = 30
_END = re.compile(r"(?<=[.!?;…])[\"'”’»)\]]*\s+|\n")
_ABBREVIATION = re.compile(r"\b(?:e\.?g|i\.?e|etc|vs|cf|Mrs?|Ms|Drs?|St|No|Jr|Sr|[A-Z])\.$")
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage.

    Attributes:
        text: As it looks without disguise: lookalike letters, accents and invisible characters undone.
        passage: Number of its passage.
        span: Where it stands in the original text.
        n_words: Number of its words, at least 1.
    """

    text: str
    passage: int
    span: Span
    n_words: int


@dataclass(frozen=True)
class Stretch:
    """Sentences that follow one another.

    Attributes:
        first: Number of the first one.
        end: One past the number of the last one.
    """

    first: int
    end: int


def sentences_of(passages: Sequence[Passage]) -> list[Sentence]:
    """The sentences of all passages in order; one of more than 60 words is cut into pieces that overlap."""
    return [sentence for number, passage in enumerate(passages) for sentence in _sentences(passage, number)]


def stretches_in_passages(sentences: Sequence[Sentence]) -> list[Stretch]:
    """Every sentence, and every window of three within one passage, or the whole passage where it is shorter."""
    stretches = [Stretch(index, index + 1) for index in range(len(sentences))]
    first = 0
    while first < len(sentences):
        end = first
        while end < len(sentences) and sentences[end].passage == sentences[first].passage:
            end += 1
        width = min(WINDOW, end - first)
        if width > 1:
            stretches += [Stretch(start, start + width) for start in range(first, end - width + 1)]
        first = end
    return stretches


def stretches_across(n_sentences: int) -> list[Stretch]:
    """Every window of three sentences, across passages, and the whole; nothing where there is one sentence."""
    if n_sentences < 2:
        return []
    windows = [Stretch(start, start + WINDOW) for start in range(n_sentences - WINDOW + 1)]
    return [*windows, Stretch(0, n_sentences)] if n_sentences != WINDOW else windows


def text_of(sentences: Sequence[Sentence], stretch: Stretch) -> str:
    """The text of a stretch, sentences set apart by a space."""
    return " ".join(sentence.text for sentence in sentences[stretch.first : stretch.end])


def spans_of(sentences: Sequence[Sentence], stretch: Stretch) -> tuple[Span, ...]:
    """Where a stretch stands: one span a passage."""
    spans: dict[str, Span] = {}
    for sentence in sentences[stretch.first : stretch.end]:
        field, start, end = sentence.span.field, sentence.span.start, sentence.span.end
        before = spans.get(field)
        spans[field] = Span(
            field=field,
            start=min(before.start, start) if before else start,
            end=max(before.end, end) if before else end,
        )
    return tuple(spans.values())


def _sentences(passage: Passage, number: int) -> Iterator[Sentence]:
    copy = skeleton(passage.text)
    for start, end in _pieces(copy.text):
        text = copy.text[start:end].strip()
        if not (words := _WORD.findall(text)):
            continue
        low, high = copy.origin(start, end)
        yield Sentence(
            text=text,
            passage=number,
            span=Span(field=passage.field, start=low, end=high),
            n_words=len(words),
        )


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _END.finditer(text):
        if not _ABBREVIATION.search(text[start : found.start()]):
            yield from _overlapping(text, start, found.start())
            start = found.end()
    if start < len(text):
        yield from _overlapping(text, start, len(text))


def _overlapping(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    words = list(_WORD.finditer(text, start, end))
    if len(words) <= _LONGEST_WORDS:
        if words:
            yield words[0].start(), words[-1].end()
        return
    for first in range(0, len(words) - _STEP_WORDS, _STEP_WORDS):
        last = min(first + _LONGEST_WORDS, len(words)) - 1
        yield words[first].start(), words[last].end()
