"""Reading files that anybody may have written: every one gives plain values or one sentence with file and place."""

import os
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError
from pluralign.plain_yaml import Bounds, parse_plain_yaml, read_plain_yaml
from pluralign.resources import resource_folder

ALIASES = Bounds(aliases=True)
MAX_BYTES = Bounds().n_bytes
BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PACKAGE = Path(__file__).parents[1] / "pluralign"
SHIPPED = [
    *resource_folder("value_profiles").rglob("*.yaml"),
    *resource_folder("evals").rglob("*.yaml"),
    *PACKAGE.rglob("*.yaml"),
]


def parsed(text: str, bounds: Bounds = Bounds()) -> dict:  # noqa: B008 - frozen
    return parse_plain_yaml(text.encode(), where="any.yaml", bounds=bounds)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_reads_as_with_a_plain_reader(path):
    assert read_plain_yaml(path, bounds=ALIASES) == dates_as_text(
        yaml.safe_load(path.read_text(encoding="utf-8"))
    )


def dates_as_text(value):
    if isinstance(value, dict):
        return {str(key): dates_as_text(part) for key, part in value.items()}
    if isinstance(value, list):
        return [dates_as_text(part) for part in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def test_values_are_plain():
    text = "a: 1\nb: 1.5\nc: yes\nd:\ne: 2026-01-01\nf: [x, {g: ~}]\n1: 'no'\nyes: no\nnull: .inf\nh: ''\n"
    assert parsed(text) == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": "2026-01-01", "f": ["x", {"g": None}], "1": "no",
        "yes": False, "null": float("inf"), "h": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "anchors (&) and aliases (*) are not read: write the text out (line 1, column 4)."),
        ("a: *b", "anchors (&) and aliases (*) are not read: write the text out (line 1, column 4)."),
        ("a: 1\nb: {<<: {c: 1}}", "merge keys (<<) are not read: write the fields out (line 2, column 5)."),
        ("a: !!python/object/apply:os.system [ls]", "the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not"),
        ("a: !!float 0.9", "the tag 'tag:yaml.org,2002:float' is not read: leave it out (line 1, column 4)."),
        ("a: " + "[" * 50, "it is nested more than 12 levels deep (line 1, column 15)."),
        ("a: [" + "x, " * 30_000 + "]", "it has more than 20,000 items (line 1, column "),
        ("a: 1\na: 2", "a: stands twice (line 2, column 1)."),
        ("a: {b: 1, b: 2}", "b: stands twice (line 1, column 11)."),
        ("a: 1\n---\nb: 2", "a second document begins, and a file holds one (line 2, column 1)."),
        ("k" * 201 + ": 1", "a field's name is needed here (line 1, column 1)."),
        ("? [a]\n: 1", "a field's name is needed here (line 1, column 3)."),
        ("a: 0b_", "'0b_' is no number (line 1, column 4)."),
        ("a: " + "9" * 5000, "is no number (line 1, column 4)."),
        ("a: ]", "(line 1, column 4)."),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_refused_with_its_place(text, message):
    with pytest.raises(
        ConfigurationError, match="^any.yaml: not valid YAML: .*" + re.escape(message)
    ) as caught:
        parsed(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("text", "given"), [("", "None"), ("- a", r"\['a'\]"), ("text", "'text'"), ("x" * 5000, "'xxx.* ...")]
)
def test_what_holds_no_fields(text, given):
    with pytest.raises(
        ConfigurationError, match=rf"^any.yaml: needed are fields, such as 'id:', and not {given}\.$"
    ):
        parsed(text)
    with pytest.raises(ConfigurationError, match=r"^any.yaml: needed are a plan's fields, and not "):
        parse_plain_yaml(text.encode(), where="any.yaml", needed="a plan's fields")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id: x".encode("utf-16"), "it is written in UTF-16; save it as UTF-8"),
        ("id: x".encode("utf-32"), "it is written in UTF-32"),
        ("id: x".encode("utf-16-le"), "a zero byte at position 1"),
        ("id: x\ntitle: Café".encode("latin-1"), "line 2 holds the byte 0xe9, which is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a zero byte at position 8"),
        (b"id: \x01", "(control|special) characters are not allowed"),
        (b"#" * (MAX_BYTES + 1), "it is larger than 1,000,000 bytes"),
        (b" " * 10_000_000, "it is larger than 1,000,000 bytes"),
        (b"a: [" * 200_000, "nested more than 12 levels deep"),
        (b"- " * 400_000, "nested more than 12 levels deep"),
        (b"? " * 400_000, "a field's name is needed here|nested more than"),
        (b"a: [" + b"{}," * 300_000 + b"]", "more than 20,000 items"),
        (b'"' + b"\\x41" * 200_000 + b'": 1', "mapping values are not allowed"),
    ],
)
def test_no_file_crashes_or_hangs_the_reader(tmp_path, content, message):
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    began = time.process_time()
    with pytest.raises(
        ConfigurationError, match=rf"any\.yaml: (cannot be read|not valid YAML): .*(?:{message})"
    ):
        read_plain_yaml(path)
    assert time.process_time() - began < 3


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for path in (tmp_path, tmp_path / "pipe.yaml", tmp_path / "zero.yaml"):
        with pytest.raises(
            ConfigurationError, match="cannot be read: it is a folder or a device, not a file"
        ):
            read_plain_yaml(path)
    for name in ("none.yaml", "x" * 5000 + ".yaml", "a\0.yaml"):
        with pytest.raises(ConfigurationError, match="cannot be read: "):
            read_plain_yaml(tmp_path / name)


