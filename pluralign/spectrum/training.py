"""Spectrum tuning: from sequences to an adapter or model that is saved with its chat template."""

import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.errors import ConfigurationError, InterruptedRunError, StorageError, TrainingError, require
from pluralign.spectrum.checks import Preflight, check_rows
from pluralign.spectrum.format import EncodedRow, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.recipe import TrainingRecipe

if TYPE_CHECKING:
    from pluralign.models.loading import LoadedWeights
    from pluralign.spectrum.trainer import Progress, SpectrumTrainer


@dataclass(frozen=True)
class TrainingResult:
    """What training did.

    Attributes:
        path: Folder of the adapter or model, with the tokenizer and its extended chat template.
        n_steps: Optimizer steps done.
        losses: Mean loss of each step, nats a supervised token.
        n_tokens: Tokens gone through, padding not counted.
        n_supervised: Tokens among them that bear loss.
        seconds: Wall-clock time of the steps.
        precision: "bfloat16" or "float32": what the matrix products were computed in.
        preflight: The counts over the rows.
    """

    path: Path
    n_steps: int
    losses: tuple[float, ...]
    n_tokens: int
    n_supervised: int
    seconds: float
    precision: str
    preflight: Preflight

    @property
    def final_loss(self) -> float:
        """Mean loss of the last step, nats a supervised token."""
        return self.losses[-1]


