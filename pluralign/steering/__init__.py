"""Steering: a guarded value profile, or a mixture of several, in front of any model.

Names load on first use (PEP 562).
"""

from typing import TYPE_CHECKING, Any

from pluralign.registry import lazy_attribute

_EXPORTS = {
    "Distribution": "pluralign.steering.results",
    "GuardSummary": "pluralign.steering.results",
    "MemberDistribution": "pluralign.steering.results",
    "Steered": "pluralign.steering.results",
    "SteeredStream": "pluralign.steering.streaming",
    "Steerer": "pluralign.steering.steerer",
    "Way": "pluralign.steering.ways",
    "way_of": "pluralign.steering.ways",
}

__all__ = [
    "Distribution",
    "GuardSummary",
    "MemberDistribution",
    "Steered",
    "SteeredStream",
    "Steerer",
    "Way",
    "way_of",
]

if TYPE_CHECKING:
    from pluralign.steering.results import Distribution, GuardSummary, MemberDistribution, Steered
    from pluralign.steering.steerer import Steerer
    from pluralign.steering.streaming import SteeredStream
    from pluralign.steering.ways import Way, way_of


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, name, exports=_EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
