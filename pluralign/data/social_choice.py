"""Surveys of generative social choice: people's free answers, and how well statements capture their views.

Two surveys are published, on abortion and on the personalisation of chatbots. In each, 100 people (the generation
sample) wrote free answers and rated candidate statements; 100 others (the validation sample) rated the statements
that were chosen to represent all.
"""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pluralign.data.reading import literal, read_rows
from pluralign.errors import DataError
from pluralign.records.base import Record, Text

SOURCE = (
    "Generative social choice (Fish et al. 2023, arXiv:2309.01291): "
    "github.com/generative-social-choice/survey_data. Licence: none stated."
)

_COLUMNS = (
    "user_id",
    "question_type",
    "question_text",
    "json_choices",
    "choice",
    "choice_numeric",
    "text",
    "sample_type",
)
_READING, _FREE, _RATING = "reading", "text", "multiple choice + text"

# "Here is a possible summary:", the statement in quotation marks, and what is asked of it.
_RATED = re.compile(r"[^“\"]*:\s*[“\"](?P<statement>.*\S.*)[”\"](?P<asked>[^”\"]*\S[^”\"]*)", re.DOTALL)
_BREAKS = frozenset({"blockquote", "br", "h1", "h2", "h3", "li", "ol", "p", "ul"})


class FreeAnswer(Record):
    """What one person wrote.

    Attributes:
        user: The person.
        sample: The sample that the person belongs to: "generation" or "validation".
        question: What was asked, in plain text.
        text: The answer.
    """

    user: Text
    sample: Text
    question: Text
    text: Text


class Rating(Record):
    """How well a statement captures one person's view, by the person's own word.

    Attributes:
        user: The person.
        sample: The sample that the person belongs to: "generation" or "validation".
        statement: The statement, without its quotation marks.
        level: The level chosen, 0 for the lowest.
        n_levels: Number of levels.
        reason: Why, in the person's own words; empty where nothing was written.
    """

    user: Text
    sample: Text
    statement: Text
    level: Annotated[int, Field(ge=0)]
    n_levels: Annotated[int, Field(ge=2)]
    reason: str


class Survey(Record):
    """A survey.

    Attributes:
        id: Name of the file, without its ending.
        questions: What was asked to be answered freely, in order of first occurrence.
        asked: What was asked of each statement: "How well does this summary capture your viewpoint ...?".
        levels: The levels of a rating in words, the lowest first.
        answers: The free answers, in order of the file.
        ratings: The ratings, in order of the file.
        n_blank: Number of free answers in which nothing was written; they are not among the answers.
        source: Where it comes from, with the licence stated there.
    """

    id: Text
    questions: tuple[Text, ...]
    asked: Text
    levels: Annotated[tuple[Text, ...], Field(min_length=2)]
    answers: tuple[FreeAnswer, ...]
    ratings: tuple[Rating, ...]
    n_blank: Annotated[int, Field(ge=0)] = 0
    source: str = ""


class RatingMatrix(NamedTuple):
    """The ratings of one sample.

    Attributes:
        people: The users, in order of rows.
        statements: The statements, in order of columns.
        levels: The levels chosen, NaN where somebody did not rate a statement, shape (people, statements).
    """

    people: tuple[str, ...]
    statements: tuple[str, ...]
    levels: NDArray[np.float64]


class _Scale(NamedTuple):
    asked: str
    levels: tuple[str, ...]


def read_survey(path: str | Path) -> Survey:
    """Read a survey in the published form.

    A CSV file with the columns user_id, question_type ("reading", "text", "multiple choice + text"),
    question_text (plain or HTML), json_choices, choice, choice_numeric, text and sample_type: one row a page that
    a person saw. The first line of a question is the heading of its section and is left out.

    Args:
        path: `abortion_survey.csv`, `chatbot_personalization_survey.csv`, or another file of the form.

    Returns:
        The survey.

    Raises:
        DataError: The file cannot be read, holds no rating, or has a malformed row (names line and column): an
            unknown kind of question, a rating without a statement in quotation marks, a choice that is not the
            level its number says, ratings on different scales, or a statement that one person rated twice.
    """
    path = Path(path)
    answers: list[FreeAnswer] = []
    ratings: dict[tuple[str, str, str], Rating] = {}
    questions: dict[str, None] = {}
    scale: _Scale | None = None
    n_blank = 0
    for line, row in read_rows(path, _COLUMNS):
        where = f"{path}, line {line}"
        kind = row["question_type"]
        if kind == _READING:
            continue
        person = _person(row, where=where)
        if kind == _FREE:
            question = _without_heading(row["question_text"], where=where)
            questions.setdefault(question)
            if row["text"].strip():
                text = row["text"].strip()
                answers.append(FreeAnswer(user=person[0], sample=person[1], question=question, text=text))
            else:
                n_blank += 1
        elif kind == _RATING:
            rating, found = _rating(row, person=person, where=where)
            _check_scale(found, scale, where=where)
            scale = found
            if (key := (*person, rating.statement)) in ratings:
                raise DataError(f"{where}, column question_text: {person[0]!r} rated this statement before.")
            ratings[key] = rating
        else:
            known = ", ".join(repr(name) for name in (_READING, _FREE, _RATING))
            raise DataError(f"{where}, column question_type: one of {known} is needed, not {kind!r}.")
    if scale is None:
        raise DataError(f"{path}: holds no rating: no row has the question_type {_RATING!r}.")
    return Survey(
        id=path.stem,
        questions=tuple(questions),
        asked=scale.asked,
        levels=scale.levels,
        answers=tuple(answers),
        ratings=tuple(ratings.values()),
        n_blank=n_blank,
        source=SOURCE,
    )


