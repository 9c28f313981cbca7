"""`pluralign train` with flags that change the recipe."""

import json

import pytest

from pluralign.cli.app import main

RECIPE = """
model: {model}
tasks: {{bernoulli: 12, dice: 12}}
mean_examples: 4
description_keep_prob: 0.5
n_steps: 2
batch_size: 4
device_batch_size: 2
max_length: 120
precision: float32
"""


@pytest.fixture
def run(capsys):
    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


@pytest.fixture
def recipe(tmp_path, tiny_folder):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(model=tiny_folder))
    return path


def checked(run, recipe, *flags):
    status, out, err = run("train", "check", "-c", recipe, "--json", *flags)
    assert status == 0, err
    return json.loads(out)


def test_flags_change_what_bears_loss(run, recipe):
    plain = checked(run, recipe)
    last = checked(run, recipe, "--loss-on", "last_output")
    everything = checked(run, recipe, "--loss-on", "all_tokens")

    assert (plain["loss_on"], last["loss_on"]) == ("outputs", "last_output")
    assert 0 < last["total"]["n_supervised"] < plain["total"]["n_supervised"]
    assert everything["total"]["n_supervised"] == everything["total"]["n_tokens"] - 24
    assert plain["total"]["n_tokens"] == last["total"]["n_tokens"]


def test_flags_change_the_rows(run, recipe):
    plain = checked(run, recipe)
    described = checked(run, recipe, "--description-keep-prob", "1")
    singles = checked(run, recipe, "--single-example")

    assert 0 < plain["total"]["n_described"] < described["total"]["n_described"] == 24
    assert singles["total"]["n_rows"] > 24
    assert singles["total"]["n_without_loss"] > 0
    assert singles["rows_per_step"] > plain["rows_per_step"] == 4


def test_the_table_says_where_the_loss_falls(run, recipe):
    _, out, _ = run("train", "check", "-c", recipe, "--loss-on", "first_output", "--single-example")
    assert "Loss on: first_output" in out
    assert "rows a step" in out


def test_the_preview_shows_what_the_flags_change(run, recipe):
    _, out, _ = run("train", "preview", "-c", recipe, "--n", "1", "--single-example")
    assert out.count("<|im_start|>output") == 1


def test_a_wrong_flag_is_named(run, recipe):
    status, _, err = run("train", "check", "-c", recipe, "--description-keep-prob", "2")
    assert status == 2
    assert "description_keep_prob: Input should be less than or equal to 1" in err


def test_a_run_with_flags(run, recipe, tmp_path):
    status, out, err = run(
        "train", "run", "-c", recipe, "--out", tmp_path / "t", "--loss", "gem", "--single-example"
    )
    assert status == 0, err
    assert out.strip() == str(tmp_path / "t" / "adapter")
    assert "nats" not in err  # what GEM minimises is none
