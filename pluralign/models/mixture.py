"""A tuned model mixed with its base at every token: what tuning took from the distribution is given back in part."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models.loading import LoadedWeights, load_weights
from pluralign.models.protocol import ModelSpec
from pluralign.models.transformers_model import TransformersModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAME = re.compile(r"mixed:(?:(?P<base_weight>[\d.]+):)?(?P<model>.+)\+(?P<base>.+)")
DEFAULT_BASE_WEIGHT = 0.5


def mixed(weights: LoadedWeights, base: LoadedWeights, *, base_weight: float) -> LoadedWeights:
    """Mix a tuned model with its base, see `pluralign.models.mixture_module.Mixture`.

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
    from pluralign.models.mixture_module import Mixture

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
