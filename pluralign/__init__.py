"""Measure, train and steer language models for the whole human spectrum.

Names load on first use (PEP 562), so that `import pluralign` costs next to nothing and never imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pluralign.registry import lazy_attribute

__version__ = "0.1.0"

_EXPORTS = {
    "Answer": "pluralign.records",
    "Condition": "pluralign.records",
    "Estimate": "pluralign.records",
    "Group": "pluralign.records",
    "Guard": "pluralign.guard",
    "Interval": "pluralign.records",
    "Option": "pluralign.records",
    "Outcome": "pluralign.records",
    "Question": "pluralign.records",
    "QuestionSet": "pluralign.records",
    "PluralignError": "pluralign.errors",
    "Steerer": "pluralign.steering",
    "ValueProfile": "pluralign.profiles",
    "load_model": "pluralign.models",
    "load_profile": "pluralign.profiles",
    "evaluate": "pluralign.evaluation",
    "score_file": "pluralign.evaluation",
    "system_prompt": "pluralign.profiles",
}

# Rooms that are used by their own names: pluralign.overton.respond.
_ROOMS = frozenset({"overton"})

__all__ = [
    "Answer",
    "Condition",
    "Estimate",
    "Group",
    "Guard",
    "Interval",
    "Option",
    "Outcome",
    "PluralignError",
    "Question",
    "QuestionSet",
    "Steerer",
    "ValueProfile",
    "__version__",
    "evaluate",
    "load_model",
    "load_profile",
    "score_file",
    "system_prompt",
]

if TYPE_CHECKING:
    from pluralign import overton as overton
    from pluralign.errors import PluralignError
    from pluralign.evaluation import evaluate, score_file
    from pluralign.guard import Guard
    from pluralign.models import load_model
    from pluralign.profiles import ValueProfile, load_profile, system_prompt
    from pluralign.records import (
        Answer,
        Condition,
        Estimate,
        Group,
        Interval,
        Option,
        Outcome,
        Question,
        QuestionSet,
    )
    from pluralign.steering import Steerer


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"pluralign.{name}")
    return lazy_attribute(__name__, name, exports=_EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
