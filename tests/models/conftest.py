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


@pytest.fixture
def tiny(tiny_weights: LoadedWeights) -> TransformersModel:
    return TransformersModel(tiny_weights)


@pytest.fixture
def ask():
    return chat


@pytest.fixture
def naive():
    return naive_scores
