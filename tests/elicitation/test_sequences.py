"""Which questions a person is asked, in what order, after which answers."""

from itertools import pairwise

import pytest

from pluralign.elicitation.asking import PromptStyle, prompt_for
from pluralign.elicitation.sequences import in_context_units
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Group, Option, Question

ANN, BOB = Group(id="person=Ann"), Group(id="person=Bob")
OPTIONS = (Option(text="Yes"), Option(text="No"))


def question(name: str, *, text: str | None = None, **answers: int) -> Question:
    """A question of two options, and who chose which of them."""
    counts = {
        f"person={who}": tuple(float(index == choice) for index in (0, 1)) for who, choice in answers.items()
    }
    return Question(id=name, text=text or f"Is it {name}?", options=OPTIONS, counts=counts)


QUESTIONS = [question(f"q{index}", Ann=index % 2, Bob=0) for index in range(6)]


def test_each_question_comes_after_the_answers_to_those_before_it():
    units = in_context_units(QUESTIONS, ANN, n_examples=3, seed=0)

    assert [len(condition.examples) for _, condition in units] == [0, 1, 2, 3]
    assert len({asked.id for asked, _ in units}) == 4
    for position, (_, condition) in enumerate(units):
        assert (condition.kind, condition.group) == ("in_context", "person=Ann")
        before = [asked for asked, _ in units[:position]]
        assert [shown.text for shown in condition.examples] == [asked.text for asked in before]
        answers = [("Yes", "No")[int(asked.id[1:]) % 2] for asked in before]
        assert [shown.answer for shown in condition.examples] == answers


def test_the_order_depends_on_seed_and_person_and_not_on_the_order_of_the_questions():
    def order(questions=QUESTIONS, person=ANN, *, seed=0):
        return [asked.id for asked, _ in in_context_units(questions, person, n_examples=5, seed=seed)]

    assert order(QUESTIONS[::-1]) == order()
    assert order(seed=1) != order()
    assert order(person=BOB) != order()
    assert sorted(order()) == [asked.id for asked in QUESTIONS]


def test_fewer_examples_are_the_beginning_of_more():
    assert (
        in_context_units(QUESTIONS, ANN, n_examples=2, seed=0)
        == in_context_units(QUESTIONS, ANN, n_examples=5, seed=0)[:3]
    )


def test_the_text_of_a_prompt_begins_with_the_one_before_it():
    units = in_context_units(QUESTIONS, ANN, n_examples=5, seed=0)
    prompts = [
        prompt_for(asked, order=[0, 1], condition=condition, style=PromptStyle.CHAT)
        for asked, condition in units
    ]

    for shorter, longer in pairwise(prompts):
        assert longer.messages[: len(shorter.messages)] == shorter.messages
        assert longer.messages[len(shorter.messages)].role == "assistant"


def test_a_question_asked_twice_is_asked_once():
    """Whichever comes first in the person's order: the other's answer would stand before it."""
    twins = [question("one", text="Is it  so?", Ann=0), question("two", text="is it so?", Ann=1)]
    for seed in range(6):
        units = in_context_units([*QUESTIONS, *twins], ANN, n_examples=9, seed=seed)
        ids = [asked.id for asked, _ in units]
        assert len(ids) == 7
        alone = [asked.id for asked, _ in in_context_units(twins, ANN, n_examples=9, seed=seed)]
        assert alone == [name for name in ids if name in {"one", "two"}]


def test_only_what_the_person_answered_and_what_can_be_asked():
    one_option = Question(id="x", text="X?", options=OPTIONS[:1], counts={"person=Ann": (1,)})
    mixed = [*QUESTIONS[:2], question("other", Bob=1), one_option]

    assert len(in_context_units(mixed, ANN, n_examples=9, seed=0)) == 2
    assert in_context_units(mixed, Group(id="person=Cid"), n_examples=9, seed=0) == []


def test_a_group_of_several_people_has_no_answers_of_its_own():
    shared = Question(id="x", text="X?", options=OPTIONS, counts={"person=Ann": (3, 1)})

    with pytest.raises(DataError, match="'person=Ann' gave several answers to question 'x'"):
        in_context_units([shared], ANN, n_examples=2, seed=0)
    with pytest.raises(ConfigurationError, match="n_examples: -1 answers"):
        in_context_units(QUESTIONS, ANN, n_examples=-1, seed=0)
