"""Records that users write as YAML files."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.plain_yaml import read_plain_yaml, shortened
from pluralign.records.base import Record
from pluralign.records.jsonl import describe

R = TypeVar("R", bound=Record)


def read_record(
    path: Path, kind: type[R], *, needed: str, parts: Mapping[str, type[Record]] | None = None
) -> R:
    """Read a record from a YAML file.

    Args:
        path: The file.
        kind: What it holds.
        needed: What a file without fields is told to hold, such as "fields, such as 'name:'".
        parts: Fields that are records themselves -> their kind: their fields' names are checked likewise.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or a field is unknown (with "did you mean") or wrong.
    """
    content = read_plain_yaml(path, needed=needed)
    _check_names(content, kind, where=f"{path}: ")
    for name, part in (parts or {}).items():
        if isinstance(content.get(name), dict):
            _check_names(content[name], part, where=f"{path}: {name}.")
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {shortened(describe(error))}") from error


def _check_names(content: Mapping[str, object], kind: type[Record], *, where: str) -> None:
    for name in content:
        if name not in kind.model_fields:
            raise ConfigurationError(
                f"{where}{name}: no such field.{did_you_mean(str(name), kind.model_fields)}"
            )