def train(
    recipe: TrainingRecipe,
    *,
    sequences: Sequence[SpectrumSequence],
    output_dir: Path,
    weights: "LoadedWeights | None" = None,
    progress: "Progress | None" = None,
    resume: bool = False,
) -> TrainingResult:
    """Tune a model on sequences and save it.

    Args:
        recipe: How to train.
        sequences: The rows, for example from `build_sequences(recipe)`.
        output_dir: Where the adapter or model and the checkpoints go.
        weights: The model to train, in place; loaded as the recipe says where None.
        progress: Called with (step, number of steps, loss) after each step.
        resume: Go on from the last checkpoint in `output_dir`.

    Raises:
        TrainingError: No token bears loss, the loss is no longer a number, or there is nothing to resume.
        InterruptedRunError: Stopped from outside; what was learnt is saved, the message says where.
        StorageError: `output_dir` cannot be written.
    """
    require("trl", extra="train")
    require("peft", extra="train")
    if weights is None:
        weights = _load(recipe)
    spectrum = SpectrumFormat.from_tokenizer(weights.tokenizer)
    preflight = check_rows(sequences, spectrum=spectrum, max_length=recipe.max_length)
    order = row_order(
        [len(row.input_ids) for row in preflight.rows],
        batch_size=recipe.batch_size,
        n_steps=n_steps(recipe, n_rows=len(preflight.rows)),
        seed=recipe.seed,
    )
    rows = [preflight.rows[index] for index in order]
    with _quiet(), _storage_errors(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
        checkpoint = _last_checkpoint(output_dir) if resume else None
        trainer = _trainer(recipe, weights.model, spectrum=spectrum, rows=rows, output_dir=output_dir)
        started = time.monotonic()
        _run(trainer, checkpoint=checkpoint, progress=progress, output_dir=output_dir)
        seconds = time.monotonic() - started
        path = _save(trainer, recipe, output_dir=output_dir)
    return TrainingResult(
        path=path,
        n_steps=trainer.state.global_step,
        losses=tuple(float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry),
        n_tokens=sum(len(row.input_ids) for row in rows),
        n_supervised=sum(row.n_supervised for row in rows),
        seconds=seconds,
        precision="bfloat16" if trainer.args.bf16 else "float32",
        preflight=preflight,
    )


def n_steps(recipe: TrainingRecipe, *, n_rows: int) -> int:
    """Number of optimizer steps of a recipe on so many rows."""
    return recipe.n_steps or ceil(n_rows * recipe.n_epochs / recipe.batch_size)


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


def _load(recipe: TrainingRecipe) -> "LoadedWeights":
    import torch

    from pluralign.models.loading import load_weights

    # Adapters leave the base weights as they are, so on a GPU these may be bfloat16; on a CPU float32 weights
    # under bfloat16 autocast are faster than bfloat16 weights.
    halve = recipe.method == "lora" and torch.cuda.is_available() and recipe.precision != "float32"
    dtype = "bfloat16" if halve else "float32"
    return load_weights(recipe.model, revision=recipe.revision, dtype=dtype, device="cpu")


def _trainer(
    recipe: TrainingRecipe,
    model: Any,
    *,
    spectrum: SpectrumFormat,
    rows: Sequence[EncodedRow],
    output_dir: Path,
) -> "SpectrumTrainer":
    from datasets import Dataset
    from peft import LoraConfig, PeftModel
    from transformers import PrinterCallback, ProgressCallback

    from pluralign.spectrum.trainer import PackingCollator, SpectrumTrainer

    if isinstance(model, PeftModel):
        raise ConfigurationError(
            f"model: {recipe.model} is an adapter on another model. Merge it into that model first "
            "(merge: true in the recipe it was trained with), so that the result does not hang on two adapters."
        )
    targets = recipe.lora.targets
    adapters = LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
    columns = {
        "input_ids": [list(row.input_ids) for row in rows],
        "labels": [list(row.labels) for row in rows],
    }
    tokenizer = spectrum.apply()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # harmless: labels are explicit, never derived from padding
    trainer = SpectrumTrainer(
        model=model,
        args=_arguments(recipe, n_steps=len(rows) // recipe.batch_size, output_dir=output_dir),
        data_collator=PackingCollator(recipe.packing) if recipe.packing else None,
        train_dataset=Dataset.from_dict(columns),
        processing_class=tokenizer,
        peft_config=adapters if recipe.method == "lora" else None,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    return trainer


def _arguments(recipe: TrainingRecipe, *, n_steps: int, output_dir: Path) -> Any:
    import torch
    from trl import SFTConfig

    use_cpu = not torch.cuda.is_available() and not torch.backends.mps.is_available()
    n_devices = int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun and accelerate
    accumulation, rest = divmod(recipe.batch_size, recipe.device_batch_size * n_devices)
    if rest:
        raise ConfigurationError(
            f"batch_size: {recipe.batch_size} is not a multiple of device_batch_size "
            f"{recipe.device_batch_size} x {n_devices} devices"
        )
    arguments = SFTConfig(
        output_dir=str(output_dir),
        max_steps=n_steps,
        per_device_train_batch_size=recipe.device_batch_size,
        gradient_accumulation_steps=accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=_SCHEDULES[recipe.schedule],
        warmup_steps=recipe.warmup_steps,
        max_grad_norm=recipe.max_grad_norm,
        weight_decay=recipe.weight_decay,
        gradient_checkpointing=recipe.gradient_checkpointing,
        bf16=computes_in_bfloat16(recipe.precision),
        use_cpu=use_cpu,
        seed=recipe.seed,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        train_sampling_strategy="sequential",  # `row_order` has shuffled already
        save_strategy="no" if recipe.save_steps is None else "steps",
        save_steps=recipe.save_steps or n_steps,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:
        raise TrainingError(
            f"{arguments.n_gpu} GPUs are visible to one process. Start with 'accelerate launch', or make one "
            "visible with CUDA_VISIBLE_DEVICES=0."
        )
    return arguments


_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def computes_in_bfloat16(precision: str) -> bool:
    """Whether matrix products are computed in bfloat16: as asked, or where "auto" finds it faster."""
    import torch

    if precision != "auto":
        return precision == "bfloat16"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    if torch.backends.mps.is_available():
        return False
    # Without these instructions a CPU emulates bfloat16, slower than float32.
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _run(
    trainer: "SpectrumTrainer", *, checkpoint: str | None, progress: "Progress | None", output_dir: Path
) -> None:
    import torch

    from pluralign.spectrum.trainer import ProgressReporter

    trainer.add_callback(ProgressReporter(progress))
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
    except KeyboardInterrupt as interrupt:
        saved = output_dir / "interrupted"
        _save_as_trained(trainer, saved)
        step, total = trainer.state.global_step, trainer.state.max_steps
        again = (
            "Go on from the last checkpoint by resuming into the same folder."
            if _checkpoints(output_dir)
            else "There is no checkpoint to resume from; set save_steps in the recipe to get some."
        )
        raise InterruptedRunError(
            f"Training was stopped at step {step} of {total}. What was learnt so far lies in {saved}. {again}"
        ) from interrupt
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            "The device ran out of memory. Lower device_batch_size or max_length, or set gradient_checkpointing."
        ) from error


def _save(trainer: "SpectrumTrainer", recipe: TrainingRecipe, *, output_dir: Path) -> Path:
    path = output_dir / ("adapter" if recipe.method == "lora" and not recipe.merge else "model")
    if recipe.merge:
        trainer.model.merge_and_unload().save_pretrained(path)
        trainer.processing_class.save_pretrained(path)
    else:
        _save_as_trained(trainer, path)
    return path


def _save_as_trained(trainer: "SpectrumTrainer", path: Path) -> None:
    trainer.save_model(str(path))
    (path / "training_args.bin").unlink(missing_ok=True)  # a pickle of this machine's paths


def _checkpoints(output_dir: Path) -> list[Path]:
    return list(output_dir.glob("checkpoint-*"))


def _last_checkpoint(output_dir: Path) -> str:
    from transformers.trainer_utils import get_last_checkpoint

    found = get_last_checkpoint(str(output_dir))
    if found is None:
        raise TrainingError(
            f"{output_dir}: there is no checkpoint to resume from. Start without resuming, and set save_steps "
            "in the recipe to get checkpoints."
        )
    return str(found)


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
