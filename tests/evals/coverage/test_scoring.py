"""Yield and its neighbours by closed forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.data.verifiable import TASKS
from pluralign.errors import DataError
from pluralign.evals.coverage import Said, compare_coverage, score_coverage

RNG, SMALL, PRIME = TASKS["rng_1_100"], TASKS["rng_1_10"], TASKS["prime_numbers"]


def said(*texts):
    return tuple(Said(text) for text in texts)


def values(scores):
    return {each.name: each.value for each in scores.estimates if each.slice == "all"}


def test_a_hundred_equal_right_answers_yield_one():
    found = values(score_coverage([RNG], {RNG.id: said(*["7"] * 100)}))
    assert found["yield"] == 1
    assert found["valid_share"] == 1
    assert found["unique_share"] == pytest.approx(0.01)
    assert found["collision_prob"] == 1
    assert found["list_share"] == pytest.approx(0.01)


def test_a_hundred_different_right_answers_yield_a_hundred():
    found = values(score_coverage([RNG], {RNG.id: said(*map(str, range(1, 101)))}))
    assert found["yield"] == 100
    assert found["unique_share"] == 1
    assert found["collision_prob"] == 0
    assert found["list_share"] == 1


def test_wrong_lost_and_repeated_answers_by_hand():
    draws = (
        *said("3", "3", "4", "07", "eleven"),
        Said(lost="truncated"),
        Said(lost="empty"),
        Said(lost="unparsed"),
    )
    scores = score_coverage([SMALL], {SMALL.id: draws})
    found = values(scores)
    assert found["yield"] == 2
    assert found["valid_share"] == pytest.approx(3 / 8)
    assert found["unique_share"] == pytest.approx(2 / 3)
    assert found["collision_prob"] == pytest.approx(2 / 6)  # 2 * 1 ordered pairs alike of 3 * 2
    assert found["list_share"] == pytest.approx(0.2)
    assert found["truncated_share"] == found["empty_share"] == found["unparsed_share"] == pytest.approx(1 / 8)
    assert any("1 empty, 1 truncated, 1 unparsed of 8 draws" in reading for reading in scores.readings)


def test_what_is_undefined_has_a_reason_and_is_counted():
    scores = score_coverage([SMALL, PRIME], {SMALL.id: said("0", "0"), PRIME.id: said("2", "4")})
    assert scores.estimate("unique_share").n_unscored == {"no right answer": 1}
    assert scores.estimate("collision_prob").value is None
    assert scores.estimate("collision_prob").reason == "fewer than two right answers"
    assert scores.estimate("list_share").n_questions == 1
    assert scores.estimate("list_share").n_unscored == {}
    with pytest.raises(KeyError):
        score_coverage([PRIME], {PRIME.id: said("2")}).estimate("list_share")


def test_the_interval_resamples_tasks_and_the_baseline_is_that_of_counted_tasks():
    scores = score_coverage([SMALL, PRIME], {SMALL.id: said("1", "2"), PRIME.id: said("4", "6")}, seed=3)
    found = scores.estimate("yield")
    assert found.value == 1
    assert (found.interval.low, found.interval.high) == (0, 2)
    assert found.baselines == {"uniform": pytest.approx(1.9)}
    assert found.baseline_cells == {"uniform": 1}
    assert found.unit == "of 2 draws"
    assert scores.estimate("yield", "family=rng_1_10").value == 2
    assert scores.primary == "yield"


def test_a_task_of_which_a_draw_failed_is_not_scored():
    scores = score_coverage([SMALL, PRIME], {SMALL.id: None, PRIME.id: said("2", "3")})
    assert scores.n_unscored == {"error": 1}
    assert scores.estimate("yield").value == 2
    nothing = score_coverage([SMALL], {SMALL.id: None})
    assert nothing.estimate("yield").value is None
    assert nothing.estimate("yield").reason == "error"


def test_numbers_of_draws_must_be_equal():
    with pytest.raises(DataError, match="1 to 2 draws"):
        score_coverage([SMALL, PRIME], {SMALL.id: said("1"), PRIME.id: said("2", "3")})
    with pytest.raises(DataError, match="nothing to score"):
        score_coverage([], {})
    with pytest.raises(DataError, match="nothing to score"):
        score_coverage([SMALL], {SMALL.id: ()})


def test_comparison_is_paired_by_task():
    first = score_coverage([SMALL, PRIME], {SMALL.id: said("1", "2"), PRIME.id: said("2", "3")})
    second = score_coverage([SMALL, PRIME], {SMALL.id: said("1", "1"), PRIME.id: said("2", "4")})
    found = {each.name: each for each in compare_coverage(first=("a", first), second=("b", second))}
    assert found["yield"].difference == 1
    assert found["yield"].n_questions == 2
    assert found["valid_share"].difference == pytest.approx(0.25)
    shorter = score_coverage([SMALL], {SMALL.id: said("1")})
    with pytest.raises(DataError, match="Yield of 1 and of 2 draws"):
        compare_coverage(first=("a", first), second=("b", shorter))


@given(st.lists(st.sampled_from(["1", "2", "3", "07", "x", ""]), min_size=1, max_size=30))
def test_bounds_that_always_hold(texts):
    draws = tuple(Said(text) if text else Said(lost="empty") for text in texts)
    found = values(score_coverage([SMALL], {SMALL.id: draws}))
    n_valid = round(found["valid_share"] * len(texts))
    assert found["yield"] <= min(n_valid, 3)
    assert (found["yield"] == 0) == (n_valid == 0)
    assert found["list_share"] == pytest.approx(found["yield"] / 10)
