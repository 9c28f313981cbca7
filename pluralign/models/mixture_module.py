"""Two causal language models as one torch module, whose next-token distribution is a mixture of theirs."""

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pluralign.models.logits import log_normalisers

if TYPE_CHECKING:
    from transformers import DynamicCache, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutput


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
        from transformers import DynamicCache

        super().__init__()
        self.model = model
        self.base = base
        self.config = model.config
        self.generation_config = model.generation_config
        self._n_layers = len(DynamicCache(config=model.config).layers)
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

        if len(both.layers) == self._n_layers:
            both.layers = [*both.layers, *DynamicCache(config=self.base.config).layers]
        caches = [copy.copy(both), copy.copy(both)]
        caches[0].layers, caches[1].layers = both.layers[: self._n_layers], both.layers[self._n_layers :]
        return caches
