"""A profile for a person to fill in."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pluralign.errors import ConfigurationError
from pluralign.profiles.library import list_profiles
from pluralign.profiles.record import Slug, Title
from pluralign.records.jsonl import describe

_BODY = """
# One or two sentences for whoever chooses a profile; the model never sees them.
summary:

# What is valued, most important first: 3 to 12 statements in the first person, "I ..." or "We ...".
# With each stands either a hedge ("without exception", "as a rule", "where it costs little")
# or, in its place, a weight above 0 and at most 1.
values:
  - statement:
    hedge:
  - statement:
    hedge:
  - statement:
    hedge:

# How one who holds the profile speaks and deals with others, in the first person.
norms:
  -

# What is often taken for a part of the profile and is none of it, and what it opposes:
# worded as somebody would say it who DID hold it.
does_not_hold:
  -

provenance:
  # curated: written from public descriptions; inferred: from ratings; demographic: from facts about a person.
  kind: curated
  # Author, title and year, or an address.
  sources:
    -
  # Of this text, for example CC0-1.0.
  licence:

# The id of an opposed profile, against which steering is measured; leave it out where there is none.
# contrast:

# BCP 47 tag of the language that the profile is written in.
language: en
"""


def profile_template(id: str, *, title: str) -> str:
    """A YAML file whose empty fields a person fills in; `load_profile` names those that are still empty.

    Args:
        id: Id of the new profile, for example "stoicism".
        title: Its name for people.

    Raises:
        ConfigurationError: The id is not made of small letters, digits and single hyphens or belongs to a
            shipped profile, or the title is not one line of at most 80 characters.
    """
    _check("id", Slug, id)
    _check("title", Title, title)
    if id in list_profiles():
        raise ConfigurationError(
            f"id: {id!r} is a shipped profile (pluralign profile show {id}). Choose another id."
        )
    # A JSON string is a YAML string too, whatever quotes and colons the title holds.
    head = f"schema_version: 1\nid: {json.dumps(id)}\ntitle: {json.dumps(title, ensure_ascii=False)}\n"
    return f"# A value profile. Fill in what is empty, then run: pluralign profile check FILE\n{head}{_BODY}"


def _check(field: str, kind: Any, value: str) -> None:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ConfigurationError(f"{field}: {describe(error)}") from error
