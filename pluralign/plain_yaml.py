"""Reading YAML that anybody may have written: no file makes the reader crash, hang or fill the memory.

YAML is read event by event into plain lists, mappings and scalars. Tags and merge keys, with which a file can name
Python objects or hide a field, are refused, and so is a field that stands twice. Anchors and aliases, with which a
small file can grow without bound, are refused too, or counted as if they were written out. The name of a field is
text, whatever it looks like, and a date stays text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pluralign.errors import ConfigurationError

# Of what an error says of a file's content; the rest of it is most likely wrong for the same reason.
_LONGEST_MESSAGE = 600
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


@dataclass(frozen=True)
class Bounds:
    """How much a file may hold.

    Attributes:
        n_bytes: Of the file.
        depth: Lists and mappings within each other.
        n_items: Names of fields, values, lists and mappings together.
        n_key_characters: Of the name of a field.
        aliases: Whether what has an anchor (&) may be repeated by an alias (*), within the other bounds.
    """

    n_bytes: int = 1_000_000
    depth: int = 12
    n_items: int = 20_000
    n_key_characters: int = 200
    aliases: bool = False


USUAL = Bounds()


def read_plain_yaml(
    path: Path, *, needed: str = "fields, such as 'id:'", bounds: Bounds = USUAL
) -> dict[str, Any]:
    """Read the fields of a YAML file that is not trusted.

    Args:
        path: The file.
        needed: What must stand in it, for the message where it holds no fields.
        bounds: How much it may hold.

    Raises:
        ConfigurationError: The file cannot be read, is too large, no text in UTF-8, no YAML of the plain kind, or
            holds no fields; one sentence that names file and place.
    """
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: cannot be read: it is a folder or a device, not a file.")
        with path.open("rb") as file:
            content = file.read(bounds.n_bytes + 1)
    except (OSError, ValueError) as error:
        # A name with a zero byte in it is a ValueError.
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    return parse_plain_yaml(content, where=str(path), needed=needed, bounds=bounds)


def parse_plain_yaml(
    content: bytes, *, where: str, needed: str = "fields, such as 'id:'", bounds: Bounds = USUAL
) -> dict[str, Any]:
    """Read the fields of YAML that is not trusted.

    Args:
        content: The bytes of a file.
        where: Its name, for messages.
        needed: What must stand in it, for the message where it holds no fields.
        bounds: How much it may hold.

    Raises:
        ConfigurationError: As `read_plain_yaml`.
    """
    if len(content) > bounds.n_bytes:
        raise ConfigurationError(f"{where}: cannot be read: it is larger than {bounds.n_bytes:,} bytes.")
    fields = _Builder(where, bounds).build(_text(content, where))
    if not isinstance(fields, dict):
        raise ConfigurationError(f"{where}: needed are {needed}, and not {shortened(repr(fields))}.")
    return fields


def shortened(text: str) -> str:
    """What a message says of a file's content, which may be as long as the file."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} ..."


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


@dataclass
class _Open:
    """A list or mapping whose end has not come yet.

    Attributes:
        container: What is built.
        anchor: The name by which it may be repeated.
        before: Items and characters that were read before it.
        key: In a mapping, the name that waits for its value.
    """

    container: list[Any] | dict[str, Any]
    anchor: str | None
    before: tuple[int, int]
    key: str | None = None

    def put(self, value: Any) -> None:
        """Add an item, or the value that a name waits for."""
        if isinstance(self.container, list):
            self.container.append(value)
        elif self.key is not None:
            self.container[self.key] = value
            self.key = None


