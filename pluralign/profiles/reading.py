"""Reading profile files that anybody may have written: none makes the reader crash, hang or fill the memory.

YAML is read event by event into plain lists, mappings and scalars. Anchors, aliases, tags and merge keys, with which
a small file can grow without bound or name Python objects, are not part of a profile and are refused.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.profiles.record import Provenance, Value, ValueProfile
from pluralign.records.jsonl import describe

# The longest profile that the record allows has about 50 kB in any script.
MAX_BYTES = 1_000_000
# A profile has three levels.
MAX_DEPTH = 8
# The largest profile that the record allows has about 150 items.
MAX_ITEMS = 1000
_LONGEST_KEY = 64
# Of what is wrong with a file's content; the rest of it is most likely wrong for the same reason.
_LONGEST_MESSAGE = 600
_FIELDS = {*ValueProfile.model_fields, *Value.model_fields, *Provenance.model_fields}
_OTHER_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# The parser in C gives the same events, twenty times faster.
_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_resolve: Any = yaml.resolver.Resolver().resolve
_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_TAG = "tag:yaml.org,2002:"


def read_profile_file(path: Path) -> ValueProfile:
    """Read a profile from a YAML file that is not trusted.

    Raises:
        ConfigurationError: The file cannot be read, is too large, no text in UTF-8, no YAML of the plain kind, or
            no profile; one sentence that names file and place.
    """
    try:
        return parse_profile(_content(path), where=str(path))
    except (OSError, ValueError) as error:
        # A name with a zero byte in it is a ValueError.
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error


def parse_profile(content: bytes, *, where: str) -> ValueProfile:
    """Read a profile from the bytes of a YAML file that is not trusted.

    Args:
        content: The bytes.
        where: Name of the file, for messages.

    Raises:
        ConfigurationError: As `read_profile_file`.
    """
    fields = _Builder(where).build(_text(content, where))
    if not isinstance(fields, dict):
        raise ConfigurationError(
            f"{where}: a profile's fields are needed, such as 'id:' and 'values:', not {_short(repr(fields))}. "
            "Begin with: pluralign profile new"
        )
    try:
        return ValueProfile.model_validate(fields)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {_short(_faults(error))}") from error


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path}: cannot be read: it is a folder or a device, not a file.")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigurationError(
            f"{path}: the file is larger than {MAX_BYTES:,} bytes; a profile has some thousand."
        )
    return content


def _text(content: bytes, where: str) -> str:
    for mark, encoding in _OTHER_ENCODINGS:
        if content.startswith(mark):
            raise ConfigurationError(
                f"{where}: cannot be read: it is written in {encoding}; save it as UTF-8."
            )
    if b"\0" in content:
        place = content.index(b"\0")
        raise ConfigurationError(
            f"{where}: cannot be read: a zero byte at position {place}: it is a binary file or not in UTF-8."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{where}: cannot be read: line {line} holds the byte 0x{content[error.start]:02x}, which is not UTF-8; "
            "save it as UTF-8."
        ) from error


class _Builder:
    """Builds plain Python values from the events of a YAML parser, without recursion."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.n_items = 0

    def build(self, text: str) -> Any:
        loader = None
        try:
            loader = _Loader(text)
            return self._document(loader)
        except yaml.MarkedYAMLError as error:
            raise self._wrong(error.problem or "it cannot be read", error.problem_mark) from error
        except yaml.YAMLError as error:
            raise self._wrong(_short(" ".join(str(error).split())), None) from error
        finally:
            if loader is not None:
                loader.dispose()

    def _document(self, loader: Any) -> Any:
        """The value of the only document; None where there is none."""
        # What is open: its container, and for a mapping the key that waits for its value.
        opened: list[tuple[list[Any] | dict[str, Any], list[str]]] = []
        result: Any = None
        n_documents = 0
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                n_documents += 1
                if n_documents > 1:
                    raise self._wrong("a second document begins, and a profile is one", event.start_mark)
                continue
            if isinstance(event, yaml.CollectionEndEvent):
                opened.pop()
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            self._check(event, depth=len(opened))
            value: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            if isinstance(event, yaml.ScalarEvent):
                value = self._scalar(event)
            if not opened:
                result = value
            elif isinstance(container := opened[-1][0], list):
                container.append(value)
            elif waiting := opened[-1][1]:
                container[waiting.pop()] = value
            else:
                waiting.append(self._key(event, container))
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append((value, []))
        return result

    def _check(self, event: Any, *, depth: int) -> None:
        mark = event.start_mark
        self.n_items += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._wrong("anchors (&) and aliases (*) are not read: write the text out", mark)
        if event.tag is not None:
            raise self._wrong(f"the tag {_short(event.tag)!r} is not read: leave it out", mark)
        if isinstance(event, yaml.CollectionStartEvent) and depth >= MAX_DEPTH:
            raise self._wrong(f"it is nested more than {MAX_DEPTH} levels deep", mark)
        if self.n_items > MAX_ITEMS:
            raise self._wrong(f"it has more than {MAX_ITEMS} items", mark)

    def _key(self, event: Any, container: dict[str, Any]) -> str:
        if not isinstance(event, yaml.ScalarEvent) or len(event.value) > _LONGEST_KEY:
            raise self._wrong("a field's name is needed here", event.start_mark)
        if event.value == "<<":
            raise self._wrong("merge keys (<<) are not read: write the fields out", event.start_mark)
        if event.value in container:
            raise self._wrong(f"{event.value}: stands twice", event.start_mark)
        return str(event.value)

    def _scalar(self, event: Any) -> Any:
        """Text, a number, yes or no, or nothing; a date stays text."""
        tag = _resolve(yaml.ScalarNode, event.value, event.implicit)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            if tag == f"{_TAG}int":
                return _CONSTRUCTOR.construct_yaml_int(node)
            if tag == f"{_TAG}float":
                return _CONSTRUCTOR.construct_yaml_float(node)
        except (ValueError, OverflowError) as error:
            raise self._wrong(f"{_short(event.value)!r} is no number", event.start_mark) from error
        if tag == f"{_TAG}bool":
            return _CONSTRUCTOR.construct_yaml_bool(node)
        return None if tag == f"{_TAG}null" else event.value

    def _wrong(self, problem: str, mark: Any) -> ConfigurationError:
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        return ConfigurationError(f"{self.where}: not valid YAML: {problem}{place}.")


def _faults(error: ValidationError) -> str:
    """What is wrong with a file's content; fields that were left empty, as in a template, by name alone."""
    items = error.errors(include_url=False)
    empty = [".".join(map(str, item["loc"])) for item in items if item["loc"] and item["input"] is None]
    if empty:
        return f"not filled in yet: {', '.join(empty)}"
    unknown = [str(item["loc"][-1]) for item in items if item["type"] == "extra_forbidden"]
    return describe(error) + "".join(did_you_mean(name, _FIELDS) for name in unknown[:1])


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} ..."
