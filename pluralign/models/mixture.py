"""A tuned model mixed with its base at every token: what tuning took from the distribution is given back in part."""

import copy
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models.loading import LoadedWeights, load_weights
from pluralign.models.logits import log_normalisers
from pluralign.models.protocol import ModelSpec
from pluralign.models.transformers_model import TransformersModel

if TYPE_CHECKING:
    from transformers import DynamicCache, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutput

_NAME = re.compile(r"mixed:(?:(?P<base_weight>[\d.]+):)?(?P<model>.+)\+(?P<base>.+)")
DEFAULT_BASE_WEIGHT = 0.5


class Mixture(nn.Module):
    """Two causal language models of one architecture and vocabulary, read as one.

    The next token has probability (1 - w) P(token | model) + w P(token | base), given the same tokens before it: a
    convex mixture of distributions, so that each option, draw and sequence has a proper probability. Routing between a
    base and its aligned model (BACo, arXiv:2511.05650) and guiding by a base's logits (conformative decoding,
    arXiv:2507.20956) are relatives of it; it is neither.

    What it gives out as logits are log-probabilities, float32, nats. It has as much of a transformers model as scoring
    and drawing need. One cache serves both: the layers of the base come behind those of the model.

    Args:
        model: The tuned model.
        base: Its base.
        base_weight: w, between 0 and 1.
    """

    model: "PreTrainedModel"
    base: "PreTrainedModel"
    _log_weights: Tensor

    def __init__(self, model: "PreTrainedModel", base: "PreTrainedModel", *, base_weight: float) -> None:
        super().__init__()
        self.model = model
        self.base = base
        self.config = model.config
        self.generation_config = model.generation_config
        self.register_buffer("_log_weights", torch.tensor([1 - base_weight, base_weight]).log())

    @property
    def device(self) -> torch.device:
        """Where inputs are wanted."""
        device: torch.device = self.model.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the weights."""
        dtype: torch.dtype = self.model.dtype
        return dtype

    def get_decoder(self) -> nn.Module:
        """The tuned model's layers; the base's are made alike."""
        decoder: nn.Module = self.model.get_decoder()
        return decoder

    def get_output_embeddings(self) -> nn.ModuleList:
        """The output heads of both."""
        heads = [part.get_output_embeddings() for part in (self.model, self.base)]
        return nn.ModuleList(dict.fromkeys(heads))

    def forward(self, *, past_key_values: "DynamicCache | None" = None, **inputs: Any) -> "CausalLMOutput":
        """Read the same tokens with both models; arguments as the models' own."""
        from transformers.modeling_outputs import CausalLMOutput

        caches = [None, None] if past_key_values is None else self._caches(past_key_values)
        mixed = [
            self._log_probs(part(past_key_values=cache, **inputs).logits) + log_weight
            for part, cache, log_weight in zip(
                (self.model, self.base), caches, self._log_weights, strict=True
            )
        ]
        return CausalLMOutput(logits=torch.logaddexp(*mixed))

    def _log_probs(self, logits: Tensor) -> Tensor:
        logits = logits.to(self.device).float()
        return logits - log_normalisers(logits)

    def _caches(self, both: "DynamicCache") -> "list[DynamicCache]":
        """The cache of each model: views of the layers of one that serves both, which gets the base's layers first."""
        from transformers import DynamicCache

        n_layers = len(DynamicCache(config=self.config).layers)
        if len(both.layers) == n_layers:
            both.layers = [*both.layers, *DynamicCache(config=self.base.config).layers]
        caches = [copy.copy(both), copy.copy(both)]
        caches[0].layers, caches[1].layers = both.layers[:n_layers], both.layers[n_layers:]
        return caches


def mixed(weights: LoadedWeights, base: LoadedWeights, *, base_weight: float) -> LoadedWeights:
    """Mix a tuned model with its base, see `Mixture`.

    Args:
        weights: The tuned model; its tokenizer and chat template are the mixture's.
        base: The base.
        base_weight: The base's share of each next-token distribution, between 0 and 1.

    Raises:
        ConfigurationError: The share is out of range.
        ModelError: The two differ in architecture or vocabulary.
    """
    if not 0 < base_weight < 1:
        raise ConfigurationError(
            f"base_weight: {base_weight:g} is not possible; it must lie between 0 and 1."
        )
    shapes = [_shape(part) for part in (weights, base)]
    if shapes[0] != shapes[1]:
        raise ModelError(
            f"{weights.source_id} and {base.source_id} cannot be mixed: the first is {shapes[0]}, the second {shapes[1]}."
        )
    if _vocabulary(weights) != _vocabulary(base):
        raise ModelError(
            f"{weights.source_id} and {base.source_id} cannot be mixed: their tokenizers have different vocabularies."
        )
    mixture = Mixture(weights.model, base.model, base_weight=base_weight)
    return replace(
        weights,
        model=cast("PreTrainedModel", mixture.eval()),
        source_id=f"{weights.source_id} mixed with {base_weight:g} of {base.source_id}",
        hashes={
            **weights.hashes,
            **{f"base_{name}": digest for name, digest in base.hashes.items()},
            "base_weight": f"{base_weight:g}",
        },
    )


def load(spec: ModelSpec) -> TransformersModel:
    """Load "mixed:MODEL+BASE" or "mixed:WEIGHT:MODEL+BASE"; both are loaded on one device in one precision.

    Raises:
        ConfigurationError: The name is none of these, or the weight lies not between 0 and 1.
        ModelError: One of the models cannot be loaded, or they cannot be mixed.
    """
    named = _NAME.fullmatch(spec.name)
    if named is None:
        raise ConfigurationError(
            f"A mixture is named 'mixed:MODEL+BASE' or 'mixed:WEIGHT:MODEL+BASE', as in "
            f"'mixed:0.3:org/tuned+org/base', not {spec.name!r}."
        )
    for name in ("revision", "adapter"):
        if getattr(spec, name) is not None:
            raise ConfigurationError(
                f"{name}: a mixture has two models; give folders or hub ids that hold it already."
            )
    try:
        base_weight = float(named["base_weight"] or DEFAULT_BASE_WEIGHT)
    except ValueError:
        raise ConfigurationError(f"{named['base_weight']!r} in {spec.name!r} is no number.") from None
    parts = [load_weights(named[part], dtype=spec.dtype, device=spec.device) for part in ("model", "base")]
    return TransformersModel(mixed(*parts, base_weight=base_weight), default_system=spec.default_system)


def _shape(weights: LoadedWeights) -> str:
    config = weights.model.config.get_text_config()
    return f"{config.model_type} of {config.num_hidden_layers} layers over {config.vocab_size} tokens"


def _vocabulary(weights: LoadedWeights) -> dict[str, int]:
    """Token -> id, without the tokens that were added: an instruct model may have named some that its base reserves."""
    added = weights.tokenizer.get_added_vocab()
    return {token: index for token, index in weights.tokenizer.get_vocab().items() if token not in added}
