"""Tiny tokenizers with the chat templates of three model families, and a tiny random model."""

from types import SimpleNamespace

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEXT = [
    "Flip a fair coin. heads tails Heads Tails, each equally likely, drawn at random without replacement",
    "A spinner has these sections: red (30%), blue (70%). Options: yes; no\nRespondents: people who vote",
    "0 1 2 3 4 5 6 7 8 9 10 100 0.25 -3.5 50% description input output user assistant system model\n\n",
    "a\n\n\nb\n\n\nc\n\nd\n\ne",
]
CHATML = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}\n"
)
LLAMA = """
{%- set greeting = "Cutting Knowledge Date: December 2023" %}
{{- bos_token }}
    {%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""
GEMMA = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for message in messages -%}
    {%- if message['role'] == 'assistant' -%}{%- set role = 'model' -%}
    {%- else -%}{%- set role = message['role'] -%}{%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}
"""


def _byte_level(pattern: str | None) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    split = (
        pre_tokenizers.Digits(individual_digits=True)
        if pattern is None
        else pre_tokenizers.Split(Regex(pattern), "isolated")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        split,
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _metaspace() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\n+"), "isolated")
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "),
        decoders.ByteFallback(),
        decoders.Fuse(),
    ])
    return tokenizer


def _finish(tokenizer: Tokenizer, *, special: list[str], template: str, bos: str | None, eos: str):
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    if isinstance(tokenizer.decoder, decoders.Sequence):
        tokenizer.add_tokens(byte_tokens)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=bos, eos_token=eos, pad_token=special[0]
    )
    fast.add_special_tokens({"additional_special_tokens": special[1:]})
    fast.chat_template = template
    return fast


def chatml_tokenizer():
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return _finish(_byte_level(None), special=special, template=CHATML, bos=None, eos="<|im_end|>")


def llama_tokenizer():
    special = [
        "<|end_of_text|>",
        "<|begin_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
    ]
    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    return _finish(
        _byte_level(pattern), special=special, template=LLAMA, bos="<|begin_of_text|>", eos="<|eot_id|>"
    )


def gemma_tokenizer():
    special = ["<pad>", "<bos>", "<start_of_turn>", "<end_of_turn>"]
    return _finish(_metaspace(), special=special, template=GEMMA, bos="<bos>", eos="<end_of_turn>")


BUILDERS = {"chatml": chatml_tokenizer, "llama": llama_tokenizer, "gemma": gemma_tokenizer}


@pytest.fixture(scope="session", params=list(BUILDERS))
def family(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def tokenizers():
    return {name: build() for name, build in BUILDERS.items()}


@pytest.fixture(scope="session")
def tokenizer(tokenizers, family):
    return tokenizers[family]


@pytest.fixture
def chatml(tokenizers):
    return tokenizers["chatml"]


@pytest.fixture
def tiny_model(chatml):
    """A function that builds the same random Llama each time."""
    import torch

    def build():
        config = LlamaConfig(
            vocab_size=len(chatml),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            pad_token_id=chatml.pad_token_id,
            eos_token_id=chatml.eos_token_id,
        )
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return LlamaForCausalLM(config)

    return build


@pytest.fixture
def weights(tiny_model, chatml):
    """A function that gives fresh weights, as `load_weights` would."""
    return lambda: SimpleNamespace(model=tiny_model(), tokenizer=chatml, source_id="tiny", hashes={})
