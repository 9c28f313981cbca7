"""Adapters that turn published data, closed-form processes and the user's files into questions."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from pluralign.data.catalogue import CATALOGUE
from pluralign.data.loaded import Loaded
from pluralign.errors import ConfigurationError
from pluralign.records import QuestionSet
from pluralign.records.jsonl import describe
from pluralign.registry import Registry

ADAPTERS: Registry[Callable[..., QuestionSet | Loaded]] = Registry(
    "data adapter", {adapter.name: adapter.target for adapter in CATALOGUE}
)


def load_data(adapter: str, arguments: Mapping[str, object]) -> Loaded:
    """Load questions through the adapter of a name, with everything that is wrong with them.

    Args:
        adapter: A name in `ADAPTERS`.
        arguments: The adapter's keyword arguments, as a specification in YAML holds them.

    Returns:
        The questions; the adapter's own findings, then those of lint.

    Raises:
        ConfigurationError: An unknown adapter; an argument that it does not take, that it lacks, or that is
            of the wrong type.
        DataError: What the adapter reads is not what it should be.
    """
    return linted(_load(adapter, arguments))


def linted(loaded: Loaded) -> Loaded:
    """The same questions with lint's findings behind those that there are."""
    from pluralign.data.lint import lint

    return Loaded(questions=loaded.questions, findings=(*loaded.findings, *lint(loaded.questions)))


def read_arguments(assignments: Sequence[str]) -> dict[str, object]:
    """The arguments of an adapter as a command line gives them.

    Args:
        assignments: "name=value" each; a list or mapping is written as in YAML: "groups=[party=Democrat, all]".

    Raises:
        ConfigurationError: An assignment without "=", an argument given twice, or a value that is no YAML.
    """
    arguments: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigurationError(f"A data argument is written name=value, not {assignment!r}.")
        if name in arguments:
            raise ConfigurationError(
                f"The data argument {name!r} is given twice; a list is written {name}=[first, second]."
            )
        arguments[name] = _value(value, where=assignment)
    return arguments


def resolve_source(source: str, arguments: Mapping[str, object]) -> Loaded:
    """Load what a command line names.

    Args:
        source: Path of a .csv, .tsv, .jsonl or .json file of questions, or the name of an adapter.
        arguments: Arguments of the adapter.

    Raises:
        ConfigurationError: As `load_data`.
        DataError: As `load_data`.
    """
    if source not in ADAPTERS and (Path(source).suffix or Path(source).exists()):
        return load_data("file", {"path": source, **arguments})
    return load_data(source, arguments)


def _load(adapter: str, arguments: Mapping[str, object]) -> Loaded:
    """What an adapter brings home."""
    load = ADAPTERS.get(adapter)
    _check_names(adapter, load, arguments)
    types = get_type_hints(load)
    result = load(**{
        name: _checked(value, types[name], where=f"{adapter}.{name}") for name, value in arguments.items()
    })
    return result if isinstance(result, Loaded) else Loaded(questions=result)


def _value(text: str, *, where: str) -> object:
    """A list or mapping as YAML reads it; anything else stays text, which the argument's type makes a number."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where}: not a list or mapping: {error}") from error


def _check_names(adapter: str, load: Callable[..., object], arguments: Mapping[str, object]) -> None:
    parameters = inspect.signature(load).parameters
    known = f"It takes: {', '.join(parameters)}."
    for name in arguments:
        if name not in parameters:
            raise ConfigurationError(f"The data adapter {adapter!r} has no argument {name!r}. {known}")
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            remedy = _where_to_get(adapter) if name == "path" else ""
            raise ConfigurationError(
                f"The data adapter {adapter!r} lacks its argument {name!r}. {known}{remedy}"
            )


def _where_to_get(adapter: str) -> str:
    """What the path of an adapter is, where it can be had, and how to name it."""
    entries = {entry.name: entry for entry in CATALOGUE}
    what = f" 'path' is {entries[adapter].path}." if adapter in entries else ""
    if adapter in entries and entries[adapter].source.startswith("https"):
        what += f" Published at {entries[adapter].source}; licence: {entries[adapter].licence}."
    return f"{what} Give it as --data path=..., or in a specification as data.arguments.path."


def _checked(value: object, expected: Any, *, where: str) -> Any:
    try:
        return TypeAdapter(expected).validate_python(value)
    except ValidationError as error:
        raise ConfigurationError(f"Data argument {where}: {describe(error)}") from error
