"""TRL's SFT trainer with the vocabulary projection computed only where loss falls.

Import this module lazily: it imports torch, transformers and trl.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback
from trl import SFTTrainer
from typing_extensions import override

from pluralign.errors import TrainingError
from pluralign.spectrum.format import IGNORED

Progress = Callable[[int, int, float], None]


class SpectrumTrainer(SFTTrainer):  # type: ignore[misc]  # trl has no types
    """SFT on rows that carry `input_ids` and `labels`, most of whose tokens bear no loss.

    The stock loss also computes entropies, tile by tile, which doubles the time of a step on a CPU.
    """

    @override
    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The mean loss over the supervised tokens of the global batch, as the stock trainer defines it."""
        head = self.model.get_output_embeddings()
        if return_outputs or head is None or self.aux_loss_enabled:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        total, n_tokens = supervised_loss(model, head=head, inputs=inputs)
        if num_items_in_batch is None:
            return total / max(n_tokens, 1)
        loss = total / num_items_in_batch
        # The count is over all devices, and gradients are averaged over devices.
        return loss * self.accelerator.num_processes if self.args.average_tokens_across_devices else loss

    @override
    def _send_telemetry(self) -> None:
        """Send nothing."""


def supervised_loss(
    model: nn.Module, *, head: nn.Module, inputs: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, int]:
    """The summed cross-entropy of the supervised tokens, projecting only the positions that predict them.

    The output head is told to pass on those positions only, so that whatever the model does to its logits
    (soft-capping, scaling) happens as ever.

    Args:
        model: Called with all inputs but the labels.
        head: The model's output head.
        inputs: input_ids, attention_mask and labels, each (batch, length).

    Returns:
        The loss in nats, and the number of supervised tokens.
    """
    labels = inputs["labels"][:, 1:]
    supervised = labels != IGNORED
    selected = False

    def select(_module: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        nonlocal selected
        selected = True
        return (args[0][:, :-1][supervised].unsqueeze(0), *args[1:])

    handle = head.register_forward_pre_hook(select)
    try:
        outputs = model(
            **{name: value for name, value in inputs.items() if name != "labels"}, use_cache=False
        )
    finally:
        handle.remove()
    # Some models multiply by the head's weight without calling the head; their logits come in full.
    logits = outputs.logits[0] if selected else outputs.logits[:, :-1][supervised]
    targets = labels[supervised]
    return nn.functional.cross_entropy(logits.float(), targets, reduction="sum"), targets.numel()


class ProgressReporter(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
    """Passes (step, number of steps, loss) on, and stops training whose loss is no longer a number."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    @override
    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Report one logged step."""
        if not logs or "loss" not in logs:
            return
        loss = float(logs["loss"])
        if not torch.isfinite(torch.tensor(loss)):
            raise TrainingError(
                f"The loss became {loss} at step {state.global_step} of {state.max_steps}. Lower learning_rate "
                f"(now {args.learning_rate:g}), or add warmup_steps."
            )
        if self.progress is not None:
            self.progress(state.global_step, state.max_steps, loss)
