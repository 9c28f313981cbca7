"""Trivial predictors of the published files, as the evaluator prints them, against figures computed elsewhere."""

import time

import numpy as np
import pytest

from pluralign.data import load_data
from pluralign.evals import score_steerable
from pluralign.records import Answer, Condition

pytestmark = pytest.mark.slow


def predicted(questions, predict):
    return [
        Answer(
            key=f"{question.id}{group}",
            question_id=question.id,
            model_id="constant",
            condition=Condition(kind="persona", id=group, text="are so"),
            elicitation="recorded",
            outcome="ok",
            probabilities=tuple(map(float, predict(len(question.options)))),
        )
        for question in questions.questions
        for group in question.groups
    ]


def first(n_options):
    return np.eye(n_options)[0]


@pytest.fixture(scope="module")
def value_kaleidoscope(shared_data):
    path = shared_data / "modular_pluralism" / "steerable_test_valuekaleidoscope_small.json"
    questions = load_data("value_kaleidoscope", {"path": str(path)}).questions
    started = time.process_time()
    scores = score_steerable(questions, predicted(questions, first), preset="modular_pluralism_vk")
    return questions, scores, time.process_time() - started


def test_value_kaleidoscope(value_kaleidoscope):
    _, scores, seconds = value_kaleidoscope
    accuracy, balanced = scores.estimates[0], scores.estimate("modular_pluralism_vk.balanced_accuracy")
    binary = scores.estimate("modular_pluralism_vk.binary_accuracy")
    # The first option, Support, is the majority.
    assert accuracy.n_cells == 4368
    assert accuracy.value == accuracy.baselines["majority option"] == pytest.approx(2196 / 4368)
    assert balanced.value == balanced.baselines["majority option"] == pytest.approx(1 / 3)
    assert binary.value == binary.baselines["majority option"] == pytest.approx(0.599, abs=0.0005)
    assert seconds < 20


def test_a_value_alone_predicts_its_label(value_kaleidoscope):
    """Published as 0.570 to 0.571 over all cells, those whose value occurs once filled in with the majority."""
    questions, scores, _ = value_kaleidoscope
    accuracy = scores.estimates[0]
    n_occurs = accuracy.baseline_cells["question-blind"]
    uses = {}
    for question in questions.questions:
        for group in question.groups:
            uses.setdefault(group, []).append(question.target(group)[0])
    single = [support[0] for support in uses.values() if len(support) == 1]
    assert n_occurs + len(single) == 4368
    right = accuracy.baselines["question-blind"] * n_occurs + sum(single)
    assert right / 4368 == pytest.approx(0.5705, abs=0.0015)


def test_opinionqa(shared_data):
    path = shared_data / "modular_pluralism" / "steerable_test_opinionqa_small.json"
    questions = load_data("modular_pluralism", {"path": str(path)}).questions
    accuracy = score_steerable(questions, predicted(questions, first)).estimate("accuracy")
    assert accuracy.value == pytest.approx(0.3562, abs=0.0001)
    assert accuracy.baselines["group-blind"] == pytest.approx(0.8262, abs=0.0001)
    assert accuracy.baseline_cells["group-blind"] == 4418
    # Published with a question's own answers left in: 0.4145.
    assert accuracy.baselines["position marginal"] == pytest.approx(0.4145, abs=0.002)


def test_thousands_of_people_are_scored_in_seconds(shared_data):
    questions = load_data("multipico", {"path": str(shared_data / "multipico")}).questions
    answers = predicted(questions, lambda n_options: np.full(n_options, 1 / n_options))
    started = time.process_time()
    scores = score_steerable(questions, answers)
    assert time.process_time() - started < 40  # under 20 on an idle core
    assert scores.estimate("accuracy").n_cells > 30_000
    assert len(scores.contrasts) > 60_000
    assert {"groups=gender", "groups=age", "groups=country"} <= {
        one.slice for one in scores.estimates if one.name == "value_inequity"
    }


def test_books_tell_no_parties_apart(shared_data):
    """The negative control: with some 19 readers a group, halves of one group differ as much as the parties do."""
    questions = load_data(
        "nytimes_books", {"path": str(shared_data / "nytimes_books" / "data.json")}
    ).questions
    groups = [group.id for group in questions.groups if group.id.startswith("party=")]
    answers = [answer for answer in predicted(questions, first) if answer.condition.id in groups]
    scores = score_steerable(questions, answers)
    apart = scores.estimate("group_total_variation")
    assert apart.value == pytest.approx(0.236, abs=0.001)
    assert apart.ceiling > apart.value
    assert scores.estimate("identification_rate").ceiling < 0.6
