"""People of three groups, and answers made for them; each fixture is a function."""

import numpy as np
import pytest

from pluralign.records import Answer, Condition, Group, Option, Outcome, Question, QuestionSet

SCALE = (Option(text="low", value=1), Option(text="middle", value=2), Option(text="high", value=3))


def _people(n_questions=6, *, per_question=400, seed=1):
    """A survey: three options on a scale, the population and two parties."""
    rng = np.random.default_rng(seed)
    questions = []
    for index in range(n_questions):
        shares = {group: rng.dirichlet([1.5, 1.5, 1.5]) for group in ("all", "party=A", "party=B")}
        counts = {group: tuple(map(float, rng.multinomial(per_question, p))) for group, p in shares.items()}
        questions.append(Question(id=f"q{index}", text=f"How much {index}?", options=SCALE, counts=counts))
    groups = (Group(id="all"), Group(id="party=A", text="are A"), Group(id="party=B", text="are B"))
    return QuestionSet(id="survey", questions=tuple(questions), groups=groups)


def _answer(question, group, probabilities, *, mass=0.5, outcome=Outcome.OK, error=None, sample_size=0):
    condition = Condition() if group == "all" else Condition(kind="persona", id=group, text="are so")
    return Answer(
        key=f"{question.id}/{group}",
        question_id=question.id,
        model_id="m",
        condition=condition,
        elicitation="logprob",
        outcome=outcome,
        probabilities=None if probabilities is None else tuple(map(float, probabilities)),
        valid_mass_prob=mass,
        sample_size=sample_size,
        error=error,
    )


def _answers_from(questions, predict, **fields):
    """One answer a cell, as `predict(question, group)` gives it."""
    return [
        _answer(question, group, predict(question, group), **fields)
        for question in questions.questions
        for group in question.groups
    ]


@pytest.fixture(scope="session")
def people():
    return _people


@pytest.fixture(scope="session")
def answer():
    return _answer


@pytest.fixture(scope="session")
def answers_from():
    return _answers_from


@pytest.fixture(scope="session")
def shares():
    return lambda question, group: np.array(question.target(group))
