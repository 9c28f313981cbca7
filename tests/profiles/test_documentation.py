"""docs/profiles.md: its example, code, numbers and table are what the library says."""

import re
import runpy
from pathlib import Path

import pytest

from pluralign.profiles import (
    Style,
    check_profile,
    estimate_tokens,
    list_profiles,
    load_profile,
    system_prompt,
)
from pluralign.profiles.checking import MAX_CHARACTERS, N_VALUES, SAME_WORDS

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "profiles.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The example profile as a file in the current folder."""
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("yaml")
    path = tmp_path / "village-beekeepers.yaml"
    path.write_text(text, encoding="utf-8")
    return load_profile(path)


def test_the_example_is_a_good_profile(example):
    assert check_profile(example, library={}) == ()


def test_the_prompt_shown_is_the_one_rendered(example):
    (shown,) = blocks("text")
    assert re.sub(r"[0-9a-f]{12}(?= ===)", "CODE", system_prompt(example)) == shown.rstrip("\n")


@pytest.mark.parametrize("block", blocks("python"))
def test_the_code_runs(example, block):
    names = {}
    exec(compile(block, "profiles.md", "exec"), names)
    if "rendered" in names:
        assert names["rendered"].dropped  # the example's budget leaves something out


def test_the_numbers_are_those_of_the_code():
    assert f"{N_VALUES[0]} to {N_VALUES[-1]} values" in PAGE
    assert f"at most {MAX_CHARACTERS:,} characters" in PAGE
    assert SAME_WORDS == 0.8
    assert "four fifths" in PAGE
    for style in Style:
        assert f"| `{style.value}`" in PAGE


def test_the_estimate_is_as_far_off_as_the_page_says(embedded_tokenizer):
    english = [p for p in map(load_profile, list_profiles()) if p.language == "en"]
    texts = [system_prompt(profile, style=style) for profile in english for style in Style]
    ratios = [estimate_tokens(text) / embedded_tokenizer(text) for text in texts]
    assert min(ratios) >= 1.4
    assert max(ratios) <= 1.7


def test_every_command_on_the_page_exists():
    from typer.testing import CliRunner

    from pluralign.cli.app import app

    commands = set(re.findall(r"`pluralign profile ([a-z]+)", PAGE))
    assert commands == {"ls", "show", "new", "schema", "check", "render"}
    for command in commands:
        assert CliRunner().invoke(app, ["profile", command, "--help"]).exit_code == 0


def test_the_table_is_what_the_library_holds():
    script = runpy.run_path(str(CHECKOUT / "scripts" / "profile_table.py"))
    assert script["filled"](PAGE) == PAGE, "run: python scripts/profile_table.py"
    with pytest.raises(SystemExit, match="the marks"):
        script["filled"]("no marks")
