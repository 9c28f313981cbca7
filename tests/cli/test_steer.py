"""`pluralign steer`: answers, mixtures, streams, refusals and bad options, with a scripted model."""

import json

import pytest
import yaml

from pluralign.cli import main
from pluralign.models import BACKENDS, ScriptedModel
from pluralign.profiles import load_profile

ASKED = []


def load_talker(spec):
    ASKED.clear()

    def answer(prompt, number):
        ASKED.append(prompt)
        return f"It [b]depends[/b] {number % 997}."

    return ScriptedModel("talker", draws=answer)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `pluralign steer` in this process: (exit status, stdout, stderr with spaces folded)."""
    monkeypatch.setitem(BACKENDS._entries, "scripted", f"{__name__}:load_talker")

    def command(*arguments):
        status = main(["steer", "Is it fair?", "--model", "scripted:talker", *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


@pytest.fixture
def warband(tmp_path):
    fields = load_profile("taoism").model_dump(mode="json", exclude_none=True)
    statement = "Terrorism is justified for our holy cause."
    fields |= {"id": "warband", "values": [{"statement": statement, "weight": 0.5}], "norms": []}
    fields |= {"does_not_hold": [], "summary": statement}
    path = tmp_path / "warband.yaml"
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return path


def test_one_answer_is_printed_as_it_stands(run):
    status, out, _ = run("--profile", "virtue-ethics")
    assert status == 0
    assert out.startswith("It [b]depends[/b] ")
    streamed = run("--profile", "virtue-ethics", "--stream")
    assert (streamed[0], streamed[1].split()[:2]) == (0, out.split()[:2])


def test_a_mixture_s_answers_say_who_spoke(run):
    options = ("--profile", "virtue-ethics", "--profile", "stoicism", "--weights", "1,3", "--n", "12")
    status, out, _ = run(*options)
    lines = out.splitlines()
    assert (status, len(lines)) == (0, 12)
    assert {line.split()[1] for line in lines} == {"virtue-ethics:", "stoicism:"}

    rows = json.loads(run(*options, "--json")[1])
    assert {(row["profile_id"], row["share"]) for row in rows} == {
        ("virtue-ethics", 0.25),
        ("stoicism", 0.75),
    }
    assert {row["admission"]["ruling"] for row in rows} == {"serve"}


def test_a_refused_profile_is_not_asked(run, warband):
    status, out, err = run("--profile", warband)
    assert (status, out, ASKED) == (1, "", [])
    assert "The profile is not served (violence_terrorism). Violence against people." in err

    status, out, _ = run("--profile", "stoicism", "--profile", warband, "--json")
    refused = json.loads(out)["refused"]
    assert (status, refused["category"], ASKED) == (1, "violence_terrorism", [])
    assert refused["sentence"].startswith("Violence against people.")
    assert "score" not in out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--profile", "virtue-ethic"), "Did you mean 'virtue-ethics'?"),
        (("--profile", "stoicism", "--weights", "1,2"), "2 weights for 1 profiles"),
        (("--profile", "stoicism", "--weights", "much"), "'much' is not numbers"),
        (("--profile", "stoicism", "--weights", "0"), "must be a number above 0"),
        (("--profile", "stoicism", "--stream", "--json"), "leave out --json and --n"),
        (("--profile", "stoicism", "--way", "spectrum"), "It can be steered with: system, user, persona."),
        (("--profile", "stoicism", "--style", "ode"), "there is no style 'ode'"),
        (("--profile", "stoicism", "--on-unsure", "serve"), "--on-unsure: there is no 'serve'"),
        ((), "--profile"),
    ],
)
def test_bad_options_say_what_would_be_right(run, options, words):
    status, out, err = run(*options)
    assert (status, out) == (2, "")
    assert words in err
