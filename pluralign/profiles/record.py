"""A value profile: what a person or a tradition values, in its own words, as data."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from pluralign.profiles.characters import character_faults, character_name, listed_mark
from pluralign.records.base import Record, duplicates

# What a text of several lines may hold, and one of a single line may not.
_LINE_BREAKS = re.compile(r"[\t\n\r]")


def one_line(text: str) -> str:
    """The text, where it is one line of ordinary characters.

    Raises:
        ValueError: It is blank or begins or ends with a space, or holds a line break, a control, invisible or
            direction character that the spelling does not ask for, or a mark of a chat format.
    """
    if found := _LINE_BREAKS.search(text):
        raise ValueError(_not_allowed(found[0], "write one line of visible text"))
    for fault in character_faults(text):
        raise ValueError(_not_allowed(text[fault.end - 1], fault.why))
    if mark := listed_mark(text):
        raise ValueError(f"{mark!r} may not stand in a profile: chat formats use it to open or close a turn")
    if text != text.strip() or not text:
        raise ValueError(f"{text!r} is blank, or begins or ends with a space: write one line of visible text")
    return text


def _not_allowed(character: str, why: str) -> str:
    return f"the character {character_name(character)} may not stand in a profile: {why}"


# The pattern is for the JSON Schema alone: `one_line` refuses what it refuses, and says why.
_OneLine = (AfterValidator(one_line), Field(json_schema_extra={"pattern": r"^\S(.*\S)?$"}))
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Title = Annotated[str, StringConstraints(max_length=80), *_OneLine]
Line = Annotated[str, StringConstraints(max_length=240), *_OneLine]
Paragraph = Annotated[str, StringConstraints(max_length=600), *_OneLine]
Weight = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class Value(Record):
    """One thing that is valued.

    Attributes:
        statement: In the first person: "I ..." or "We ...".
        weight: How much it matters beside the others, above 0 and at most 1; None where a hedge says it.
        hedge: How firmly it is held, in a few words: "without exception", "as a rule", "where it costs little".
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["weight"], "properties": {"weight": {"type": "number"}}},
                {"required": ["hedge"], "properties": {"hedge": {"type": "string"}}},
            ]
        }
    )

    statement: Line
    weight: Weight | None = None
    hedge: Title | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.weight is None) == (self.hedge is None):
            raise ValueError(f"weight, hedge: exactly one of them is given with {self.statement!r}")
        return self


class Provenance(Record):
    """Where a profile comes from.

    Attributes:
        kind: "curated": written from public descriptions; "inferred": from a person's ratings;
            "demographic": from facts about a person.
        sources: What it rests on: author, title and year, or an address; at least one.
        licence: Of the profile's own text.
    """

    kind: Literal["curated", "inferred", "demographic"]
    sources: tuple[Line, ...] = Field(min_length=1)
    licence: Title


class ValueProfile(Record):
    """What a person or a tradition values.

    Attributes:
        schema_version: Version of this record.
        id: Key, for example "virtue-ethics".
        title: Name for people.
        summary: One or two sentences for whoever chooses a profile.
        values: What is valued, most important first.
        norms: How one who holds the profile speaks and deals with others; statements in the first person.
        does_not_hold: What is often taken for a part of the profile and is none of it, and what it opposes;
            statements in the first person as one would make them who did hold it.
        provenance: Where the profile comes from.
        contrast: Id of an opposed profile, against which steering is measured.
        language: BCP 47 tag of the language that the profile is written in.
    """

    schema_version: Literal[1] = 1
    id: Slug
    title: Title
    summary: Paragraph
    values: tuple[Value, ...] = Field(min_length=1, max_length=24)
    norms: tuple[Line, ...] = Field(default=(), max_length=12)
    does_not_hold: tuple[Line, ...] = Field(default=(), max_length=12)
    provenance: Provenance
    contrast: Slug | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"

    @model_validator(mode="after")
    def _check(self) -> Self:
        statements = (*(value.statement for value in self.values), *self.norms, *self.does_not_hold)
        if repeated := duplicates(statements):
            raise ValueError(f"values, norms, does_not_hold: {repeated} stand there more than once")
        if self.contrast == self.id:
            raise ValueError(f"contrast: {self.id!r} cannot be opposed to itself")
        return self
