"""Resuming after a kill. The runs that are killed are processes of their own, on a model and recipe from disk."""

import random
import signal
import subprocess
import sys

import pytest

from pluralign.errors import ConfigurationError, TrainingError
from pluralign.spectrum.checkpoints import MARK, checkpoints, last_checkpoint, mark_complete
from pluralign.spectrum.recipe import build_sequences, load_recipe
from pluralign.spectrum.training import train


def checkpoint(folder, step, *, run="a", files=("model", "optimizer.pt")):
    path = folder / f"checkpoint-{step}"
    (path / "part").mkdir(parents=True)
    for name in files:
        (path / name).write_bytes(b"1234")
    (path / "part" / "0").write_bytes(b"12")
    mark_complete(path, run=run)
    return path


def test_the_newest_complete_checkpoint_counts(tmp_path):
    old, new = checkpoint(tmp_path, 9), checkpoint(tmp_path, 10)

    assert checkpoints(tmp_path) == [old, new]  # by number, not by name
    assert last_checkpoint(tmp_path, run="a") == new


@pytest.mark.parametrize("fault", ["no mark", "shorter file", "missing file", "missing part"])
def test_a_torn_checkpoint_is_removed_and_the_one_before_counts(fault, tmp_path):
    old, new = checkpoint(tmp_path, 2), checkpoint(tmp_path, 4)
    if fault == "no mark":
        (new / MARK).unlink()
    elif fault == "shorter file":
        (new / "optimizer.pt").write_bytes(b"123")
    else:
        (new / {"missing file": "model", "missing part": "part/0"}[fault]).unlink()

    assert last_checkpoint(tmp_path, run="a") == old
    assert not new.exists()


def test_what_cannot_be_resumed(tmp_path):
    with pytest.raises(TrainingError, match="there is no checkpoint to resume from"):
        last_checkpoint(tmp_path, run="a")
    checkpoint(tmp_path, 2, run="other")
    with pytest.raises(ConfigurationError, match="another recipe or other rows"):
        last_checkpoint(tmp_path, run="a")
    own = checkpoint(tmp_path, 1)
    assert last_checkpoint(tmp_path, run="a") == own


# Trains, and kills itself at the given step: while it computes, or at a point of saving.
KILLED = """
import os, signal, sys
from pathlib import Path
from pluralign.spectrum import build_sequences, load_recipe, train
from pluralign.spectrum import checkpoints
from pluralign.spectrum.trainer import SpectrumTrainer

config, out, step, moment, resume = sys.argv[1:]
step = int(step)

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def before(name):
    original = getattr(SpectrumTrainer, name)
    def patched(self, *args):
        if self.state.global_step == step:
            kill()
        return original(self, *args)
    setattr(SpectrumTrainer, name, patched)

if moment == "optimizer":
    before("_save_optimizer_and_scheduler")
elif moment == "rng":
    before("_save_rng_state")
elif moment == "half":
    original = SpectrumTrainer._save_optimizer_and_scheduler
    def torn(self, folder):
        original(self, folder)
        if self.state.global_step == step:
            path = Path(folder) / "optimizer.pt"
            path.write_bytes(path.read_bytes()[:100])
            kill()
    SpectrumTrainer._save_optimizer_and_scheduler = torn
elif moment == "mark":
    marked = checkpoints.mark_complete
    checkpoints.mark_complete = lambda folder, run: (
        kill() if folder.name == f"checkpoint-{step}" else marked(folder, run=run)
    )

recipe = load_recipe(Path(config))
train(
    recipe,
    sequences=build_sequences(recipe),
    output_dir=Path(out),
    progress=lambda done, *_: kill() if moment == "step" and done == step else None,
    resume=resume == "True",
)
"""
N_STEPS = 14


@pytest.fixture
def config(tiny_model, chatml, tmp_path):
    """A recipe with dropout, accumulation and a falling learning rate, on a model from disk."""

    def write(method):
        tiny_model().save_pretrained(tmp_path / "model")
        chatml.save_pretrained(tmp_path / "model")
        path = tmp_path / "recipe.yaml"
        path.write_text(
            f"model: {tmp_path / 'model'}\nmethod: {method}\ntasks: {{bernoulli: 24, dice: 24}}\n"
            f"lora: {{rank: 4, dropout: 0.1}}\nn_steps: {N_STEPS}\nbatch_size: 8\ndevice_batch_size: 2\n"
            "max_length: 200\nmean_examples: 4\nlearning_rate: 0.005\nschedule: cosine\nwarmup_steps: 2\n"
            "save_steps: 2\nprecision: float32\n"
            "early_stop: {tasks: [events], n_rows: 6, every: 3, patience: 9}\n"
        )
        return path

    return write


def killed(config, out, *, step, moment, resume):
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(config), str(out), str(step), moment, str(resume)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "moment", "seed"),
    [("lora", "half", 0), ("full", "mark", 1), ("lora", "optimizer", 2), ("full", "rng", 3)],
)
def test_a_run_killed_again_and_again_ends_as_one_that_was_not(method, moment, seed, config, tmp_path):
    """Killed twice: at a random step while computing, and later at a random step in the middle of saving."""
    path = config(method)
    recipe = load_recipe(path)
    sequences = build_sequences(recipe)
    undisturbed = train(recipe, sequences=sequences, output_dir=tmp_path / "whole")
    rng = random.Random(seed)
    first = rng.randrange(3, 7)
    then = 2 * rng.randrange(4, 8)
    out = tmp_path / "killed"
    killed(path, out, step=first, moment="step", resume=False)
    killed(path, out, step=then, moment=moment, resume=True)
    assert (out / f"checkpoint-{then}").is_dir()  # torn
    resumed = train(recipe, sequences=sequences, output_dir=out, resume=True)

    assert resumed.losses == undisturbed.losses
    assert len(resumed.losses) == N_STEPS
    assert resumed.held_out == undisturbed.held_out
    assert resumed.saved_step == undisturbed.saved_step
    name = "adapter_model.safetensors" if method == "lora" else "model.safetensors"
    assert (resumed.path / name).read_bytes() == (undisturbed.path / name).read_bytes()

    assert len((out / "metrics.jsonl").read_text().splitlines()) == len(
        (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()
    )


@pytest.mark.slow
def test_a_kill_before_the_first_checkpoint_leaves_nothing_to_resume(config, tmp_path):
    path = config("lora")
    recipe = load_recipe(path)
    killed(path, tmp_path / "out", step=2, moment="half", resume=False)
    with pytest.raises(TrainingError, match="there is no checkpoint to resume from"):
        train(recipe, sequences=build_sequences(recipe), output_dir=tmp_path / "out", resume=True)
