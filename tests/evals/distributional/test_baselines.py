"""Trivial predictors, worked by hand."""

import numpy as np
import pytest

from pluralign.evals.cells import make_cells
from pluralign.evals.distributional import Baselines, score_distributional
from pluralign.records import Answer, Condition, Group, Option, Question, QuestionSet

TWO = (Option(text="yes"), Option(text="no"))
THREE = (*TWO, Option(text="maybe"))


def survey(*questions):
    ids = dict.fromkeys(group for question in questions for group in question.groups)
    return QuestionSet(
        id="s", questions=questions, groups=tuple(Group(id=name, text="are so") for name in ids)
    )


QUESTIONS = survey(
    Question(
        id="a", text="A?", options=TWO, shares={"g=1": (1.0, 0.0), "g=2": (0.5, 0.5), "g=3": (0.0, 1.0)}
    ),
    Question(id="b", text="B?", options=TWO, shares={"g=1": (0.2, 0.8)}),
    Question(id="c", text="C?", options=THREE, shares={"g=1": (0.2, 0.3, 0.5)}),
)


def answers(probabilities):
    return [
        Answer(
            key=f"{question.id}{group}",
            question_id=question.id,
            model_id="m",
            condition=Condition(kind="persona", id=group, text="are so"),
            elicitation="recorded",
            outcome="ok",
            probabilities=probabilities[: len(question.options)],
        )
        for question in QUESTIONS.questions
        for group in question.groups
        if len(question.options) == len(probabilities)
    ]


def predictions(question, group, *, leave_out=True, given=(0.75, 0.25)):
    cells = {cell.key: cell for cell in make_cells(QUESTIONS, answers(given), groups=["g=1", "g=2", "g=3"])}
    return Baselines(QUESTIONS, leave_out=leave_out).predictions(cells[question, group], seed=0)


def test_the_position_marginal_is_the_mean_by_position_over_the_other_questions():
    assert predictions("a", "g=1")["position marginal"][0] == pytest.approx([0.2, 0.8])
    assert predictions("b", "g=1")["position marginal"][0] == pytest.approx([0.5, 0.5])


def test_published_figures_leave_the_own_question_in():
    everything = predictions("a", "g=1", leave_out=False)["position marginal"]
    assert everything[0] == pytest.approx([1.7 / 4, 2.3 / 4])


def test_a_number_of_options_that_no_other_question_has_gives_no_position_marginal():
    assert "position marginal" not in predictions("c", "g=1", given=(0.2, 0.2, 0.6))


def test_group_blind_is_the_mean_of_the_other_groups():
    assert predictions("a", "g=1")["group-blind"].tolist() == [[0.25, 0.75]]
    assert predictions("a", "g=3")["group-blind"].tolist() == [[0.75, 0.25]]
    assert "group-blind" not in predictions("b", "g=1")


def test_the_whole_population_is_no_other_group():
    """It holds the group's own people."""
    questions = survey(Question(id="a", text="A?", options=TWO, counts={"all": (9, 1), "g=1": (1, 1)}))
    cells = make_cells(questions, [], groups=["all", "g=1"])
    baselines = Baselines(questions)
    assert all("group-blind" not in baselines.predictions(cell, seed=0) for cell in cells)


def test_shuffled_takes_every_order_of_few_options_and_keeps_the_mass():
    assert sorted(predictions("a", "g=1")["shuffled"].tolist()) == [[0.25, 0.75], [0.75, 0.25]]
    six = Question(
        id="six", text="?", options=tuple(Option(text=str(i)) for i in range(6)), counts={"all": (1,) * 6}
    )
    given = [0.5, 0.3, 0.1, 0.05, 0.03, 0.02]
    answer = Answer(
        key="k", question_id="six", model_id="m", elicitation="x", outcome="ok", probabilities=tuple(given)
    )
    (cell,) = make_cells(survey(six), [answer])
    rows = Baselines(survey(six)).predictions(cell, seed=0)["shuffled"]
    assert rows.shape == (24, 6)
    assert (np.sort(rows, axis=-1) == np.sort(given)).all()
    assert (rows == Baselines(survey(six)).predictions(cell, seed=0)["shuffled"]).all()
    assert (rows != Baselines(survey(six)).predictions(cell, seed=1)["shuffled"]).any()


def test_a_baseline_that_exists_on_some_cells_says_on_how_many():
    scores = score_distributional(QUESTIONS, answers((0.75, 0.25)))
    estimate = scores.estimate("total_variation")
    assert estimate.baselines["group-blind"] == pytest.approx((0.75 + 0 + 0.75) / 3)
    assert estimate.baseline_cells == {"group-blind": 3}
    assert estimate.baselines["uniform"] == pytest.approx((0.5 + 0 + 0.5 + 0.3) / 4)
    # (.75, .25) and its mirror image, each in half of the orders.
    assert estimate.baselines["shuffled"] == pytest.approx((0.5 + 0.25 + 0.5 + 0.3) / 4)


def test_the_normalised_score_is_against_the_best_predictor_that_knows_nothing_of_the_model():
    estimate = score_distributional(QUESTIONS, answers((0.75, 0.25))).estimate("total_variation")
    uniform, value = (0.5 + 0 + 0.5 + 0.3) / 4, (0.25 + 0.25 + 0.75 + 0.55) / 4
    assert estimate.normalised_against == "uniform"
    assert estimate.normalised == pytest.approx((uniform - value) / uniform)
