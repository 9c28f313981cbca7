import json
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pluralign.errors import (
    ConfigurationError,
    InterruptedRunError,
    StorageError,
    TrainingError,
)
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.recipe import Lora, TrainingRecipe, build_sequences
from pluralign.spectrum.training import n_steps, row_order, train


def recipe(**changes):
    fields = {
        "tasks": {"bernoulli": 24, "dice": 24},
        "mean_examples": 4,
        "n_steps": 4,
        "batch_size": 8,
        "device_batch_size": 8,
        "max_length": 200,
        "learning_rate": 5e-3,
        "schedule": "constant",
        "lora": Lora(rank=4, alpha=8),
        "precision": "float32",
    }
    return TrainingRecipe.model_validate(fields | changes)


def run(chosen, weights, output_dir, **options):
    return train(
        chosen, sequences=build_sequences(chosen), output_dir=output_dir, weights=weights(), **options
    )


def test_packing_trains_to_the_same_losses(weights, tmp_path):
    padded = run(recipe(), weights, tmp_path / "padded")
    packed = run(recipe(packing=64), weights, tmp_path / "packed")

    assert packed.losses == pytest.approx(padded.losses, abs=1e-4)


@pytest.mark.parametrize("changes", [{}, {"packing": 128}, {"loss": "gem"}, {"loss": "soft_targets"}])
def test_accumulation_changes_neither_loss_nor_gradient(changes, weights, tmp_path, monkeypatch):
    """16 rows at once, 4 x 4, 8 x 2 and one by one, though they differ in what bears loss."""
    from pluralign.spectrum.trainer import ProgressReporter

    found = []

    def keep(_self, _args, _state, _control, model=None, **_):
        found.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})

    monkeypatch.setattr(ProgressReporter, "on_pre_optimizer_step", keep)
    losses = [
        run(
            recipe(
                method="full", n_steps=1, batch_size=16, device_batch_size=size, max_grad_norm=1e9, **changes
            ),
            weights,
            tmp_path / str(size),
        )
        for size in (16, 4, 2, 1)
    ]
    whole, *others = found

    assert len({row.n_supervised for row in losses[0].preflight.rows}) > 5
    assert len(others) == 3
    for result, gradient in zip(losses[1:], others, strict=True):
        assert result.losses == pytest.approx(losses[0].losses, abs=1e-5)
        for name in whole:
            torch.testing.assert_close(gradient[name], whole[name], atol=1e-6, rtol=1e-4)


def test_the_first_loss_is_the_stock_trainers(weights, tmp_path, chatml):
    """The token mean over the global batch, under accumulation, with rows of different length."""
    chosen = recipe(n_steps=1, device_batch_size=2, batch_size=8, tasks={"dice": 8})
    result = run(chosen, weights, tmp_path)
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    model, total, n_tokens = weights().model, 0.0, 0
    for sequence in build_sequences(chosen):
        row = spectrum.encode(sequence, max_length=200)
        loss = model(torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])).loss.item()
        total, n_tokens = total + loss * row.n_supervised, n_tokens + row.n_supervised

    assert result.losses[0] == pytest.approx(total / n_tokens, abs=1e-4)
    assert result.n_supervised == n_tokens


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_lowers_the_loss_and_reports_each_step(method, weights, tmp_path):
    reports = []
    chosen = recipe(method=method, n_steps=12)
    result = run(chosen, weights, tmp_path, progress=lambda *report: reports.append(report))

    assert result.final_loss < result.losses[0] - 0.2
    assert result.n_steps == len(result.losses) == 12
    assert [(step, total) for step, total, _ in reports] == [(step, 12) for step in range(1, 13)]
    assert [loss for _, _, loss in reports] == list(result.losses)
    assert 0 < result.n_supervised < result.n_tokens
    assert result.precision == "float32"
    assert result.path == tmp_path / ("adapter" if method == "lora" else "model")


LOAD = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
path = sys.argv[1]
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(path)
ids = tokenizer.apply_chat_template([{"role": "description", "content": "Flip"}, {"role": "output", "content": "heads"}],
    add_generation_prompt=True, return_tensors="pt", return_dict=False)
