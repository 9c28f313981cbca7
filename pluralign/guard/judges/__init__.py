"""Judges: guard models behind one protocol; how each is asked and read is data, the files in `recipes/`.

Names load on first use (PEP 562).
"""

from typing import TYPE_CHECKING, Any

from pluralign.registry import lazy_attribute

_EXPORTS = {
    "Classifier": "pluralign.guard.judges.heads",
    "Endpoint": "pluralign.guard.judges.endpoint",
    "Judge": "pluralign.guard.judges.judge",
    "Recipe": "pluralign.guard.judges.recipe",
    "list_recipes": "pluralign.guard.judges.recipe",
    "load_classifier": "pluralign.guard.judges.heads",
    "load_recipe": "pluralign.guard.judges.recipe",
    "make_judge": "pluralign.guard.judges.judge",
}

__all__ = [
    "Classifier",
    "Endpoint",
    "Judge",
    "Recipe",
    "list_recipes",
    "load_classifier",
    "load_recipe",
    "make_judge",
]

if TYPE_CHECKING:
    from pluralign.guard.judges.endpoint import Endpoint
    from pluralign.guard.judges.heads import Classifier, load_classifier
    from pluralign.guard.judges.judge import Judge, make_judge
    from pluralign.guard.judges.recipe import Recipe, list_recipes, load_recipe


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, name, exports=_EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
