import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pluralign.records import Answer, Condition, Outcome


def answer(**changes):
    fields = {
        "key": "k1",
        "question_id": "q1",
        "model_id": "scripted:uniform",
        "elicitation": "logprob",
        "outcome": "ok",
        "probabilities": (0.25, 0.75),
    }
    return Answer(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": None}, "probabilities: present exactly when the outcome is ok, not with 'ok'"),
        ({"outcome": "refused"}, "probabilities: present exactly when the outcome is ok, not with 'refused'"),
        (
            {"probabilities": (0.25, 0.25)},
            "probabilities of question 'q1' must sum to 1, they sum to 0.5: (0.25, 0.25)",
        ),
        ({"error": "timeout"}, "error: present exactly when the outcome is error, not with 'ok'"),
        (
            {"outcome": "error", "probabilities": None},
            "error: present exactly when the outcome is error, not with 'error'",
        ),
    ],
)
def test_what_no_answer_can_be(changes, message):
    with pytest.raises(ValidationError) as error:
        answer(**changes)
    assert error.value.errors()[0]["msg"] == f"Value error, {message}"


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"probabilities": (1.5, -0.5)}, ("probabilities", 0)),
        ({"probabilities": (math.nan, 1)}, ("probabilities", 0)),
        ({"valid_mass_prob": 1.01}, ("valid_mass_prob",)),
        ({"order_sensitivity": -0.1}, ("order_sensitivity",)),
        ({"n_draws": -1}, ("n_draws",)),
        ({"n_permutations": 0}, ("n_permutations",)),
        ({"counts": {"ok": -1}}, ("counts", "ok")),
        ({"counts": {"fine": 1}}, ("counts", "fine", "[key]")),
        ({"outcome": "fine"}, ("outcome",)),
        ({"key": ""}, ("key",)),
        ({"confidence": 1}, ("confidence",)),
    ],
)
def test_a_wrong_value_is_named_with_its_place(changes, location):
    with pytest.raises(ValidationError) as error:
        answer(**changes)
    assert location in [item["loc"] for item in error.value.errors()]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNPARSED, Outcome.TRUNCATED])
def test_other_outcomes_carry_no_distribution(outcome):
    failed = answer(outcome=outcome, probabilities=None, n_draws=3, counts={outcome: 3})
    assert failed.probabilities is None
    assert failed.counts == {outcome: 3}


def test_an_answer_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        answer().outcome = Outcome.REFUSED


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "none", "text": "Be brief."}, "kind 'none' with text 'Be brief.' makes no sense"),
        ({"kind": "persona", "id": "young"}, "kind 'persona' with text '' makes no sense"),
    ],
)
def test_a_condition_says_something_unless_it_is_none(fields, message):
    with pytest.raises(ValidationError) as error:
        Condition(**fields)
    assert message in str(error.value)


def test_an_unknown_kind_of_condition():
    with pytest.raises(ValidationError, match="'none', 'persona', 'profile', 'few_shot' or 'in_context'"):
        Condition(kind="mood", text="You are glad.")


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip() != "")
shares = st.floats(min_value=0, max_value=1)
conditions = st.just(Condition()) | st.builds(
    Condition, kind=st.sampled_from(["persona", "profile", "few_shot"]), id=words, text=words
)


@st.composite
def answers(draw):
    outcome = draw(st.sampled_from(Outcome))
    heads = draw(shares)
    counts = draw(st.dictionaries(st.sampled_from(Outcome), st.integers(min_value=0, max_value=10**9)))
    return answer(
        key=draw(words),
        condition=draw(conditions),
        outcome=outcome,
        probabilities=(heads, 1 - heads) if outcome is Outcome.OK else None,
        valid_mass_prob=draw(st.none() | shares),
        n_draws=sum(counts.values()),
        counts=counts,
        order_sensitivity=draw(st.none() | shares),
        error=draw(st.text(st.characters(exclude_categories=["Cs"]))) if outcome is Outcome.ERROR else None,
    )


@settings(max_examples=50, deadline=None)
@given(answers())
def test_any_answer_survives_json(any_answer):
    assert Answer.model_validate_json(any_answer.model_dump_json()) == any_answer


def test_counts_must_add_up_to_the_draws():
    with pytest.raises(ValidationError, match=r"counts: .* do not add up to n_draws 5"):
        answer(counts={Outcome.OK: 3}, n_draws=5)
