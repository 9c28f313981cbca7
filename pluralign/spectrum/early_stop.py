"""When to stop: the loss on rows held out from training, and the weights at its lowest."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pluralign.errors import ConfigurationError, TrainingError
from pluralign.spectrum.format import SpectrumSequence
from pluralign.spectrum.recipe import EarlyStop

LOSS = "held_out_loss"  # its name in the log


@dataclass(frozen=True)
class Measurement:
    """The held-out loss after a number of steps.

    Attributes:
        step: Optimizer steps done.
        loss: Mean cross-entropy of the held-out rows' supervised tokens, nats.
    """

    step: int
    loss: float


def best_measurement(curve: Sequence[Measurement], *, min_gain: float) -> Measurement:
    """The last measurement that fell by more than `min_gain` below the best before it.

    Args:
        curve: At least one measurement, in order.
        min_gain: Nats.
    """
    best = curve[0]
    for measurement in curve:
        if measurement.loss < best.loss - min_gain:
            best = measurement
    return best


def should_stop(curve: Sequence[Measurement], *, rule: EarlyStop) -> bool:
    """Whether `patience` measurements in a row brought no gain."""
    if not curve:
        return False
    best = best_measurement(curve, min_gain=rule.min_gain)
    return sum(measurement.step > best.step for measurement in curve) >= rule.patience


def check_held_out(held_out: Sequence[SpectrumSequence], *, training: Sequence[SpectrumSequence]) -> None:
    """Check that nothing held out is trained on.

    Raises:
        ConfigurationError: A held-out task has rows in training, or a held-out row stands there under another name.
    """
    if both := sorted({row.task for row in held_out} & {row.task for row in training}):
        raise ConfigurationError(f"early_stop: {both} have rows in training; hold out other tasks")
    trained = {(row.description, row.examples): row.task for row in training}
    for row in held_out:
        if (task := trained.get((row.description, row.examples))) is not None:
            raise ConfigurationError(
                f"early_stop: a row of {row.task!r} stands in training too, as one of {task!r}; hold out other tasks"
            )


def best_folder(output_dir: Path, step: int) -> Path:
    """Where the weights of a step are kept while they are the best."""
    return output_dir / f"best-{step}"


def keep_best(temporary: Path, *, output_dir: Path, step: int, needed: set[int]) -> None:
    """Put saved weights in the place of the best, and clear away those that no checkpoint refers to.

    Args:
        temporary: Folder they were saved to.
        output_dir: Folder of the run.
        step: Their step.
        needed: Steps whose weights must stay, as resuming may need them.
    """
    folder = best_folder(output_dir, step)
    if folder.exists():
        shutil.rmtree(folder)
    temporary.rename(folder)
    for other in output_dir.glob("best-*"):
        number = other.name.removeprefix("best-")
        if number.isdigit() and int(number) not in needed | {step}:
            shutil.rmtree(other)


def require_best(output_dir: Path, *, step: int) -> Path:
    """The folder of the best weights.

    Raises:
        TrainingError: It is gone.
    """
    folder = best_folder(output_dir, step)
    if not folder.is_dir():
        raise TrainingError(f"{folder}: the weights of the lowest held-out loss are gone. Train anew.")
    return folder
