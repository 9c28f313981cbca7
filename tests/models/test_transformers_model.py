"""Rendering, capabilities and fingerprint."""

import copy

import pytest

from pluralign.errors import ModelError
from pluralign.models import Capability, Chat, LoadedWeights, Message, SamplingParams, TransformersModel

SPECTRUM = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>output\n' }}{% endif %}"
)
DEFAULT = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"


@pytest.fixture
def with_tokenizer(tiny_weights):
    return lambda tokenizer, **options: TransformersModel(
        LoadedWeights(tiny_weights.model, tokenizer, "tiny"), **options
    )


def test_chat_with_and_without_the_default_system_turn(tiny_weights, tiny, ask):
    turn = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    dropping = TransformersModel(tiny_weights, default_system="drop")

    assert tiny.render(ask("Hi")) == DEFAULT + turn
    assert dropping.render(ask("Hi")) == turn
    assert dropping.render(ask("Hi", system="S")) == "<|im_start|>system\nS<|im_end|>\n" + turn
    assert tiny.render(ask("Hi", continue_from="I say")) == DEFAULT + turn + "I say"
    assert tiny.fingerprint()["default_system"] == "keep: " + DEFAULT
    assert dropping.fingerprint()["default_system"] == "drop: " + DEFAULT


def test_a_system_text_is_folded_where_the_template_refuses_one(with_tokenizer, gemma_tokenizer, ask):
    gemma = with_tokenizer(gemma_tokenizer)

    assert Capability.SYSTEM_PROMPT not in gemma.can
    assert gemma.render(ask("Hi", system="Be brief.")) == (
        "<bos><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\n"
    )
    assert gemma.fingerprint()["default_system"] == "none"
    with pytest.raises(ModelError, match=r"no user turn to put the system text into"):
        gemma.render(Chat((Message("system", "S"),)))
    with pytest.raises(ModelError, match=r"refuses a conversation of roles user, user: .*alternate"):
        gemma.render(Chat((Message("user", "a"), Message("user", "b"))))


def test_llama_takes_a_system_role(with_tokenizer, llama3_tokenizer, ask):
    llama = with_tokenizer(llama3_tokenizer, default_system="drop")

    assert Capability.SYSTEM_PROMPT in llama.can
    assert llama.render(ask("Hi")) == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    [scores] = llama.score_options([ask("?")], [["1"]])
    assert llama.tokenizer.decode(scores.token_ids[0]) == "1<|eot_id|>"


def test_spectrum_prompts_are_offered_where_the_template_writes_output_turns(tiny_weights, tiny):
    spectrum = TransformersModel(tiny_weights, chat_template=SPECTRUM)
    prompt = Chat((Message("description", "A coin."), Message("output", "Heads"), Message("input", "again")))

    assert Capability.SPECTRUM_PROMPT not in tiny.can
    assert Capability.SPECTRUM_PROMPT in spectrum.can
    assert spectrum.render(prompt) == (
        "<|im_start|>description\nA coin.<|im_end|>\n<|im_start|>output\nHeads<|im_end|>\n"
        "<|im_start|>input\nagain<|im_end|>\n<|im_start|>output\n"
    )
    assert tiny_weights.tokenizer.chat_template != SPECTRUM


def test_capabilities_follow_the_chat_template(with_tokenizer, chatml_tokenizer, gemma_tokenizer, tiny):
    base = copy.copy(chatml_tokenizer)
    base.chat_template = None
    always = {Capability.SAMPLE, Capability.SCORE_OPTIONS, Capability.SEED}

    assert with_tokenizer(base).can == always
    assert with_tokenizer(gemma_tokenizer).can == always | {Capability.CHAT}
    assert tiny.can == always | {Capability.CHAT, Capability.SYSTEM_PROMPT}


def test_a_chat_without_a_chat_template(with_tokenizer, chatml_tokenizer, ask):
    base = copy.copy(chatml_tokenizer)
    base.chat_template = None
    model = with_tokenizer(base)

    assert model.fingerprint()["chat_template"] == "none"
    with pytest.raises(ModelError, match=r"has no chat template. Use an instruct model"):
        model.score_options([ask("?")], [["a"]])
    with pytest.raises(ModelError, match=r"has no chat template"):
        model.sample([ask("?")], n=1, seed=0, params=SamplingParams())


def test_the_fingerprint_tells_what_can_change_an_answer(tiny_weights, with_tokenizer, gemma_tokenizer, tiny):
    other_template = TransformersModel(tiny_weights, chat_template=SPECTRUM).fingerprint()
    other_tokenizer = with_tokenizer(gemma_tokenizer).fingerprint()
    own = tiny.fingerprint()

    assert own["model"] == tiny.id
    assert own["dtype"] == "float32"
    assert own["weights"] == tiny_weights.hashes["weights"]
    assert own == TransformersModel(tiny_weights, batch_tokens=7).fingerprint()
    assert {key for key in own if own[key] != other_template[key]} == {"chat_template", "default_system"}
    assert other_tokenizer["tokenizer"] != own["tokenizer"]
