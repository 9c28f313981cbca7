"""Calibration by hand: errors of 0 and 1, equal values, intervals."""

from math import log

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pluralign.evals.sequences import calibration


def test_probabilities_that_are_the_frequencies_have_no_error(row, output):
    """A fair coin foretold as one: of two tokens at a half each, one comes."""
    half = log(0.5)
    rows = [row(f"s{i}", output(0, half, right=1, end=0, others=(half,))) for i in range(20)]
    found = calibration(rows)
    assert found.ece == pytest.approx(0)
    assert found.n_probs == 40
    (only,) = found.bins  # all values are equal, so that they fall in one bin
    assert (only.n, only.mean_prob, only.correct_share) == (40, pytest.approx(0.5), 0.5)
    assert found.bounds == (pytest.approx(0), pytest.approx(0))


def test_all_mass_on_a_wrong_token_is_an_error_of_one(row, output):
    rows = [row(f"s{i}", output(0, -50.0, end=0, others=(0.0,))) for i in range(12)]
    found = calibration(rows)
    assert found.ece == pytest.approx(1)
    assert found.n_probs == 12  # what came has a probability below 0.01 and is left out


def test_ten_bins_of_equally_many(row, output):
    probs = (np.arange(100) + 1.5) / 102  # all above 0.01, all different
    rows = [row(f"s{i}", output(0, float(np.log(p)), end=0, right=1)) for i, p in enumerate(probs)]
    found = calibration(rows)
    assert [each.n for each in found.bins] == [10] * 10
    assert found.ece == pytest.approx(np.mean([1 - each.mean() for each in probs.reshape(10, 10)]))
    assert found.bins[0].low_prob == pytest.approx(probs[0])
    assert found.bins[-1].high_prob == pytest.approx(probs[-1])


def test_fewer_values_than_bins_make_as_many_bins(row, output):
    rows = [row("s", output(0, log(0.2), end=0, others=(log(0.5), log(0.3))))]
    found = calibration(rows)
    assert [each.n for each in found.bins] == [1, 1, 1]
    assert found.ece == pytest.approx((0.8 + 0.3 + 0.5) / 3)
    assert found.bounds is None  # one sequence says nothing of the spread


def test_nothing_above_one_in_a_hundred(row, output):
    found = calibration([row("s", output(0, -9.0, end=0)), row("t", error="too long")])
    assert found.ece is None
    assert found.bins == ()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from([0.02, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60
    )
)
def test_every_value_falls_in_one_bin(row, output, values):
    rows = [
        row(
            f"s{i}",
            output(0, log(p), end=0) if came else output(0, -50.0, end=0, others=(log(p),)),
        )
        for i, (p, came) in enumerate(values)
    ]
    found = calibration(rows, n_resamples=20)
    assert sum(each.n for each in found.bins) == len(values) == found.n_probs
    assert 0 <= found.ece <= 1
    last = found.bins[-1]
    for each in found.bins:
        inside = [
            came
            for p, came in values
            if each.low_prob <= np.exp(log(p)) and (np.exp(log(p)) < each.high_prob or each is last)
        ]
        assert each.correct_share == pytest.approx(np.mean(inside))
