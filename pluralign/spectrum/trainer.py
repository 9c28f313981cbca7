"""TRL's SFT trainer with the vocabulary projection computed only where loss falls.

Import this module lazily: it imports torch, transformers and trl.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import TrainerCallback
from trl import SFTTrainer
from typing_extensions import override

from pluralign.errors import TrainingError, UnsupportedError
from pluralign.files import write_whole, writing
from pluralign.models.logits import chosen_logits
from pluralign.spectrum import checkpoints, early_stop
from pluralign.spectrum.early_stop import Measurement
from pluralign.spectrum.format import IGNORED
from pluralign.spectrum.losses import cross_entropy, gem, soft_cross_entropy
from pluralign.spectrum.monitor import Monitor
from pluralign.spectrum.recipe import EarlyStop, TrainingRecipe

Progress = Callable[[int, int, float], None]
# (logits, labels, batch with the targets at the supervised places) -> loss of each supervised token.
TokenLoss = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]

# What `Batches` adds to the inputs of the model.
_NOT_FOR_THE_MODEL = ("labels", "groups", "n_tokens", "target_ids", "target_probs")
METRICS = "metrics.jsonl"


def token_loss(recipe: TrainingRecipe) -> TokenLoss:
    """The loss of a token that a recipe names."""
    if recipe.loss == "gem":
        return lambda logits, labels, _: gem(logits, labels, beta=recipe.gem_beta)
    if recipe.loss == "soft_targets":
        return lambda logits, _, batch: soft_cross_entropy(
            logits, token_ids=batch["target_ids"], probs=batch["target_probs"]
        )
    return _plain


def _plain(logits: Tensor, labels: Tensor, _: Mapping[str, Tensor]) -> Tensor:
    return cross_entropy(logits, labels)


class SpectrumTrainer(SFTTrainer):  # type: ignore[misc]  # trl has no types
    """SFT on batches of `Batches`, most of whose tokens bear no loss.

    The stock loss also computes entropies, tile by tile, which doubles the time of a step on a CPU.

    Args:
        loss: Loss of a supervised token.
        monitor: Watches the cross-entropy by task and by place in context.
        run: What identifies the run; its checkpoints are marked with it.
        arguments: Those of the stock trainer.
    """

    def __init__(self, *, loss: TokenLoss, monitor: Monitor, run: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._token_loss = loss
        self.monitor = monitor
        self._run_digest = run
        # Our loss divides by the supervised tokens of the global batch, whatever the model's forward takes.
        self.model_accepts_loss_kwargs = True

    @override
    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The mean loss over the supervised tokens of the global batch, as the stock trainer defines it."""
        head = self.model.get_output_embeddings()
        if return_outputs or head is None or self.aux_loss_enabled:
            if self._token_loss is not _plain:
                raise UnsupportedError(
                    "loss: this model computes its own; only cross_entropy can be trained on"
                )
            own = {name: value for name, value in inputs.items() if name not in _NOT_FOR_THE_MODEL[1:]}
            return super().compute_loss(model, own, return_outputs, num_items_in_batch)
        losses, nats = supervised_losses(model, head=head, inputs=inputs, loss=self._token_loss)
        groups = inputs["groups"]
        self.monitor.add(nats, groups=groups[groups >= 0], n_tokens=inputs["n_tokens"].sum())
        if num_items_in_batch is None:
            return losses.sum() / max(len(losses), 1)
        loss = losses.sum() / num_items_in_batch
        # The count is over all devices, and gradients are averaged over devices.
        return loss * self.accelerator.num_processes if self.args.average_tokens_across_devices else loss

    @override
    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, and with the loss of a step what the monitor saw."""
        if "loss" in logs:
            logs |= self.monitor.take(n_processes=self.accelerator.num_processes)
        super().log(logs, start_time)

    @override
    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        with self.monitor.paused():
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()  # each process has written its part
            if self.args.should_save:
                folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
                checkpoints.mark_complete(folder, run=self._run_digest)

    @override
    def _send_telemetry(self) -> None:
        """Send nothing."""

    def held_out_loss(self, batches: Sequence[Mapping[str, Tensor]]) -> float:
        """Mean cross-entropy of the supervised tokens of batches, nats. All processes compute the same.

        Args:
            batches: Made by `Batches`.
        """
        head = self.model.get_output_embeddings()
        total, n_tokens = 0.0, 0
        training = self.model.training
        self.model_wrapped.eval()
        with self.monitor.paused(), torch.no_grad(), self.compute_loss_context_manager():
            for batch in batches:
                inputs = self._prepare_inputs(dict(batch))
                _, nats = supervised_losses(self.model_wrapped, head=head, inputs=inputs)
                total += nats.cpu().double().sum().item()
                n_tokens += len(nats)
        self.model_wrapped.train(training)
        return total / n_tokens


def supervised_losses(
    model: nn.Module, *, head: nn.Module, inputs: Mapping[str, Tensor], loss: TokenLoss = _plain
) -> tuple[Tensor, Tensor]:
    """The loss of each supervised token, projecting only the positions that predict them.

    Args:
        model: Called with the inputs that are for it.
        head: The model's output head.
        inputs: input_ids, labels and attention_mask or position_ids, each (batch, length), and what the loss needs.
        loss: Loss of a token.

    Returns:
        The loss and the cross-entropy in nats of each supervised token, both (n,); the latter without gradient.
    """
    labels = inputs["labels"][:, 1:]
    supervised = labels != IGNORED
    logits = chosen_logits(
        model,
        head=head,
        choose=lambda states: states[:, :-1][supervised],
        inputs={
            **{name: value for name, value in inputs.items() if name not in _NOT_FOR_THE_MODEL},
            "use_cache": False,
        },
    ).float()
    targets = labels[supervised]
    chosen = {
        name: inputs[name][:, 1:][supervised] for name in ("target_ids", "target_probs") if name in inputs
    }
    losses = loss(logits, targets, chosen)
    if loss is _plain:
        return losses, losses.detach()
    with torch.no_grad():
        return losses, cross_entropy(logits, targets)


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
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {state.global_step} of {state.max_steps}. Lower learning_rate "
                f"(now {args.learning_rate:g}), or add warmup_steps."
            )
        if self.progress is not None and state.is_world_process_zero:
            self.progress(state.global_step, state.max_steps, loss)


class MetricsFile(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
    """Writes what is logged to `metrics.jsonl`, a line each time; resuming drops what came after the checkpoint."""

    def __init__(self, output_dir: Path, *, monitor: Monitor) -> None:
        self.path = output_dir / METRICS
        self.monitor = monitor

    @override
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin anew with what the checkpoint knows."""
        self.monitor.start()
        if state.is_world_process_zero:
            write_whole(self.path, "".join(map(_line, state.log_history)).encode())

    @override
    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write the newest entry."""
        if state.is_world_process_zero:
            with writing(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(_line(state.log_history[-1]))


def _line(entry: Mapping[str, float]) -> str:
    """An entry as strict JSON; what is no finite number, such as a gradient's norm of infinity, as null."""
    finite = {name: value if math.isfinite(value) else None for name, value in entry.items()}
    return json.dumps(finite, allow_nan=False) + "\n"


