"""The guardrail: refuses unacceptable value systems, serves merely unpopular ones.

Names load on first use (PEP 562).
"""

from typing import TYPE_CHECKING, Any

from pluralign.registry import lazy_attribute

_EXPORTS = {
    "ApprovedProfile": "pluralign.guard.admission",
    "AuditLog": "pluralign.guard.audit",
    "Decision": "pluralign.guard.combining",
    "FormLayer": "pluralign.guard.form",
    "Guard": "pluralign.guard.guard",
    "JudgeChoice": "pluralign.guard.assembling",
    "Limits": "pluralign.guard.form",
    "Policy": "pluralign.guard.policy",
    "ProfileRefused": "pluralign.guard.admission",
    "Qualification": "pluralign.guard.qualification",
    "Ruling": "pluralign.guard.verdict",
    "Verdict": "pluralign.guard.verdict",
    "assemble": "pluralign.guard.assembling",
    "enable": "pluralign.guard.qualification",
    "load_overlay": "pluralign.guard.policy",
    "load_policy": "pluralign.guard.policy",
    "load_qualification": "pluralign.guard.qualification",
    "qualify": "pluralign.guard.qualification",
    "replay": "pluralign.guard.audit",
    "save_qualification": "pluralign.guard.qualification",
    "verify": "pluralign.guard.audit",
}

__all__ = [
    "ApprovedProfile",
    "AuditLog",
    "Decision",
    "FormLayer",
    "Guard",
    "JudgeChoice",
    "Limits",
    "Policy",
    "ProfileRefused",
    "Qualification",
    "Ruling",
    "Verdict",
    "assemble",
    "enable",
    "load_overlay",
    "load_policy",
    "load_qualification",
    "qualify",
    "replay",
    "save_qualification",
    "verify",
]

if TYPE_CHECKING:
    from pluralign.guard.admission import ApprovedProfile, ProfileRefused
    from pluralign.guard.assembling import JudgeChoice, assemble
    from pluralign.guard.audit import AuditLog, replay, verify
    from pluralign.guard.combining import Decision
    from pluralign.guard.form import FormLayer, Limits
    from pluralign.guard.guard import Guard
    from pluralign.guard.policy import Policy, load_overlay, load_policy
    from pluralign.guard.qualification import (
        Qualification,
        enable,
        load_qualification,
        qualify,
        save_qualification,
    )
    from pluralign.guard.verdict import Ruling, Verdict


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, name, exports=_EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
