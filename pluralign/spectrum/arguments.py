"""What TRL's trainer is told to do: the recipe in its words, and what this machine can compute in."""

import os
from pathlib import Path
from typing import Any

from pluralign.errors import ConfigurationError, TrainingError, did_you_mean
from pluralign.spectrum.recipe import TrainingRecipe

_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


def trainer_arguments(recipe: TrainingRecipe, *, n_steps: int, rows_per_step: int, output_dir: Path) -> Any:
    """What TRL's trainer is told to do.

    Args:
        recipe: How to train.
        n_steps: Optimizer steps.
        rows_per_step: Rows a step, over all devices.
        output_dir: Where the checkpoints go.

    Raises:
        ConfigurationError: The devices cannot share a step evenly.
        TrainingError: One process sees several GPUs.
    """
    import torch
    from trl import SFTConfig

    use_cpu = not torch.cuda.is_available() and not torch.backends.mps.is_available()
    accumulation, rest = divmod(recipe.batch_size, recipe.device_batch_size * n_devices())
    if rest:
        raise ConfigurationError(
            f"batch_size: {recipe.batch_size} is not a multiple of device_batch_size "
            f"{recipe.device_batch_size} x {n_devices()} devices"
        )
    arguments = SFTConfig(
        output_dir=str(output_dir),
        max_steps=n_steps,
        per_device_train_batch_size=rows_per_step // (accumulation * n_devices()),
        gradient_accumulation_steps=accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=_SCHEDULES[recipe.schedule],
        warmup_steps=recipe.warmup_steps,
        max_grad_norm=recipe.max_grad_norm,
        weight_decay=recipe.weight_decay,
        gradient_checkpointing=recipe.gradient_checkpointing,
        bf16=computes_in_bfloat16(recipe.precision),
        use_cpu=use_cpu,
        ddp_find_unused_parameters=False,  # every trained weight bears on every loss
        seed=recipe.seed,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        train_sampling_strategy="sequential",  # `row_order` has shuffled already
        save_strategy="no" if recipe.save_steps is None else "steps",
        save_steps=recipe.save_steps or n_steps,
        save_total_limit=2,
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to=list(recipe.trackers) or "none",
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:
        raise TrainingError(
            f"{arguments.n_gpu} GPUs are visible to one process. Start with 'accelerate launch', or make one "
            "visible with CUDA_VISIBLE_DEVICES=0."
        )
    return arguments


def n_devices() -> int:
    """Number of processes that train together, each on a device of its own."""
    return int(os.environ.get("WORLD_SIZE", "1"))  # set by torchrun and accelerate


def is_first_process() -> bool:
    """Whether this is the process that writes and speaks, of those that train together."""
    return os.environ.get("RANK", "0") == "0"  # set by torchrun and accelerate


def is_main_process() -> bool:
    """Whether this process writes what only one may write."""
    return os.environ.get("RANK", "0") == "0"  # set by torchrun and accelerate


def check_trackers(names: tuple[str, ...]) -> None:
    """Check that transformers knows each tracker, and that its package is installed.

    Raises:
        ConfigurationError: One is unknown, or its package is missing.
    """
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            raise ConfigurationError(
                f"trackers: {name!r} is none that transformers reports to.{did_you_mean(name, INTEGRATION_TO_CALLBACK)}"
            )
        try:
            INTEGRATION_TO_CALLBACK[name]()
        except (ImportError, RuntimeError) as error:
            raise ConfigurationError(f"trackers: {name!r} cannot be used: {error}") from error


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
