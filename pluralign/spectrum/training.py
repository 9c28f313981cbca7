"""Spectrum tuning: from sequences to an adapter or model that is saved with its chat template."""

import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.errors import (
    ConfigurationError,
    InterruptedRunError,
    StorageError,
    TrainingError,
    require,
)
from pluralign.spectrum.arguments import (
    check_trackers,
    computes_in_bfloat16,
    is_main_process,
    trainer_arguments,
)
from pluralign.spectrum.batches import Batches
from pluralign.spectrum.checkpoints import checkpoints, last_checkpoint, run_digest
from pluralign.spectrum.checks import Preflight, check_recipe, check_rows
from pluralign.spectrum.early_stop import Measurement, best_measurement, check_held_out, require_best
from pluralign.spectrum.format import SpectrumFormat, SpectrumSequence
from pluralign.spectrum.initialise import initial_weights, lora_config
from pluralign.spectrum.monitor import Monitor, TokenGroups
from pluralign.spectrum.recipe import TrainingRecipe, build_held_out

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import TrainerCallback

    from pluralign.models.loading import LoadedWeights
    from pluralign.spectrum.trainer import Progress, SpectrumTrainer


@dataclass(frozen=True)
class TrainingResult:
    """What training did.

    Attributes:
        path: Folder of the adapter or model, with the tokenizer and its extended chat template.
        n_steps: Optimizer steps done.
        losses: Mean loss of each step a supervised token; nats, but for the loss "gem", which is no cross-entropy.
        n_tokens: Tokens gone through, padding not counted.
        n_supervised: Tokens among them that bear loss.
        seconds: Wall-clock time of the steps.
        precision: "bfloat16" or "float32": what the matrix products were computed in.
        preflight: The counts over the rows.
        held_out: The held-out loss as training went on; empty without early stopping.
        saved_step: The step whose weights were saved: the last, or that of the best held-out loss.
    """

    path: Path
    n_steps: int
    losses: tuple[float, ...]
    n_tokens: int
    n_supervised: int
    seconds: float
    precision: str
    preflight: Preflight
    held_out: tuple[Measurement, ...]
    saved_step: int

    @property
    def final_loss(self) -> float:
        """Mean loss of the last step, a supervised token."""
        return self.losses[-1]


