import inspect
import json

import pytest

from pluralign.cli.app import main
from pluralign.cli.raters import run_raters
from pluralign.evaluation import rater_plan
from pluralign.evaluation.rater_plan import DEFAULT_STUDY, RaterSettings
from pluralign.evaluation.rater_results import FLAGS
from pluralign.models import ScriptedModel

REPLY = "- I like cats (always)\n- I like dogs too\n- I dislike politics"


@pytest.fixture
def ratings(tmp_path):
    """Eight people's ratings of ten jokes, as a file of one's own."""
    path = tmp_path / "ratings.jsonl"
    rows = [
        {
            "id": f"joke{index}",
            "text": f"Joke {index}: is it funny?",
            "options": [{"text": "Funny"}, {"text": "Not funny"}],
            "counts": {f"person={place}": [1, 0] if (place + index) % 3 else [0, 1] for place in range(8)},
        }
        for index in range(10)
    ]
    rows += [{"group": {"id": f"person={place}", "text": f"live in house {place}"}} for place in range(8)]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def scripted(monkeypatch):
    """Every model is a script that writes a profile and finds all options equally likely."""
    monkeypatch.setattr(
        rater_plan, "load_model", lambda name: ScriptedModel(name, draws=lambda text, number: REPLY)
    )


FEW = ["--raters", "0", "--fit", "4", "--held-out", "4", "--candidates", "3"]


def test_run_prints_estimates_and_what_they_say(ratings, scripted, tmp_path, capsys):
    out = tmp_path / "study"
    assert main(["raters", "run", ratings, "--model", "m", "--out", str(out), *FEW]) == 0
    printed = capsys.readouterr()
    assert "Usable information" in printed.out
    assert "not told apart from the decoder that is given nothing" in printed.out
    assert f"results: {out}" in " ".join(printed.err.split())
    assert (out / "report.html").exists()
    assert main(["raters", "run", ratings, "--model", "m", "--out", str(out), *FEW, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results == json.loads((out / "results.json").read_text())


def test_a_dry_run_asks_nothing(ratings, scripted, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["raters", "run", ratings, "--model", "m", "--encoder", "e", "--dry-run", *FEW]) == 0
    printed = capsys.readouterr().out
    assert "4 train and 4 test raters" in printed
    assert "8 profiles to be written by e" in printed
    assert "first prompt of the encoder" in printed
    assert "answers that one person gave" in printed
    assert not (tmp_path / "runs").exists()


def test_encode_prints_the_profiles(ratings, scripted, tmp_path, capsys):
    out = tmp_path / "profiles"
    arguments = [
        "raters",
        "encode",
        ratings,
        "--model",
        "m",
        "--out",
        str(out),
        "--raters",
        "3",
        "--fit",
        "4",
    ]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.out.count("- I like cats (always)") == 3
    assert "3 ok" in printed.err
    assert len((out / "encodings.jsonl").read_text().splitlines()) == 3


def test_what_is_wrong_is_said(ratings, scripted, tmp_path, capsys):
    assert main(["raters", "run", ratings, "--model", "m", "--fit", "1"]) == 2
    assert "n_fit" in capsys.readouterr().err
    assert main(["raters", "run", ratings, "--model", "m", "--calibration", "platt"]) == 2
    assert "calibration" in capsys.readouterr().err
    assert main(["raters", "run", ratings, "--model", "m", "--fit", "40"]) == 2
    assert "none with 42 ratings or more; the most have 10" in " ".join(capsys.readouterr().err.split())


def test_a_model_that_cannot_write_is_refused(ratings, capsys):
    assert main(["raters", "run", ratings, "--model", "scripted:uniform"]) == 2
    assert "--encoder" in capsys.readouterr().err


def test_an_encoder_that_writes_nothing_readable_is_a_failure(ratings, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rater_plan, "load_model", lambda name: ScriptedModel(name, draws=lambda *_: "Funny"))
    assert main(["raters", "run", ratings, "--model", "m", "--out", str(tmp_path / "o"), *FEW]) == 1
    assert "readable profile for 0 of 8 raters" in capsys.readouterr().out


def test_the_command_line_s_defaults_are_the_study_s():
    options = inspect.signature(run_raters).parameters
    names = {flag: flag.removeprefix("--").replace("-", "_") for flag in FLAGS}
    for flag, setting in FLAGS.items():
        assert (options[names[flag]].default or None) == (getattr(DEFAULT_STUDY, setting) or None), flag
    assert {*FLAGS.values(), "data"} == set(RaterSettings.model_fields)
