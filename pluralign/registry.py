"""A registry of named things that are imported only when they are asked for."""

from collections.abc import Iterator
from importlib import import_module
from typing import Generic, TypeVar, cast

from pluralign.errors import ConfigurationError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to objects given as "module:attribute", imported on first use.

    Args:
        kind: What is registered, for messages: "elicitation", "data adapter".
        entries: name -> "module:attribute".
    """

    def __init__(self, kind: str, entries: dict[str, str]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def register(self, name: str, target: str) -> None:
        """Add an entry.

        Raises:
            ConfigurationError: The name is taken.
        """
        if name in self._entries:
            raise ConfigurationError(f"The {self.kind} {name!r} is already registered.")
        self._entries[name] = target

    def get(self, name: str) -> T:
        """Return the object registered under a name.

        Raises:
            ConfigurationError: No such name.
        """
        if name not in self._entries:
            raise ConfigurationError(f"Unknown {self.kind} {name!r}.{did_you_mean(name, self._entries)}")
        module, _, attribute = self._entries[name].partition(":")
        return cast("T", getattr(import_module(module), attribute))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries
