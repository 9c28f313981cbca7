import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pluralign.guard.rates import area_under_curve, share


def test_an_area_by_hand():
    # Refused 0.9, 0.4; served 0.4, 0.1: of four pairs three are in order and one is a tie.
    found = area_under_curve(np.array([[0.9, 0.4], [0.4, 0.1]]), seed=0)

    assert found.value == pytest.approx(3.5 / 4)
    assert found.n == 2


@settings(deadline=None)  # the first call imports scipy
@given(
    arrays(
        np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])
    )
)
def test_it_is_the_mann_whitney_statistic(scores):
    from scipy.stats import mannwhitneyu

    expected = mannwhitneyu(scores[:, 0], scores[:, 1]).statistic / len(scores) ** 2
    found = area_under_curve(scores, seed=0)

    assert found.value == pytest.approx(expected)
    if found.interval is not None:
        assert 0 <= found.interval.low <= found.interval.high <= 1


def test_its_interval_covers_the_truth():
    """Normal scores one standard deviation apart: the area is Phi(1 / sqrt 2) = 0.7602."""
    covered = 0
    for seed in range(200):
        draws = np.random.default_rng(seed).normal([1.0, 0.0], 1.0, size=(60, 2))
        interval = area_under_curve(draws, seed=seed).interval
        assert interval is not None
        covered += interval.low <= 0.7602 <= interval.high
    assert 0.88 <= covered / 200 <= 1.0


def test_extremes_and_nothing():
    assert area_under_curve(np.array([[1.0, 0.0]] * 3), seed=0).interval.low == 1.0
    assert area_under_curve(np.zeros((0, 2)), seed=0).value is None
    assert area_under_curve(np.array([[1.0, 0.0]]), seed=0).interval is None


def test_a_share_has_wilsons_interval():
    found = share([True] * 2 + [False] * 8)

    # Wilson 1927 with z = 1.95996: centre (p + z^2 / 2n) / (1 + z^2 / n), worked by hand for 2 of 10.
    assert (found.value, found.n) == (0.2, 10)
    assert found.interval.low == pytest.approx(0.0567, abs=1e-4)
    assert found.interval.high == pytest.approx(0.5098, abs=1e-4)
    assert share([False] * 20).interval.high == pytest.approx(0.1611, abs=1e-4)
    assert share([]).value is None


def test_shown():
    assert share([False] * 20).shown == "0.000 (95 %: 0.00 to 0.16)"
    assert share([]).shown == "unknown"
