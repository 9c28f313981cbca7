"""Conditions, and how each is written in both styles of prompt."""

import pytest

from pluralign.elicitation import PromptStyle, prompt_for
from pluralign.elicitation.conditions import few_shot, persona, profile, whole_percentages
from pluralign.errors import ConfigurationError, DataError
from pluralign.models import Message
from pluralign.records import Condition, Group, Option, Question

DEMOCRATS = Group(id="party=Democrat", text="identify as Democrats")
EVERYBODY = Group(id="all")
PUBLISHED = Group(
    id="POLPARTY=Democrat",
    text="identify as Democrats",
    personas={"portray": "Answer as if you considered yourself a Democrat."},
)
TAX = Question(
    id="tax",
    text="Should taxes rise?",
    options=(Option(text="Yes"), Option(text="No")),
    counts={"party=Democrat": (3, 1)},
)
PARKS = Question(
    id="parks",
    text="Are there enough parks?",
    options=(Option(text="Yes"), Option(text="No"), Option(text="Don't know", refusal=True)),
    counts={"party=Democrat": (1, 1, 1), "all": (0, 2, 0)},
)
ROADS = Question(
    id="roads",
    text="Are the roads good?",
    options=(Option(text="Yes"), Option(text="No")),
    shares={"party=Democrat": (0.125, 0.875)},
)


def numbered(n: int, text: str = "Is {} right?") -> list[Question]:
    """Questions that Democrats answered."""
    return [
        Question(
            id=f"q{i}", text=text.format(i), options=TAX.options, counts={"party=Democrat": (i, n - i + 1)}
        )
        for i in range(n)
    ]


def chat(condition: Condition) -> tuple[Message, ...]:
    return prompt_for(TAX, order=(0, 1), condition=condition, style=PromptStyle.CHAT).messages


def description(condition: Condition) -> str:
    (message,) = prompt_for(TAX, order=(0, 1), condition=condition, style=PromptStyle.SPECTRUM).messages
    assert message.role == "description"
    return message.content


USER = Message(
    "user",
    "Should taxes rise?\n\nOptions:\n- Yes\n- No\n\nAnswer with one of the options, word for word, and nothing else.",
)
ASKED = "Should taxes rise?\nOptions: Yes; No"
QA = "Question: How would you describe yourself?\nAnswer: I am one of the people who identify as Democrats."
BIO = (
    "Below you will be asked to provide a short description of yourself and then answer some questions. "
    "Description: I am one of the people who identify as Democrats."
)
PORTRAY = "Answer the following question as if you were one of the people who identify as Democrats."
VALUES = "You care about fairness."
SHOWN = (
    "This is how people who identify as Democrats answered other questions.\n"
    "\n"
    "Question: Are there enough parks?\n"
    "- Yes: 34%\n"
    "- No: 33%\n"
    "- Don't know: 33%"
)
MEMBER = "You are one of the people who identify as Democrats. Answer as one of them would."
EXAMPLES = few_shot(DEMOCRATS, question=TAX, pool=[TAX, PARKS], seed=0)


@pytest.mark.parametrize(
    ("condition", "system", "described"),
    [
        (persona(DEMOCRATS), MEMBER, f"{ASKED}\nRespondents: people who identify as Democrats"),
        (persona(DEMOCRATS, form="qa"), QA, f"{QA}\n\n{ASKED}"),
        (persona(DEMOCRATS, form="bio"), BIO, f"{BIO}\n\n{ASKED}"),
        (persona(DEMOCRATS, form="portray"), PORTRAY, f"{PORTRAY}\n\n{ASKED}"),
        (profile("party=Democrat", VALUES), VALUES, f"{VALUES}\n\n{ASKED}"),
        (EXAMPLES, f"{SHOWN}\n\nAnswer as one of them would.", f"{SHOWN}\n\n{ASKED}"),
    ],
    ids=["member", "qa", "bio", "portray", "profile", "few_shot"],
)
def test_how_a_condition_is_written(condition, system, described):
    assert condition.id == condition.group == "party=Democrat"
    assert chat(condition) == (Message("system", system), USER)
    assert description(condition) == described


def test_nothing_given_leaves_the_question_alone():
    assert chat(Condition()) == (USER,)
    assert description(Condition()) == ASKED


