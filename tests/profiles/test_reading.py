"""Reading files that anybody may have written: every one is a profile or one sentence that names file and place."""

import time

import pytest
import yaml

from pluralign.errors import ConfigurationError
from pluralign.profiles import list_profiles, load_profile
from pluralign.profiles.library import profile_yaml
from pluralign.profiles.reading import parse_profile, read_profile_file

BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def swapped(content, old, new):
    changed = content.replace(old, new)
    assert changed != content
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: BOMB + text, r"anchors \(&\) and aliases \(\*\) are not read.* \(line 1, column 4\)"),
        (lambda text: swapped(text, "I speak calmly.", "*x"), r"anchors .* \(line 13, column 5\)"),
        (lambda text: swapped(text, "norms:", "<<: {id: x}\nnorms:"), r"merge keys \(<<\) are not read"),
        (
            lambda text: swapped(text, "id: guild", "id: !!python/object/apply:os.system [ls]"),
            r"the tag 'tag:yaml\.org,2002:python/object/apply:os\.system' is not read.* \(line 2, column 5\)",
        ),
        (lambda text: swapped(text, "0.9", "!!float 0.9"), "the tag .* is not read"),
        (lambda text: swapped(text, "I speak calmly.", "[" * 5000), "nested more than 8 levels deep"),
        (lambda text: text + "norms: [" + "a, " * 2000 + "]\n", "norms: stands twice"),
        (lambda text: text + "more: [" + "a, " * 2000 + "]\n", "more than 1,000 items"),
        (lambda text: text + "---\nid: other\n", "a second document begins"),
        (lambda text: text + "x" * 70 + ": 1\n", "a field's name is needed here"),
        (lambda text: text + "? [a]\n: 1\n", "a field's name is needed here"),
        (lambda text: swapped(text, "0.9", ".nan"), r"values\.0\.weight: .*finite number"),
        (lambda text: swapped(text, "0.9", "-.inf"), r"values\.0\.weight: .*finite number"),
        (lambda text: swapped(text, "0.9", "0b_"), r"'0b_' is no number \(line \d+, column 13\)"),
        (lambda text: swapped(text, "0.9", "9" * 5000), "is no number"),
        (lambda text: swapped(text, "norms:", "norms: ]"), r"not valid YAML: .* \(line \d+, column \d+\)"),
        (lambda text: swapped(text, "calmly", "\x07"), "not valid YAML: .*(control|special) characters are not allowed"),
        (lambda text: "", "needed are a profile's fields, .* and not None"),
        (lambda text: "just a text", "needed are a profile's fields, .* and not 'just a text'"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_in_one_sentence(tmp_path, guild, change, message):
    path = tmp_path / "guild.yaml"
    path.write_text(change(profile_yaml(guild())), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"guild\.yaml: .*{message}") as caught:
        read_profile_file(path)
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id: x".encode("utf-16"), "it is written in UTF-16; save it as UTF-8"),
        (b"#" * 1_000_001, "larger than 1,000,000 bytes"),
        (b"- " * 400_000, "nested more than 8 levels deep"),
        (b"a: " + b"x" * 900_000, "title: Field required"),
    ],
)
def test_no_file_crashes_or_hangs_the_reader(tmp_path, content, message):
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    began = time.process_time()
    with pytest.raises(ConfigurationError, match=rf"any\.yaml: .*(?:{message})"):
        load_profile(path)
    assert time.process_time() - began < 3


def test_what_is_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_profile_file(path)


def test_a_byte_order_mark_and_windows_lines_are_read(guild):
    content = b"\xef\xbb\xbf" + profile_yaml(guild()).replace("\n", "\r\n").encode()
    assert parse_profile(content, where="guild.yaml") == guild()


def test_the_builder_reads_what_a_plain_reader_reads(guild):
    for path in [*list_profiles().values()][::10]:
        content = path.read_bytes()
        plain = type(guild()).model_validate(yaml.safe_load(content))
        assert parse_profile(content, where=str(path)) == plain


def test_a_date_stays_text(guild):
    content = profile_yaml(guild()).replace("A guild", "2026-01-01").encode()
    assert parse_profile(content, where="guild.yaml").title == "2026-01-01"
