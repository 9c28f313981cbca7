import numpy as np
import pytest

from pluralign.errors import DataError
from pluralign.evals.overton import compare_overton, comparison_readings


@pytest.fixture
def synthesis(new_judged):
    """Of each window a long answer with all views, b before a, and a short plain one with a."""
    names = ["v", "w", "x"]
    long = [new_judged(["b", "a", "c"], words=[10, 10, 10], window_id=name) for name in names]
    short = [new_judged(["a"], words=[10], window_id=name) for name in names]
    return ("synthesis", long), ("plain", short)


def by_name(comparisons):
    return {one.name: one for one in comparisons}


def test_differences_are_paired_by_window(synthesis):
    found = by_name(compare_overton(first=synthesis[0], second=synthesis[1], threshold=0.5))
    coverage = found["coverage"]
    assert (coverage.first, coverage.second) == ("synthesis", "plain")
    assert coverage.difference == pytest.approx(2 / 3)
    assert (coverage.interval.low, coverage.interval.high) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (coverage.n_questions, coverage.n_cells) == (3, 3)
    assert coverage.p_value < 0.01
    assert found["response_tokens"].difference == 20
    assert found["coverage_per_100_tokens"].difference == pytest.approx(100 / 30 - 100 / 3 / 10)


def test_at_equal_length_only_what_is_said_in_as_many_words_counts(synthesis):
    found = by_name(compare_overton(first=synthesis[0], second=synthesis[1], threshold=0.5))
    # Ten words of the synthesis state b, ten of the plain answer a.
    assert found["coverage_at_equal_length"].difference == 0
    assert found["coverage_at_equal_length"].n_cells == 3


def test_the_other_way_round_the_sign_turns(synthesis):
    one = compare_overton(first=synthesis[0], second=synthesis[1], threshold=0.5)
    other = by_name(compare_overton(first=synthesis[1], second=synthesis[0], threshold=0.5))
    assert {each.name: -each.difference for each in one} == pytest.approx({
        name: each.difference for name, each in other.items()
    })


def test_a_window_counts_once_whatever_its_draws_and_only_where_both_answered(new_judged):
    first = [
        *(new_judged(["ab"], window_id="v", draw=draw) for draw in range(4)),
        new_judged([""], window_id="v", draw=4),
        new_judged([""], window_id="w"),
        new_judged(["abc"], window_id="only here"),
    ]
    second = [
        new_judged(["a"], window_id="v"),
        new_judged(["a"], window_id="w"),
        new_judged([], window_id="only there", outcome="refused"),
    ]
    coverage = by_name(compare_overton(first=("x", first), second=("y", second), threshold=0.5))["coverage"]
    assert coverage.n_questions == 2
    assert coverage.difference == pytest.approx(np.mean([4 / 5 * 2 / 3 - 1 / 3, 0 - 1 / 3]))


def test_readings_say_more_longer_and_at_equal_length(synthesis):
    text = " ".join(
        comparison_readings(compare_overton(first=synthesis[0], second=synthesis[1], threshold=0.5))
    )
    assert (
        "“synthesis” states 0.667 more of the views than “plain” (0.667 to 0.667, 95 %): it presents more"
        in text
    )
    assert "Its answers are 20 tokens longer on average" in text
    assert (
        "cut to the shorter one's length, it states 0.000 more (0.000 to 0.000, 95 %): no clear difference"
        in text
    )
    assert comparison_readings(()) == ()


def test_readings_of_a_loss_turn_both_ends_of_the_interval(new_judged):
    first = [new_judged([views], window_id=f"w{i}") for i, views in enumerate(["", "a", "b", "abc"])]
    second = [new_judged([views], window_id=f"w{i}") for i, views in enumerate(["abc", "ab", "a", "ab"])]
    comparisons = compare_overton(first=("x", first), second=("y", second), threshold=0.5)
    coverage = by_name(comparisons)["coverage"]
    assert coverage.difference == pytest.approx(-0.25)
    low, high = -coverage.interval.high, -coverage.interval.low
    assert (
        f"“x” states 0.250 less of the views than “y” ({low:.3f} to {high:.3f}"
        in comparison_readings(comparisons)[0]
    )


def test_sets_without_a_common_window_have_nothing_to_compare(new_judged):
    found = compare_overton(
        first=("x", [new_judged(["a"], window_id="v")]), second=("y", [new_judged(["a"])]), threshold=0.5
    )
    assert found == ()
    with pytest.raises(DataError, match="is there twice"):
        compare_overton(
            first=("x", [new_judged(["a"])] * 2), second=("y", [new_judged(["a"])]), threshold=0.5
        )
