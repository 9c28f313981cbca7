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
from pluralign.spectrum.trainer import PackingCollator, supervised_loss
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


@pytest.fixture
def batch(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    rows = [spectrum.encode(s, max_length=120) for s in build_sequences(recipe())[:6]]
    width = max(len(row.input_ids) for row in rows)

    def padded(values, filler):
        return torch.tensor([[*value, *[filler] * (width - len(value))] for value in values])

    return {
        "input_ids": padded([row.input_ids for row in rows], chatml.pad_token_id),
        "labels": padded([row.labels for row in rows], -100),
        "attention_mask": padded([[1] * len(row.input_ids) for row in rows], 0),
    }


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def gemma(vocab_size):
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    return Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=vocab_size,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            final_logit_softcapping=0.05,  # low enough to bend the logits of a random model
        )
    )


@pytest.mark.parametrize("kind", ["plain", "lora", "softcapped"])
def test_the_loss_and_its_gradients_are_the_stock_ones(kind, tiny_model, batch, chatml):
    from peft import LoraConfig, get_peft_model

    model = gemma(len(chatml)) if kind == "softcapped" else tiny_model()
    if kind == "lora":
        model = get_peft_model(model, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    stock = model(**batch).loss
    stock.backward()
    expected = gradients(model)
    model.zero_grad()
    total, n_tokens = supervised_loss(model, head=model.get_output_embeddings(), inputs=batch)
    (total / n_tokens).backward()

    assert n_tokens == int((batch["labels"] != -100).sum())
    assert (total / n_tokens).item() == pytest.approx(stock.item(), abs=1e-5)
    assert gradients(model).keys() == expected.keys()
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4)


def test_only_supervised_positions_reach_the_vocabulary(tiny_model, batch):
    model = tiny_model()
    head = model.get_output_embeddings()
    shapes = []
    head.register_forward_hook(lambda _module, _args, logits: shapes.append(tuple(logits.shape)))
    _, n_tokens = supervised_loss(model, head=head, inputs=batch)

    assert shapes == [(1, n_tokens, model.config.vocab_size)]
    assert model(**batch).logits.shape[:2] == batch["input_ids"].shape  # the model is as it was


def test_a_model_that_never_calls_its_head_gets_the_same_loss(tiny_model, batch):
    model = tiny_model()
    total, _ = supervised_loss(model, head=model.get_output_embeddings(), inputs=batch)
    elsewhere, _ = supervised_loss(model, head=torch.nn.Linear(1, 1), inputs=batch)

    assert elsewhere.item() == pytest.approx(total.item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["plain", "softcapped"])
@pytest.mark.parametrize("length", [1, 90, 10_000])
def test_packed_rows_have_the_loss_and_gradients_of_padded_ones(kind, length, tiny_model, batch, chatml):
    """The second model also slides a window. Packed up to 1 token each row stands alone, up to 10,000 all are one."""
    model = tiny_model() if kind == "plain" else gemma(len(chatml))
    head = model.get_output_embeddings()
    rows = [
        {"input_ids": ids[mask == 1].tolist(), "labels": labels[mask == 1].tolist()}
        for ids, labels, mask in zip(
            batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True
        )
    ]
    padded, n_padded = supervised_loss(model, head=head, inputs=batch)
    padded.backward()
    expected = gradients(model)
    model.zero_grad()

    packs = PackingCollator(length)(rows)
    packed, n_packed = supervised_loss(model, head=head, inputs=packs)
    packed.backward()

    assert n_packed == n_padded
    assert len(packs["input_ids"]) == {1: 6, 10_000: 1}.get(length, len(packs["input_ids"]))
    torch.testing.assert_close(packed, padded, rtol=1e-5, atol=1e-5)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-5)


def test_packing_trains_to_the_same_losses(weights, tmp_path):
    padded = run(recipe(), weights, tmp_path / "padded")
    packed = run(recipe(packing=64), weights, tmp_path / "packed")

    assert packed.losses == pytest.approx(padded.losses, abs=1e-4)


def test_accumulation_changes_nothing(weights, tmp_path):
    whole = run(recipe(), weights, tmp_path / "whole")
    pieces = run(recipe(device_batch_size=1), weights, tmp_path / "pieces")

    assert pieces.losses == pytest.approx(whole.losses, abs=1e-4)


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


def test_steps_follow_from_epochs():
    assert n_steps(recipe(n_steps=None, n_epochs=2), n_rows=21) == 6  # 42 rows in steps of 8
    assert n_steps(recipe(n_steps=3), n_rows=21) == 3


def test_nothing_is_said_on_the_way(weights, tmp_path, capsys):
    run(recipe(n_steps=1), weights, tmp_path)

    assert capsys.readouterr() == ("", "")


def test_the_package_imports_without_torch():
    program = (
        "import sys, pluralign.spectrum.training, pluralign.spectrum.recipe, pluralign.spectrum.survey\n"
        "assert not {'torch', 'transformers', 'trl', 'peft', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