class EarlyStopping(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
    """Measures the loss on held-out rows, keeps the best weights, and stops when it falls no more.

    The curve lives in the trainer's log, which every checkpoint holds, so that a resumed run goes on with it.

    Args:
        trainer: The trainer it belongs to.
        rule: When to measure and when to stop.
        batches: The held-out rows.
    """

    def __init__(
        self, trainer: SpectrumTrainer, *, rule: EarlyStop, batches: Sequence[Mapping[str, Tensor]]
    ) -> None:
        self.trainer = trainer
        self.rule = rule
        self.batches = batches

    @override
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Measure what training begins with."""
        if state.global_step == 0:
            self._measure()

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Measure where it is due, and stop where nothing was gained for long."""
        if state.global_step % self.rule.every == 0 or state.global_step == state.max_steps:
            should_log = control.should_log
            self._measure()
            control.should_log = should_log  # logging the measurement has taken it back
            if early_stop.should_stop(held_out_curve(state.log_history), rule=self.rule):
                control.should_training_stop = True
                control.should_save = False  # resuming from here would train on before it could stop
        return control

    def _measure(self) -> None:
        trainer = self.trainer
        loss = trainer.held_out_loss(self.batches)
        if trainer.accelerator.num_processes > 1:
            # Rounding may differ between devices; all must come to the same decision.
            shared = torch.tensor(loss, dtype=torch.float64, device=trainer.args.device)
            torch.distributed.broadcast(shared, src=0)
            loss = shared.item()
        if not math.isfinite(loss):
            raise TrainingError(f"The held-out loss became {loss} at step {trainer.state.global_step}.")
        trainer.log({early_stop.LOSS: loss})
        curve = held_out_curve(trainer.state.log_history)
        if early_stop.best_measurement(curve, min_gain=self.rule.min_gain) is curve[-1]:
            self._keep()

    def _keep(self) -> None:
        trainer = self.trainer
        output_dir = Path(trainer.args.output_dir)
        temporary = output_dir / "best.tmp"
        with trainer.monitor.paused():
            trainer.save_model(str(temporary))
            trainer.accelerator.wait_for_everyone()
            if not trainer.args.should_save:
                return
            needed = {
                early_stop.best_measurement(curve, min_gain=self.rule.min_gain).step
                for folder in checkpoints.checkpoints(output_dir)
                if (curve := _checkpoint_curve(folder))
            }
            early_stop.keep_best(
                temporary, output_dir=output_dir, step=trainer.state.global_step, needed=needed
            )


def held_out_curve(log_history: Sequence[Mapping[str, float]]) -> list[Measurement]:
    """The held-out losses in a trainer's log."""
    return [
        Measurement(step=int(entry["step"]), loss=entry[early_stop.LOSS])
        for entry in log_history
        if early_stop.LOSS in entry
    ]


def _checkpoint_curve(checkpoint: Path) -> list[Measurement]:
    """The held-out losses that a checkpoint knows; none where it is not complete."""
    if not (checkpoint / checkpoints.MARK).is_file():
        return []
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return held_out_curve(state["log_history"])