def train(
    recipe: TrainingRecipe,
    *,
    sequences: Sequence[SpectrumSequence],
    output_dir: Path,
    weights: "LoadedWeights | None" = None,
    held_out: Sequence[SpectrumSequence] | None = None,
    progress: "Progress | None" = None,
    resume: bool = False,
) -> TrainingResult:
    """Tune a model on sequences and save it.

    What is logged is written to `metrics.jsonl` in the output folder, a line a step. A run that was killed and is
    resumed gives the same weights as one that was not, on a device that computes the same twice.

    Args:
        recipe: How to train.
        sequences: The rows, for example from `build_sequences(recipe)`.
        output_dir: Where the adapter or model and the checkpoints go.
        weights: The model to train, in place; loaded as the recipe says where None.
        held_out: Rows for the recipe's `early_stop`; built as it says where None.
        progress: Called with (step, number of steps, loss) after each step.
        resume: Go on from the last complete checkpoint in `output_dir`.

    Raises:
        TrainingError: No token bears loss, the loss is no longer a number, or there is nothing to resume.
        ConfigurationError: The recipe does not go with the rows, the devices, the trackers or the checkpoints.
        InterruptedRunError: Stopped from outside; what was learnt is saved, the message says where.
        StorageError: `output_dir` cannot be written.
    """
    require("trl", extra="train")
    require("peft", extra="train")
    check_trackers(recipe.trackers)
    held_out = build_held_out(recipe) if held_out is None else held_out
    check_held_out(held_out, training=sequences)
    weights = weights or initial_weights(recipe)
    spectrum = SpectrumFormat.from_tokenizer(weights.tokenizer)
    plan = _plan(recipe, sequences=sequences, spectrum=spectrum)
    with _quiet(), _storage_errors(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
        checkpoint = last_checkpoint(output_dir, run=plan.digest, clear=is_main_process()) if resume else None
        trainer = _trainer(recipe, weights.model, spectrum=spectrum, plan=plan, output_dir=output_dir)
        callbacks = _callbacks(trainer, recipe, held_out=held_out, spectrum=spectrum, progress=progress)
        started = time.monotonic()
        _run(trainer, checkpoint=checkpoint, callbacks=callbacks, output_dir=output_dir)
        seconds = time.monotonic() - started
        curve, saved_step = _held_out_curve(trainer, recipe)
        best = require_best(output_dir, step=saved_step) if saved_step < trainer.state.global_step else None
        path = _save(trainer, recipe, output_dir=output_dir, best=best)
        trainer.accelerator.wait_for_everyone()  # the first process writes; `path` is whole for all
    return TrainingResult(
        path=path,
        losses=tuple(float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry),
        seconds=seconds,
        precision="bfloat16" if computes_in_bfloat16(recipe.precision) else "float32",
        preflight=plan.preflight,
        held_out=curve,
        saved_step=saved_step,
        **plan.counts(n_steps=trainer.state.global_step),
    )


@dataclass(frozen=True)
class _Plan:
    """What is gone through: the rows that bear loss, and in which order."""

    preflight: Preflight
    order: list[int]
    rows_per_step: int
    digest: str

    def counts(self, *, n_steps: int) -> dict[str, int]:
        """What was gone through in so many steps: n_steps, n_tokens, n_supervised."""
        rows = [self.preflight.rows[index] for index in self.order[: n_steps * self.rows_per_step]]
        return {
            "n_steps": n_steps,
            "n_tokens": sum(len(row.input_ids) for row in rows),
            "n_supervised": sum(row.n_supervised for row in rows),
        }


def _plan(
    recipe: TrainingRecipe, *, sequences: Sequence[SpectrumSequence], spectrum: SpectrumFormat
) -> _Plan:
    preflight = check_recipe(recipe, sequences=sequences, spectrum=spectrum)
    rows_per_step = preflight.rows_per_step or recipe.batch_size
    order = row_order(
        [len(row.input_ids) for row in preflight.rows],
        batch_size=rows_per_step,
        n_steps=n_steps(recipe, n_rows=len(preflight.rows), rows_per_step=rows_per_step),
        seed=recipe.seed,
    )
    return _Plan(preflight, order, rows_per_step, digest=run_digest(recipe, preflight))


def n_steps(recipe: TrainingRecipe, *, n_rows: int, rows_per_step: int | None = None) -> int:
    """Number of optimizer steps of a recipe on so many rows.

    Args:
        recipe: Names the steps, or how often the rows are gone through.
        n_rows: Rows that bear loss.
        rows_per_step: Rows a step; the recipe's batch size by default.
    """
    return recipe.n_steps or ceil(n_rows * recipe.n_epochs / (rows_per_step or recipe.batch_size))


def row_order(lengths: Sequence[int], *, batch_size: int, n_steps: int, seed: int) -> list[int]:
    """The order in which rows are trained on: shuffled anew each epoch, each step's rows sorted by length.

    Sorting within a step keeps what is computed together alike in length, without making a step of long
    rows only. It does not change the gradient of the step.

    Args:
        lengths: Number of tokens of each row.
        batch_size: Rows a step.
        n_steps: Steps.
        seed: Seed of the shuffling.

    Returns:
        Indices of rows, batch_size * n_steps of them.
    """
    rng = np.random.default_rng(seed)
    n_needed = batch_size * n_steps
    epochs = [rng.permutation(len(lengths)) for _ in range(ceil(n_needed / len(lengths)))]
    shuffled = np.concatenate(epochs)[:n_needed].reshape(n_steps, batch_size)
    return [int(index) for step in shuffled for index in sorted(step, key=lambda i: -lengths[i])]


def _trainer(
    recipe: TrainingRecipe,
    model: Any,
    *,
    spectrum: SpectrumFormat,
    plan: _Plan,
    output_dir: Path,
) -> "SpectrumTrainer":
    from datasets import Dataset
    from peft import PeftModel
    from transformers import PrinterCallback, ProgressCallback

    from pluralign.spectrum.trainer import SpectrumTrainer, token_loss

    if isinstance(model, PeftModel):
        raise ConfigurationError(
            f"model: {recipe.model} is an adapter on another model. Merge it into that model first "
            "(merge: true in the recipe it was trained with), so that the result does not hang on two adapters."
        )
    tokenizer = spectrum.apply()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # harmless: labels are explicit, never derived from padding
    groups = TokenGroups([row.task for row in plan.preflight.rows])
    steps = len(plan.order) // plan.rows_per_step
    trainer = SpectrumTrainer(
        loss=token_loss(recipe),
        monitor=Monitor(groups),
        run=plan.digest,
        model=model,
        args=trainer_arguments(
            recipe, n_steps=steps, rows_per_step=plan.rows_per_step, output_dir=output_dir
        ),
        data_collator=Batches(plan.preflight.rows, groups=groups, packing=recipe.packing),
        train_dataset=Dataset.from_dict({"row": plan.order}),
        processing_class=tokenizer,
        peft_config=lora_config(recipe, model, tokenizer=tokenizer) if recipe.method == "lora" else None,
    )
    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        _check_spread(recipe, model)
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer


def _check_spread(recipe: TrainingRecipe, model: Any) -> None:
    """Refuse what cannot be done with weights that are spread over devices."""
    whole = "Leave it out, or train with the whole model on each device (DDP)."
    if recipe.merge:
        raise ConfigurationError(
            f"merge: adapters cannot be merged into weights that are spread over devices. {whole}"
        )
    if recipe.train_turn_tokens and model.config.get_text_config().tie_word_embeddings:
        raise ConfigurationError(
            "train_turn_tokens: this model's output head is its embedding, of which single rows cannot be trained "
            f"while it is spread over devices. {whole}"
        )


def _callbacks(
    trainer: "SpectrumTrainer",
    recipe: TrainingRecipe,
    *,
    held_out: Sequence[SpectrumSequence],
    spectrum: SpectrumFormat,
    progress: "Progress | None",
) -> "list[TrainerCallback]":
    from pluralign.spectrum.trainer import EarlyStopping, MetricsFile, ProgressReporter

    output_dir = Path(trainer.args.output_dir)
    # The first stops a diverging run before its loss is written.
    callbacks = [ProgressReporter(progress), MetricsFile(output_dir, monitor=trainer.monitor)]
    if recipe.early_stop is not None:
        batches = _held_out_batches(recipe, held_out=held_out, spectrum=spectrum)
        callbacks.append(EarlyStopping(trainer, rule=recipe.early_stop, batches=batches))
    return callbacks


def _held_out_curve(
    trainer: "SpectrumTrainer", recipe: TrainingRecipe
) -> tuple[tuple[Measurement, ...], int]:
    """The held-out losses, and the step whose weights are to be saved."""
    from pluralign.spectrum.trainer import held_out_curve

    curve = tuple(held_out_curve(trainer.state.log_history))
    if recipe.early_stop is None:
        return curve, trainer.state.global_step
    return curve, best_measurement(curve, min_gain=recipe.early_stop.min_gain).step


def _held_out_batches(
    recipe: TrainingRecipe, *, held_out: Sequence[SpectrumSequence], spectrum: SpectrumFormat
) -> "list[dict[str, Tensor]]":
    """Held-out rows in batches of rows alike in length, with loss on all outputs whatever is trained on."""
    rows = check_rows(held_out, spectrum=spectrum, max_length=recipe.max_length).rows
    batches = Batches(rows, groups=TokenGroups([row.task for row in rows]), packing=recipe.packing)
    longest_first = sorted(rows, key=lambda row: -len(row.input_ids))
    size = recipe.device_batch_size
    return [batches.batch(longest_first[start : start + size]) for start in range(0, len(rows), size)]


def _run(
    trainer: "SpectrumTrainer",
    *,
    checkpoint: Path | None,
    callbacks: "Sequence[TrainerCallback]",
    output_dir: Path,
) -> None:
    import torch

    for callback in callbacks:
        trainer.add_callback(callback)
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    except KeyboardInterrupt as interrupt:
        saved = output_dir / "interrupted"
        _save_as_trained(trainer, saved)
        step, total = trainer.state.global_step, trainer.state.max_steps
        again = (
            "Go on from the last checkpoint by resuming into the same folder."
            if checkpoints(output_dir)
            else "There is no checkpoint to resume from; set save_steps in the recipe to get some."
        )
        raise InterruptedRunError(
            f"Training was stopped at step {step} of {total}. What was learnt so far lies in {saved}. {again}"
        ) from interrupt
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            "The device ran out of memory. Lower device_batch_size or max_length, or set gradient_checkpointing."
        ) from error