def rating_matrix(survey: Survey, *, sample: str) -> RatingMatrix:
    """The ratings of a sample, people and statements in order of first occurrence; empty for an unknown sample."""
    ratings = [rating for rating in survey.ratings if rating.sample == sample]
    people = {user: row for row, user in enumerate(dict.fromkeys(rating.user for rating in ratings))}
    statements = {text: column for column, text in enumerate(dict.fromkeys(r.statement for r in ratings))}
    levels = np.full((len(people), len(statements)), np.nan)
    for rating in ratings:
        levels[people[rating.user], statements[rating.statement]] = rating.level
    return RatingMatrix(tuple(people), tuple(statements), levels)


def _person(row: dict[str, str], *, where: str) -> tuple[str, str]:
    """The user and the sample."""
    for column in ("user_id", "sample_type"):
        if not row[column].strip():
            raise DataError(f"{where}, column {column}: is blank.")
    return row["user_id"], row["sample_type"]


def _without_heading(html: str, *, where: str) -> str:
    """A question in plain text without the heading of its section."""
    question = "\n".join(_plain_lines(html)[1:])
    if not question:
        raise DataError(
            f"{where}, column question_text: a heading and a question below it are needed, not {html!r}."
        )
    return question


def _rating(row: dict[str, str], *, person: tuple[str, str], where: str) -> tuple[Rating, _Scale]:
    question = _without_heading(row["question_text"], where=where)
    rated = _RATED.fullmatch(question)
    if rated is None:
        raise DataError(
            f"{where}, column question_text: no statement in quotation marks after a colon and before what is "
            f"asked of it: {question!r}."
        )
    levels = _levels(row["json_choices"], where=where)
    level = _level(row, levels, where=where)
    rating = Rating(
        user=person[0],
        sample=person[1],
        statement=rated["statement"].strip(),
        level=level,
        n_levels=len(levels),
        reason=row["text"].strip(),
    )
    return rating, _Scale(rated["asked"].strip(), levels)


def _levels(text: str, *, where: str) -> tuple[str, ...]:
    """The levels in words; one of the published surveys lists them as JSON, the other in Python's notation."""
    try:
        levels = literal(text)
    except ValueError:
        levels = None
    if (
        not isinstance(levels, list)
        or len(levels) < 2
        or not all(isinstance(level, str) and level.strip() for level in levels)
        or len(set(levels)) < len(levels)
    ):
        raise DataError(
            f"{where}, column json_choices: a list of two or more different levels in words is needed, not {text!r}."
        )
    return tuple(levels)


def _level(row: dict[str, str], levels: Sequence[str], *, where: str) -> int:
    if row["choice"] not in levels:
        raise DataError(
            f"{where}, column choice: one of {', '.join(levels)} is needed, not {row['choice']!r}."
        )
    level = levels.index(row["choice"])
    try:
        number = float(row["choice_numeric"])
    except ValueError:
        number = float("nan")
    if number != level:
        raise DataError(
            f"{where}, column choice_numeric: {row['choice']!r} is level {level}, not {row['choice_numeric']!r}."
        )
    return level


def _check_scale(found: _Scale, scale: _Scale | None, *, where: str) -> None:
    """Make sure that all ratings are on one scale: levels of different scales are not comparable."""
    if scale is not None and found.levels != scale.levels:
        raise DataError(
            f"{where}, column json_choices: the levels are {', '.join(found.levels)}; above they were "
            f"{', '.join(scale.levels)}."
        )
    if scale is not None and found.asked != scale.asked:
        raise DataError(
            f"{where}, column question_text: of the statement it is asked {found.asked!r}; above it was {scale.asked!r}."
        )


class _Text(HTMLParser):
    """The text of HTML, with line breaks where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.pieces.append("\n")


def _plain_lines(html: str) -> list[str]:
    """The lines of a text, plain or HTML, that are not blank, each with single spaces."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return [line for line in lines if line]
