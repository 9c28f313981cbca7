"""Reading profile files that anybody may have written: each is a profile, or one sentence that says why not."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.plain_yaml import Bounds, parse_plain_yaml, read_plain_yaml, shortened
from pluralign.profiles.record import Provenance, Value, ValueProfile
from pluralign.records.jsonl import describe

# A profile has three levels, and the largest that the record allows about 150 items and 50 kB in any script.
_BOUNDS = Bounds(depth=8, n_items=1000, n_key_characters=64)
_NEEDED = "a profile's fields, such as 'id:' and 'values:' (pluralign profile new prints a template)"
_FIELDS = {*ValueProfile.model_fields, *Value.model_fields, *Provenance.model_fields}


def read_profile_file(path: Path) -> ValueProfile:
    """Read a profile from a YAML file that is not trusted.

    Raises:
        ConfigurationError: The file cannot be read, is too large, no text in UTF-8, no YAML of the plain kind, or
            no profile; one sentence that names file and place.
    """
    return _profile(read_plain_yaml(path, needed=_NEEDED, bounds=_BOUNDS), where=str(path))


def parse_profile(content: bytes, *, where: str) -> ValueProfile:
    """Read a profile from the bytes of a YAML file that is not trusted.

    Args:
        content: The bytes.
        where: Name of the file, for messages.

    Raises:
        ConfigurationError: As `read_profile_file`.
    """
    return _profile(parse_plain_yaml(content, where=where, needed=_NEEDED, bounds=_BOUNDS), where=where)


def _profile(fields: dict[str, Any], *, where: str) -> ValueProfile:
    try:
        return ValueProfile.model_validate(fields)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {shortened(_faults(error))}") from error


def _faults(error: ValidationError) -> str:
    """What is wrong with a file's content; fields that were left empty, as in a template, by name alone."""
    items = error.errors(include_url=False)
    empty = [".".join(map(str, item["loc"])) for item in items if item["loc"] and item["input"] is None]
    if empty:
        return f"not filled in yet: {', '.join(empty)}"
    unknown = [str(item["loc"][-1]) for item in items if item["type"] == "extra_forbidden"]
    return describe(error) + "".join(did_you_mean(name, _FIELDS) for name in unknown[:1])
