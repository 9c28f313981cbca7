import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from pluralign.errors import DataError
from pluralign.metrics.seeds import difference_over_seeds, mean_over_seeds


def test_the_interval_of_three_values_by_hand():
    # s = 1, n = 3, t(.975, 2) = 4.302653
    found = mean_over_seeds([1.0, 2.0, 3.0])

    assert found.mean == 2
    assert found.bounds == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), rel=1e-6)


def test_one_value_has_no_interval():
    assert mean_over_seeds([0.5]) == (0.5, None)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12))
def test_the_interval_is_scipys(values):
    assume(stats.sem(values) > 0)
    low, high = mean_over_seeds(values).bounds
    own = stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=stats.sem(values))

    assert (low, high) == pytest.approx(own, rel=1e-6, abs=1e-9)


def test_differences_pair_by_seed():
    # Differences 1, 1, 4: mean 2, s = sqrt(3), half = 4.302653 * sqrt(3) / sqrt(3).
    found = difference_over_seeds([11.0, 21.0, 34.0], [10.0, 20.0, 30.0])

    assert found.difference == 2
    assert (found.low, found.high) == pytest.approx((2 - 4.302653, 2 + 4.302653), rel=1e-6)
    assert found.p_value == pytest.approx(stats.ttest_rel([11, 21, 34], [10, 20, 30]).pvalue)


def test_differences_without_spread_are_not_judged():
    assert difference_over_seeds([2.0, 3.0], [1.0, 2.0]) is None
    assert difference_over_seeds([2.0], [1.0]) is None


def test_what_does_not_pair_is_refused():
    with pytest.raises(DataError, match="2 and 3 values"):
        difference_over_seeds([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="there is none"):
        mean_over_seeds([])
