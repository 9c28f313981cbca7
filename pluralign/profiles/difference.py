"""What one profile says and another does not."""

from collections.abc import Mapping
from typing import Literal

from pluralign.profiles.record import Value, ValueProfile
from pluralign.records.base import Record

Section = Literal["values", "norms", "does_not_hold"]
SECTIONS: tuple[Section, ...] = ("values", "norms", "does_not_hold")


class Statement(Record):
    """A statement, and the section that it stands in."""

    section: Section
    statement: str


class StrengthChange(Record):
    """A value that both profiles hold, not equally; `first` and `second` are weights or hedges."""

    statement: str
    first: float | str
    second: float | str


class FieldChange(Record):
    """A field beside the statements, for example "provenance.licence"; None where a profile leaves it out."""

    field: str
    first: int | str | tuple[str, ...] | None
    second: int | str | tuple[str, ...] | None


class ProfileDifference(Record):
    """Where two profiles differ; equal profiles leave every part empty.

    Attributes:
        only_first: Statements of the first profile that the second does not have in that section.
        only_second: The other way round.
        strengths: Values with another weight or hedge.
        fields: Other fields that changed.
        reordered: Sections whose common statements stand in another order.
    """

    only_first: tuple[Statement, ...]
    only_second: tuple[Statement, ...]
    strengths: tuple[StrengthChange, ...]
    fields: tuple[FieldChange, ...]
    reordered: tuple[Section, ...]

    @property
    def empty(self) -> bool:
        """Whether the profiles are equal."""
        return not (self.only_first or self.only_second or self.strengths or self.fields or self.reordered)


def diff_profiles(first: ValueProfile, second: ValueProfile) -> ProfileDifference:
    """Compare two profiles; statements are the same where they are the same word for word."""
    sections = {name: (_statements(first, name), _statements(second, name)) for name in SECTIONS}
    fields = _fields(first), _fields(second)
    return ProfileDifference(
        only_first=tuple(
            Statement(section=name, statement=statement)
            for name, (one, other) in sections.items()
            for statement in one
            if statement not in other
        ),
        only_second=tuple(
            Statement(section=name, statement=statement)
            for name, (one, other) in sections.items()
            for statement in other
            if statement not in one
        ),
        strengths=_strengths(first, second),
        fields=tuple(
            FieldChange(field=name, first=value, second=fields[1][name])
            for name, value in fields[0].items()
            if value != fields[1][name]
        ),
        reordered=tuple(
            name
            for name, (one, other) in sections.items()
            if [text for text in one if text in other] != [text for text in other if text in one]
        ),
    )


def _statements(profile: ValueProfile, section: Section) -> tuple[str, ...]:
    if section == "values":
        return tuple(value.statement for value in profile.values)
    return profile.norms if section == "norms" else profile.does_not_hold


def _strengths(first: ValueProfile, second: ValueProfile) -> tuple[StrengthChange, ...]:
    after = {value.statement: _strength(value) for value in second.values}
    return tuple(
        StrengthChange(statement=value.statement, first=_strength(value), second=after[value.statement])
        for value in first.values
        if value.statement in after and _strength(value) != after[value.statement]
    )


def _strength(value: Value) -> float | str:
    return value.weight if value.weight is not None else value.hedge or ""


def _fields(profile: ValueProfile) -> Mapping[str, int | str | tuple[str, ...] | None]:
    """Every field that is no list of statements, by its name in the file."""
    return {
        **{
            name: getattr(profile, name)
            for name in ValueProfile.model_fields
            if name not in {*SECTIONS, "provenance"}
        },
        **{f"provenance.{name}": value for name, value in profile.provenance},
    }