class _Builder:
    """Builds plain Python values from the events of a YAML parser, without recursion."""

    def __init__(self, where: str, bounds: Bounds) -> None:
        self.where, self.bounds = where, bounds
        self.n_items = self.n_characters = 0
        # From the outermost to the innermost.
        self.opened: list[_Open] = []
        # Name -> value, and the items and characters that it adds wherever it is repeated.
        self.anchored: dict[str, tuple[Any, int, int]] = {}

    def build(self, text: str) -> Any:
        loader = None
        try:
            loader = _Loader(text)
            return self._document(loader)
        except yaml.MarkedYAMLError as error:
            raise self._wrong(error.problem or "it cannot be read", error.problem_mark) from error
        except yaml.YAMLError as error:
            raise self._wrong(shortened(" ".join(str(error).split())), None) from error
        finally:
            if loader is not None:
                loader.dispose()

    def _document(self, loader: Any) -> Any:
        """The value of the only document; None where there is none."""
        result: Any = None
        n_documents = 0
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                n_documents += 1
                if n_documents > 1:
                    raise self._wrong("a second document begins, and a file holds one", event.start_mark)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.NodeEvent):
                is_outermost = not self.opened
                value = self._node(event)
                result = value if is_outermost else result
        return result

    def _node(self, event: Any) -> Any:
        """Build what an event begins, and put it where it belongs."""
        before = self.n_items, self.n_characters
        self._check(event)
        inner = self.opened[-1] if self.opened else None
        if inner and isinstance(inner.container, dict) and inner.key is None:
            inner.key = self._key(event, inner.container)
            return None
        value: Any
        if isinstance(event, yaml.CollectionStartEvent):
            value = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        else:
            value = self._repeated(event) if isinstance(event, yaml.AliasEvent) else self._scalar(event)
        if inner:
            inner.put(value)
        if isinstance(event, yaml.CollectionStartEvent):
            self.opened.append(_Open(value, event.anchor, before))
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            self._anchor(event.anchor, value, before)
        return value

    def _close(self) -> None:
        closed = self.opened.pop()
        if closed.anchor:
            self._anchor(closed.anchor, closed.container, closed.before)

    def _anchor(self, name: str, value: Any, before: tuple[int, int]) -> None:
        self.anchored[name] = (value, self.n_items - before[0], self.n_characters - before[1])

    def _repeated(self, event: Any) -> Any:
        """What stands behind an anchor; it counts as if it were written out."""
        if any(each.anchor for each in self.opened):
            # So that what is repeated cannot grow from one repetition to the next, in size or in depth.
            raise self._wrong("an alias (*) in what has an anchor (&) is not read", event.start_mark)
        if event.anchor not in self.anchored:
            raise self._wrong(f"nothing above has the anchor &{shortened(event.anchor)}", event.start_mark)
        value, n_items, n_characters = self.anchored[event.anchor]
        self._count(n_items - 1, n_characters, mark=event.start_mark)
        return value

    def _check(self, event: Any) -> None:
        mark = event.start_mark
        if not self.bounds.aliases and event.anchor is not None:
            raise self._wrong("anchors (&) and aliases (*) are not read: write the text out", mark)
        if isinstance(event, yaml.AliasEvent):
            self._count(1, 0, mark=mark)
            return
        if event.tag is not None:
            raise self._wrong(f"the tag {shortened(event.tag)!r} is not read: leave it out", mark)
        if isinstance(event, yaml.CollectionStartEvent) and len(self.opened) >= self.bounds.depth:
            raise self._wrong(f"it is nested more than {self.bounds.depth} levels deep", mark)
        self._count(1, len(event.value) if isinstance(event, yaml.ScalarEvent) else 0, mark=mark)

    def _count(self, n_items: int, n_characters: int, *, mark: Any) -> None:
        self.n_items += n_items
        self.n_characters += n_characters
        if self.n_items > self.bounds.n_items:
            raise self._wrong(f"it has more than {self.bounds.n_items:,} items", mark)
        if self.n_characters > self.bounds.n_bytes:
            raise self._wrong(f"its texts have more than {self.bounds.n_bytes:,} characters", mark)

    def _key(self, event: Any, container: dict[str, Any]) -> str:
        if not isinstance(event, yaml.ScalarEvent) or len(event.value) > self.bounds.n_key_characters:
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
            raise self._wrong(f"{shortened(event.value)!r} is no number", event.start_mark) from error
        if tag == f"{_TAG}bool":
            return _CONSTRUCTOR.construct_yaml_bool(node)
        return None if tag == f"{_TAG}null" else event.value

    def _wrong(self, problem: str, mark: Any) -> ConfigurationError:
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        return ConfigurationError(f"{self.where}: not valid YAML: {problem}{place}.")
