import copy

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from pluralign.errors import ConfigurationError
from pluralign.models.loading import load_weights
from pluralign.spectrum.initialise import initial_weights, lora_config, turn_token_ids
from pluralign.spectrum.recipe import Lora, TrainingRecipe
from pluralign.spectrum.trainer import supervised_losses

TURN_TOKENS = {
    "chatml": {"<|im_start|>", "<|im_end|>"},
    "llama": {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
    "gemma": {"<start_of_turn>", "<end_of_turn>"},
}


def recipe(base, sibling, **changes):
    fields = {"tasks": {"dice": 4}, "base": base, "model": sibling, "lora": Lora(rank=2, alpha=4)}
    fields = fields | changes
    return TrainingRecipe.model_validate({
        name: str(value) if name in ("base", "model") and value is not None else value
        for name, value in fields.items()
    })


@pytest.fixture
def saved(tmp_path, chatml):
    """A function that saves a random Llama: its name is its seed; a base has no chat template."""

    def save(name, *, tied=True, n_rows=None, width=32, tokenizer=chatml, template=True):
        config = LlamaConfig(
            vocab_size=n_rows or len(tokenizer),
            hidden_size=width,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=128,
            initializer_range=0.2,
            tie_word_embeddings=tied,
            eos_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
            bos_token_id=None,
        )
        with torch.random.fork_rng():
            torch.manual_seed(sum(map(ord, name)))
            LlamaForCausalLM(config).save_pretrained(tmp_path / name)
        own = copy.deepcopy(tokenizer)
        own.chat_template = tokenizer.chat_template if template else None
        own.save_pretrained(tmp_path / name)
        return tmp_path / name

    return save


def as_saved(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def matrices(model):
    return model.get_input_embeddings().weight.detach(), model.get_output_embeddings().weight.detach()


def test_turn_tokens_of_three_families(tokenizer, family):
    found = turn_token_ids(tokenizer)

    assert {tokenizer.convert_ids_to_tokens(index) for index in found} == TURN_TOKENS[family]
    assert list(found) == sorted(found)


def test_line_breaks_that_are_added_tokens_are_no_turn_tokens(tokenizers):
    tokenizer = copy.deepcopy(tokenizers["gemma"])
    tokenizer.add_tokens(["\n", "\n\n"])

    assert set(tokenizer.convert_ids_to_tokens(turn_token_ids(tokenizer))) == TURN_TOKENS["gemma"]


@pytest.mark.parametrize(
    "padding", [(0, 0), (0, 24), (40, 0)], ids=["alike", "sibling padded", "base padded"]
)
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_the_rows_of_the_turn_tokens_are_the_sibling_s_and_all_else_is_the_base_s(
    tied, padding, saved, chatml
):
    folders = [
        saved(name, tied=tied, n_rows=len(chatml) + extra, template=name == "sibling")
        for name, extra in zip(("base", "sibling"), padding, strict=True)
    ]
    base, sibling = map(as_saved, folders)
    found = initial_weights(recipe(*folders))
    turn = list(turn_token_ids(chatml))
    other = [index for index in range(len(chatml) + padding[0]) if index not in turn]

    for new, old, given in zip(matrices(found.model), matrices(base), matrices(sibling), strict=True):
        assert torch.equal(new[turn], given[turn])
        assert torch.equal(new[other], old[other])
        assert not torch.equal(new[turn], old[turn])
    rest = {
        name: p
        for name, p in found.model.named_parameters()
        if "embed_tokens" not in name and name != "lm_head.weight"
    }
    assert len(rest) == 19
    for name, parameter in rest.items():
        assert torch.equal(parameter, base.get_parameter(name)), name

    # Without a turn token in the text, only the logits of turn tokens move.
    plain = torch.tensor([chatml("Flip a coin. heads")["input_ids"]])
    with torch.no_grad():
        new, old = found.model(plain).logits, base(plain).logits
        states = base.model(plain).last_hidden_state
    torch.testing.assert_close(new[..., other], old[..., other])
    torch.testing.assert_close(new[..., turn], states @ matrices(sibling)[1][turn].T)


def test_the_tokenizer_is_the_sibling_s_and_only_where_generation_stops_changes(saved, chatml):
    base, sibling = saved("base", template=False), saved("sibling", width=32)
    found = initial_weights(recipe(base, sibling))
    end, before = chatml.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])

    assert found.tokenizer.chat_template == chatml.chat_template
    assert found.model.config.to_dict() == as_saved(base).config.to_dict()
    assert found.model.generation_config.eos_token_id == [end, before]
    assert found.source_id.startswith("path:base@")
    assert "turns of path:sibling@" in found.source_id
    assert set(found.hashes) == {"weights", "turns"}
    assert found.hashes["weights"] == load_weights(str(base)).hashes["weights"]


