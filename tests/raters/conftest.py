"""A town whose people find a joke funny or not by what it is about, and what they say of it."""

import pytest

from pluralign.records import Group, Option, Question, QuestionSet

TOPICS = ("cats", "politics")
# Of the first type likes jokes on cats and dislikes those on politics; the second the other way round.
LIKES = {"cat person": "cats", "politician": "politics"}


def joke(index):
    return f"Joke {index}: a tale of {TOPICS[index % 2]}, number {index}."


def build_town(n_raters=12, n_items=24, options=("Funny", "Not funny")):
    """Half of the raters of either type, each rating everything."""
    types = [list(LIKES)[place % 2] for place in range(n_raters)]
    groups = tuple(
        Group(id=f"annotator=R{place}", text=f"live in house {place}", member_of=(f"type={kind}",))
        for place, kind in enumerate(types)
    )
    questions = tuple(
        Question(
            id=f"joke{index}",
            text=joke(index),
            options=tuple(Option(text=text) for text in options),
            counts={
                group.id: tuple(float(text == _choice(kind, index, options)) for text in options)
                for group, kind in zip(groups, types, strict=True)
            },
        )
        for index in range(n_items)
    )
    return QuestionSet(id="town", questions=questions, groups=groups, source="invented")


def _choice(kind, index, options):
    return options[0] if TOPICS[index % 2] == LIKES[kind] else options[1]


@pytest.fixture
def town():
    return build_town()


@pytest.fixture
def make_town():
    return build_town
