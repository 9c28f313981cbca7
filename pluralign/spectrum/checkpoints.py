"""Checkpoints that training can be resumed from: only those that were written to their end, and by the same run.

A process that is killed while it saves leaves a folder that looks like a checkpoint. The mark that makes a folder
count is written last; it names the files with their sizes, and the run they belong to.
"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from pluralign.errors import ConfigurationError, TrainingError
from pluralign.files import write_whole
from pluralign.records.jsonl import canonical_json
from pluralign.spectrum.checks import Preflight
from pluralign.spectrum.recipe import TrainingRecipe

MARK = "complete.json"


def run_digest(recipe: TrainingRecipe, preflight: Preflight) -> str:
    """What identifies a run: the recipe, its rows, and how many make a step.

    What changes no more than the rounding, such as how much is computed at once, may differ when a run is resumed.
    """
    free = {"trackers", "save_steps", "device_batch_size", "gradient_checkpointing"}
    fields = recipe.model_dump(mode="json", exclude=free)
    digest = hashlib.sha256(canonical_json([fields, preflight.rows_per_step]).encode())
    for row in preflight.rows:
        digest.update(np.array([row.input_ids, row.labels], dtype=np.int64).tobytes())
    return digest.hexdigest()


def mark_complete(checkpoint: Path, *, run: str) -> None:
    """Say that a checkpoint was written to its end."""
    content = {"run": run, "files": _sizes(checkpoint)}
    write_whole(checkpoint / MARK, json.dumps(content, indent=1).encode())


def last_checkpoint(output_dir: Path, *, run: str, clear: bool = True) -> Path:
    """The newest complete checkpoint of a run. What was not written to its end is removed.

    Args:
        output_dir: Folder of the checkpoints.
        run: What identifies the run.
        clear: Whether this process is the one that removes.

    Raises:
        TrainingError: There is no complete checkpoint.
        ConfigurationError: There are, but of another recipe or other rows.
    """
    complete: list[Path] = []
    for folder in checkpoints(output_dir):
        if _is_complete(folder):
            complete.append(folder)
        else:
            # Written into again it would look older than it is, and be the first to be cleared away.
            # Of several processes that resume, each may be the first to remove it.
            shutil.rmtree(folder, ignore_errors=True)
    if not complete:
        raise TrainingError(
            f"{output_dir}: there is no checkpoint to resume from. Start without resuming, and set save_steps "
            "in the recipe to get checkpoints."
        )
    own = [folder for folder in complete if _mark(folder)["run"] == run]
    if not own:
        raise ConfigurationError(
            f"{output_dir}: the checkpoints there were made with another recipe or other rows. Resume with those "
            "they were made with, or start in another folder."
        )
    return own[-1]


def checkpoints(output_dir: Path) -> list[Path]:
    """Folders of checkpoints by their step, complete or not."""
    found = [
        path for path in output_dir.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()
    ]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")))


def _is_complete(checkpoint: Path) -> bool:
    try:
        return _mark(checkpoint)["files"] == _sizes(checkpoint)
    except FileNotFoundError:  # no mark; or another process is removing the folder
        return False


def _mark(checkpoint: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((checkpoint / MARK).read_text(encoding="utf-8"))
    return content


def _sizes(checkpoint: Path) -> dict[str, int]:
    return {
        path.relative_to(checkpoint).as_posix(): path.stat().st_size
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path.name != MARK and not path.name.endswith(".tmp")
    }
