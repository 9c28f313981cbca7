"""Sequences as Parquet files of conversations, and back."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pluralign.errors import DataError, require
from pluralign.records.jsonl import describe
from pluralign.spectrum.format import Example, SpectrumSequence
from pluralign.spectrum.suite.source import Split

# Named as the library `datasets` finds its splits by.
PREFIXES: dict[Split, str] = {"train": "train", "held_out": "test"}
MANIFEST = "suite.json"  # written last: a folder that has it was built to its end
_BATCH = 1000


def schema() -> Any:
    """Columns of a file: `messages`, a list of role and content as chat templates take it, and `task`."""
    pa = require("pyarrow", extra="hf")
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    return pa.schema([("messages", pa.list_(message)), ("task", pa.string())])


def to_batch(sequences: Sequence[SpectrumSequence]) -> Any:
    """Sequences as a `pyarrow.RecordBatch` of the schema."""
    pa = require("pyarrow", extra="hf")
    messages = [
        [{"role": message.role, "content": message.content} for message in sequence.messages()]
        for sequence in sequences
    ]
    return pa.RecordBatch.from_pydict(
        {"messages": messages, "task": [sequence.task for sequence in sequences]}, schema=schema()
    )


def read_sequences(path: str | Path, *, split: Split = "train") -> Iterator[SpectrumSequence]:
    """Read what `pluralign spectrum build` wrote, row by row.

    Args:
        path: The folder, or one Parquet file.
        split: Which rows of a folder.

    Raises:
        DataError: There is no such file, it is no such table, or a row is no sequence: names file and row.
        MissingExtraError: pyarrow is not installed.
    """
    folder = Path(path)
    pattern = f"{PREFIXES[split]}-*.parquet"
    files = sorted(folder.glob(pattern)) if folder.is_dir() else [folder]
    if not files or not all(file.is_file() for file in files):
        missing = f"holds no {pattern}" if folder.is_dir() else "there is no such file"
        raise DataError(f"{folder}: {missing}. Build it: pluralign spectrum build --out FOLDER.")
    if folder.is_dir() and not (folder / MANIFEST).is_file():
        raise DataError(
            f"{folder}: was not built to its end, {MANIFEST} is missing. Build it anew in a new folder."
        )
    for file in files:
        yield from _read(file)


def _read(file: Path) -> Iterator[SpectrumSequence]:
    pa, parquet = require("pyarrow", extra="hf"), require("pyarrow.parquet", extra="hf")
    number = 0
    try:
        with parquet.ParquetFile(file) as table:
            if missing := [name for name in schema().names if name not in table.schema_arrow.names]:
                raise DataError(f"{file}: the column {missing[0]!r} is missing.")
            for batch in table.iter_batches(batch_size=_BATCH, columns=schema().names):
                for row in batch.to_pylist():
                    number += 1
                    yield _sequence(
                        row["messages"] or [], task=row["task"] or "", where=f"{file}, row {number}"
                    )
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file}: cannot be read as Parquet: {error}") from error


def _sequence(messages: Iterable[dict[str, str]], *, task: str, where: str) -> SpectrumSequence:
    description: str | None = None
    given: str | None = None
    examples: list[Example] = []
    try:
        for position, message in enumerate(messages):
            role, content = message["role"], message["content"]
            if role == "description" and position == 0:
                description = content
            elif role == "input" and given is None:
                given = content
            elif role == "output":
                examples.append(Example(input=given, output=content))
                given = None
            else:
                raise DataError(f"{where}, message {position + 1}: the role {role!r} is not expected here.")
        if given is not None:
            raise DataError(f"{where}: the last input has no output.")
        return SpectrumSequence(description=description, examples=tuple(examples), task=task)
    except ValidationError as error:
        raise DataError(f"{where}: {describe(error)}") from error
