"""People of two kinds, who disagree about every statement, and models that are asked about them."""

import math
import re

import numpy as np
import pytest

from pluralign.elicitation import Ask
from pluralign.elicitation.logprob import LogProb
from pluralign.elicitation.sequences import in_context_units
from pluralign.models import ScriptedModel
from pluralign.records import Answer, Group, Option, Outcome, Question, QuestionSet

OPTIONS = (Option(text="Agree"), Option(text="Disagree"))
# Of the kind that tends to agree with a statement, this share does; of the other kind, this share does not.
FAITHFUL = 0.9


def _world(n_people=60, n_statements=12, *, seed=3):
    """Kind 0 agrees with even statements, kind 1 with odd ones: everybody agrees to about a half of them."""
    rng = np.random.default_rng(seed)
    people = [f"person={index}" for index in range(n_people)]
    questions = []
    for number in range(n_statements):
        counts = {}
        for index, person in enumerate(people):
            tends_to_agree = (index + number) % 2 == 0
            agrees = tends_to_agree == (rng.random() < FAITHFUL)
            counts[person] = (float(agrees), float(not agrees))
        questions.append(
            Question(id=f"s{number}", text=f"Statement {number}.", options=OPTIONS, counts=counts)
        )
    return QuestionSet(
        id="world", questions=tuple(questions), groups=tuple(Group(id=person) for person in people)
    )


def _evidence(text: str) -> tuple[list[tuple[int, bool]], int]:
    """The statements shown with whether the person agreed, and the statement that is asked."""
    numbers = list(map(int, re.findall(r"user: Statement (\d+)\.", text)))
    agreed = [answer == "Agree" for answer in re.findall(r"assistant: (\w+)", text)]
    return list(zip(numbers, agreed, strict=False)), numbers[-1]


def _reader(text: str, option: str) -> float:
    """Bayes' rule over the two kinds: what can be known of a person from the answers, and no more."""
    shown, asked = _evidence(text)
    odds = 1.0  # kind 0 against kind 1
    for number, agreed in shown:
        odds *= (FAITHFUL / (1 - FAITHFUL)) ** (1 if agreed == (number % 2 == 0) else -1)
    first = odds / (1 + odds)
    even = first if asked % 2 == 0 else 1 - first
    agree = even * FAITHFUL + (1 - even) * (1 - FAITHFUL)
    return math.log({"Agree": agree, "Disagree": 1 - agree}.get(option, 1e-30))


def _blind(text: str, option: str) -> float:
    """Takes no notice of the examples: 0.6 for every statement."""
    return math.log({"Agree": 0.6, "Disagree": 0.4}.get(option, 1e-30))


def _counter(text: str, option: str) -> float:
    """Counts how often the person agreed, and no more."""
    shown, _ = _evidence(text)
    agree = (sum(agreed for _, agreed in shown) + 1) / (len(shown) + 2)
    return math.log({"Agree": agree, "Disagree": 1 - agree}.get(option, 1e-30))


def _ask(questions, script, *, n_examples=8, people=None, seed=0):
    """Answers of a scripted model, asked as an evaluation asks."""
    model = ScriptedModel("simulated", log_probs=script)
    asks = [
        Ask(key=f"{group.id}/{position}", question=question, condition=condition)
        for group in questions.groups[:people]
        for position, (question, condition) in enumerate(
            in_context_units(questions.questions, group, n_examples=n_examples, seed=seed)
        )
    ]
    return LogProb(max_orders=1).answers(model, asks)


def _answer(question, condition, probabilities, *, outcome=Outcome.OK, mass=0.5, sample_size=0):
    return Answer(
        key=f"{question}/{condition.id}/{len(condition.examples)}",
        question_id=question,
        model_id="m",
        condition=condition,
        elicitation="logprob",
        outcome=outcome,
        probabilities=probabilities,
        valid_mass_prob=mass,
        sample_size=sample_size,
    )


@pytest.fixture(scope="session")
def world():
    return _world()


@pytest.fixture(scope="session")
def simulated():
    return {"reader": _reader, "blind": _blind, "counter": _counter}


@pytest.fixture(scope="session")
def asked():
    return _ask


@pytest.fixture(scope="session")
def answer():
    return _answer
