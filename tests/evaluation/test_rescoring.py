"""Scores of recorded answers, and the comparison of two runs, with no model loaded."""

import json

import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.evaluation import Settings, compare_runs, comparison_report, evaluate, score_file
from pluralign.models import ScriptedModel
from pluralign.runs import read_json

UNIFORM = "scripted:uniform"
WORDS = {"group_texts": {"party=A": "vote for A", "party=B": "vote for B"}}


def test_answers_of_a_run_score_as_they_did_in_the_run(spec, survey, tmp_path):
    run = evaluate(spec, model=UNIFORM, out=tmp_path / "run")
    again = score_file(
        tmp_path / "run" / "answers.jsonl", questions=str(survey), settings=Settings(data=WORDS)
    )
    assert again.scores == run.scores
    again.write(tmp_path / "scored")
    assert {path.name for path in (tmp_path / "scored").iterdir()} == {
        "results.json",
        "cells.jsonl",
        "report.html",
    }
    assert read_json(tmp_path / "scored" / "results.json")["estimates"][0]["value"] == pytest.approx(
        run.scores.estimates[0].value
    )


def test_a_shipped_evaluation_names_the_questions_too(tmp_path):
    run = evaluate("distributional/anes96", model=UNIFORM, out=tmp_path, settings=Settings(limit=2))
    again = score_file(tmp_path / "answers.jsonl", questions="distributional/anes96")
    assert again.scores.estimate("total_variation").value == pytest.approx(
        run.scores.estimate("total_variation").value
    )


def test_plain_rows_of_gold_and_prediction(tmp_path):
    path = tmp_path / "outputs.json"
    rows = [
        {
            "question": "Tea?",
            "options": ["yes", "no"],
            "gold_distribution": [0.75, 0.25],
            "pred_distribution": [0.5, 0.5],
        },
        {
            "question": "Rain?",
            "options": ["yes", "no"],
            "gold_distribution": [1, 0],
            "pred_distribution": None,
        },
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    scored = score_file(path, settings=Settings(preset="meister2024"))
    assert scored.scores.estimate("total_variation").value == pytest.approx(0.25)
    assert scored.scores.n_unscored == {"unparsed": 1}
    assert scored.scores.estimates[0].value == pytest.approx((0.25 + 0.5) / 2)


def answers_of(run_folder):
    return [json.loads(line) for line in (run_folder / "answers.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_id": "q9"}, "answer '.*' to question 'q9': 'survey' has no such question"),
        ({"probabilities": [0.5, 0.5]}, "2 probabilities for 3 options"),
        (
            {"model_id": "another", "key": "other"},
            "another answer for 'all', of 'scripted:uniform' by 'logprob'",
        ),
    ],
)
def test_answers_that_do_not_belong(spec, survey, tmp_path, change, message):
    evaluate(spec, model=UNIFORM, out=tmp_path / "run")
    rows = answers_of(tmp_path / "run")
    changed = [*rows, rows[0] | change] if "key" in change else [rows[0] | change, *rows[1:]]
    path = tmp_path / "changed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in changed), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        score_file(path, questions=str(survey), settings=Settings(data=WORDS))


def test_faulty_items_are_told_and_may_be_dropped_and_both_results_stand(tmp_path):
    path = tmp_path / "outputs.json"
    whole = {"options": ["Yes, often", "No, never"], "gold_distribution": [0.9, 0.1]}
    broken = {"options": ["Yes", "No", "Yes"], "gold_distribution": [0.9, 0.1, 0.0]}
    rows = [
        {
            "question": f"Number {index}?",
            **item,
            "pred_distribution": [1 / len(item["options"])] * len(item["options"]),
        }
        for index, item in enumerate([whole] * 3 + [broken])
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    kept = score_file(path).scores
    dropped = score_file(path, settings=Settings(drop_faulty=True)).scores
    assert kept.estimate("total_variation").n_cells == 4
    assert kept.estimate("total_variation", "without faulty items").n_cells == 3
    assert dropped.estimate("total_variation").n_cells == 3
    assert dropped.estimate("total_variation", "with faulty items").n_cells == 4
    assert dropped.estimate("total_variation") == kept.estimate(
        "total_variation", "without faulty items"
    ).model_copy(update={"slice": "all"})


def test_two_runs_are_compared_by_cell_with_what_could_be_found(spec, tmp_path):
    good = ScriptedModel(
        id="good", log_probs={"yes": -1.2, "no": -1.3, "maybe": -1.4, " yes": -9, " no": -9, " maybe": -9}
    )
    runs = [
        evaluate(spec, model=model, out=tmp_path / name)
        for name, model in (("first", good), ("second", UNIFORM))
    ]
    comparisons = {(each.name, each.slice): each for each in compare_runs(*runs)}
    whole = comparisons["total_variation", "all"]
    difference = (
        runs[0].scores.estimate("total_variation").value - runs[1].scores.estimate("total_variation").value
    )
    assert whole.difference == pytest.approx(difference)
    assert whole.minimum_detectable > 0
    assert whole.p_adjusted is None
    groups = [
        each
        for (name, part), each in comparisons.items()
        if name == "total_variation" and part.startswith("group=")
    ]
    assert len(groups) == 3
    assert all(each.p_adjusted >= each.p_value for each in groups)
    assert "good" in comparison_report(*runs).title


def test_runs_of_other_questions_are_not_compared(spec, tmp_path):
    first = evaluate(spec, model=UNIFORM, out=tmp_path / "first")
    second = evaluate(spec, model=UNIFORM, out=tmp_path / "second", settings=Settings(limit=2))
    with pytest.raises(
        ConfigurationError, match=r"did not ask the same questions: mine/numbers \(6\) and mine/numbers \(2\)"
    ):
        compare_runs(first, second)
