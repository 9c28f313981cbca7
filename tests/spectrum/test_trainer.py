"""The trainer's loss against the stock one, and what packing must not change."""

from dataclasses import replace
from itertools import accumulate

import pytest
import torch

from pluralign.spectrum.batches import Batches
from pluralign.spectrum.format import SpectrumFormat
from pluralign.spectrum.monitor import TokenGroups
from pluralign.spectrum.recipe import TrainingRecipe, build_sequences
from pluralign.spectrum.trainer import supervised_losses

RECIPE = TrainingRecipe(tasks={"bernoulli": 24, "dice": 24}, mean_examples=4)


@pytest.fixture
def rows(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    return [spectrum.encode(s, max_length=120) for s in build_sequences(RECIPE)[:6]]


@pytest.fixture
def batch(chatml, rows):
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


def total_and_number(model, *, head, inputs):
    losses, _ = supervised_losses(model, head=head, inputs=inputs)
    return losses.sum(), losses.numel()


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
    total, n_tokens = total_and_number(model, head=model.get_output_embeddings(), inputs=batch)
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
    _, n_tokens = total_and_number(model, head=head, inputs=batch)

    assert shapes == [(1, n_tokens, model.config.vocab_size)]
    assert model(**batch).logits.shape[:2] == batch["input_ids"].shape  # the model is as it was


def test_a_model_that_never_calls_its_head_gets_the_same_loss(tiny_model, batch):
    model = tiny_model()
    total, _ = total_and_number(model, head=model.get_output_embeddings(), inputs=batch)
    elsewhere, _ = total_and_number(model, head=torch.nn.Linear(1, 1), inputs=batch)

    assert elsewhere.item() == pytest.approx(total.item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["plain", "softcapped"])
@pytest.mark.parametrize("length", [1, 90, 10_000])
def test_packed_rows_have_the_loss_and_gradients_of_padded_ones(
    kind, length, tiny_model, rows, batch, chatml
):
    """The second model also slides a window. Packed up to 1 token each row stands alone, up to 10,000 all are one."""
    model = tiny_model() if kind == "plain" else gemma(len(chatml))
    head = model.get_output_embeddings()
    padded, n_padded = total_and_number(model, head=head, inputs=batch)
    padded.backward()
    expected = gradients(model)
    model.zero_grad()

    packs = Batches(rows, groups=TokenGroups(row.task for row in rows), packing=length).batch(rows)
    packed, n_packed = total_and_number(model, head=head, inputs=packs)
    packed.backward()

    assert n_packed == n_padded
    assert len(packs["input_ids"]) == {1: 6, 10_000: 1}.get(length, len(packs["input_ids"]))
    torch.testing.assert_close(packed, padded, rtol=1e-5, atol=1e-5)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["plain", "softcapped"])
def test_no_row_of_a_pack_sees_another(kind, tiny_model, rows, chatml):
    """Other tokens in one row change its own losses, and not those of any other row."""
    model = (tiny_model() if kind == "plain" else gemma(len(chatml))).eval()
    batches = Batches(rows, groups=TokenGroups(row.task for row in rows), packing=10_000)
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i].input_ids))
    ends = list(accumulate(rows[i].n_supervised for i in order))

    def losses(chosen):
        packs = batches.batch(chosen)
        assert len(packs["input_ids"]) == 1
        nats, _ = supervised_losses(model, head=model.get_output_embeddings(), inputs=packs)
        return torch.tensor_split(nats.detach(), ends[:-1])

    before = losses(rows)
    for changed in range(len(rows)):
        ids = rows[changed].input_ids
        other = replace(rows[changed], input_ids=(*ids[:2], *((token + 1) % 200 for token in ids[2:])))
        after = losses([other if i == changed else row for i, row in enumerate(rows)])
        for index, old, new in zip(order, before, after, strict=True):
            if index == changed:
                assert not torch.allclose(old, new, atol=1e-4)
            else:
                torch.testing.assert_close(old, new, atol=1e-6, rtol=1e-5)
