"""Accuracy and log-likelihood of results, by hand."""

import math

import pytest

from pluralign.data.prompts import OpenPrompt, PromptSet
from pluralign.errors import DataError
from pluralign.evals.capability import compare_solutions, score_solutions


def test_shares_by_hand(problems, response):
    rows = [
        response("a", "2+3=5\n#### 5"),
        response("b", "The result is 6."),
        response("c", "#### 8"),
        response("d", "no idea"),
        response("a", " 5", log_prob=-0.5),
        response("b", " 6", log_prob=-1.5),
        response("c", " 7", log_prob=-1.0),
    ]
    scores = score_solutions(problems, rows)
    accuracy = scores.estimate("accuracy")
    assert scores.primary == "accuracy" == scores.estimates[0].name
    assert (accuracy.value, accuracy.n_questions) == (0.5, 4)
    assert accuracy.baselines == {"last number of the problem": 0.25}
    assert scores.estimate("marked_accuracy").value == 0.25
    assert scores.estimate("unreadable_share").value == 0.25
    assert scores.estimate("truncated_share").value == 0
    nll = scores.estimate("answer_nll_nats")
    assert (nll.value, nll.n_questions, nll.n_unscored) == (1.0, 3, {"no log-probability": 1})
    assert scores.readings == (
        "Of 4 replies 2 state their result behind '####'; of 1 the last number was taken; without a result, and not "
        "right: 1 no number.",
    )


def test_nothing_right_is_not_told_with_certainty(problems, response):
    scores = score_solutions(problems, [response(name, "0 results|") for name in "abcd"])
    accuracy = scores.estimate("accuracy")
    # Wilson at 0 of n: from 0 to z^2 / (n + z^2).
    z2 = 1.959963984540054**2
    assert (accuracy.value, accuracy.interval.low) == (0, 0)
    assert accuracy.interval.high == pytest.approx(z2 / (4 + z2))
    assert accuracy.interval.method == "Wilson score, over problems"
    assert scores.estimate("truncated_share").value == scores.estimate("unreadable_share").value == 1
    assert "a loss can hardly be seen" in scores.readings[1]
    assert "no log-probability" in scores.readings[2]


def test_several_draws_of_a_problem_are_averaged(problems, response):
    rows = [response(name, "#### 5", draw=0) for name in "abcd"] + [response("a", "#### 4", draw=1)]
    scores = score_solutions(problems, rows)
    assert [cell.values["accuracy"] for cell in scores.cells] == [0.5, 0, 0, 0]
    assert "bootstrap" in scores.estimate("accuracy").interval.method


def test_what_failed_is_counted_and_no_wrong_answer(problems, response):
    scores = score_solutions(problems, [response("a", "#### 5"), response("b", None), response("c", None)])
    assert scores.n_unscored == {"error": 2, "not finished": 1}
    assert scores.estimate("accuracy").value == 1
    assert not scores.is_complete(max_unscored_share=0.05)


def test_bad_input_is_refused(problems, response):
    with pytest.raises(DataError, match="no reply to a problem of 'mine'"):
        score_solutions(problems, [response("a", " 5", log_prob=-1.0)])
    with pytest.raises(DataError, match="unknown problem 'z' of 'mine'"):
        score_solutions(problems, [response("z", "1")])
    bare = PromptSet(id="bare", prompts=(OpenPrompt(id="a", text="Joke?"),))
    with pytest.raises(DataError, match="'a' has no solution"):
        score_solutions(bare, [response("a", "1")])


def test_two_models_are_compared_problem_by_problem(problems, response):
    first = score_solutions(
        problems, [response(n, "#### 5") for n in "abcd"] + [response("a", " 5", log_prob=math.log(0.5))]
    )
    second = score_solutions(
        problems, [response(n, "nothing") for n in "abc"] + [response("a", " 5", log_prob=math.log(0.25))]
    )
    found = {each.name: each for each in compare_solutions(first=("x", first), second=("y", second))}
    assert (found["accuracy"].difference, found["accuracy"].n_questions) == (pytest.approx(1 / 3), 3)
    assert found["unreadable_share"].difference == -1
    assert found["answer_nll_nats"].difference == pytest.approx(-math.log(2))
