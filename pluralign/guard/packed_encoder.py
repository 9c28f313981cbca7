"""The screen's sentence encoder, run on many short texts at once without padding.

A profile is a dozen sentences of very different length. All that an encoder does token by token, which is nearly all of
its work, is done here in one go for as many tokens as there are; only attention goes text by text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pluralign.models.embedding import MAX_TOKENS, TransformersEmbedder

if TYPE_CHECKING:
    from torch import Tensor

# Bounds memory; a profile is shorter.
_BATCH_TOKENS = 2048


class PackedEncoder:
    """A BERT encoder that gives the vectors of `TransformersEmbedder` (within 1e-6), in two thirds of the time.

    Args:
        embedder: A BERT encoder with its tokenizer.
    """

    def __init__(self, embedder: TransformersEmbedder) -> None:
        self.embedder = embedder
        self.id = embedder.id

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change a vector."""
        return self.embedder.fingerprint()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; what a text's vector is does not depend on the others (within 1e-5).

        Args:
            texts: The texts; of each, the first 256 tokens are read.

        Returns:
            One row a text, shape (n_texts, n_dimensions), of unit length.
        """
        vectors = np.zeros((len(texts), self.embedder.model.config.hidden_size), dtype=np.float32)
        if not texts:
            return vectors
        tokens = self.embedder.tokenizer(
            list(texts),
            truncation=True,
            max_length=MAX_TOKENS,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]
        first = n_tokens = 0
        for index, ids in enumerate(tokens):
            if n_tokens + len(ids) > _BATCH_TOKENS:
                vectors[first:index] = self._vectors(tokens[first:index])
                first, n_tokens = index, 0
            n_tokens += len(ids)
        vectors[first:] = self._vectors(tokens[first:])
        return vectors

    def _vectors(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Vectors of texts that are laid end to end, shape (n_texts, n_dimensions)."""
        import torch

        model = self.embedder.model
        lengths = [len(ids) for ids in tokens]
        with torch.inference_mode():
            states = model.embeddings(
                input_ids=torch.tensor([list(chain.from_iterable(tokens))], device=model.device),
                position_ids=torch.cat([torch.arange(length) for length in lengths])[None].to(model.device),
            )[0]
            for layer in self._layers:
                states = layer(states, lengths)
            means = torch.stack([text.mean(0) for text in states.split(lengths)])
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(means, dim=-1).cpu().numpy()
        return vectors

    @cached_property
    def _layers(self) -> list["_Layer"]:
        return [_Layer.of(layer) for layer in self.embedder.model.encoder.layer]


@dataclass(frozen=True)
class _Layer:
    """A layer of the encoder; its weights are transposed, which for few rows multiplies faster.

    Attributes:
        n_heads: Of the attention.
        mixed: Weights and bias of queries, keys and values in one.
        attended: Of what follows the attention.
        widened: Of the first half of the feed-forward part.
        narrowed: Of the second.
        norms: Normalise behind the attention and at the end.
        activation: Between the halves.
    """

    n_heads: int
    mixed: tuple["Tensor", "Tensor"]
    attended: tuple["Tensor", "Tensor"]
    widened: tuple["Tensor", "Tensor"]
    narrowed: tuple["Tensor", "Tensor"]
    norms: tuple[Any, Any]
    activation: Any

    @classmethod
    def of(cls, layer: Any) -> "_Layer":
        """From a `BertLayer` of transformers."""
        own = layer.attention.self
        return cls(
            n_heads=own.num_attention_heads,
            mixed=_transposed(own.query, own.key, own.value),
            attended=_transposed(layer.attention.output.dense),
            widened=_transposed(layer.intermediate.dense),
            narrowed=_transposed(layer.output.dense),
            norms=(layer.attention.output.LayerNorm, layer.output.LayerNorm),
            activation=layer.intermediate.intermediate_act_fn,
        )

    def __call__(self, states: "Tensor", lengths: Sequence[int]) -> "Tensor":
        """States of all tokens, shape (n_tokens, n_dimensions), after the layer."""
        import torch

        n_tokens, width = states.shape
        weights, bias = self.mixed
        mixed = torch.addmm(bias, states, weights).view(n_tokens, 3, self.n_heads, width // self.n_heads)
        seen = []
        for text in torch.split(mixed, list(lengths)):
            query, key, value = text.permute(1, 2, 0, 3)[:, None]  # each (1, n_heads, n_tokens, n_dimensions)
            heads = torch.nn.functional.scaled_dot_product_attention(query, key, value)[0]
            seen.append(heads.transpose(0, 1).reshape(-1, width))
        weights, bias = self.attended
        states = self.norms[0](torch.addmm(bias, torch.cat(seen), weights) + states)
        weights, bias = self.widened
        wide = self.activation(torch.addmm(bias, states, weights))
        weights, bias = self.narrowed
        after: Tensor = self.norms[1](torch.addmm(bias, wide, weights) + states)
        return after


def _transposed(*linear: Any) -> tuple["Tensor", "Tensor"]:
    """Weights of linear layers side by side, shape (n_in, n_out), and their biases, shape (n_out)."""
    import torch

    weights = torch.cat([each.weight.detach() for each in linear]).T.contiguous()
    return weights, torch.cat([each.bias.detach() for each in linear])
