"""Strict JSON lines in and out, and the hash of a record's content."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pluralign.errors import DataError

M = TypeVar("M", bound=BaseModel)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal content gives equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def describe(error: ValidationError) -> str:
    """A validation error as one line: each field with what is wrong and the value that was given."""
    parts = []
    for item in error.errors(include_url=False):
        field = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        given = "" if item["type"] in {"missing", "value_error"} else f" (given: {item['input']!r})"
        parts.append(f"{field}: {message}{given}" if field else f"{message}{given}")
    return "; ".join(parts)


def read_jsonl(path: Path, model: type[M]) -> Iterator[M]:
    """Yield the records of a JSONL file; blank lines are passed over.

    Raises:
        DataError: The file cannot be read, or a line is not a valid record; names file and line.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield parse_line(line, model, where=f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def parse_line(line: str, model: type[M], *, where: str) -> M:
    """One record from one line of JSON.

    Raises:
        DataError: Not JSON, or not a valid record.
    """
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise DataError(f"{where}: not a valid {model.__name__}: {describe(error)}") from error


def write_jsonl(path: Path, records: Iterable[BaseModel]) -> None:
    """Write records to a JSONL file, one line each."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{record.model_dump_json()}\n" for record in records)