def test_a_byte_order_mark_and_windows_lines_are_read():
    assert parse_plain_yaml(b"\xef\xbb\xbfa: |\r\n  b\r\n  c\r\n", where="x") == {"a": "b\nc\n"}


def test_aliases_where_they_are_allowed():
    text = "a: &a {b: [1, &c two]}\nd: *a\ne: [*c, *a]\nf: &a 3\ng: *a\n"
    first = {"b": [1, "two"]}
    assert parsed(text, ALIASES) == {"a": first, "d": first, "e": ["two", first], "f": 3, "g": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "an alias (*) in what has an anchor (&) is not read (line 2, column 8)."),
        ("a: &a [*a]", "an alias (*) in what has an anchor (&) is not read"),
        ("a: *b\nb: &b 1", "nothing above has the anchor &b (line 1, column 4)."),
        ("a: &a b\n*a : c", "a field's name is needed here (line 2, column 1)."),
        # 100 times what counts 1 + 300 is more than 20,000, and 101 times 10,000 characters more than a million.
        (f"a: &a [{'x, ' * 300}]\nb: [{'*a, ' * 100}]", "it has more than 20,000 items (line 2, column "),
        (
            f"a: &a {'x' * 10_000}\nb: [{'*a, ' * 100}]",
            "its texts have more than 1,000,000 characters (line 2,",
        ),
    ],
)
def test_aliases_cannot_make_a_file_grow(text, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        parsed(text, ALIASES)


def test_what_is_repeated_counts_each_time():
    text = "a: &a [x, y]\nb: [*a, *a]\n"  # the whole, 2 names, and 3 + 1 + 3 + 3 values
    assert parsed(text, Bounds(aliases=True, n_items=13))
    with pytest.raises(ConfigurationError, match="more than 12 items"):
        parsed(text, Bounds(aliases=True, n_items=12))


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200) | st.text(alphabet="ab:-?&*!|>'\"[]{}#%@`,~<= \n1.0", max_size=80).map(str.encode)
)
def test_any_bytes_give_fields_or_a_documented_error(content):
    for bounds in (Bounds(), ALIASES):
        try:
            assert isinstance(parse_plain_yaml(content, where="any.yaml", bounds=bounds), dict)
        except ConfigurationError as error:
            assert str(error).startswith("any.yaml: ")  # noqa: PT017 - either outcome is right
