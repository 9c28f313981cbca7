"""Ways to get an answer out of a model, one a file."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pluralign.elicitation.asking import Ask, Elicitation, PromptStyle, check_capable, prompt_for, style_of
from pluralign.elicitation.logprob import LogProb
from pluralign.errors import ConfigurationError
from pluralign.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

ELICITATIONS: "Registry[Callable[..., Elicitation]]" = Registry(
    "elicitation",
    {
        "free_text": "pluralign.elicitation.free_text:FreeText",
        "logprob": "pluralign.elicitation.logprob:LogProb",
        "sample": "pluralign.elicitation.sample:Sample",
        "sequence": "pluralign.elicitation.sequence:Sequence",
        "verbalized": "pluralign.elicitation.verbalized:Verbalized",
    },
)


def make_elicitation(name: str, *, style: PromptStyle, seed: int, **given: object) -> Elicitation:
    """Make the elicitation of a name.

    Args:
        name: A name in `ELICITATIONS`.
        style: Format of the prompts, for those elicitations that know several.
        seed: Seed of its draws, for those that draw.
        given: Further settings; None stands for the elicitation's own default.

    Raises:
        ConfigurationError: An unknown name, or a setting that the elicitation does not have.
    """
    make: Any = ELICITATIONS.get(name)
    known = {field.name for field in fields(make)}
    settings = {key: value for key, value in given.items() if value is not None}
    if idle := sorted(set(settings) - known):
        own = ", ".join(sorted(known - {"style", "seed"})) or "nothing"
        raise ConfigurationError(
            f"The elicitation {name!r} does not know {', '.join(idle)}; it can be given: {own}."
        )
    common = {key: value for key, value in {"style": style, "seed": seed}.items() if key in known}
    made: Elicitation = make(**common, **settings)
    return made


__all__ = [
    "ELICITATIONS",
    "Ask",
    "Elicitation",
    "LogProb",
    "PromptStyle",
    "check_capable",
    "make_elicitation",
    "prompt_for",
    "style_of",
]
