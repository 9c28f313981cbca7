import math
from collections.abc import Sequence

import pytest

from pluralign.models import Chat, LoadedWeights, Message, Text, TransformersModel


def chat(text: str, *, system: str | None = None, continue_from: str = "") -> Chat:
    messages = (Message("user", text),)
    if system is not None:
        messages = (Message("system", system), *messages)
    return Chat(messages, continue_from=continue_from)


def naive_scores(
    model: TransformersModel, prompt: Chat | Text, options: Sequence[str], end: str
) -> list[float]:
    """Score each option one by one, reading the whole string without a cache."""
    import torch

    def ids(text: str) -> list[int]:
        return model.tokenizer(text, add_special_tokens=False)["input_ids"]

    text = model.render(prompt)
    joint = [ids(text + option + end) for option in options]
    own = ids(text)
    boundary = len(own)
    while any(tokens[:boundary] != own[:boundary] for tokens in joint):
        boundary -= 1
    scores = []
    for tokens in joint:
        with torch.inference_mode():
            log_probs = model.model(input_ids=torch.tensor([tokens])).logits[0].double().log_softmax(-1)
        scores.append(math.fsum(float(log_probs[i - 1, tokens[i]]) for i in range(boundary, len(tokens))))
    return scores


def a_random_model(kind: str, vocab_size: int, *, window: int = 24):
    """A random model of two layers: how it tells positions, and what its cache is like, depends on the kind."""
    import torch
    import transformers

    size = {
        "vocab_size": vocab_size,
        "hidden_size": 32,
        "initializer_range": 0.2,  # large enough for what is read to matter for what comes
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "pad_token_id": 0,
    }
    large = {**size, "intermediate_size": 64}
    grouped = {**large, "num_key_value_heads": 1}
    half = {"sliding_window": window, "layer_types": ["sliding_attention", "full_attention"]}
    configs = {
        "gpt2": lambda: transformers.GPT2Config(**size, bos_token_id=0, eos_token_id=0),
        "bloom": lambda: transformers.BloomConfig(**size, bos_token_id=0, eos_token_id=0),
        "neox": lambda: transformers.GPTNeoXConfig(**large, bos_token_id=0, eos_token_id=0),
        "llama": lambda: transformers.LlamaConfig(**grouped),
        "mistral": lambda: transformers.MistralConfig(**grouped, sliding_window=window),
        "gemma3": lambda: transformers.Gemma3TextConfig(**grouped, head_dim=16, **half),
        "lfm2": lambda: transformers.Lfm2Config(**grouped, layer_types=["conv", "full_attention"]),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(configs[kind](), dtype=torch.float32)
    return model.eval()


@pytest.fixture
def random_model():
    return a_random_model


@pytest.fixture
def tiny(tiny_weights: LoadedWeights) -> TransformersModel:
    return TransformersModel(tiny_weights)


@pytest.fixture
def ask():
    return chat


@pytest.fixture
def naive():
    return naive_scores
