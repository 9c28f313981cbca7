"""Writing to disk: files that appear whole or not at all, and errors in one clear sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pluralign.errors import StorageError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}. What was finished before stays on disk; "
            "free some space or choose another folder, and run the same command again to go on."
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through a temporary one beside it, so that no reader ever sees half of it.

    Raises:
        StorageError: The folder is missing or not writable, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing(path):
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
