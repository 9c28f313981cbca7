"""Text files as people save them: UTF-8 with or without a byte order mark, and an error that says where."""

import ast
import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pluralign.data.loaded import unusable
from pluralign.errors import DataError
from pluralign.records import Finding, Question
from pluralign.records.jsonl import describe

M = TypeVar("M", bound=BaseModel)


def read_text(path: Path, *, torn: bool = False) -> str:
    """The text of a file, without a byte order mark.

    Args:
        path: The file.
        torn: Whether it may end within a character, which is then left out: it was cut off while it was written.

    Raises:
        DataError: It cannot be read, or a line is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if torn and error.end == len(content) and error.reason == "unexpected end of data":
            return content[: error.start].decode("utf-8-sig")
        number = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {number}: not UTF-8 (byte 0x{content[error.start]:02x}). Save the file as UTF-8; "
            'a spreadsheet program calls it "CSV UTF-8".'
        ) from error


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number, from 1, and text of every line that is not blank."""
    # Not str.splitlines: it also splits at the separators U+2028 and U+0085, which JSON may hold unescaped.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def parse_json(text: str, *, where: str) -> object:
    """The value of a JSON text; NaN and infinity are read, for the caller to judge.

    Raises:
        DataError: It is not JSON, or an object holds a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unrepeated(pairs, where=where))
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON: {error}.") from error


def literal(value: object) -> object:
    """A value that a file holds as Python's own notation, read and never evaluated; anything but text as it is.

    Raises:
        ValueError: The text is no literal.
    """
    try:
        return ast.literal_eval(value.strip()) if isinstance(value, str) else value
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"no list or mapping: {value!r}") from error


def _unrepeated(pairs: list[tuple[str, object]], *, where: str) -> dict[str, object]:
    """An object whose keys differ: JSON's own rule, that the last of two counts, would lose an item."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{where}: the key {twice!r} stands twice in one object.")
    return found


def read_items(path: Path, model: type[M]) -> tuple[dict[str, M], tuple[Finding, ...]]:
    """Read a JSON object of questions by id, keeping what can be read.

    Args:
        path: The file.
        model: What each value must be.

    Returns:
        id -> value, and one unusable finding "malformed" for each value that is not a `model`.

    Raises:
        DataError: The file cannot be read or does not hold an object of that kind.
    """
    content = parse_json(read_text(path), where=str(path))
    if not isinstance(content, dict) or not all(name.strip() for name in content):
        raise DataError(
            f"{path}: a JSON object is needed that maps each question's id, not blank, to its content."
        )
    items: dict[str, M] = {}
    findings: list[Finding] = []
    for name, value in content.items():
        try:
            items[name] = model.model_validate(value)
        except ValidationError as error:
            findings.append(unusable("malformed", describe(error), question_id=name, where=str(path)))
    return items, tuple(findings)


def refuse_nothing(questions: Sequence[Question], findings: Sequence[Finding], *, path: Path) -> None:
    """Raise DataError, with the first finding, where a file or folder left no question at all."""
    if not questions:
        first = next(iter(findings), None)
        place = ", ".join(filter(None, (first.where, first.question_id))) if first else ""
        reason = f" The first fault: {place}: {first.detail}." if first else ""
        raise DataError(f"{path}: holds no usable question.{reason}")


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of the line and cells by column of each row of a CSV file with a header.

    Args:
        path: The file.
        columns: Those that must be there.

    Raises:
        DataError: The file cannot be read, lacks a column or has one twice, or a row has too few or many cells.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        if missing := [column for column in columns if column not in header]:
            raise DataError(
                f"{path}, line 1: the column {missing[0]!r} is missing. Needed: {', '.join(columns)}."
            )
        if len(set(header)) < len(header):
            twice = next(column for column in header if header.count(column) > 1)
            raise DataError(f"{path}, line 1: the column {twice!r} stands there twice.")
        for cells in filter(None, reader):
            if len(cells) != len(header):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells for {len(header)} columns."
                )
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not readable as CSV: {error}.") from error
