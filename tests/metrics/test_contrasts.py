from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.errors import DataError
from pluralign.metrics import (
    contrast_correlation,
    contrast_products,
    contrast_slope,
    corrected_slope_of_sums,
    identified,
    sampling_noise,
)


def _differences(seed, n_contrasts=40, n_options=4):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(n_options), n_contrasts) - rng.dirichlet(np.ones(n_options), n_contrasts)


class TestClosedForms:
    def test_by_hand(self):
        people = [[0.2, -0.2], [0.4, -0.4]]
        predicted = [[0.1, -0.1], [0.1, -0.1]]
        # <d_pred, d_hum> = 2 (.02 + .04), <d_hum, d_hum> = 2 (.04 + .16), <d_pred, d_pred> = 2 (.01 + .01)
        assert contrast_products(predicted, people).sum(axis=1) == pytest.approx([0.12, 0.40, 0.04])
        assert contrast_slope(predicted, people) == pytest.approx(0.3)
        assert contrast_correlation(predicted, people) == pytest.approx(0.12 / np.sqrt(0.40 * 0.04))

    @pytest.mark.parametrize("factor", [-1, 0.4, 1, 2])
    def test_a_multiple_of_the_real_differences(self, factor):
        people = _differences(1)
        assert contrast_slope(factor * people, people) == pytest.approx(factor)
        assert contrast_correlation(factor * people, people) == pytest.approx(np.sign(factor))

    def test_no_difference_at_all(self):
        people = _differences(2)
        assert contrast_slope(0 * people, people) == 0
        assert isnan(contrast_correlation(0 * people, people))
        assert isnan(contrast_slope(people, 0 * people))
        # What floating point makes of equal predictions is no difference.
        assert isnan(contrast_correlation(1e-17 * people, people))

    @given(st.integers(0, 10_000))
    def test_agrees_with_a_regression_and_with_pearson(self, seed):
        predicted, people = _differences(seed), _differences(seed + 1)
        slope, intercept = np.polyfit(people.ravel(), predicted.ravel(), 1)
        assert contrast_slope(predicted, people) == pytest.approx(slope)
        assert intercept == pytest.approx(0, abs=1e-12)
        pearson = np.corrcoef(people.ravel(), predicted.ravel())[0, 1]
        assert contrast_correlation(predicted, people) == pytest.approx(pearson)

    @given(st.integers(0, 10_000))
    def test_which_group_comes_first_does_not_matter(self, seed):
        predicted, people = _differences(seed), _differences(seed + 1)
        signs = np.random.default_rng(seed).choice([-1, 1], size=(len(people), 1))
        assert contrast_slope(signs * predicted, signs * people) == pytest.approx(
            contrast_slope(predicted, people)
        )

    def test_refuses_stacks_that_differ(self):
        with pytest.raises(DataError, match=r"must both have shape \(C, K\), not \(2, 2\) and \(1, 2\)"):
            contrast_products([[0.1, -0.1]] * 2, [[0.1, -0.1]])


class TestSamplingNoise:
    def test_by_hand(self):
        assert sampling_noise([[0.5, 0.5], [0.2, 0.8]], [11, 5]) == pytest.approx([0.05, 0.08])

    def test_one_person_and_nobody_knows_how_many_say_nothing_of_the_spread(self):
        assert np.isnan(sampling_noise([[1.0, 0.0]] * 2, [1, nan])).all()

    def test_is_unbiased(self):
        rng = np.random.default_rng(0)
        p, n = np.array([0.1, 0.2, 0.7]), 7
        shares = rng.multinomial(n, p, size=200_000) / n
        true = ((shares - p) ** 2).sum(axis=1).mean()
        assert sampling_noise(shares, np.full(len(shares), n)).mean() == pytest.approx(true, rel=0.01)


class TestCorrectedSlope:
    def test_is_one_for_a_perfect_model_though_the_people_are_few(self):
        """The plain slope of the truth against 20 people a group is 0.75; corrected, it is 1 in the mean."""
        rng = np.random.default_rng(3)
        plain, corrected = [], []
        for _ in range(300):
            first, second = rng.dirichlet([2.0] * 4, 80), rng.dirichlet([2.0] * 4, 80)
            shares = [np.array([rng.multinomial(20, p) for p in truth]) / 20 for truth in (first, second)]
            products = contrast_products(first - second, shares[0] - shares[1])
            noise = sum(sampling_noise(h, np.full(80, 20)) for h in shares)
            sums = np.array([*products[:2].sum(axis=1), noise.sum()])[:, None]
            plain.append(sums[0, 0] / sums[1, 0])
            corrected.append(corrected_slope_of_sums(sums)[0])
        assert np.mean(plain) < 0.8
        assert np.mean(corrected) == pytest.approx(1, abs=0.01)

    def test_is_undefined_where_the_people_differ_by_no_more_than_noise(self):
        assert isnan(corrected_slope_of_sums(np.array([[0.1], [0.2], [0.2]]))[0])
        assert isnan(corrected_slope_of_sums(np.array([[0.1], [0.2], [0.3]]))[0])


def test_identified():
    found = identified([0.1, 0.3, 0.2, 0.2 + 1e-15, nan], [0.2, 0.1, 0.2, 0.2, 0.1])
    assert found[:4].tolist() == [1, 0, 0.5, 0.5]
    assert isnan(found[4])
