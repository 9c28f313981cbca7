"""Rows of a run on disk: appended and flushed, a torn last line cut off, a kept row never rewritten."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

from pluralign.files import write_whole, writing
from pluralign.records import Answer, Response, SequenceScore
from pluralign.records.jsonl import parse_line

R = TypeVar("R", Answer, Response, SequenceScore)


class RowFile(Generic[R]):
    """A JSONL file of keyed rows of one kind.

    Attributes:
        path: The file; made with the first row.
    """

    def __init__(self, path: Path, *, kind: type[R]) -> None:
        self.path = path
        self._kind: type[R] = kind

    def repair(self) -> None:
        """Cut off a last line that a kill left without its newline, through a temp file and os.replace.

        Raises:
            StorageError: The file cannot be written.
        """
        if not self.path.exists():
            return
        with writing(self.path.parent):
            content = self.path.read_bytes()
            if content and not content.endswith(b"\n"):
                write_whole(self.path, content[: content.rfind(b"\n") + 1])

    def read(self) -> dict[str, R]:
        """The rows by key; where a key was asked again after an error, the last row counts.

        Raises:
            DataError: A line is not a valid row; names file and line.
        """
        rows: dict[str, R] = {}
        if self.path.exists():
            with self.path.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    row = parse_line(line, self._kind, where=f"{self.path}, line {number}")
                    rows[row.key] = row
        return rows

    def append(self, rows: Sequence[R]) -> None:
        """Append rows and flush them to the disk.

        Raises:
            StorageError: The disk is full or not writable.
        """
        with writing(self.path.parent), self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"{row.model_dump_json()}\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
