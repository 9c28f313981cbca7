import re

import pytest

from pluralign.errors import DataError
from pluralign.records import Condition, Option, Question, QuestionSet
from pluralign.reports import Section, Series


def with_answer(coins, answer):
    return lambda: Section("Coins", coins.questions, series=(Series(label="x", answers=(answer,)),))


def test_an_answer_to_an_unknown_question_is_refused(coins):
    answer = coins.series[0].answers[0].model_copy(update={"question_id": "coin/fare"})
    with pytest.raises(DataError, match=r"unknown question 'coin/fare'\. Did you mean 'coin/fair'\?"):
        with_answer(coins, answer)()


def test_probabilities_must_fit_the_options(coins):
    answer = coins.series[1].answers[0].model_copy(update={"probabilities": (0.2, 0.3, 0.5)})
    with pytest.raises(DataError, match="3 probabilities for the 2 options of question 'coin/fair'"):
        with_answer(coins, answer)()


def test_two_answers_to_one_question_need_two_series(coins):
    answer = coins.series[1].answers[0]
    with pytest.raises(DataError, match=re.escape("'coin/fair' under 'none' more than once")):
        Series(label="after", answers=(answer, answer))


def test_two_series_need_two_labels(coins):
    with pytest.raises(DataError, match="'after' more than once"):
        Section("Coins", coins.questions, series=(coins.series[1], coins.series[1]))


def test_a_comparison_names_series_of_the_section(coins):
    with pytest.raises(DataError, match="compares the unknown series 'before'"):
        Section("Coins", coins.questions, series=coins.series[1:], comparisons=coins.comparisons)


def test_a_series_may_be_empty():
    two = (Option(text="a"), Option(text="b"))
    questions = QuestionSet(id="s", questions=(Question(id="q", text="?", options=two),))
    assert Section("Nothing yet", questions, series=(Series(label="x"),)).series[0].answers == ()


def test_two_forms_of_a_persona_and_two_numbers_of_examples_are_two_conditions(coins):
    answer = coins.series[1].answers[0]
    conditions = [
        Condition(kind="persona", id="g=A", text="I am", form="qa"),
        Condition(kind="persona", id="g=A", text="I am", form="bio"),
        Condition(kind="in_context", id="g=A"),
        Condition(kind="in_context", id="g=A", text="Answer as before."),
    ]
    answers = tuple(answer.model_copy(update={"condition": condition}) for condition in conditions)
    assert Series("x", answers=answers).answers == answers
    with pytest.raises(DataError, match=re.escape("'coin/fair' under 'g=A' more than once")):
        Series("x", answers=(*answers, answers[1]))
