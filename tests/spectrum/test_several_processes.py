"""Training by several processes, started as a user starts it, gives what one process gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from pluralign.errors import ConfigurationError
from pluralign.models.loading import load_weights
from pluralign.spectrum.checks import check_rows
from pluralign.spectrum.format import SpectrumFormat
from pluralign.spectrum.recipe import TrainingRecipe, build_sequences, load_recipe
from pluralign.spectrum.trainer import METRICS
from pluralign.spectrum.training import _check_spread, row_order, train

CONFIGS = Path(__file__).parents[2] / "examples" / "recipes" / "accelerate"
N_PROCESSES = 2
RECIPE = {
    "tasks": {"bernoulli": 12, "dice": 12, "coloured": 8},
    "mean_examples": 6,
    "n_steps": 3,
    "batch_size": 8,
    "device_batch_size": 2,
    "max_length": 200,
    "learning_rate": 5e-3,
    "schedule": "constant",
    "lora": {"rank": 4, "alpha": 8},
    "precision": "float32",
}
# accelerate spreads models over GPUs only, though FSDP2 runs on CPUs too: there it is told to do as on GPUs.
FSDP_ON_CPUS = """
import runpy
from accelerate import DistributedType, PartialState
from accelerate.state import AcceleratorState

stock = AcceleratorState.__init__

def __init__(self, *args, fsdp_plugin=None, **kwargs):
    stock(self, *args, fsdp_plugin=fsdp_plugin, **kwargs)
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin
        PartialState._shared_state["distributed_type"] = self.distributed_type = DistributedType.FSDP

