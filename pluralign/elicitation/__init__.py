"""Ways to get an answer out of a model, one a file."""

from typing import TYPE_CHECKING

from pluralign.elicitation.asking import Ask, Elicitation, PromptStyle, check_capable, prompt_for, style_of
from pluralign.elicitation.logprob import LogProb
from pluralign.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

ELICITATIONS: "Registry[Callable[..., Elicitation]]" = Registry(
    "elicitation", {"logprob": "pluralign.elicitation.logprob:LogProb"}
)

__all__ = [
    "ELICITATIONS",
    "Ask",
    "Elicitation",
    "LogProb",
    "PromptStyle",
    "check_capable",
    "prompt_for",
    "style_of",
]