@pytest.mark.parametrize("form", ["member", "qa", "bio", "portray"])
def test_the_whole_population_is_given_nothing(form):
    assert persona(EVERYBODY, form=form) == Condition()


def test_the_wording_of_the_data_goes_first():
    assert persona(PUBLISHED, form="portray").text == "Answer as if you considered yourself a Democrat."
    assert persona(PUBLISHED, form="bio").text == BIO
    assert persona(PUBLISHED).text == "identify as Democrats"


def test_an_empty_profile_is_refused():
    with pytest.raises(DataError, match=r"value profile for the group 'party=Democrat' is empty"):
        profile("party=Democrat", " \n")


def test_examples_never_hold_what_is_asked():
    pool = [*numbered(6), *numbered(6, text="is  {} RIGHT?")]
    pool = [question.model_copy(update={"id": f"{i}"}) for i, question in enumerate(pool)]
    for asked in pool:
        text = few_shot(DEMOCRATS, question=asked, pool=pool, n=12, seed=3).text
        assert text.count("Question: ") == 10
        assert " ".join(asked.text.casefold().split()) not in " ".join(text.casefold().split())


def test_examples_are_drawn_by_seed_and_question_whatever_the_order_of_the_pool():
    pool = numbered(20)
    drawn = few_shot(DEMOCRATS, question=TAX, pool=pool, n=5, seed=0)

    assert drawn.text.count("Question: ") == 5
    assert few_shot(DEMOCRATS, question=TAX, pool=pool[::-1], n=5, seed=0) == drawn
    assert few_shot(DEMOCRATS, question=TAX, pool=pool, n=5, seed=1) != drawn
    assert few_shot(DEMOCRATS, question=PARKS, pool=pool, n=5, seed=0) != drawn


def test_more_examples_add_to_fewer():
    pool = numbered(20)
    three = few_shot(DEMOCRATS, question=TAX, pool=pool, n=3, seed=0).text

    assert few_shot(DEMOCRATS, question=TAX, pool=pool, n=4, seed=0).text.startswith(three)


def test_fewer_examples_than_wanted_are_used():
    text = few_shot(DEMOCRATS, question=TAX, pool=[TAX, PARKS, ROADS], n=5, seed=0).text

    assert text.count("Question: ") == 2
    assert "Question: Are the roads good?\n- Yes: 13%\n- No: 87%" in text


def test_examples_of_the_whole_population():
    condition = few_shot(EVERYBODY, question=TAX, pool=[TAX, PARKS, ROADS], n=5, seed=0)

    assert (condition.kind, condition.group) == ("few_shot", "all")
    assert condition.text == (
        "This is how people answered other questions.\n\n"
        "Question: Are there enough parks?\n- Yes: 0%\n- No: 100%\n- Don't know: 0%"
    )


def test_questions_that_cannot_be_asked_are_not_shown():
    broken = PARKS.model_copy(update={"options": (Option(text="Yes"),) * 3})

    with pytest.raises(DataError, match="no answers to questions other than 'tax'"):
        few_shot(DEMOCRATS, question=TAX, pool=[TAX, broken], seed=0)


def test_a_group_without_answers_is_named():
    with pytest.raises(DataError, match=r"'age=old' has no answers to questions other than 'tax'.*holds 2"):
        few_shot(Group(id="age=old", text="are old"), question=TAX, pool=[TAX, PARKS], seed=0)


def test_no_examples_at_all_are_a_mistake():
    with pytest.raises(ConfigurationError, match="n: 0 examples"):
        few_shot(DEMOCRATS, question=TAX, pool=[PARKS], n=0, seed=0)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((1 / 3, 1 / 3, 1 / 3), [34, 33, 33]),
        ((0.125, 0.875), [13, 87]),
        ((0.004, 0.003, 0.993), [1, 0, 99]),
        ((0.1, 0.2, 0.7), [10, 20, 70]),
        ((0.29, 0.57, 0.14), [29, 57, 14]),
        ((1 / 7,) * 7, [15, 15, 14, 14, 14, 14, 14]),
        ((1.0, 0.0), [100, 0]),
        ((0.9999995, 0.0), [100, 0]),
    ],
)
def test_largest_remainders(shares, expected):
    """The second: remainders .5 and .5, the first wins; .29 * 100 is 28.999999999999996 in floating point."""
    assert whole_percentages(shares) == expected
    assert sum(expected) == 100