AcceleratorState.__init__ = __init__
runpy.run_module("pluralign", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def recipe(tmp_path, tiny_model, chatml):
    """A function that saves a random model and a recipe on it; gives the recipe's path."""

    def write(*, tied=True, **changes):
        config = tiny_model().config
        config.tie_word_embeddings = tied
        config.initializer_range = 0.2  # so that tokens differ in how likely they are
        with torch.random.fork_rng():
            torch.manual_seed(1)
            LlamaForCausalLM(config).save_pretrained(tmp_path / "tiny")
        chatml.save_pretrained(tmp_path / "tiny")
        path = tmp_path / "recipe.yaml"
        path.write_text(
            yaml.safe_dump(RECIPE | {"model": str(tmp_path / "tiny")} | changes), encoding="utf-8"
        )
        return path

    return write


def launch(config, recipe, out, *more, script=("-m", "pluralign")):
    """Start processes with accelerate; returns what they wrote to stdout."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)]
    command += ["--main_process_port", "0", *script]
    command += ["train", "run", "--config", str(recipe), "--out", str(out), *more]
    # As on a machine without a GPU.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "200"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def metrics(out):
    return [json.loads(line) for line in (out / METRICS).read_text(encoding="utf-8").splitlines()]


def one_process(path, out):
    chosen = load_recipe(path)
    return train(chosen, sequences=build_sequences(chosen), output_dir=out)


def assert_same_training(out, result, *, weights):
    """The step losses, what is watched, and the saved weights are those of one process."""
    lines = [line for line in metrics(out) if "loss" in line]
    expected = [line for line in metrics(result.path.parent) if "loss" in line]
    assert [line["step"] for line in lines] == list(range(1, result.n_steps + 1))
    for line, other in zip(lines, expected, strict=True):
        assert line["loss"] == pytest.approx(other["loss"], abs=1e-5)
        assert line["n_supervised"] == other["n_supervised"]
        assert line["n_tokens"] == other["n_tokens"]
        assert line["loss_by_task/dice"] == pytest.approx(other["loss_by_task/dice"], abs=1e-5)
    found, wanted = (load_file(folder / weights) for folder in (out / result.path.name, result.path))
    assert wanted.keys() <= found.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, atol=1e-5, rtol=1e-4, msg=name)


def mean_of_the_processes_means(path):
    """The first step's loss if each process took the mean over its own tokens."""
    chosen = load_recipe(path)
    weights = load_weights(chosen.model, device="cpu", dtype="float32")
    spectrum = SpectrumFormat.from_tokenizer(weights.tokenizer)
    rows = check_rows(build_sequences(chosen), spectrum=spectrum, max_length=chosen.max_length).rows
    lengths = [len(row.input_ids) for row in rows]
    order = row_order(lengths, batch_size=chosen.batch_size, n_steps=chosen.n_steps, seed=chosen.seed)
    size = chosen.device_batch_size
    batches = [order[start : start + size] for start in range(0, chosen.batch_size, size)]
    means = []
    for process in range(N_PROCESSES):
        nats, n_tokens = 0.0, 0
        for index in [index for batch in batches[process::N_PROCESSES] for index in batch]:
            ids, labels = torch.tensor([rows[index].input_ids]), torch.tensor([rows[index].labels])
            with torch.no_grad():
                nats += weights.model(ids, labels=labels).loss.item() * rows[index].n_supervised
            n_tokens += rows[index].n_supervised
        means.append(nats / n_tokens)
    return sum(means) / N_PROCESSES


@pytest.mark.slow
def test_two_processes_do_what_one_does_and_resume(recipe, tmp_path):
    path = recipe(save_steps=2, packing=256)
    one = one_process(path, tmp_path / "one")
    out = tmp_path / "two"
    printed = launch(CONFIGS / "cpu_two_processes.yaml", path, out)

    assert "".join(printed.split()) == str(out / "adapter")  # one process speaks
    assert_same_training(out, one, weights="adapter_model.safetensors")
    assert {file.name for file in (out / "adapter").iterdir()} == {file.name for file in one.path.iterdir()}
    assert sorted(folder.name for folder in out.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-3"]
    # The loss is the mean over the tokens of both processes, which is another number here.
    assert abs(mean_of_the_processes_means(path) - one.losses[0]) > 1e-4

    before = load_file(out / "adapter" / "adapter_model.safetensors")
    (out / "checkpoint-3" / "trainer_state.json").unlink()  # as if killed while it was written
    launch(CONFIGS / "cpu_two_processes.yaml", path, out, "--resume")
    after = load_file(out / "adapter" / "adapter_model.safetensors")
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "weights"),
    [
        ({"method": "full"}, "model.safetensors"),
        ({"tied": False, "train_turn_tokens": True}, "adapter_model.safetensors"),
    ],
    ids=["full", "adapters and turn tokens"],
)
def test_a_model_spread_over_two_processes_learns_what_a_whole_one_learns(changes, weights, recipe, tmp_path):
    path = recipe(**changes)
    one = one_process(path, tmp_path / "one")
    config = yaml.safe_load((CONFIGS / "fsdp.yaml").read_text(encoding="utf-8"))
    spread, script, out = tmp_path / "fsdp.yaml", tmp_path / "fsdp_on_cpus.py", tmp_path / "two"
    on_cpus = config | {"num_processes": N_PROCESSES, "use_cpu": True}
    spread.write_text(yaml.safe_dump(on_cpus), encoding="utf-8")
    script.write_text(FSDP_ON_CPUS, encoding="utf-8")
    launch(spread, path, out, script=(str(script),))

    assert_same_training(out, one, weights=weights)
    ids = torch.tensor([[5, 300, 20, 7]])
    with torch.no_grad():
        found, expected = (
            load_weights(str(folder), device="cpu").model(ids).logits
            for folder in (out / one.path.name, one.path)
        )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"merge": True}, "merge: .*spread"), ({"train_turn_tokens": True}, "output head is its embedding")],
)
def test_what_cannot_be_done_with_a_model_that_is_spread(changes, message, tiny_model):
    with pytest.raises(ConfigurationError, match=message):
        _check_spread(TrainingRecipe.model_validate(RECIPE | changes), tiny_model())


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_accelerate_knows_every_field_of_the_shipped_configurations(path):
    from accelerate.commands.config.config_args import load_config_from_file
    from accelerate.commands.launch import launch_command_parser

    config = load_config_from_file(str(path))  # raises on a field that it does not know
    options = vars(launch_command_parser().parse_args(["script.py"]))
    for fields in (config.fsdp_config, config.deepspeed_config):
        assert set(fields or {}) <= set(options)
    # The recipe says how precise the computation is.
    assert config.mixed_precision == "no"
