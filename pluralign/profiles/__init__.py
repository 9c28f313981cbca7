"""Value profiles: the record, the shipped library, rendering to a system prompt, checks and differences.

Names load on first use (PEP 562).
"""

from typing import TYPE_CHECKING, Any

from pluralign.registry import lazy_attribute

_EXPORTS = {
    "ProfileDifference": "pluralign.profiles.difference",
    "ProfileFinding": "pluralign.profiles.checking",
    "Provenance": "pluralign.profiles.record",
    "Rendered": "pluralign.profiles.rendering",
    "Style": "pluralign.profiles.rendering",
    "Value": "pluralign.profiles.record",
    "ValueProfile": "pluralign.profiles.record",
    "check_profile": "pluralign.profiles.checking",
    "check_profiles": "pluralign.profiles.checking",
    "diff_profiles": "pluralign.profiles.difference",
    "estimate_tokens": "pluralign.profiles.rendering",
    "family_of": "pluralign.profiles.library",
    "list_profiles": "pluralign.profiles.library",
    "load_profile": "pluralign.profiles.library",
    "profile_schema": "pluralign.profiles.library",
    "profile_template": "pluralign.profiles.template",
    "render_profile": "pluralign.profiles.rendering",
    "system_prompt": "pluralign.profiles.rendering",
    "write_profile": "pluralign.profiles.library",
}

__all__ = [
    "ProfileDifference",
    "ProfileFinding",
    "Provenance",
    "Rendered",
    "Style",
    "Value",
    "ValueProfile",
    "check_profile",
    "check_profiles",
    "diff_profiles",
    "estimate_tokens",
    "family_of",
    "list_profiles",
    "load_profile",
    "profile_schema",
    "profile_template",
    "render_profile",
    "system_prompt",
    "write_profile",
]

if TYPE_CHECKING:
    from pluralign.profiles.checking import ProfileFinding, check_profile, check_profiles
    from pluralign.profiles.difference import ProfileDifference, diff_profiles
    from pluralign.profiles.library import (
        family_of,
        list_profiles,
        load_profile,
        profile_schema,
        write_profile,
    )
    from pluralign.profiles.record import Provenance, Value, ValueProfile
    from pluralign.profiles.rendering import Rendered, Style, estimate_tokens, render_profile, system_prompt
    from pluralign.profiles.template import profile_template


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, name, exports=_EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
