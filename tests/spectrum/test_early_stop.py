import pytest
import torch

from pluralign.errors import ConfigurationError
from pluralign.spectrum.checks import check_rows
from pluralign.spectrum.early_stop import Measurement, best_measurement, check_held_out, should_stop
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.recipe import EarlyStop, Lora, TrainingRecipe, build_held_out, build_sequences
from pluralign.spectrum.training import train


def curve(*losses):
    return [Measurement(step=10 * index, loss=loss) for index, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "min_gain", "step", "stops"),
    [
        ([3.0], 0.0, 0, False),
        ([3.0, 2.0, 2.5], 0.0, 10, False),
        ([3.0, 2.0, 2.5, 2.0], 0.0, 10, True),  # no fall is no gain
        ([3.0, 2.0, 2.5, 1.9], 0.0, 30, False),
        ([3.0, 2.0, 1.95, 1.91], 0.1, 10, True),
        ([3.0, 2.0, 1.95, 1.89], 0.1, 30, False),  # measured from the best, not from the last
        ([3.0, 3.1, 3.2], 0.0, 0, True),
    ],
)
def test_when_to_stop(losses, min_gain, step, stops):
    rule = EarlyStop(tasks=("a",), patience=2, min_gain=min_gain)

    assert best_measurement(curve(*losses), min_gain=min_gain).step == step
    assert should_stop(curve(*losses), rule=rule) is stops


def test_nothing_held_out_is_trained_on():
    def row(task, output):
        return SpectrumSequence(description="D", examples=(Example(output=output),), task=task)

    check_held_out([row("a", "x")], training=[row("b", "y")])
    with pytest.raises(ConfigurationError, match=r"\['a'\] have rows in training"):
        check_held_out([row("a", "x")], training=[row("b", "y"), row("a", "z")])
    with pytest.raises(ConfigurationError, match="a row of 'a' stands in training too, as one of 'b'"):
        check_held_out([row("a", "x")], training=[row("b", "x")])


def recipe(**changes):
    fields = {
        "tasks": {"bernoulli": 24},
        "mean_examples": 4,
        "n_steps": 40,
        "batch_size": 8,
        "device_batch_size": 8,
        "max_length": 200,
        "learning_rate": 2e-2,
        "schedule": "constant",
        "method": "full",
        "precision": "float32",
        "lora": Lora(rank=4, alpha=8),
        "early_stop": {"tasks": ["dice"], "n_rows": 9, "every": 3, "patience": 2},
    }
    return TrainingRecipe.model_validate(fields | changes)


def run(chosen, weights, output_dir, **options):
    return train(
        chosen, sequences=build_sequences(chosen), output_dir=output_dir, weights=weights(), **options
    )


def held_out_nats(model, chosen, tokenizer):
    rows = check_rows(
        build_held_out(chosen), spectrum=SpectrumFormat.from_tokenizer(tokenizer), max_length=200
    ).rows
    total = sum(
        model(torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])).loss.item() * row.n_supervised
        for row in rows
    )
    return total / sum(row.n_supervised for row in rows)


@pytest.mark.parametrize("kind", ["full", "adapter", "merged", "packed"])
def test_training_stops_and_the_best_weights_are_saved(kind, weights, tiny_model, chatml, tmp_path):
    from transformers import AutoModelForCausalLM

    tiny_model().save_pretrained(tmp_path / "base")
    loaded = weights()
    loaded.model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    untrained = held_out_nats(tiny_model().eval(), recipe(), chatml)
    changes = {
        "full": {},
        "packed": {"packing": 128, "device_batch_size": 4},
        "adapter": {"method": "lora"},
        "merged": {"method": "lora", "merge": True},
    }[kind]
    chosen = recipe(**changes)
    result = run(chosen, lambda: loaded, tmp_path / "run")
    losses = [measurement.loss for measurement in result.held_out]
    saved = AutoModelForCausalLM.from_pretrained(result.path).eval()

    # What is learnt of coins soon harms what is known of dice.
    assert result.n_steps < 40
    assert len(result.losses) == result.n_steps
    assert [measurement.step for measurement in result.held_out] == list(range(0, result.n_steps + 1, 3))
    assert losses[0] == pytest.approx(untrained, abs=1e-4)
    assert result.saved_step == result.n_steps - 6
    assert min(losses) == losses[-3]
    assert held_out_nats(saved, chosen, chatml) == pytest.approx(min(losses), abs=1e-4)


def test_a_stopped_run_that_is_resumed_is_the_undisturbed_one(weights, tmp_path):
    chosen = recipe(save_steps=4)
    undisturbed = run(chosen, weights, tmp_path / "whole")
    stopped = tmp_path / "stopped"

    def interrupt(step, _total, _loss):
        if step == undisturbed.n_steps - 1:
            raise KeyboardInterrupt

    with pytest.raises(Exception, match="stopped at step"):
        run(chosen, weights, stopped, progress=interrupt)
    resumed = run(chosen, weights, stopped, resume=True)
    again = run(chosen, weights, stopped, resume=True)

    for result in (resumed, again):
        assert result.held_out == undisturbed.held_out
        assert result.losses == undisturbed.losses
        assert (result.path / "model.safetensors").read_bytes() == (
            undisturbed.path / "model.safetensors"
        ).read_bytes()


def test_a_run_that_gains_to_the_end_saves_its_last_weights(weights, tmp_path):
    chosen = recipe(
        tasks={"dice": 40},
        early_stop={"tasks": ["integers"], "n_rows": 6, "every": 4},
        n_steps=6,
        learning_rate=1e-3,
    )
    result = run(chosen, weights, tmp_path)

    assert [measurement.step for measurement in result.held_out] == [0, 4, 6]
    assert result.n_steps == result.saved_step == 6
    assert result.held_out[-1].loss < result.held_out[0].loss
