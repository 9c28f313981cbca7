"""The plain table a user brings: CSV in long form, one line per question, option and group of people."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pluralign.data.reading import read_text
from pluralign.data.shares import fault_in, is_rounded, normalised, rounding_notes
from pluralign.errors import DataError, did_you_mean
from pluralign.records import POPULATION, Finding, Group, Option, Question
from pluralign.records.base import Count, Probability, Record, Text
from pluralign.records.jsonl import describe

NEEDED = ("question_id", "question", "option")
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Contents:
    """What a user's file holds.

    Attributes:
        questions: In order of first occurrence.
        groups: Those that the file names as such, by id; a table names them all.
        findings: What is worth knowing of the file.
    """

    questions: tuple[Question, ...]
    groups: Mapping[str, Group] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class _Row(Record):
    """The cells of one line; a blank cell is None."""

    question_id: Text
    question: Text
    option: Text
    value: float | None = None
    refusal: bool | None = None
    group: Text = POPULATION
    group_text: Text | None = None
    count: Count | None = None
    share: Probability | None = None
    effective_n: Count | None = None


COLUMNS = tuple(_Row.model_fields)


@dataclass(frozen=True)
class _Line:
    """A row and the number of its line."""

    path: Path
    number: int
    row: _Row

    def error(self, column: str, message: str) -> DataError:
        return DataError(f"{self.path}, line {self.number}, column {column}: {message}")


def read_table(path: Path) -> Contents:
    """Read a table of questions.

    Cells are separated by commas, semicolons or tabs, whichever the header has most of.

    Args:
        path: A CSV file in UTF-8 with the columns question_id, question, option, either count or share, and
            if wanted value, refusal, group, group_text, effective_n. Without a group the line is about
            everybody. Lines of one question need not stand together.

    Raises:
        DataError: Names file, line and column of what is missing, unknown, no number, or contradictory.
    """
    questions: dict[str, list[_Line]] = {}
    groups: dict[str, list[_Line]] = {}
    for line in _lines(path):
        questions.setdefault(line.row.question_id, []).append(line)
        groups.setdefault(line.row.group, []).append(line)
    if not questions:
        raise DataError(f"{path}: holds no lines below its header.")
    texts = {group: _agreed(lines, "group_text", of=f"group {group!r}") for group, lines in groups.items()}
    made = [_question(lines) for lines in questions.values()]
    n_rounded = sum(n for _, n in made)
    return Contents(
        questions=tuple(question for question, _ in made),
        groups={group: Group(id=group, text=text) for group, text in texts.items()},
        findings=rounding_notes(n_rounded, what="shares of a group", where=str(path)),
    )


def _lines(path: Path) -> Iterator[_Line]:
    text = read_text(path)
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(header, path)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _line(cells, header, path=path, number=reader.line_num, separator=separator)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not readable as CSV: {error}.") from error


def _check_header(header: Sequence[str], path: Path) -> None:
    where = f"{path}, line 1"
    for position, column in enumerate(header, start=1):
        if column not in COLUMNS:
            name = f"unknown column {column!r}" if column else f"column {position} has no name"
            raise DataError(f"{where}: {name}.{did_you_mean(column, COLUMNS)}")
        if column in header[: position - 1]:
            raise DataError(f"{where}: the column {column!r} stands there twice.")
    if missing := [column for column in NEEDED if column not in header]:
        raise DataError(f"{where}: the column {missing[0]!r} is missing. Needed: {', '.join(NEEDED)}, count.")
    if ("count" in header) == ("share" in header):
        raise DataError(
            f"{where}: either a column 'count' (people who gave the option) or a column 'share' (their share, "
            "0 to 1) is needed, and not both."
        )
    if "effective_n" in header and "share" in header:
        raise DataError(f"{where}: the column 'effective_n' goes with counts, not with shares.")


def _line(cells: list[str], header: list[str], *, path: Path, number: int, separator: str) -> _Line:
    where = f"{path}, line {number}"
    if len(cells) != len(header):
        raise DataError(
            f"{where}: {len(cells)} cells for {len(header)} columns. A cell that holds {separator!r} "
            "must stand in double quotes."
        )
    given = {column: cell.strip() for column, cell in zip(header, cells, strict=True) if cell.strip()}
    answers = "count" if "count" in header else "share"
    for column in (*NEEDED, answers):
        if column not in given:
            # A blank count is not 0: nobody has said so.
            raise DataError(f"{where}, column {column}: is empty.")
    try:
        return _Line(path, number, _Row.model_validate(given))
    except ValidationError as error:
        raise DataError(f"{where}, column {describe(error)}") from error


def _question(lines: Sequence[_Line]) -> tuple[Question, int]:
    """A question from its lines, and for how many groups its shares had been rounded."""
    name = lines[0].row.question_id
    cells: dict[str, dict[str, _Line]] = {}
    for line in lines:
        options = cells.setdefault(line.row.group, {})
        if line.row.option in options:
            raise line.error(
                "option",
                f"{line.row.option!r} of question {name!r}, group {line.row.group!r} stands already in "
                f"line {options[line.row.option].number}.",
            )
        options[line.row.option] = line
    texts = list(next(iter(cells.values())))
    for group, options in cells.items():
        _check_options(options, texts, question=name, group=group, first=next(iter(cells)))
    counts: dict[str, tuple[float, ...]] = {}
    shares: dict[str, tuple[float, ...]] = {}
    effective_n: dict[str, float] = {}
    n_rounded = 0
    for group, options in cells.items():
        ordered = [options[text] for text in texts]
        if ordered[0].row.count is None:
            shares[group], rounded = _shares(ordered)
            n_rounded += rounded
            continue
        counts[group] = tuple(line.row.count or 0.0 for line in ordered)
        people = _agreed(ordered, "effective_n", of=f"question {name!r}, group {group!r}")
        if people is not None:
            effective_n[group] = people
    question = Question(
        id=name,
        text=_agreed(lines, "question", of=f"question {name!r}"),
        options=tuple(_option(text, lines) for text in texts),
        counts=counts,
        shares=shares,
        effective_n=effective_n,
    )
    return question, n_rounded


def _check_options(
    options: Mapping[str, _Line], texts: Sequence[str], *, question: str, group: str, first: str
) -> None:
    for text, line in options.items():
        if text not in texts:
            raise line.error(
                "option",
                f"group {group!r} has the option {text!r} of question {question!r}, which group {first!r} "
                f"lacks.{did_you_mean(text, texts)}",
            )
    if missing := [text for text in texts if text not in options]:
        raise next(iter(options.values())).error(
            "option",
            f"group {group!r} lacks the option {missing[0]!r} of question {question!r}, which group {first!r} "
            "has. Where nobody gave it, add its line with 0.",
        )


def _option(text: str, lines: Sequence[_Line]) -> Option:
    own = [line for line in lines if line.row.option == text]
    of = f"option {text!r} of question {lines[0].row.question_id!r}"
    return Option(
        text=text,
        value=_agreed(own, "value", of=of),
        refusal=_agreed(own, "refusal", of=of) or False,
    )


def _shares(lines: Sequence[_Line]) -> tuple[tuple[float, ...], bool]:
    values = [line.row.share or 0.0 for line in lines]
    if fault := fault_in(values, n_options=len(values)):
        row = lines[0].row
        raise lines[0].error(
            "share", f"question {row.question_id!r}, group {row.group!r}: {fault[1]}; they must sum to 1."
        )
    return normalised(values), is_rounded(values)


def _agreed(lines: Sequence[_Line], column: str, *, of: str) -> Any:
    """The value of a column in all of these lines, or None where all leave it blank."""
    given = [(line, getattr(line.row, column)) for line in lines if getattr(line.row, column) is not None]
    for line, value in given[1:]:
        if value != given[0][1]:
            raise line.error(
                column, f"{of} has {value!r} here but {given[0][1]!r} in line {given[0][0].number}."
            )
    return given[0][1] if given else None
