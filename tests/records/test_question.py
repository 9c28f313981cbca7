import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pluralign.records import Group, Option, Question, QuestionSet

TEA = Option(text="tea", value=1)
COFFEE = Option(text="coffee", value=2)


def question(**changes):
    return Question(**{"id": "drinks", "text": "Tea or coffee?", "options": (TEA, COFFEE), **changes})


def question_set(**changes):
    fields = {"id": "poll", "questions": (question(counts={"all": (3, 1)}),), "groups": (Group(id="all"),)}
    return QuestionSet(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": ()}, "options: question 'drinks' has none"),
        (
            {"counts": {"all": (1, 2, 3)}},
            "counts['all']: question 'drinks' has 2 options but 3 values: (1.0, 2.0, 3.0)",
        ),
        ({"effective_n": {"young": 3}}, "effective_n: group 'young' of question 'drinks' has no counts"),
        ({"truth": (1.0,)}, "truth: question 'drinks' has 2 options but 1 values: (1.0,)"),
        (
            {"truth": (0.5, 0.25)},
            "truth of question 'drinks' must sum to 1, they sum to 0.75: (0.5, 0.25)",
        ),
    ],
)
def test_what_no_question_can_be(changes, message):
    with pytest.raises(ValidationError) as error:
        question(**changes)
    assert error.value.errors()[0]["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    ("changes", "location", "given_value"),
    [
        ({"counts": {"all": (1, -2)}}, ("counts", "all", 1), -2),
        ({"counts": {"all": (1, math.inf)}}, ("counts", "all", 1), math.inf),
        ({"effective_n": {"all": -1}}, ("effective_n", "all"), -1),
        ({"truth": (1.5, -0.5)}, ("truth", 0), 1.5),
        ({"id": ""}, ("id",), ""),
        ({"text": "  "}, ("text",), "  "),
        ({"note": "hm"}, ("note",), "hm"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(changes, location, given_value):
    with pytest.raises(ValidationError) as error:
        question(**changes)
    first = error.value.errors()[0]
    assert first["loc"] == location
    assert first["input"] == given_value


@pytest.mark.parametrize(
    "build",
    [
        lambda: question(counts={"all": (1, math.nan)}),
        lambda: question(truth=(math.nan, 1)),
        lambda: Option(text="tea", value=math.nan),
    ],
)
def test_nan_is_refused(build):
    with pytest.raises(ValidationError, match="finite_number"):
        build()


def test_truth_may_be_off_by_the_rounding_of_a_file():
    assert question(truth=(0.3333333, 0.6666666)).truth == (0.3333333, 0.6666666)
    with pytest.raises(ValidationError, match="must sum to 1"):
        question(truth=(0.33333, 0.66666))


def test_n_people_is_effective_where_weights_apply():
    weighted = question(counts={"all": (3.5, 1), "young": (2, 1)}, effective_n={"all": 2.25})
    assert weighted.n_people("all") == 2.25
    assert weighted.n_people("young") == 3


@pytest.mark.parametrize(
    ("record", "field"),
    [(TEA, "text"), (Group(id="all"), "id"), (question(), "truth"), (question_set(), "id")],
)
def test_records_are_frozen(record, field):
    with pytest.raises(ValidationError, match="frozen"):
        setattr(record, field, "changed")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"questions": ()}, "questions: the set 'poll' is empty"),
        ({"questions": (question(), question())}, "questions: ids ['drinks'] occur more than once in 'poll'"),
        (
            {"groups": (Group(id="all"), Group(id="all"))},
            "groups: ids ['all'] occur more than once in 'poll'",
        ),
        (
            {"groups": (Group(id="young"),)},
            "counts, shares: question 'drinks' has groups ['all'] that 'poll' lacks",
        ),
    ],
)
def test_what_no_set_can_be(changes, message):
    with pytest.raises(ValidationError) as error:
        question_set(**changes)
    assert error.value.errors()[0]["msg"] == f"Value error, {message}"


def test_the_digest_stays_with_equal_content():
    assert question_set().digest == question_set().digest
    assert len(question_set().digest) == 64


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "survey"},
        {"source": "a poll"},
        {"groups": (Group(id="all", text="live here"),)},
        {"questions": (question(counts={"all": (3, 2)}),)},
        {"questions": (question(counts={"all": (3, 1)}, text="Coffee or tea?"),)},
        {"questions": (question(counts={"all": (3, 1)}, options_listed=False),)},
        {"questions": (question(counts={"all": (1, 3)}, options=(COFFEE, TEA)),)},
        {"questions": (question(counts={"all": (3, 1)}, options=(Option(text="tea"), COFFEE)),)},
    ],
)
def test_the_digest_changes_with_the_content(changes):
    assert question_set(**changes).digest != question_set().digest


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip() != "")
finite = st.floats(allow_nan=False, allow_infinity=False)
amounts = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


@st.composite
def questions(draw):
    options = draw(
        st.lists(
            st.builds(Option, text=words, value=st.none() | finite, refusal=st.booleans()), min_size=2
        ).filter(lambda options: len({option.text for option in options}) == len(options))
    )
    vector = st.tuples(*[amounts] * len(options))
    counts = draw(st.dictionaries(words, vector, max_size=3))
    return Question(
        id=draw(words),
        text=draw(words),
        options=tuple(options),
        counts=counts,
        effective_n={group: draw(amounts) for group in counts},
        truth=draw(st.none() | st.just((1 / len(options),) * len(options))),
        options_listed=draw(st.booleans()),
    )


@settings(max_examples=50, deadline=None)
@given(questions())
def test_any_question_survives_json(any_question):
    assert Question.model_validate_json(any_question.model_dump_json()) == any_question


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((TEA,), "it has a single option, 'tea'"),
        ((TEA, COFFEE, TEA), "it holds the options ['tea'] more than once"),
        ((TEA, COFFEE), None),
    ],
)
def test_why_a_question_cannot_be_asked(options, reason):
    assert question(options=options).unaskable == reason


def test_shares_stand_for_people_of_unknown_number():
    known = question(counts={"old": (3, 1), "nobody": (0, 0)}, shares={"young": (0.25, 0.75)})
    assert known.groups == ("old", "young")
    assert known.target("old") == (0.75, 0.25)
    assert known.n_people("old") == 4
    assert known.target("young") == (0.25, 0.75)
    assert known.n_people("young") is None
    with pytest.raises(KeyError):
        known.target("nobody")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": {"young": (0.25, 0.7)}}, "shares['young'] of question 'drinks' must sum to 1"),
        ({"shares": {"young": (1.0,)}}, "shares['young']: question 'drinks' has 2 options but 1 values"),
        (
            {"counts": {"young": (1, 2)}, "shares": {"young": (0.5, 0.5)}},
            "shares: group 'young' of question 'drinks' has counts as well",
        ),
    ],
)
def test_shares_that_cannot_be(changes, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        question(**changes)
