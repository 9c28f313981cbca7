"""`pluralign eval` on sequences/: options, plan, results, comparison, with a tiny model."""

import json
import shutil

import pytest

from pluralign.cli import main

SMALL = ["--sequences", "3", "--max-words", "200"]


@pytest.fixture
def run(tiny_folder, tmp_path, capsys):
    folder = tmp_path / "model"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # Its tokens are letters, so that the sequences are long.
    longer = json.dumps(config | {"max_position_embeddings": 2048})
    (folder / "config.json").write_text(longer, encoding="utf-8")

    def start(name, *options, code=0):
        words = ["eval", "run", "sequences/flight", "--model", str(folder), *SMALL, *options]
        assert main([*words, "--out", str(tmp_path / name)]) == code
        return tmp_path / name, *capsys.readouterr()

    return start


def test_a_run_prints_its_table_and_where_it_lies(run):
    _, out, err = run("run", "--layout", "colon")
    assert "Loss after the first output" in out
    assert "Expected calibration error" in out
    assert "token probability" not in out
    assert "not scored: none of 3 sequences" in err
    assert "report.html" in err


def test_every_shows_the_reliability_table(run):
    _, out, _ = run("run", "--every")
    assert "token probability" in out


def test_the_plan_shows_the_first_sequence_as_the_model_reads_it(run, tmp_path):
    _, out, _ = run("run", "--dry-run", "--layout", "colon")
    assert "3 of 200 sequences with 2 examples" in out.replace("\n", " ")
    assert "Description: " in out
    assert "\nOutput: " in out
    assert not (tmp_path / "run").exists()


def test_results_as_json_and_shown_again(run, capsys):
    folder, out, _ = run("run", "--json")
    results = json.loads(out)
    assert results["layout"] == "chat"
    assert main(["eval", "show", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["estimates"] == results["estimates"]


def test_layouts_are_compared(run, capsys, tmp_path):
    first, *_ = run("chat")
    second, *_ = run("colon", "--layout", "colon")
    assert main(["compare", str(first), str(second), "--out", str(tmp_path / "page.html")]) == 0
    assert "Loss after the first output" in capsys.readouterr().out
    assert "layout colon" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_finished_run_is_resumed_without_work(run, capsys):
    folder, *_ = run("run")
    assert main(["eval", "resume", str(folder)]) == 0
    assert "Loss after the first output" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "3"], "--limit: nothing is asked"),
        (["--draws", "3"], "--draws: nothing is asked"),
        (["--top-p", "0.5"], "--top-p: nothing is asked"),
        (["--layout", "spectrum"], "needs a model with 'spectrum_prompt'"),
        (["--data", "folder=x"], "--data path=FOLDER is all that it takes"),
        (["--seed", "-1"], "seed"),
    ],
)
def test_options_that_mean_nothing_are_refused(run, options, message):
    _, _, err = run("run", *options, code=2)
    assert message in err.replace("\n", " ")


def test_its_options_mean_nothing_elsewhere(capsys):
    assert main(["eval", "run", "distributional/urn", "--model", "scripted:uniform", "--layout", "chat"]) == 2
    assert "--layout" in capsys.readouterr().err


def test_what_is_read_is_shown(capsys):
    assert main(["eval", "show", "sequences/polis-votes"]) == 0
    assert "polis_vote_held_out of the spectrum suite" in capsys.readouterr().out
    assert main(["eval", "show", "sequences/own-rows"]) == 0
    assert "your own" in capsys.readouterr().out


def test_a_run_of_sequences_is_not_scored_as_answers(run, capsys):
    folder, *_ = run("run")
    assert main(["eval", "score", str(folder)]) == 2
    assert "is a run of sequences" in capsys.readouterr().err.replace("\n", " ")