assert not any(name.startswith("pluralign") for name in sys.modules)
torch.save((ids, model(ids).logits.detach()), sys.argv[2])
"""


@pytest.mark.parametrize("kind", ["adapter", "merged", "full"])
def test_what_is_saved_works_without_pluralign(kind, weights, tiny_model, chatml, tmp_path):
    base = tmp_path / "base"
    tiny_model().save_pretrained(base)
    chatml.save_pretrained(base)
    loaded = weights()
    loaded.model = AutoModelForCausalLM.from_pretrained(base)
    before = {name: p.detach().clone() for name, p in loaded.model.named_parameters()}
    chosen = recipe(method="full" if kind == "full" else "lora", merge=kind == "merged")
    result = run(chosen, lambda: loaded, tmp_path / "run")
    target = tmp_path / "logits.pt"
    subprocess.run([sys.executable, "-c", LOAD, str(result.path), str(target)], check=True)
    ids, logits = torch.load(target)
    server = SpectrumFormat.from_tokenizer(chatml).apply()
    prompt = (
        "<|im_start|>description\nFlip<|im_end|>\n<|im_start|>output\nheads<|im_end|>\n<|im_start|>output\n"
    )

    assert ids[0].tolist() == server(prompt, add_special_tokens=False)["input_ids"]
    assert not (result.path / "training_args.bin").exists()
    with torch.no_grad():
        trained = loaded.model.eval()(ids).logits
        untrained = AutoModelForCausalLM.from_pretrained(base)(ids).logits
    assert not torch.allclose(logits, untrained, atol=1e-3)
    if kind != "merged":  # merging takes the adapters out of the model that was trained
        torch.testing.assert_close(logits, trained, atol=1e-5, rtol=1e-5)
    if kind == "full":
        after = dict(loaded.model.named_parameters())
        assert all(not torch.equal(after[name], before[name]) for name in before)


def test_merged_and_adapter_give_the_same_model(weights, tiny_model, chatml, tmp_path):
    tiny_model().save_pretrained(tmp_path / "base")
    logits = []
    for merge in (True, False):
        loaded = weights()
        loaded.model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
        result = run(recipe(merge=merge), lambda loaded=loaded: loaded, tmp_path / str(merge))
        ids = AutoTokenizer.from_pretrained(result.path)("heads tails", return_tensors="pt")["input_ids"]
        logits.append(AutoModelForCausalLM.from_pretrained(result.path)(ids).logits)

    torch.testing.assert_close(logits[0], logits[1], atol=1e-4, rtol=1e-4)


def test_nothing_to_learn_from(weights, tmp_path):
    rows = [SpectrumSequence(examples=(Example(output="a"),))] * 4
    with pytest.raises(TrainingError, match="None of the 4 rows has a token that bears loss"):
        train(recipe(), sequences=rows, output_dir=tmp_path, weights=weights())


def stop_after(step):
    def progress(done, _total, _loss):
        if done == step:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_run_keeps_what_it_learnt_and_can_go_on(weights, tmp_path):
    chosen = recipe(n_steps=6, save_steps=2)
    undisturbed = run(chosen, weights, tmp_path / "whole")
    stopped = tmp_path / "stopped"
    with pytest.raises(InterruptedRunError, match=r"stopped at step 5 of 6.*last checkpoint") as raised:
        run(chosen, weights, stopped, progress=stop_after(5))
    resumed = run(chosen, weights, stopped, resume=True)

    assert str(stopped / "interrupted") in str(raised.value)
    assert (stopped / "interrupted" / "adapter_model.safetensors").is_file()
    assert resumed.losses == pytest.approx(undisturbed.losses, abs=1e-5)


def test_an_interrupted_run_without_checkpoints_says_so(weights, tmp_path):
    with pytest.raises(InterruptedRunError, match="no checkpoint to resume from; set save_steps"):
        run(recipe(), weights, tmp_path, progress=stop_after(1))
    with pytest.raises(TrainingError, match="there is no checkpoint to resume from"):
        run(recipe(), weights, tmp_path / "empty", resume=True)


def test_a_diverging_run_is_stopped(weights, tmp_path):
    with pytest.raises(TrainingError, match=r"The loss became (nan|inf) at step \d.*Lower learning_rate"):
        run(recipe(method="full", learning_rate=1e30, max_grad_norm=1e30), weights, tmp_path)


def test_a_full_disk_is_named(weights, tmp_path, monkeypatch):
    from pluralign.spectrum.trainer import SpectrumTrainer

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SpectrumTrainer, "save_model", full)
    with pytest.raises(StorageError, match=r"cannot be written: .*No space left on device"):
        run(recipe(n_steps=1), weights, tmp_path)


def test_an_adapter_is_not_trained_on(weights, tmp_path):
    from peft import LoraConfig, get_peft_model

    loaded = weights()
    loaded.model = get_peft_model(loaded.model, LoraConfig(target_modules="all-linear"))
    with pytest.raises(ConfigurationError, match="is an adapter on another model"):
        run(recipe(), lambda: loaded, tmp_path)


def test_the_devices_must_share_a_batch_evenly(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ConfigurationError, match="8 is not a multiple of device_batch_size 8 x 3 devices"):
        run(recipe(), weights, tmp_path)


def test_rows_are_shuffled_each_epoch_and_sorted_within_a_step():
    lengths = [5, 1, 9, 3, 7, 2]
    order = row_order(lengths, batch_size=3, n_steps=4, seed=0)
    steps = [[lengths[i] for i in order[k : k + 3]] for k in range(0, 12, 3)]

    assert sorted(order[:6]) == sorted(order[6:]) == list(range(6))
    assert all(step == sorted(step, reverse=True) for step in steps)
    assert order == row_order(lengths, batch_size=3, n_steps=4, seed=0)
    assert order != row_order(lengths, batch_size=3, n_steps=4, seed=1)
    assert len(row_order([4, 4], batch_size=8, n_steps=2, seed=0)) == 16


def test_single_draws_make_steps_of_as_many_supervised_tokens(weights, tmp_path):
    whole = run(recipe(n_steps=6), weights, tmp_path / "whole")
    singles = run(recipe(n_steps=6, single_example=True, device_batch_size=2), weights, tmp_path / "single")
    trained = singles.preflight.rows

    assert singles.preflight.rows_per_step % 2 == 0
    assert singles.preflight.rows_per_step > whole.preflight.rows_per_step == 8
    # Rounding to whole device batches, 2 of about 30 rows, and chance in which rows a step holds.
    assert singles.n_supervised == pytest.approx(whole.n_supervised, rel=0.1)
    assert all(row.described and len(row.outputs) == 1 for row in trained)
    assert singles.preflight.total.n_without_loss > 0


@pytest.mark.parametrize("where", ["all_tokens", "first_output", "last_output"])
def test_the_loss_falls_where_the_recipe_says(where, weights, tmp_path):
    chosen = recipe(n_steps=1, batch_size=48, device_batch_size=16, loss_on=where)
    result = run(chosen, weights, tmp_path)
    rows = result.preflight.rows

    assert result.preflight.loss_on == where
    if where == "all_tokens":
        assert result.n_supervised == sum(len(row.input_ids) - 1 for row in rows)
    elif where == "first_output":
        assert all(row.described for row in rows)
        assert 0 < len(rows) < 48
    else:
        assert len(rows) == 48 - result.preflight.total.n_without_loss
    model, total, n_tokens = weights().model, 0.0, 0
    order = row_order([len(row.input_ids) for row in rows], batch_size=48, n_steps=1, seed=0)
    for row in (rows[index] for index in order):
        nats = model(torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])).loss.item()
        total, n_tokens = total + nats * row.n_supervised, n_tokens + row.n_supervised
    assert result.losses[0] == pytest.approx(total / n_tokens, abs=1e-4)


def logged(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("loss", ["cross_entropy", "gem", "soft_targets"])
def test_what_is_logged_adds_up(loss, weights, tmp_path):
    """Losses by task and by place are nats of the labels, whatever is trained on."""
    result = run(recipe(n_steps=3, device_batch_size=4, loss=loss), weights, tmp_path)
    entries = [entry for entry in logged(tmp_path) if "loss" in entry]

    assert [entry["step"] for entry in entries] == [1, 2, 3]
    assert sum(entry["n_supervised"] for entry in entries) == result.n_supervised
    assert sum(entry["n_tokens"] for entry in entries) == result.n_tokens
    for entry, value in zip(entries, result.losses, strict=True):
        assert entry["loss"] == value
        assert entry["loss_share"] == entry["n_supervised"] / entry["n_tokens"]
        assert entry["supervised_tokens_per_second"] > 0
        assert {name for name in entry if name.startswith("loss_by_task")} <= {
            "loss_by_task/bernoulli",
            "loss_by_task/dice",
        }
        means = []
        for group in ("by_task", "by_position"):
            names = [name.removeprefix("n_") for name in entry if name.startswith(f"n_{group}/")]
            assert sum(entry[f"n_{name}"] for name in names) == entry["n_supervised"]
            means.append(
                sum(entry[f"loss_{name}"] * entry[f"n_{name}"] for name in names) / entry["n_supervised"]
            )
        assert means[0] == pytest.approx(means[1])
        if loss == "cross_entropy":
            assert means[0] == pytest.approx(value, rel=1e-5)


def test_soft_targets_cost_the_entropy_at_least(weights, tmp_path):
    chosen = recipe(tasks={"bernoulli": 48}, loss="soft_targets", method="full", n_steps=30)
    result = run(chosen, weights, tmp_path)
    assert result.final_loss < result.losses[0] - 1
    assert min(result.losses) > 0


def test_a_tracker_sees_what_is_logged(weights, tmp_path, monkeypatch):
    from transformers import TrainerCallback
    from transformers.integrations import integration_utils

    seen = []

    class Recording(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            seen.append(dict(logs))

    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "wandb", Recording)
    run(recipe(n_steps=2, trackers=["wandb"]), weights, tmp_path)

    assert [entry for entry in seen if "loss" in entry] == [
        {name: value for name, value in entry.items() if name != "step"}
        for entry in logged(tmp_path)
        if "loss" in entry
    ]
    assert "loss_by_position/1" in seen[0]


def test_trackers_are_checked_before_anything_is_loaded(tmp_path):
    for name, message in (
        ("wandbb", "'wandbb' is none that.*'wandb'"),
        ("wandb", "'wandb' cannot be used.*install"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            train(recipe(trackers=[name], model="no/such"), sequences=[], output_dir=tmp_path)


def test_steps_follow_from_epochs():
    assert n_steps(recipe(n_steps=None, n_epochs=2), n_rows=21) == 6  # 42 rows in steps of 8
    assert n_steps(recipe(n_steps=3), n_rows=21) == 3


def test_what_was_made_with_another_recipe_is_not_resumed(weights, tmp_path):
    run(recipe(n_steps=2, save_steps=1), weights, tmp_path)
    with pytest.raises(ConfigurationError, match="made with another recipe or other rows"):
        run(recipe(n_steps=2, save_steps=1, learning_rate=1e-4), weights, tmp_path, resume=True)
    smaller = recipe(n_steps=2, save_steps=1, device_batch_size=2)  # changes rounding only
    assert run(smaller, weights, tmp_path, resume=True).n_steps == 2


def test_nothing_is_said_on_the_way(weights, tmp_path, capsys):
    run(recipe(n_steps=1), weights, tmp_path)

    assert capsys.readouterr() == ("", "")


def test_the_package_imports_without_torch():
    program = (
        "import sys, pluralign.spectrum.training, pluralign.spectrum.recipe, pluralign.spectrum.survey\n"
        "assert not {'torch', 'transformers', 'trl', 'peft', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