def test_without_a_base_the_model_is_loaded_as_it_is(saved):
    folder = saved("alone")
    found = initial_weights(recipe(None, folder))

    assert found.source_id == load_weights(str(folder)).source_id
    for new, old in zip(matrices(found.model), matrices(as_saved(folder)), strict=True):
        assert torch.equal(new, old)


def test_a_base_alone_is_told_to_name_its_sibling(saved):
    base = saved("base", template=False)
    with pytest.raises(ConfigurationError, match=r"has no chat template.*'base:' and its instruct sibling"):
        initial_weights(recipe(None, base))
    with pytest.raises(ConfigurationError, match=r"model: .*has no chat template"):
        initial_weights(recipe(base, base))


@pytest.mark.parametrize(
    ("of_base", "of_sibling", "message"),
    [
        ({"width": 48}, {}, "embedding is 48 wide, the model's 32"),
        ({"n_rows": 300}, {}, "300 embedding rows for the model's"),
        ({"tied": True}, {"tied": False}, "output head is its embedding"),
    ],
)
def test_models_that_are_no_siblings(of_base, of_sibling, message, saved):
    base, sibling = saved("base", **of_base), saved("sibling", **of_sibling)
    with pytest.raises(ConfigurationError, match=message):
        initial_weights(recipe(base, sibling))


def test_a_base_that_numbers_its_tokens_otherwise(saved, tokenizers, chatml):
    renumbered = copy.deepcopy(tokenizers["gemma"])
    renumbered.add_tokens(["<|endoftext|>"])
    base = saved("base", tokenizer=renumbered)
    with pytest.raises(
        ConfigurationError, match=r"base: .*the token '.+' has id \d+ in the model's vocabulary"
    ):
        initial_weights(recipe(base, saved("sibling")))


def test_an_adapter_is_no_sibling(saved, tmp_path):
    from peft import LoraConfig, get_peft_model

    base, sibling = saved("base", template=False), saved("sibling")
    adapter = tmp_path / "adapter"
    get_peft_model(load_weights(str(base)).model, LoraConfig(target_modules="all-linear")).save_pretrained(
        adapter
    )
    with pytest.raises(ConfigurationError, match=r"base: .*adapter is an adapter on another model"):
        initial_weights(recipe(adapter, sibling))


def test_adapters_without_the_copied_rows_are_refused(saved, chatml):
    chosen = recipe(saved("base", template=False), saved("sibling"))
    model = initial_weights(chosen).model
    with pytest.raises(ConfigurationError, match="'train_turn_tokens: true'"):
        lora_config(chosen, model, tokenizer=chatml)
    merged = chosen.model_copy(update={"merge": True})

    assert lora_config(merged, model, tokenizer=chatml).trainable_token_indices is None


def test_a_head_with_a_bias_is_refused(saved, chatml):
    chosen = recipe(None, saved("alone", tied=False), train_turn_tokens=True)
    model = initial_weights(chosen).model
    model.lm_head = torch.nn.Linear(32, len(chatml))
    with pytest.raises(ConfigurationError, match="output head of this model has a bias"):
        lora_config(chosen, model, tokenizer=chatml)


@pytest.mark.parametrize("with_base", [True, False], ids=["base", "instruct"])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
def test_trained_rows_travel_with_the_adapters(tied, with_base, saved, chatml, tmp_path):
    from peft import get_peft_model

    base, sibling = saved("base", tied=tied, template=False), saved("sibling", tied=tied)
    chosen = recipe(base if with_base else None, sibling, train_turn_tokens=True)
    weights = initial_weights(chosen)
    before = [matrix.clone() for matrix in matrices(weights.model)]
    model = get_peft_model(weights.model, lora_config(chosen, weights.model, tokenizer=chatml))
    ids = torch.tensor([
        chatml("<|im_start|>output\nheads<|im_end|>\n<|im_start|>output\ntails<|im_end|>")["input_ids"]
    ])
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    for _ in range(2):
        losses, _ = supervised_losses(
            model, head=model.get_output_embeddings(), inputs={"input_ids": ids, "labels": ids}
        )
        losses.mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(tmp_path / "adapter")
    weights.tokenizer.save_pretrained(tmp_path / "adapter")
    with torch.no_grad():
        logits = model(ids).logits
        again = load_weights(str(tmp_path / "adapter")).model(ids).logits
        merged = model.merge_and_unload()
        merged.save_pretrained(tmp_path / "merged")
        of_merged = as_saved(tmp_path / "merged")(ids).logits
    torch.testing.assert_close(again, logits)
    torch.testing.assert_close(of_merged, logits, atol=1e-4, rtol=1e-4)

    turn = list(turn_token_ids(chatml))
    other = [index for index in range(len(chatml)) if index not in turn]
    for new, old in zip(matrices(merged), before, strict=True):
        assert torch.equal(new[other], old[other])
        assert (new[turn] != old[turn]).any(dim=1).all()
