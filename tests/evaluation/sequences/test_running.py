"""A run of sequences: its folder, going on after a stop, summing up again, comparing."""

import json

import pytest

from pluralign.errors import ConfigurationError, InterruptedRunError, StorageError
from pluralign.evaluation.sequences import (
    compare_sequences_runs,
    evaluate_sequences,
    is_sequences,
    load_sequences_run,
    resume_sequences,
    sequences_comparison_report,
)
from pluralign.evaluation.spec import load_closed_spec, load_overton_spec, load_repeated_spec
from pluralign.records import SequenceScore, read_jsonl
from pluralign.runs import read_json


def rows_of(folder):
    return list(read_jsonl(folder / "scores.jsonl", SequenceScore))


def test_a_run_leaves_its_folder(evaluated, tmp_path):
    run = evaluated(tmp_path / "run")
    assert run.complete
    assert is_sequences(run.folder)
    assert {path.name for path in run.folder.iterdir()} == {
        "cells.jsonl",
        "config.json",
        "report.html",
        "results.json",
        "run.json",
        "scores.jsonl",
        "sequences.json",
    }
    results = read_json(run.folder / "results.json")
    assert results["status"] == "complete"
    assert results["layout"] == "colon"
    assert results["rows"] == {"ok": 5}
    assert results["sequences"]["n_examples"] == 2
    assert results["primary"] == "loss_geq_1"
    assert sum(each["n"] for each in results["reliability"]) > 0
    assert results["n_tokens"] == sum(row.n_tokens for row in rows_of(run.folder))


def test_the_page_shows_the_scores_and_no_prompts(evaluated, tmp_path):
    page = (evaluated(tmp_path / "run").folder / "report.html").read_text(encoding="utf-8")
    assert "Loss after the first output" in page
    assert "5 sequences of 2 examples" in page
    assert "0 prompts" not in page


def test_a_stopped_run_goes_on(evaluated, tmp_path, monkeypatch, model):
    from pluralign.evaluation.sequences import running

    whole = evaluated(tmp_path / "whole")
    score, calls = running.score_sequences, []

    def interrupted(*args, **options):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return score(*args, **options)

    monkeypatch.setattr(running, "score_sequences", interrupted)
    with pytest.raises(InterruptedRunError, match="4 of 5"):
        evaluated(tmp_path / "run")
    assert read_json(tmp_path / "run" / "run.json")["status"] == "interrupted"
    kept = rows_of(tmp_path / "run")
    assert len(kept) == 4
    monkeypatch.setattr("pluralign.evaluation.sequences.planning.load_model", lambda name: model)
    resumed = resume_sequences(tmp_path / "run")
    assert len(calls) == 3
    assert rows_of(resumed.folder)[:4] == kept
    assert rows_of(resumed.folder) == rows_of(whole.folder)
    assert resumed.scores.estimates == whole.scores.estimates


def test_a_run_is_summed_up_again_without_a_model(evaluated, tmp_path, monkeypatch):
    run = evaluated(tmp_path / "run")
    monkeypatch.setattr("pluralign.evaluation.sequences.planning.load_model", None)
    loaded = load_sequences_run(run.folder)
    assert loaded.scores.estimates == run.scores.estimates
    assert loaded.label == run.label == f"{run.scored.model_id}, layout colon"


def test_a_folder_without_scores(evaluated, tmp_path):
    run = evaluated(tmp_path / "run")
    (run.folder / "scores.jsonl").unlink()
    with pytest.raises(StorageError, match="holds no scores yet"):
        load_sequences_run(run.folder)


def test_the_command_runs_it_again(evaluated, tmp_path):
    run = evaluated(tmp_path / "run", sequences=3, bfloat16=True, seed=4)
    assert run.command.startswith("pluralign eval run sequences/mine --model path:tiny@")
    assert run.command.endswith("--sequences 3 --layout colon --bfloat16 --seed 4")
    assert run.label.endswith("layout colon, bfloat16")


def test_layouts_are_compared_on_the_same_sequences(evaluated, tmp_path):
    first, second = (evaluated(tmp_path / name, layout=name) for name in ("chat_simple", "colon"))
    found = {each.name: each for each in compare_sequences_runs(first, second)}
    difference = first.scores.estimate("loss_geq_1").value - second.scores.estimate("loss_geq_1").value
    assert found["loss_geq_1"].difference == pytest.approx(difference)
    assert found["loss_geq_1"].n_questions == 5
    assert len(sequences_comparison_report(first, second).sections[0].series) == 2


def test_other_sequences_are_not_compared(evaluated, tmp_path):
    first, second = (evaluated(tmp_path / str(seed), seed=seed) for seed in (0, 1))
    with pytest.raises(ConfigurationError, match="read different sequences"):
        compare_sequences_runs(first, second)


def test_sequences_that_are_too_long_make_a_run_incomplete(evaluated, tmp_path):
    run = evaluated(tmp_path / "run", max_words=600)
    assert not run.complete
    assert run.scores.n_unscored == {"error": 5}
    assert "reads at most 512" in rows_of(run.folder)[0].error
    assert json.loads((run.folder / "results.json").read_text())["status"] == "incomplete"


def test_rows_of_ones_own(built, model, tmp_path):
    from pluralign.evaluation.sequences import SequencesSettings

    settings = SequencesSettings(data={"path": str(built)}, max_words=60)
    run = evaluate_sequences("sequences/own-rows", model=model, settings=settings, out=tmp_path / "run")
    assert run.complete
    assert run.scores.estimate("loss_geq_1").value > 0


def test_what_asks_something_is_another_kind(spec):
    for load in (load_closed_spec, load_overton_spec, load_repeated_spec):
        with pytest.raises(ConfigurationError, match="sequences"):
            load(spec)
