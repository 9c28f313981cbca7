"""Token sequences run through a model once, so that their key-value cache serves all that follows them."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pluralign.models.batching import Tokens, shared_prefix
from pluralign.models.logits import log_normalisers

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache, PreTrainedModel


@dataclass(frozen=True)
class Context:
    """What a model has read so far, one row a sequence.

    Attributes:
        cache: Keys and values of every layer.
        mask: (rows, length), 1 over tokens and 0 over padding.
    """

    cache: "DynamicCache"
    mask: "Tensor"

    def select(self, rows: Sequence[int]) -> "Context":
        """The same context for chosen rows, each as often as it is named, with a cache of its own."""
        import torch

        index = torch.tensor(rows, device=self.mask.device)
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        for layer in cache.layers:
            if layer.is_initialized:
                layer.keys = layer.keys.index_select(0, index.to(layer.keys.device))
                layer.values = layer.values.index_select(0, index.to(layer.values.device))
        return Context(cache=cache, mask=self.mask.index_select(0, index))


def cache_obstacle(model: "PreTrainedModel") -> str | None:
    """Why the model's cache cannot be expanded over continuations, or None if it can."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    plain = (DynamicLayer, DynamicSlidingWindowLayer)
    layers = DynamicCache(config=model.config).layers
    other = sorted({type(layer).__name__ for layer in layers if type(layer) not in plain})
    return f"its cache has layers of type {', '.join(other)}" if other else None


def sliding_window(model: "PreTrainedModel") -> int | None:
    """Number of tokens to which some layer's sight is limited, or None."""
    from transformers import DynamicCache

    layers = DynamicCache(config=model.config).layers
    return min((layer.sliding_window for layer in layers if layer.is_sliding), default=None)


def read(
    model: "PreTrainedModel",
    sequences: Sequence[Tokens],
    *,
    after: Context | None = None,
) -> tuple["Tensor", Context]:
    """Let the model read sequences, each after its row of a context; shorter ones are filled on the left.

    Args:
        model: The model.
        sequences: Token ids of each row, at least one token each.
        after: What the rows have read before; its cache is used up, hand over a `select` to keep it.

    Returns:
        Log-probabilities of the next token in nats, float32, (rows, vocabulary), and the context with the
        sequences read.
    """
    import torch
    from transformers import DynamicCache

    tokens, mask = padded(sequences, padding="left")
    tokens, mask = tokens.to(model.device), mask.to(model.device)
    if after is not None:
        mask = torch.cat([after.mask, mask], dim=1)
    cache = after.cache if after is not None else DynamicCache(config=model.config)
    # Padding has no position: a token's position counts the tokens before it.
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    logits = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits
    return _log_softmax(logits[:, -1]), Context(cache=cache, mask=mask)


def read_shared_prefix(model: "PreTrainedModel", contexts: Sequence[Tokens], *, room: int) -> Context | None:
    """Read the opening that all prompts share, once.

    Args:
        model: The model.
        contexts: Token ids of the prompts.
        room: Number of tokens that will follow the prompts.

    Returns:
        A context of one row, or None where there is no shared opening worth it.
    """
    window = sliding_window(model)
    # What follows is padded behind the prefix, so a sliding window shorter than the whole would lose a part of it.
    if window is not None and max(map(len, contexts)) + room > window:
        return None
    prefix = shared_prefix(contexts)
    return read(model, [prefix])[1] if prefix else None


def read_without_cache(model: "PreTrainedModel", sequences: Sequence[Tokens], *, start: int) -> "Tensor":
    """Log-probabilities of the next token after each token from `start` on, sequences read in full.

    Sequences are filled on the right, where no causal model looks.

    Returns:
        Nats, float32, (rows, longest sequence - start, vocabulary).
    """
    tokens, mask = padded(sequences, padding="right")
    logits: Tensor = model(
        input_ids=tokens.to(model.device),
        attention_mask=mask.to(model.device),
        use_cache=False,
        logits_to_keep=tokens.shape[1] - start,
    ).logits
    return _log_softmax(logits)


def _log_softmax(logits: "Tensor") -> "Tensor":
    """Log-probabilities over the last axis, float32, nats."""
    logits = logits.float()
    return logits - log_normalisers(logits)


def padded(sequences: Sequence[Tokens], *, padding: Literal["left", "right"]) -> tuple["Tensor", "Tensor"]:
    """Token ids and mask, both (rows, longest sequence). Padded places hold token 0, which nothing looks at."""
    import torch

    longest = max(map(len, sequences))
    tokens = torch.zeros(len(sequences), longest, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, sequence in enumerate(sequences):
        place = slice(longest - len(sequence), longest) if padding == "left" else slice(len(sequence))
        tokens[row, place] = torch.tensor(sequence, dtype=torch.long)
        mask[row, place] = 1
    return tokens, mask
