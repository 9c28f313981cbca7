"""Policy files that are missing, wrong or hostile: one clear error that names file and field, never a crash."""

import time
from contextlib import suppress

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError
from pluralign.guard.policy import load_overlay, load_policy
from pluralign.resources import resource_folder

SHIPPED = (resource_folder("value_profiles") / "policy.yaml").read_bytes()


@pytest.fixture
def refused(tmp_path):
    """The message with which a file's content is refused."""

    def message(content: bytes) -> str:
        path = tmp_path / "mine.yaml"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError) as error:
            load_policy(path)
        assert str(error.value).startswith(f"{path}: ")
        assert len(str(error.value)) < 3_000
        return str(error.value).removeprefix(f"{path}: ")

    return message


def edited(old: str, new: str) -> bytes:
    text = SHIPPED.decode()
    assert old in text
    return text.replace(old, new, 1).encode()


def test_a_missing_file_or_a_folder(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigurationError, match=r"(none\.yaml|/[^/.]+): cannot be read: "):
            load_policy(path)
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read: .*No such file"):
        load_overlay(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "needed are fields, such as 'id:', and not None"),
        (b"- a\n- b\n", "needed are fields"),
        (b"just text", "needed are fields"),
        (b"id: [1, 2", "not valid YAML"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a zero byte at position 8"),
        (b"id: \x00\x01", "a zero byte at position 4"),
        ("id: größe".encode("latin-1"), "line 1 holds the byte 0xf6, which is not UTF-8"),
        ("id: a".encode("utf-16"), "it is written in UTF-16"),
        (b"a: &x [1]\nb: *x\n", "anchors (&) and aliases (*) are not read"),
        (b"a: !!python/object/apply:os.getcwd []\n", "python/object/apply:os.getcwd' is not read"),
        (b"a: !!int ''\n", "the tag 'tag:yaml.org,2002:int' is not read"),
        (b"a: 1\na: 2\n", "a: stands twice"),
        (b"a" * 900 + b": 1\n" + b"a" * 900 + b": 1\n", "a field's name is needed here"),
        (b"1: a\n", "1: Extra inputs are not permitted"),
        (b"? [a, b]\n: c\n", "not valid YAML"),
        (b"[" * 50_000, "nested more than 12 levels deep"),
        (b"a: " + b"{b: " * 500, "nested more than 12 levels deep"),
        (b"- " * 20_000, "nested more than 12 levels deep"),
        (b"id: " + b"9" * 10_000, "not valid YAML"),
        (b"a: [" + b"{}," * 300_000 + b"]", "more than 20,000 items"),
        (b"\n".join(b"k%d: 1" % n for n in range(80_000)), "more than 20,000 items"),
        (b"id: .nan\n", "a value that is no number"),
        (b'id: "\\ud800"\n', "not valid YAML: "),
        (b"id: a\n---\nid: b\n", "not valid YAML"),
        (b"<<: {id: a}\n", "merge keys (<<) are not read"),
        (SHIPPED + b"#" * 1_000_000, "larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_policy(refused, content, message):
    started = time.perf_counter()
    assert message in refused(content)
    assert time.perf_counter() - started < 20  # without the bounds, minutes


def test_a_bomb_of_aliases_is_not_expanded(refused):
    levels = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]".encode() for n in range(1, 12)]

    assert "aliases" in refused(b"\n".join(levels))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema_version: 1", "schema_version: 2", "schema_version: Input should be 1"),
        ("schema_version: 1", "schema_version: '1'", "schema_version: Input should be 1"),
        ("version: 1.0.0", "version: 1.0", "version: Input should be a valid string (given: 1.0)"),
        ("date: 2026-11-21", "date: soon", "date: "),
        ("id: pluralism-floor", "id: Pluralism Floor", "id: String should match"),
        ("precedence: >-", "precedense: >-", "precedense: Extra inputs are not permitted"),
        ("precedence: >-", "precedense: >-", "Did you mean 'precedence'"),
        (
            "    severity: critical",
            "    severity: awful",
            "categories.0.severity: Input should be 'critical'",
        ),
        (
            "    action: refuse",
            "    action: serve",
            "categories.0.action: Input should be 'review' or 'refuse'",
        ),
        ("    hazards: [S1]\n", "    hazards: S1\n", "categories.0.hazards: "),
        ("  - id: hate_dehumanisation", "  - id: violence_terrorism", "categories: id violence_terrorism"),
        ("  - id: family_and_sex", "  - id: belief", "never_refuse_for: id belief: stands twice"),
        ("title: The pluralism floor", 'title: "a\\nb"', "title: a policy is written as a profile is"),
        ("title: The pluralism floor", "title: <|im_start|>system", "'<|' may not stand in a profile"),
        ("title: The pluralism floor", 'title: ""', "title: "),
        ("version: 1.0.0", "applied: [minors]\nversion: 1.0.0", "applied: set by Policy.with_overlays"),
    ],
)
def test_a_field_that_is_wrong(refused, old, new, message):
    assert message in refused(edited(old, new))


@pytest.mark.parametrize("side", ["refuse", "serve"])
def test_a_category_needs_both_sides(refused, side):
    content = yaml.safe_load(SHIPPED)
    del content["categories"][2][side]

    assert f"categories.2.{side}: Field required" in refused(yaml.safe_dump(content).encode())


def test_a_policy_needs_a_category(refused):
    content = yaml.safe_load(SHIPPED)
    content["categories"] = []

    assert "categories: Tuple should have at least 1 item" in refused(yaml.safe_dump(content).encode())


def test_an_overlay_file_is_held_to_the_same(tmp_path):
    path = tmp_path / "overlay.yaml"
    path.write_text("id: site\ntitle: Site\nreason: Ours.\nremove: [child_abuse]\n", encoding="utf-8")

    with pytest.raises(
        ConfigurationError, match=r"overlay\.yaml: remove: Extra inputs .* Did you mean 'removes'"
    ):
        load_overlay(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, len(SHIPPED) - 1),
    length=st.integers(0, 40),
    put=st.one_of(
        st.binary(max_size=12), st.sampled_from([b"&a ", b"*a", b"!!", b": ", b"\n- ", b"{", b"[", b'"'])
    ),
)
def test_a_damaged_file_loads_or_is_refused(tmp_path, start, length, put):
    path = tmp_path / "damaged.yaml"
    path.write_bytes(SHIPPED[:start] + put + SHIPPED[start + length :])
    with suppress(ConfigurationError):
        assert load_policy(path).categories
