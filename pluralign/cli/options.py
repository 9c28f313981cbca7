"""Options that mean something for some evaluations only: checked, or refused with a reason."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pluralign.errors import ConfigurationError

if TYPE_CHECKING:
    from pluralign.records.base import Record

    S = TypeVar("S", bound=Record)


def settings_of(kind: "type[S]", given: Mapping[str, Any]) -> "S":
    """Settings of one kind; what is not given stands as it is by default.

    Raises:
        ConfigurationError: Names the option that is wrong.
    """
    from pydantic import ValidationError

    from pluralign.records.jsonl import describe

    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError(describe(error)) from error


def refuse(options: Mapping[str, Any], *, why: str) -> None:
    """Refuse options that were given and mean nothing here.

    Raises:
        ConfigurationError: Names the first.
    """
    for name, value in options.items():
        if value is not None and value is not False and value != {}:
            raise ConfigurationError(f"--{name.replace('_', '-')}: {why}")