def _save(trainer: "SpectrumTrainer", recipe: TrainingRecipe, *, output_dir: Path, best: Path | None) -> Path:
    """Save what was trained, or where given the best weights on the way."""
    path = output_dir / ("adapter" if recipe.method == "lora" and not recipe.merge else "model")
    if best is not None:
        if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
            # Weights that are spread over devices cannot be put back; what was saved of them is whole.
            if trainer.args.should_save:
                shutil.copytree(best, path, dirs_exist_ok=True)
                _remove_pickle(path)
            return path
        trainer._load_from_checkpoint(str(best))  # the stock way back, for adapters and whole models alike
    if recipe.merge:
        merged = trainer.model.merge_and_unload()
        if trainer.args.should_save:
            merged.save_pretrained(path)
            trainer.processing_class.save_pretrained(path)
    else:
        _save_as_trained(trainer, path)
    return path


def _save_as_trained(trainer: "SpectrumTrainer", path: Path) -> None:
    trainer.save_model(str(path))
    _remove_pickle(path)


def _remove_pickle(path: Path) -> None:
    """Remove the trainer's arguments, a pickle of this machine's paths."""
    (path / "training_args.bin").unlink(missing_ok=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what transformers and TRL say to their own developers."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def _storage_errors(output_dir: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise StorageError(
            f"{output_dir}: cannot be written: {error}. Free some space or choose another folder."
        ) from error
