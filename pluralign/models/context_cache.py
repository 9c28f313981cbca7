"""Token sequences run through a model once, so that their key-value cache serves all that follows them."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pluralign.models.batching import Tokens
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

    @property
    def n_tokens(self) -> int:
        """Number of tokens of each row, padding included."""
        return self.mask.shape[1]

    def select(self, rows: Sequence[int]) -> "Context":
        """The same context for chosen rows, each as often as it is named, with a cache of its own."""
        import torch

        index = torch.tensor(rows, device=self.mask.device)
        cache = self._own_layers()
        for layer in cache.layers:
            if layer.is_initialized:
                layer.keys = layer.keys.index_select(0, index.to(layer.keys.device))
                layer.values = layer.values.index_select(0, index.to(layer.values.device))
        return Context(cache=cache, mask=self.mask.index_select(0, index))

    def along(self, positions: Sequence[int]) -> "Context":
        """What was read at some positions only, with a cache of its own; no layer may have a sliding window."""
        import torch

        index = torch.tensor(positions, dtype=torch.long, device=self.mask.device)
        cache = self._own_layers()
        for layer in cache.layers:
            if layer.is_initialized:
                layer.keys = layer.keys.index_select(2, index.to(layer.keys.device))
                layer.values = layer.values.index_select(2, index.to(layer.values.device))
        return Context(cache=cache, mask=self.mask.index_select(1, index))

    def first(self, n_tokens: int) -> "Context":
        """The first tokens only, with a cache of its own; no sliding window may have lost any."""
        cache = self._own_layers()
        cache.crop(n_tokens - self.n_tokens)
        return Context(cache=cache, mask=self.mask[:, :n_tokens])

    def longer(self, n_tokens: int) -> "Context":
        """The same context after its cache was used to read so many more tokens, none of them padding."""
        return Context(cache=self.cache, mask=self.mask.new_ones(len(self.mask), self.n_tokens + n_tokens))

    def _own_layers(self) -> "DynamicCache":
        """A cache that holds the same and can be read on with, or cut, without touching this one."""
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        return cache


def nothing_read(model: "PreTrainedModel") -> Context:
    """One row that has read nothing yet."""
    import torch
    from transformers import DynamicCache

    mask = torch.zeros(1, 0, dtype=torch.long, device=model.device)
    return Context(cache=DynamicCache(config=model.config), mask=mask)


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
    after: Context,
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

    tokens, mask = padded(sequences, padding="left")
    tokens, mask = tokens.to(model.device), mask.to(model.device)
    mask = torch.cat([after.mask, mask], dim=1)
    # Padding has no position: a token's position counts the tokens before it.
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    logits = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=after.cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits
    return _log_softmax(logits[:, -1]), Context(cache=after.cache, mask=mask)


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
