"""Named things that are imported only when they are asked for: registries, and the exports of packages."""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

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


def lazy_attribute(package: str, name: str, *, exports: Mapping[str, str]) -> Any:
    """What a package's `__getattr__` returns (PEP 562): imported on first use, and kept in the package.

    Args:
        package: `__name__` of the package.
        name: Name of the attribute.
        exports: Name -> module that defines it.

    Raises:
        AttributeError: The package exports no such name.
    """
    if name not in exports:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value = getattr(import_module(exports[name]), name)
    setattr(sys.modules[package], name, value)
    return value
