"""New York Times books: how likely 4 groups of people are to read each of 235 books; a negative control."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from pluralign.data.loaded import Loaded, unusable
from pluralign.data.pew import group_words
from pluralign.data.reading import read_items, refuse_nothing
from pluralign.data.selection import select
from pluralign.records import Finding, Group, Option, Question, QuestionSet
from pluralign.records.base import Count, Record, Text, duplicates

SOURCE = (
    "New York Times book summaries with answers of crowd workers: Meister et al. 2024, "
    "github.com/nicolemeister/benchmarking-distributional-alignment. Licence: none stated."
)

_GROUPS = ("party=Democrat", "party=Republican", "sex=Male", "sex=Female")
_VALUE = re.compile(r"(\d+): \S")


class _Book(Record):
    """An entry of the file; each group is a mapping option -> count."""

    options: tuple[Text, ...] = Field(alias="MC_options", min_length=1)
    genre: Text
    summary: Text
    democrat: Mapping[str, Count] = Field(alias="Democrat")
    republican: Mapping[str, Count] = Field(alias="Republican")
    male: Mapping[str, Count] = Field(alias="Male")
    female: Mapping[str, Count] = Field(alias="Female")

    @property
    def cells(self) -> dict[str, Mapping[str, float]]:
        """Group id -> option -> count."""
        return dict(zip(_GROUPS, (self.democrat, self.republican, self.male, self.female), strict=True))


def load_nytimes_books(*, path: str | Path, groups: Sequence[str] | None = None) -> Loaded:
    """Load how likely Democrats, Republicans, men and women are to read each book.

    The file is JSON: title and author -> {"MC_options": ["1: Very unlikely", ...], "genre", "summary", and for
    "Democrat", "Republican", "Male" and "Female" {option: count}}. A key that a group lacks is a count of 0; the
    number at the start of an option is its ordinal value. Some 19 people answered for each group, so that two
    halves of a group differ by more than the groups do: a method that seems to tell them apart has fitted noise.

    Args:
        path: The file, `data.json`.
        groups: Out of "party=Democrat", "party=Republican", "sex=Male", "sex=Female"; None for all four.

    Returns:
        The questions, and an unusable finding for each book that is malformed, whose options do not begin with a
        number, or that has counts under an option it does not list.

    Raises:
        ConfigurationError: An unknown group.
        DataError: The file cannot be read, is not of this form, or holds no usable question.
    """
    path = Path(path)
    chosen = select(groups, _GROUPS, default=_GROUPS, what="NYT books group")
    books, malformed = read_items(path, _Book)
    findings = list(malformed)
    questions: list[Question] = []
    for title, book in books.items():
        if fault := _fault(title, book, where=str(path)):
            findings.append(fault)
        else:
            questions.append(_question(title, book, groups=chosen))
    refuse_nothing(questions, findings, path=path)
    return Loaded(
        questions=QuestionSet(
            id="nytimes_books",
            questions=tuple(questions),
            groups=tuple(Group(id=group, text=group_words(group)) for group in chosen),
            source=SOURCE,
        ),
        findings=tuple(findings),
    )


def _fault(title: str, book: _Book, *, where: str) -> Finding | None:
    if bare := [option for option in book.options if not _VALUE.match(option)]:
        detail = f'the options {bare} do not begin with their ordinal value, as in "1: Very unlikely"'
        return unusable("no_ordinals", detail, question_id=title, where=where)
    if repeated := duplicates(book.options):
        return unusable(
            "repeated_options", f"{repeated} occur more than once", question_id=title, where=where
        )
    for group, counts in book.cells.items():
        if stray := [option for option in counts if option not in book.options]:
            detail = f"counts under {stray}, which are not among the options {list(book.options)}"
            return unusable("unknown_option", detail, question_id=title, group=group, where=where)
    return None


def _question(title: str, book: _Book, *, groups: Sequence[str]) -> Question:
    cells = book.cells
    return Question(
        id=title,
        text=f"How likely are you to read this book?\n\n{title}\nGenre: {book.genre}\n{book.summary}",
        options=tuple(Option(text=text, value=float(text.partition(":")[0])) for text in book.options),
        counts={group: tuple(cells[group].get(text, 0.0) for text in book.options) for group in groups},
    )
