"""A survey of two parties, people who are asked one by one, and answers made for them; each fixture is a function."""

import numpy as np
import pytest

from pluralign.records import Answer, Condition, Group, Option, Outcome, Question, QuestionSet

SCALE = tuple(Option(text=text, value=value) for value, text in enumerate(("low", "middle", "high")))
PARTIES = ("party=A", "party=B")


def _survey(n_questions=60, *, per_group=1000, apart=0.09, seed=1, topics=("t",)):
    """Three options; the parties' true shares lie up to `apart` on either side of a mean well inside the simplex.

    Twice the difference is still a distribution. With `per_group` None the shares are exact and nobody is counted.
    """
    rng = np.random.default_rng(seed)
    questions = []
    for number in range(n_questions):
        mean = 0.75 / 3 + 0.25 * rng.dirichlet([4.0] * 3)
        step = rng.uniform(-1, 1, 3)
        step = apart * (step - step.mean()) / np.abs(step - step.mean()).max() * rng.uniform(0.3, 1)
        shares = dict(zip(PARTIES, (mean + step, mean - step), strict=True))
        text = {"id": f"q{number}", "text": f"How much {number}?", "topic": topics[number % len(topics)]}
        if per_group is None:
            questions.append(Question(**text, options=SCALE, shares={g: tuple(p) for g, p in shares.items()}))
            continue
        counts = {g: tuple(map(float, rng.multinomial(per_group, p))) for g, p in shares.items()}
        questions.append(Question(**text, options=SCALE, counts=counts))
    groups = tuple(Group(id=group, text=f"are {group}") for group in PARTIES)
    return QuestionSet(id="survey", questions=tuple(questions), groups=groups)


def _people(n_people=12, n_questions=40, *, seed=2):
    """People asked one by one, two of three options apart by gender: groups of one."""
    rng = np.random.default_rng(seed)
    genders = ["gender=F" if number % 2 else "gender=M" for number in range(n_people)]
    questions = []
    for number in range(n_questions):
        counts = {}
        for person in range(n_people):
            p = [0.7, 0.2, 0.1] if genders[person] == "gender=F" else [0.2, 0.7, 0.1]
            counts[f"person={person}"] = tuple(np.eye(3)[rng.choice(3, p=p)].tolist())
        questions.append(Question(id=f"q{number}", text=f"Which {number}?", options=SCALE, counts=counts))
    groups = tuple(
        Group(id=f"person={number}", member_of=(gender, "age=30")) for number, gender in enumerate(genders)
    )
    return QuestionSet(id="people", questions=tuple(questions), groups=groups)


def _answer(question, group, probabilities, *, form="member", outcome=Outcome.OK, mass=0.5):
    condition = (
        Condition() if group == "all" else Condition(kind="persona", id=group, text="are so", form=form)
    )
    return Answer(
        key=f"{question.id}/{group}/{form}",
        question_id=question.id,
        model_id="m",
        condition=condition,
        elicitation="logprob",
        outcome=outcome,
        probabilities=None if probabilities is None else tuple(map(float, probabilities)),
        valid_mass_prob=mass,
        error="down" if outcome is Outcome.ERROR else None,
    )


def _answers_from(questions, predict, **fields):
    """One answer a cell, as `predict(question, group)` gives it."""
    return [
        _answer(question, group, predict(question, group), **fields)
        for question in questions.questions
        for group in question.groups
    ]


def _target(question, group):
    return np.array(question.target(group))


def _mean(question):
    return np.mean([question.target(group) for group in question.groups], axis=0)


def _other(question, group):
    [other] = [name for name in question.groups if name != group]
    return _target(question, other)


MODELS = {
    "perfect": _target,
    "group-blind": lambda question, _: _mean(question),
    "caricature": lambda question, group: 2 * _target(question, group) - _mean(question),
    "collapsed": lambda question, group: np.eye(len(question.options))[_target(question, group).argmax()],
    "always A": lambda question, _: np.eye(len(question.options))[0],
    "exchanged": _other,
}


@pytest.fixture(scope="session")
def survey():
    return _survey


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
def models():
    return MODELS
