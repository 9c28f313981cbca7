"""Time of a training step: pluralign against TRL's SFT trainer as it comes, on the same rows and labels.

Both train the same adapters on the same model with the same optimizer. TRL runs with its defaults (gradient
checkpointing, rows padded to the longest, its own output head), and again without gradient checkpointing, which
pluralign leaves off by default. TRL's head scores every position on a CPU, on a GPU only those that bear loss. In
float32 the losses of two steps must agree to 1e-4. Then all are timed by turns in the precision that pluralign takes
on this machine, each on its second step; the ratio is that of one turn, the median over the turns. Seconds of the CPUs
stand beside those of the clock, which on a busy machine are rough.
"""

import argparse
import copy
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from pluralign.models import LoadedWeights, load_weights
from pluralign.spectrum import (
    EncodedRow,
    SpectrumFormat,
    SpectrumSequence,
    TrainingRecipe,
    build_sequences,
    check_rows,
    train,
)
from pluralign.spectrum.arguments import computes_in_bfloat16
from pluralign.spectrum.initialise import lora_config

TOLERANCE = 1e-4
N_STEPS = 2
# Rows like those of examples/recipes/quickstart.yaml, as many as one of its steps holds, and fewer for the losses.
ROWS = {"categorical": 6, "coloured": 4, "numbered": 3, "events": 2, "tickets": 1}
FEW_ROWS = {"categorical": 2, "coloured": 1, "numbered": 1}


@dataclass
class Run:
    """One training: the loss of each step, nats a supervised token, and when it was done."""

    losses: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def step(self, loss: float) -> None:
        """Note that a step is done."""
        self.losses.append(loss)
        self.clock.append(time.perf_counter())
        self.cpu.append(time.process_time())

    @property
    def seconds(self) -> float:
        """Wall-clock time of the last step."""
        return self.clock[-1] - self.clock[-2]

    @property
    def cpu_seconds(self) -> float:
        """Time of all CPUs for the last step."""
        return self.cpu[-1] - self.cpu[-2]


class NoteSteps(TrainerCallback):
    """Notes the steps of a TRL trainer."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Note one logged step."""
        if logs and "loss" in logs:
            self.run.step(float(logs["loss"]))


def recipe(model: str, *, tasks: dict[str, int], precision: str) -> TrainingRecipe:
    """What is trained: every step sees all rows."""
    n_rows = sum(tasks.values())
    return TrainingRecipe.model_validate({
        "model": model,
        "tasks": tasks,
        "mean_examples": 4,
        "description_keep_prob": 1,  # so that every row bears loss
        "n_steps": N_STEPS,
        "batch_size": n_rows,
        "device_batch_size": n_rows,
        "max_length": 288,
        "packing": 256,
        "precision": precision,
    })


def run_pluralign(
    chosen: TrainingRecipe, weights: LoadedWeights, *, sequences: Sequence[SpectrumSequence]
) -> Run:
    """Train with pluralign."""
    run = Run()
    with tempfile.TemporaryDirectory() as folder:
        train(
            chosen,
            sequences=sequences,
            output_dir=Path(folder),
            weights=fresh(weights),
            progress=lambda step, n_steps, loss: run.step(loss),
        )
    return run


