"""Of several wordings for a group, the one nearest to its people speaks."""

import numpy as np
import pytest

from pluralign.evals import score_steerable
from pluralign.records import Outcome


@pytest.fixture
def made(survey):
    return survey(12)


def off(question, group, by):
    """The people's shares, moved by so much towards the first option."""
    return (1 - by) * np.array(question.target(group)) + by * np.array([1, 0, 0])


@pytest.fixture
def answers(made, answer):
    """For party A "bio" is nearest, for party B "qa"."""
    errors = {
        ("party=A", "qa"): 0.3,
        ("party=A", "bio"): 0.1,
        ("party=B", "qa"): 0.1,
        ("party=B", "bio"): 0.2,
    }
    return [
        answer(question, group, off(question, group, by), form=form)
        for question in made.questions
        for (group, form), by in errors.items()
    ]


def test_the_best_form_speaks_for_each_group(made, answers):
    scores = score_steerable(made, answers)
    own = scores.estimate("own_total_variation")
    expected = [0.1 * (1 - q.target(g)[0]) for q in made.questions for g in q.groups]
    assert own.value == pytest.approx(np.mean(expected))
    assert own.n_cells == 24
    assert own.definition.endswith(
        "of several wordings the one nearest to its people speaks for a group, chosen on these same answers, which "
        "flatters the model: qa for 1, bio for 1"
    )


def test_every_form_has_a_slice(made, answers):
    scores = score_steerable(made, answers)
    qa = scores.estimate("own_total_variation", "form=qa")
    expected = [
        by * (1 - question.target(group)[0])
        for question in made.questions
        for group, by in (("party=A", 0.3), ("party=B", 0.1))
    ]
    assert qa.value == pytest.approx(np.mean(expected))
    assert scores.estimate("contrast_slope", "form=bio").n_cells == 12


def test_the_choice_is_made_on_the_questions_that_every_form_answered(made, answer):
    """ "qa" lost the questions it is bad at; on those that both answered it is worse."""
    answers = []
    for number, question in enumerate(made.questions):
        hard = number >= 6
        answers.append(
            answer(question, "party=A", off(question, "party=A", 0.5 if hard else 0.1), form="bio")
        )
        if hard:
            answers.append(answer(question, "party=A", None, form="qa", outcome=Outcome.UNPARSED))
        else:
            answers.append(answer(question, "party=A", off(question, "party=A", 0.2), form="qa"))
    assert score_steerable(made, answers).estimate("own_total_variation").n_cells == 12


def test_one_form_needs_no_choice(made, answer):
    answers = [answer(q, g, q.target(g), form="bio") for q in made.questions for g in q.groups]
    scores = score_steerable(made, answers)
    assert "several wordings" not in scores.estimate("own_total_variation").definition
    assert not any(one.slice.startswith("form=") for one in scores.estimates)
