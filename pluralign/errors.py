"""The exceptions a caller may meet. Each message says what was wrong, where, and what would be right.

The command line prints the message without a traceback and exits with `exit_code`.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType


class PluralignError(Exception):
    """Base of every error that pluralign raises on purpose."""

    exit_code = 2


class ConfigurationError(PluralignError):
    """A setting, name or combination that cannot work."""


class DataError(PluralignError, ValueError):
    """A file or record that does not hold what it should; the message names file, line and field."""


class ModelError(PluralignError):
    """A model or tokenizer that cannot be loaded or used as asked."""


class UnsupportedError(PluralignError):
    """The model cannot do what the task needs; the message names what would do instead."""


class MissingExtraError(PluralignError):
    """An optional dependency is not installed; the message holds the pip command."""


class StorageError(PluralignError):
    """A run could not be written or read: a full disk, missing permission, another plan in the folder."""


class TrainingError(PluralignError):
    """Training cannot start or cannot go on."""


class InterruptedRunError(PluralignError):
    """A run was stopped from outside; what was finished is on disk and it can be resumed."""

    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" or a list of what there is, to append to an error message."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" Known: {', '.join(names)}." if names else ""


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional dependency.

    Args:
        module: Dotted module name, for example "torch".
        extra: The extra of pluralign that brings it, for example "hf".

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"This needs the package {module.partition('.')[0]!r}, which is not installed. "
            f"Install it with: pip install 'pluralign[{extra}]'"
        ) from error
