"""Value profiles: the record, the shipped library, and rendering to a system prompt."""

from pluralign.profiles.record import Provenance, Value, ValueProfile

__all__ = ["Provenance", "Value", "ValueProfile"]
