"""Folders of runs: their names, and what their config.json says, whatever is evaluated."""

import re
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pluralign.errors import StorageError
from pluralign.records.jsonl import describe
from pluralign.runs import read_json

M = TypeVar("M", bound=BaseModel)


def run_folder(
    evaluation: str, *, model: str, digest: str, out: Path | None = None, fresh: bool = False
) -> Path:
    """Where a run lies.

    Args:
        evaluation: Id of the evaluation.
        model: Id of the model.
        digest: Digest of the plan, of which eight digits are part of the name.
        out: The folder, where the caller names one. Default: one under `runs/` named after the three.
        fresh: Take a new folder rather than going on in the old one.
    """
    name = "--".join(re.sub(r"[^A-Za-z0-9.@+-]+", "_", part) for part in (evaluation, model, digest[:8]))
    folder = out or Path("runs") / name
    return unused_folder(folder) if fresh else folder


def unused_folder(folder: Path) -> Path:
    """The folder itself where it does not exist, else the first of folder-2, folder-3, ... that does not."""
    candidates = (folder, *(folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000)))
    for candidate in candidates:
        if not candidate.exists():
            return candidate
    raise StorageError(f"{folder} and {len(candidates) - 1} folders beside it exist; choose another --out.")


def evaluator_of(folder: Path) -> str:
    """Which evaluator a run's folder belongs to; "" where its config.json names none.

    Raises:
        StorageError: It holds no run.
    """
    spec = read_json(folder / "config.json").get("spec")
    return str(spec.get("evaluator", "")) if isinstance(spec, dict) else ""


def read_run_record(path: Path, kind: type[M]) -> M:
    """Read a JSON file of a run, such as its config.json.

    Raises:
        StorageError: It is missing or not what pluralign writes.
    """
    try:
        return kind.model_validate(read_json(path))
    except ValidationError as error:
        raise StorageError(f"{path}: {describe(error)}") from error
