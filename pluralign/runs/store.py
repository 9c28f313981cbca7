"""A run's folder: run.json first, rows appended and flushed, results.json last and atomically."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pluralign.errors import StorageError
from pluralign.files import write_whole, writing
from pluralign.records import Answer, Response, SequenceScore
from pluralign.runs.plan import Plan
from pluralign.runs.rows import RowFile

RUN_SCHEMA = 1
ANSWERS, RESPONSES, SCORES = "answers.jsonl", "responses.jsonl", "scores.jsonl"


class Status(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"


class RunFolder:
    """A run's folder, whatever its rows are: what is run, how far it has come, and its results.

    Attributes:
        folder: Where the run lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(
        cls, folder: Path, *, plan: Plan[Any], facts: Mapping[str, Any], config: Mapping[str, Any]
    ) -> Self:
        """Start a run in an empty or new folder, or go on with the same plan in an old one.

        Args:
            folder: The run's folder.
            plan: What will be asked.
            facts: Versions, git state, arguments of this attempt: recorded, not compared.
            config: The resolved configuration.

        Raises:
            StorageError: The folder holds another plan, or cannot be written.
        """
        store = cls(folder)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        attempts = []
        if store._run_json.exists():
            store._check_same_plan(plan)
            attempts = read_json(store._run_json).get("attempts", [])
        record = {
            "schema": RUN_SCHEMA,
            "plan_digest": plan.digest,
            "n_units": len(plan.units),
            "identity": plan.identity,
            "attempts": [*attempts, facts],
            "status": Status.RUNNING.value,
        }
        write_json_atomically(store._run_json, record)
        write_json_atomically(folder / "config.json", config)
        return store

    @property
    def _run_json(self) -> Path:
        return self.folder / "run.json"

    def _check_same_plan(self, plan: Plan[Any]) -> None:
        record = read_json(self._run_json)
        if record.get("plan_digest") == plan.digest:
            return
        old, new = record.get("identity", {}), json.loads(json.dumps(plan.identity))
        different = [
            f"{name}: {old.get(name)!r} there, {new.get(name)!r} now"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
        reason = "; ".join(different) or f"{record.get('n_units')} work units there, {len(plan.units)} now"
        raise StorageError(
            f"{self.folder} holds a run of another plan ({reason}). Choose another --out, or --fresh for a new folder."
        )

    def mark(self, status: Status) -> None:
        """Record how far the run has come."""
        write_json_atomically(self._run_json, {**read_json(self._run_json), "status": status.value})

    def finish(self, results: Mapping[str, Any], *, status: Status) -> None:
        """Write results.json, whose existence means that every planned unit was worked off."""
        write_json_atomically(self.folder / "results.json", results)
        self.mark(status)


class RunStore(RunFolder):
    """A run's folder with its answers.

    Attributes:
        rows: The answers.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rows = RowFile(folder / ANSWERS, kind=Answer)

    def answers(self) -> dict[str, Answer]:
        """The rows on disk by key; see `RowFile.read`."""
        return self.rows.read()


class ResponseStore(RunFolder):
    """A run's folder with its responses.

    Attributes:
        rows: The responses.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rows = RowFile(folder / RESPONSES, kind=Response)


class SequenceStore(RunFolder):
    """A run's folder with its scores of sequences.

    Attributes:
        rows: The scores.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rows = RowFile(folder / SCORES, kind=SequenceScore)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        StorageError: Missing, unreadable, or not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise StorageError(f"{path}: holds {type(value).__name__}, a JSON object was expected.")
    return value


def write_json_atomically(path: Path, value: Mapping[str, Any]) -> None:
    """Write strict JSON through a temp file and os.replace, so that a reader never sees half a file.

    Raises:
        StorageError: The disk is full or not writable.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, text.encode())
