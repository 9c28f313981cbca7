import json
import subprocess
import sys

import pytest
import yaml

from pluralign.cli import main
from pluralign.profiles import list_profiles

GUILD = """\
id: guild
title: "A [bold]guild[/bold]"
summary: Keeps bees for the village.
values:
  - {statement: "I keep bees :bee: healthy, [b]always[/b].", weight: 0.9}
  - {statement: I share what I know., hedge: as a rule}
  - {statement: I sell honey at a fair price., weight: 0.4}
norms: [I speak calmly.]
does_not_hold: [I want the largest harvest at any cost.]
provenance: {kind: curated, sources: ["A. Author, On Bees, 1901"], licence: CC0-1.0}
"""


@pytest.fixture
def run(capsys):
    """Run the command line in this process: (exit status, stdout, stderr with spaces folded)."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


@pytest.fixture
def guild(tmp_path):
    path = tmp_path / "guild.yaml"
    path.write_text(GUILD, encoding="utf-8")
    return path


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A library of two families, in place of the shipped one."""
    folder = tmp_path / "shipped"
    for family, id, contrast in (("community", "bees", "mines"), ("professional", "mines", "bees")):
        (folder / family).mkdir(parents=True)
        text = GUILD.replace("id: guild", f"id: {id}\ncontrast: {contrast}")
        (folder / family / f"{id}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr("pluralign.profiles.library.resource_folder", lambda name: folder)
    return folder


def test_ls(run, shipped):
    status, out, err = run("profile", "ls")
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert [row[:2] for row in rows] == [
        ["profile", "family"],
        ["bees", "community"],
        ["mines", "professional"],
    ]
    assert [row[-1] for row in rows] == ["contrast", "mines", "bees"]
    status, out, _ = run("profile", "ls", "--family", "community", "--json")
    assert json.loads(out) == [
        {
            "id": "bees",
            "family": "community",
            "title": "A [bold]guild[/bold]",
            "contrast": "mines",
            "summary": "Keeps bees for the village.",
        }
    ]
    status, _, err = run("profile", "ls", "--family", "comunity")
    assert status == 2
    assert "unknown family 'comunity'. Did you mean 'community'?" in err


def test_ls_of_the_shipped_profiles(run):
    status, out, _ = run("profile", "ls", "--json")
    assert status == 0
    assert {profile["id"] for profile in json.loads(out)} == set(list_profiles())


def test_show(run, guild):
    status, out, _ = run("profile", "show", guild)
    assert status == 0
    assert yaml.safe_load(out)["values"][0] == {
        "statement": "I keep bees :bee: healthy, [b]always[/b].",
        "weight": 0.9,
    }
    status, out, _ = run("profile", "show", guild, "--json")
    assert json.loads(out)["title"] == "A [bold]guild[/bold]"


def test_render(run, guild):
    status, out, err = run("profile", "render", guild)
    assert status == 0
    assert "- I keep bees :bee: healthy, [b]always[/b]. (very important)\n" in out
    assert "tokens, by an estimate that errs on the long side" in err
    status, out, err = run("profile", "render", guild, "--max-tokens", "280", "--style", "portrait")
    assert status == 0
    assert "harvest" not in out
    assert "left out: I want the largest harvest at any cost." in err
    status, out, err = run("profile", "render", guild, "--max-tokens", "280", "--style", "portrait", "--json")
    rendered = json.loads(out)
    assert rendered["dropped"][0] == "I want the largest harvest at any cost."
    assert rendered["n_tokens"] <= 280
    assert rendered["counted_with"] is None


def test_render_counts_with_a_tokenizer(run, guild, tiny_folder, chatml_tokenizer):
    guild.write_text(GUILD.replace(":bee: ", ""), encoding="utf-8")
    status, out, _ = run("profile", "render", guild, "--model", tiny_folder, "--json")
    assert status == 0
    rendered = json.loads(out)
    assert rendered["n_tokens"] == len(chatml_tokenizer(rendered["text"])["input_ids"])
    assert rendered["counted_with"] == str(tiny_folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "beez"), "Unknown profile 'beez', and no file. Did you mean 'bees'?"),
        (("show", "nothing.yaml"), "nothing.yaml: cannot be read"),
        (("render", "bees", "--style", "daat"), "there is no style 'daat'. Did you mean 'data'?"),
        (("render", "bees", "--max-tokens", "10"), "10 is too small for the profile 'bees'"),
        (("render", "bees", "--model", "embeded"), "There is no model folder embeded."),
        (("diff", "bees", "mine"), "Did you mean 'mines'?"),
        (("new", "bees", "--title", "x"), "id: 'bees' is a shipped profile"),
        (("new", "Bad Id", "--title", "x"), "id: String should match pattern"),
        (("new", "mine"), "Missing option '--title'"),
    ],
)
def test_mistakes(run, shipped, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run("profile", *arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_check(run, shipped, guild, tmp_path):
    status, out, err = run("profile", "check")
    assert (status, out) == (0, "")
    assert "2 profiles checked: 0 faults, 0 notes, 0 unreadable" in err
    guild.write_text(GUILD.replace("I speak calmly", "Speak calmly"), encoding="utf-8")
    status, out, err = run("profile", "check", guild, "bees")
    assert status == 1
    assert (
        out
        == 'guild: fault: norms.0: \'Speak calmly.\' is not in the first person: say it with "I" or "we"\n'
    )
    assert "2 profiles checked: 1 faults" in err
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: bad\n")
    status, out, err = run("profile", "check", guild, bad, "--json")
    assert status == 2
    assert "bad.yaml: title: Field required" in err
    found = json.loads(out)
    assert found["n_profiles"] == 2
    assert [finding["field"] for finding in found["findings"]] == ["norms.0"]
    assert list(found["unreadable"]) == [str(bad)]


def test_notes_alone_are_no_failure(run, shipped, guild):
    guild.write_text(GUILD.replace("kind: curated", "kind: inferred") + "contrast: bees\n", encoding="utf-8")
    status, out, err = run("profile", "check", guild)
    assert status == 0
    assert out == "guild: note: contrast: the contrast of 'bees' is 'mines', not 'guild'\n"
    assert "0 faults, 1 notes" in err


def test_new(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run("profile", "new", "my-guild", "--title", "Mine: ours")
    assert (status, out) == (0, "my-guild.yaml\n")
    assert "pluralign profile check my-guild.yaml" in err
    written = (tmp_path / "my-guild.yaml").read_bytes()
    status, _, err = run("profile", "check", "my-guild.yaml")
    assert status == 2
    assert "my-guild.yaml: not filled in yet: summary, values.0.statement" in err
    status, _, err = run("profile", "new", "other", "--title", "Other", "--out", "my-guild.yaml")
    assert status == 2
    assert "my-guild.yaml is there already and is not overwritten: give --out." in err
    assert (tmp_path / "my-guild.yaml").read_bytes() == written
    status, _, err = run("profile", "new", "other", "--title", "Other", "--out", "no/folder.yaml")
    assert status == 2
    assert "cannot be written" in err


def test_diff(run, guild, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(
        GUILD.replace("id: guild", "id: other").replace("0.4", "0.3").replace("I speak calmly", "I listen"),
        encoding="utf-8",
    )
    status, out, _ = run("profile", "diff", guild, other)
    assert status == 0
    assert out.splitlines() == [
        "id: guild -> other",
        "values: I sell honey at a fair price.: 0.4 -> 0.3",
        "- norms: I speak calmly.",
        "+ norms: I listen.",
    ]
    status, out, _ = run("profile", "diff", guild, other, "--json")
    assert json.loads(out)["strengths"] == [
        {"statement": "I sell honey at a fair price.", "first": 0.4, "second": 0.3}
    ]
    status, out, _ = run("profile", "diff", guild, guild)
    assert (status, out) == (0, "no difference\n")


def test_schema(run):
    status, out, _ = run("profile", "schema")
    assert status == 0
    assert json.loads(out)["title"] == "ValueProfile"


def test_importing_the_commands_loads_nothing_heavy():
    script = "import sys, pluralign.cli.profiles\nassert not {'torch', 'numpy', 'pydantic', 'yaml'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