def run_trl(
    chosen: TrainingRecipe, weights: LoadedWeights, *, rows: Sequence[EncodedRow], checkpointing: bool
) -> Run:
    """Train with TRL's defaults but for what must be equal: batch, optimizer, precision and the order of the rows."""
    own, run = fresh(weights), Run()
    columns = {
        "input_ids": [list(row.input_ids) for row in rows] * N_STEPS,
        "labels": [list(row.labels) for row in rows] * N_STEPS,
    }
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            max_steps=N_STEPS,
            per_device_train_batch_size=chosen.device_batch_size,
            learning_rate=chosen.learning_rate,
            bf16=computes_in_bfloat16(chosen.precision),
            use_cpu=not torch.cuda.is_available(),
            seed=chosen.seed,
            gradient_checkpointing=checkpointing,
            train_sampling_strategy="sequential",
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = SFTTrainer(
            model=own.model,
            args=arguments,
            train_dataset=Dataset.from_dict(columns),
            processing_class=own.tokenizer,
            peft_config=lora_config(chosen, own.model, tokenizer=own.tokenizer),
            callbacks=[NoteSteps(run)],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return run


def fresh(weights: LoadedWeights) -> LoadedWeights:
    """A copy of the model, which training changes in place."""
    return LoadedWeights(
        copy.deepcopy(weights.model), weights.tokenizer, weights.source_id, hashes=weights.hashes
    )


def trainers(chosen: TrainingRecipe, weights: LoadedWeights) -> dict[str, Callable[[], Run]]:
    """The ways to train, by name."""
    sequences = build_sequences(chosen)
    spectrum = SpectrumFormat.from_tokenizer(weights.tokenizer)
    rows = check_rows(sequences, spectrum=spectrum, max_length=chosen.max_length).rows
    if len(rows) != chosen.batch_size:
        raise SystemExit(
            f"{len(rows)} of {chosen.batch_size} rows bear loss; every step must see all of them"
        )
    lengths = [len(row.input_ids) for row in rows]
    print(
        f"{len(rows)} rows a step, {sum(lengths)} tokens ({sum(row.n_supervised for row in rows)} bear loss), the "
        f"longest row {max(lengths)}; {'bfloat16' if computes_in_bfloat16(chosen.precision) else 'float32'}; "
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
    )
    return {
        "pluralign": lambda: run_pluralign(chosen, weights, sequences=sequences),
        "TRL as it comes": lambda: run_trl(chosen, weights, rows=rows, checkpointing=True),
        "TRL, no checkpointing": lambda: run_trl(chosen, weights, rows=rows, checkpointing=False),
    }


def check_losses(ways: dict[str, Callable[[], Run]]) -> None:
    """Exit unless all ways give the same losses."""
    losses = {name: run().losses for name, run in ways.items()}
    gap = 0.0
    for name, values in losses.items():
        print(f"  {name:22} " + " ".join(f"{value:.6f}" for value in values) + " nats a supervised token")
        pairs = zip(losses["pluralign"], values, strict=True)
        gap = max(gap, *(abs(ours - theirs) for ours, theirs in pairs))
    if gap > TOLERANCE:
        raise SystemExit(f"the losses differ by {gap:.1e}, more than {TOLERANCE:.0e}")
    print(f"  equal to {gap:.1e}")


def time_by_turns(ways: dict[str, Callable[[], Run]], *, n_turns: int) -> None:
    """Run every way once a turn, in an order that turns too, and print times and ratios."""
    names = list(ways)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for turn in range(n_turns):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            runs[name].append(ways[name]())
    for name, own in runs.items():
        turns = list(zip(own, runs["pluralign"], strict=True))
        ratios = [run.seconds / ours.seconds for run, ours in turns]
        cpu_ratios = [run.cpu_seconds / ours.cpu_seconds for run, ours in turns]
        print(
            f"  {name:22} {statistics.median(run.seconds for run in own):6.2f} s a step, "
            f"{statistics.median(ratios):5.2f}x pluralign's (turns: {' '.join(f'{ratio:.2f}' for ratio in ratios)}); "
            f"{statistics.median(run.cpu_seconds for run in own):6.2f} CPU s, {statistics.median(cpu_ratios):5.2f}x; "
            f"loss {own[0].losses[0]:.4f}"
        )


def main() -> None:
    """Check that the losses agree, then time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    weights = load_weights(given.model, dtype="float32", device="cpu")
    check_losses(trainers(recipe(given.model, tasks=FEW_ROWS, precision="float32"), weights))
    time_by_turns(trainers(recipe(given.model, tasks=ROWS, precision="auto"), weights), n_turns=given.turns)
    print(f"load average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
