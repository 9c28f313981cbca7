"""Windows of reasonable views, from people's votes, free answers, lists of values, or a file written by hand."""

import inspect
from collections.abc import Callable
from typing import get_type_hints

from pydantic import TypeAdapter, ValidationError

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.records import WindowSet
from pluralign.records.jsonl import describe
from pluralign.registry import Registry

WINDOWS: Registry[Callable[..., WindowSet]] = Registry(
    "kind of windows",
    {
        "file": "pluralign.windows.by_hand:load_window_file",
        "polis": "pluralign.windows.polis:load_polis_windows",
        "social_choice": "pluralign.windows.free_answers:load_free_answer_windows",
        "social_choice_ratings": "pluralign.windows.ratings:load_rating_windows",
        "value_kaleidoscope": "pluralign.windows.values:load_value_windows",
    },
)


def load_windows(kind: str, **arguments: object) -> WindowSet:
    """Load windows of a kind.

    Args:
        kind: A name in `WINDOWS`.
        **arguments: The arguments of that kind, as a specification in YAML or a command line holds them.

    Raises:
        ConfigurationError: An unknown kind; an argument that it does not take, that it lacks, or that is of the
            wrong type; or a setting that does not fit what is loaded.
        DataError: What is loaded is not what it should be.
    """
    load = WINDOWS.get(kind)
    parameters = inspect.signature(load).parameters
    for name in arguments:
        if name not in parameters:
            raise ConfigurationError(
                f"The windows {kind!r} have no argument {name!r}.{did_you_mean(name, parameters)}"
            )
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise ConfigurationError(
                f"The windows {kind!r} lack their argument {name!r}. They take: {', '.join(parameters)}."
            )
    types = get_type_hints(load)
    checked = {}
    for name, value in arguments.items():
        try:
            checked[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            raise ConfigurationError(
                f"The argument {name!r} of the windows {kind!r}: {describe(error)}"
            ) from error
    return load(**checked)


__all__ = ["WINDOWS", "load_windows"]
