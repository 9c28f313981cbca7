"""Responses scored again, by another judge, from a file, without the data; and runs compared."""

import os

import pytest

from pluralign.errors import (
    ConfigurationError,
    DataError,
    StorageError,
)
from pluralign.evaluation.overton import (
    compare_overton_runs,
    load_overton_run,
    resume_overton,
    score_responses,
)


def test_rescoring_equals_running(tmp_path, spec, by_words, evaluated):
    run = evaluated(spec, tmp_path / "run")
    judge = by_words()
    again = load_overton_run(run.folder, judge=judge)
    assert again.scores == run.scores
    assert judge.asked == []
    other = by_words("stricter")
    other.threshold = 0.95
    rescored = load_overton_run(run.folder, judge=other)
    assert rescored.scores.estimate("coverage").value == 0
    assert rescored.judge.id == "stricter"
    assert set(other.asked) >= {pair for pair in other.asked if pair.hypothesis == "shut it"}
    from_file = score_responses(run.folder / "responses.jsonl", spec=spec, judge=by_words())
    assert from_file.scores == run.scores


def test_a_run_is_scored_without_its_data(tmp_path, spec, by_words, evaluated):
    run = evaluated(spec, tmp_path / "run")
    os.remove(spec.windows.arguments["path"])
    assert load_overton_run(run.folder, judge=by_words()).scores == run.scores
    with pytest.raises((ConfigurationError, DataError), match=r"windows\.yaml"):
        evaluated(spec, tmp_path / "again")


def test_a_synthesis_presents_more_and_is_compared_at_equal_length(
    tmp_path, spec, talker, evaluated, rows_of
):
    plain = evaluated(spec, tmp_path / "plain", limit=1)
    model = talker()
    made = evaluated(
        spec, tmp_path / "made", model=model, limit=1, way="synthesis", profiles=["kantian-ethics", "taoism"]
    )
    assert {row.way for row in rows_of(made.folder)} == {"synthesis"}
    assert made.scores.estimate("coverage").value == 1
    lengths = {params.max_new_tokens for *_, params in model.calls}
    assert lengths == {200, 400}
    comparisons, readings = compare_overton_runs(made, plain)
    named = {comparison.name: comparison for comparison in comparisons}
    expected = 1 - plain.scores.estimate("coverage").value
    assert named["coverage"].difference == pytest.approx(expected)
    assert {"coverage_at_equal_length", "response_tokens"} <= set(named)
    assert named["coverage"].first == "talker, synthesis"
    assert any("talker, synthesis" in reading for reading in readings)


def test_runs_of_other_windows_or_judges_are_not_compared(tmp_path, spec, by_words, evaluated):
    one, other = evaluated(spec, tmp_path / "one"), evaluated(spec, tmp_path / "other", limit=1)
    with pytest.raises(
        ConfigurationError, match=r"did not ask the same: parks \(2 windows\) and parks \(1\)"
    ):
        compare_overton_runs(one, other)
    second = evaluated(spec, tmp_path / "second", judge=by_words("second"))
    with pytest.raises(ConfigurationError, match=r"judged by by-words, .* by second: name one judge"):
        compare_overton_runs(one, second)


def test_the_published_preset_stands_first_and_ours_behind_it(tmp_path, spec, by_words, evaluated):
    run = evaluated(spec, tmp_path / "run", preset="modular_pluralism")
    names = [estimate.name for estimate in run.scores.estimates]
    assert names[0] == run.scores.primary == "modular_pluralism.accuracy_at_033"
    assert "coverage" in names
    corrected = load_overton_run(run.folder, judge=by_words(), preset="modular_pluralism_corrected")
    assert corrected.scores.primary == "modular_pluralism_corrected.coverage"


def test_responses_of_two_ways_in_one_file_are_refused(tmp_path, spec, by_words, evaluated):
    plain = evaluated(spec, tmp_path / "plain", limit=1)
    made = evaluated(spec, tmp_path / "made", limit=1, way="synthesis", samples=2)
    both = tmp_path / "both.jsonl"
    both.write_bytes(b"".join((run.folder / "responses.jsonl").read_bytes() for run in (plain, made)))
    with pytest.raises(DataError, match=r"both\.jsonl: holds responses of .*plain and of .*synthesis"):
        score_responses(both, spec=spec, judge=by_words())


def test_a_folder_without_responses(tmp_path, spec, by_words, evaluated):
    with pytest.raises(StorageError, match=r"config\.json: cannot be read"):
        resume_overton(tmp_path)
    run = evaluated(spec, tmp_path / "run")
    os.remove(run.folder / "responses.jsonl")
    with pytest.raises(StorageError, match="holds no responses yet"):
        load_overton_run(run.folder, judge=by_words())
