"""TRL's SFT trainer with the vocabulary projection computed only where loss falls.

Import this module lazily: it imports torch, transformers and trl.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback
from trl import SFTTrainer
from typing_extensions import override

from pluralign.errors import TrainingError
from pluralign.models.logits import chosen_logits
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

    Args:
        model: Called with all inputs but the labels.
        head: The model's output head.
        inputs: input_ids, attention_mask and labels, each (batch, length).

    Returns:
        The loss in nats, and the number of supervised tokens.
    """
    labels = inputs["labels"][:, 1:]
    supervised = labels != IGNORED
    logits = chosen_logits(
        model,
        head=head,
        choose=lambda states: states[:, :-1][supervised],
        inputs={
            **{name: value for name, value in inputs.items() if name != "labels"},
            "use_cache": False,
        },
    )
    targets = labels[supervised]
    return nn.functional.cross_entropy(logits.float(), targets, reduction="sum"), targets.numel()


class PackingCollator:
    """Lays rows end to end instead of padding each to the longest.

    Positions begin anew with each row; from that, and with the cache off, transformers keeps attention within
    rows. No token of a row sees another row, so the loss is that of padded rows.

    Args:
        length: Rows are packed up to this many tokens; a longer row stands alone. Attention costs the square
            of what is packed, so longer is not faster.
    """

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, rows: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, torch.Tensor]:
        """Make input_ids, labels and position_ids, each (packs, longest pack)."""
        packs: list[list[Mapping[str, Sequence[int]]]] = []
        for row in sorted(rows, key=lambda row: -len(row["input_ids"])):
            n = len(row["input_ids"])
            fitting = (pack for pack in packs if _n_tokens(pack) + n <= self.length)
            pack = next(fitting, None)
            if pack is None:
                packs.append([row])
            else:
                pack.append(row)
        longest = max(map(_n_tokens, packs))
        batch = {
            name: torch.zeros(len(packs), longest, dtype=torch.long) for name in ("input_ids", "position_ids")
        }
        batch["labels"] = torch.full((len(packs), longest), IGNORED)
        for index, pack in enumerate(packs):
            start = 0
            for row in pack:
                end = start + len(row["input_ids"])
                batch["input_ids"][index, start:end] = torch.tensor(row["input_ids"])
                batch["labels"][index, start:end] = torch.tensor(row["labels"])
                batch["position_ids"][index, start:end] = torch.arange(end - start)
                start = end
            # What fills a shorter pack up is a row of its own that bears no loss.
            batch["position_ids"][index, start:] = torch.arange(longest - start)
        return batch


def _n_tokens(pack: Sequence[Mapping[str, Sequence[int]]]) -> int:
    return sum(len(row["input_ids"]) for row in pack)


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
