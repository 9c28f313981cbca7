"""Accuracy, probabilities and baselines of questions with one right option, by hand."""

import math

import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.evals import EVALUATORS
from pluralign.evals.capability import compare_multiple_choice, score_multiple_choice
from pluralign.records import Answer, Option, Outcome, Question, QuestionSet


def question(name, options, right):
    return Question(
        id=name,
        text=f"{name}?",
        options=tuple(Option(text=text) for text in options),
        truth=tuple(float(place == right) for place in range(len(options))),
    )


QUESTIONS = QuestionSet(
    id="mine",
    questions=(
        question("x/1", ("one", "two", "three", "four"), 2),
        question("x/2", ("one", "two", "six", "ten"), 0),
        question("y/3", ("no", "yes"), 1),
        question("y/4", ("no", "yes"), 1),
    ),
)


def answer(name, probabilities=None, mass=None):
    outcome = Outcome.UNPARSED if probabilities is None else Outcome.OK
    return Answer(
        key=name,
        question_id=name,
        model_id="m",
        elicitation="logprob",
        outcome=outcome,
        probabilities=probabilities,
        valid_mass_prob=mass,
    )


ANSWERS = [
    answer("x/1", (0.1, 0.2, 0.6, 0.1), 0.5),
    answer("x/2", (0.4, 0.4, 0.1, 0.1), 0.1),
    answer("y/3", (1.0, 0.0), 0.9),
    answer("y/4"),
]


def test_values_by_hand():
    scores = score_multiple_choice(QUESTIONS, ANSWERS)
    accuracy = scores.estimate("accuracy")
    assert scores.primary == "accuracy" == scores.estimates[0].name
    # Right; one of two that tie; wrong; unread.
    assert (accuracy.value, accuracy.n_questions) == (0.5, 3)
    assert "bootstrap over questions" in accuracy.interval.method
    assert scores.n_unscored == accuracy.n_unscored == {"unparsed": 1}
    # Chance: a quarter twice, and a half. Longest: "three"; "one" of four words as long; "yes".
    assert accuracy.baselines["chance"] == pytest.approx((0.25 + 0.25 + 0.5) / 3)
    assert accuracy.baselines["longest option"] == pytest.approx((1 + 0.25 + 1) / 3)
    assert scores.estimate("right_option_prob").value == pytest.approx((0.6 + 0.4 + 0) / 3)
    assert scores.estimate("valid_mass_prob").value == pytest.approx(0.5)
    assert scores.estimate("right_answer_prob").value == pytest.approx((0.3 + 0.04 + 0) / 3)
    nll = scores.estimate("right_option_nll_nats")
    assert nll.value == pytest.approx(-(math.log(0.6) + math.log(0.4)) / 2)
    assert nll.n_unscored == {"unparsed": 1, "the right option has probability 0": 1}
    assert scores.estimate("accuracy", "family=x").value == 0.75


def test_the_longest_option_is_a_baseline():
    (row,) = score_multiple_choice(
        QuestionSet(id="one", questions=(question("q", ("one", "two", "six", "ten"), 0),)),
        [answer("q", (0.7, 0.1, 0.1, 0.1), 1.0)],
    ).cells
    assert row.baselines == {"chance": 0.25, "longest option": 0.25}


def test_where_nothing_ties_the_interval_is_wilsons():
    scores = score_multiple_choice(QUESTIONS, [ANSWERS[0], ANSWERS[2]])
    accuracy = scores.estimate("accuracy")
    # Wilson at 1 of 2, symmetric about a half: 1/2 -+ z/2 * sqrt(1/(n + z^2)).
    z = 1.959963984540054
    assert accuracy.interval.low == pytest.approx(0.5 - z / 2 / math.sqrt(2 + z * z))
    assert accuracy.interval.high == pytest.approx(0.5 + z / 2 / math.sqrt(2 + z * z))
    assert "not told from chance" in scores.readings[0]
    assert "With probability 0.7 the model answers with an option at all" in scores.readings[1]


def test_answers_that_were_drawn_have_no_mass():
    scores = score_multiple_choice(QUESTIONS, [answer("x/1", (0.1, 0.2, 0.6, 0.1))])
    assert scores.estimate("valid_mass_prob").value is None
    assert scores.estimate("right_answer_prob").n_unscored == {"no mass is known": 1, "not asked": 3}
    assert len(scores.readings) == 1


def test_two_models_are_compared_question_by_question():
    others = [answer("x/1", (0.7, 0.1, 0.1, 0.1), 0.5), answer("y/3", (0.2, 0.8), 0.9)]
    found = {
        each.name: each
        for each in compare_multiple_choice(QUESTIONS, first=("a", ANSWERS), second=("b", others))
    }
    assert (found["accuracy"].difference, found["accuracy"].n_questions) == (0, 2)
    assert found["right_option_prob"].difference == pytest.approx((0.5 - 0.8) / 2)
    assert found["right_option_nll_nats"].n_questions == 1


def test_what_is_no_question_with_one_right_option_is_refused():
    two = Question(id="q", text="q?", options=(Option(text="a"), Option(text="b")), truth=(0.5, 0.5))
    for bad in (two, two.model_copy(update={"truth": None})):
        with pytest.raises(DataError, match="'q' needs two options or more, and one right one"):
            score_multiple_choice(QuestionSet(id="bad", questions=(bad,)), [answer("q", (0.5, 0.5))])
    for given in ({"groups": ("party",)}, {"preset": "opinionqa"}):
        with pytest.raises(ConfigurationError, match="neither groups of people nor presets"):
            EVALUATORS["multiple_choice"].score(QUESTIONS, ANSWERS, **given)
