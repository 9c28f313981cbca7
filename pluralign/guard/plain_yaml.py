"""Reading YAML that was written by hand, or by somebody who means harm, within bounds of size and time."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from pluralign.errors import ConfigurationError
from pluralign.records.base import duplicates

MAX_BYTES = 1_000_000
MAX_DEPTH = 12
MAX_NODES = 20_000
_LONGEST = 200  # of a key that an error names


def read_plain_yaml(file: Path) -> dict[str, Any]:
    """The fields of a YAML file that a stranger may have written.

    Raises:
        ConfigurationError: No such file, more than `MAX_BYTES`, no UTF-8 text, no YAML, YAML with anchors, aliases or
            tags, deeper than `MAX_DEPTH`, of more than `MAX_NODES` values, with a field that stands twice, or no
            fields at all; names the file.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file}: no such file, or a folder; a YAML file is needed")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigurationError(f"{file}: larger than {MAX_BYTES:,} bytes")
        fields = yaml.load(content.decode("utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: not UTF-8 text: byte {error.start}: {error.reason}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number of more digits than Python reads
        raise ConfigurationError(f"{file}: not valid YAML: {error}") from error
    if not isinstance(fields, dict):
        raise ConfigurationError(f"{file}: fields are needed, such as 'id:', and not a list or plain text")
    return fields


class _Loader(yaml.SafeLoader):
    """Plain YAML: no aliases, with which a small file grows without bound, no tags, no field that stands twice."""

    # A date stays a text, which the record reads; `<<` is a key like any other.
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _depth = _n_nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        problem = None
        if given := getattr(event, "anchor", None) or getattr(event, "tag", None):
            problem = f"{given}: anchors, aliases and tags are not used"
        elif self._depth == MAX_DEPTH:
            problem = "nested too deeply"
        elif self._n_nodes == MAX_NODES:
            problem = f"more than {MAX_NODES:,} values"
        if problem:
            raise yaml.composer.ComposerError(problem=problem, problem_mark=event.start_mark)
        self._n_nodes += 1
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        strange = [f"{key!r}: is no name of a field" for key in keys if not isinstance(key, str)]
        problems = strange or [f"{key}: stands twice" for key in duplicates(tuple(keys))]
        if problems:
            raise yaml.constructor.ConstructorError(
                problem=problems[0][:_LONGEST], problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep=deep)
