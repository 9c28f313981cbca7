"""Adapters that turn published data, closed-form processes and the user's files into questions."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from pluralign.errors import ConfigurationError
from pluralign.records import QuestionSet
from pluralign.records.jsonl import describe
from pluralign.registry import Registry

ADAPTERS: Registry[Callable[..., QuestionSet]] = Registry(
    "data adapter",
    {
        "anes96": "pluralign.data.anes96:load_anes96",
        "file": "pluralign.data.files:load_file",
        "processes": "pluralign.data.processes:load_processes",
    },
)


def load_questions(adapter: str, arguments: Mapping[str, object]) -> QuestionSet:
    """Load questions through the adapter of a name.

    Args:
        adapter: A name in `ADAPTERS`.
        arguments: The adapter's keyword arguments, as a specification in YAML holds them.

    Raises:
        ConfigurationError: An unknown adapter; an argument that it does not take, that it lacks, or that is
            of the wrong type.
        DataError: What the adapter reads is not what it should be.
    """
    load = ADAPTERS.get(adapter)
    parameters = inspect.signature(load).parameters
    known = f"It takes: {', '.join(parameters)}."
    for name in arguments:
        if name not in parameters:
            raise ConfigurationError(f"The data adapter {adapter!r} has no argument {name!r}. {known}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ConfigurationError(f"The data adapter {adapter!r} lacks its argument {name!r}. {known}")
    types = get_type_hints(load)
    return load(**{
        name: _checked(value, types[name], where=f"{adapter}.{name}") for name, value in arguments.items()
    })


def _checked(value: object, expected: Any, *, where: str) -> Any:
    try:
        return TypeAdapter(expected).validate_python(value)
    except ValidationError as error:
        raise ConfigurationError(f"Data argument {where}: {describe(error)}") from error
