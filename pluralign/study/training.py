"""Training that is done once: the same recipe in the same folder finds there what it made."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pluralign.records import content_hash
from pluralign.runs import Progress, read_json, write_json_atomically
from pluralign.spectrum import SpectrumSequence, TrainingRecipe, train

RECORD = "training.json"


def train_once(
    recipe: TrainingRecipe,
    *,
    sequences: Callable[[], Sequence[SpectrumSequence]],
    output_dir: Path,
    progress: Progress | None = None,
) -> Path:
    """Train, unless the folder holds what the same recipe made.

    Args:
        recipe: How to train.
        sequences: Makes the rows; called only where training is needed.
        output_dir: Where everything goes; `training.json` in it tells what was done.
        progress: Called with (step, number of steps).

    Returns:
        The folder of the adapter or model.

    Raises:
        PluralignError: One of its kinds, see `train`.
    """
    digest = content_hash(recipe.model_dump(mode="json"))
    if (output_dir / RECORD).exists():
        record = read_json(output_dir / RECORD)
        if record.get("recipe_digest") == digest:
            return output_dir / str(record["adapter"])
    result = train(
        recipe,
        sequences=sequences(),
        output_dir=output_dir,
        progress=None if progress is None else lambda step, n_steps, loss: progress(step, n_steps),
    )
    record = {
        "recipe_digest": digest,
        "recipe": recipe.model_dump(mode="json"),
        "adapter": result.path.name,
        "n_steps": result.n_steps,
        "losses": result.losses,
        "n_tokens": result.n_tokens,
        "n_supervised": result.n_supervised,
        "seconds": result.seconds,
        "precision": result.precision,
    }
    write_json_atomically(output_dir / RECORD, record)
    return result.path
