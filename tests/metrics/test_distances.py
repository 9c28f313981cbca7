from functools import partial
from math import inf, log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon  # noqa: TID251  the reference, its units converted here

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics import (
    entropy_bits,
    js_distance_base2,
    js_distance_nats,
    js_divergence_bits,
    js_divergence_bits_corrected,
    js_divergence_nats,
    js_divergence_nats_smoothed,
    kl_divergence,
    mode_mismatch,
    total_variation,
    wasserstein_ordinal,
)

JS_AND_TV = [
    (total_variation, 1.0),
    (js_divergence_nats, log(2)),
    (js_divergence_bits, 1.0),
    (js_distance_nats, sqrt(log(2))),
    (js_distance_base2, 1.0),
]
SYMMETRIC = pytest.mark.parametrize(
    ("distance", "highest"), JS_AND_TV, ids=[f.__name__ for f, _ in JS_AND_TV]
)

given_few = settings(max_examples=60, deadline=None)


def _normalised(weights):
    weights = np.array(weights)
    return weights / weights.sum()


def _distributions(n_options):
    weight = st.one_of(st.just(0.0), st.floats(1e-9, 1.0))
    return st.lists(weight, min_size=n_options, max_size=n_options).filter(any).map(_normalised)


PAIRS = st.integers(1, 6).flatmap(lambda k: st.tuples(_distributions(k), _distributions(k)))
SCALES = st.lists(st.integers(-20, 20), min_size=2, max_size=6).filter(lambda scale: len(set(scale)) > 1)
ON_A_SCALE = SCALES.flatmap(
    lambda scale: st.tuples(_distributions(len(scale)), _distributions(len(scale)), st.just(np.array(scale)))
)


class TestGoldenNumbers:
    @pytest.mark.parametrize(
        ("distance", "expected"),
        [
            (total_variation, 0.5),
            (js_divergence_nats, 0.1329),
            (js_divergence_bits, 0.1918),
            (js_distance_nats, 0.3646),
            (js_distance_base2, 0.4379),
            # .7 ln 3.5 + .2 ln .4 + .1 ln(1/3)
            (kl_divergence, 0.8769341 - 0.1832581 - 0.1098612),
        ],
    )
    def test_the_four_numbers_called_js_and_the_others(self, distance, expected):
        assert distance([0.7, 0.2, 0.1], [0.2, 0.5, 0.3]) == pytest.approx(expected, abs=5e-5)

    @pytest.mark.parametrize(
        ("distance", "expected"),
        [
            (total_variation, 0.5),
            (js_divergence_nats, 0.2158),
            (js_divergence_bits, 0.3113),
            (js_distance_nats, 0.4645),
            (js_distance_base2, 0.5579),
            (kl_divergence, log(2)),
        ],
    )
    def test_certainty_against_a_fair_coin(self, distance, expected):
        assert distance([1, 0], [0.5, 0.5]) == pytest.approx(expected, abs=5e-5)

    @SYMMETRIC
    def test_disjoint_distributions_are_at_the_upper_end(self, distance, highest):
        assert distance([0.25, 0.75, 0, 0], [0, 0, 0.5, 0.5]) == pytest.approx(highest, rel=1e-15)

    def test_published_uniform_baseline_on_moralchoice(self):
        golds = np.repeat([[1.0, 0.0], [0.5, 0.5]], [687, 680], axis=0)
        assert js_distance_nats(golds, [0.5, 0.5]).mean() == pytest.approx(0.2334, abs=5e-5)
        assert total_variation(golds, [0.5, 0.5]).mean() == pytest.approx(0.2513, abs=5e-5)

    def test_kl_is_exact_on_zeros(self):
        assert kl_divergence([0.5, 0.5], [1, 0]) == inf
        assert kl_divergence([1, 0], [1, 0]) == 0

    def test_entropy(self):
        rows = [[0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0], [0.5, 0.25, 0.25, 0]]
        assert entropy_bits(rows).tolist() == [2, 0, 1.5]

    @pytest.mark.parametrize("positions", [[1, 2, 3], [1, 2, 10], [0.1, 0.9, 1.0]])
    def test_w1_of_point_masses_at_the_ends_is_one(self, positions):
        assert wasserstein_ordinal([1, 0, 0], [0, 0, 1], positions) == pytest.approx(1, rel=1e-15)

    def test_w1_weighs_the_gaps(self):
        first_step = wasserstein_ordinal([1, 0, 0], [0, 1, 0], [0, 1, 4])
        second_step = wasserstein_ordinal([0, 1, 0], [0, 0, 1], [0, 1, 4])
        assert (first_step, second_step) == (0.25, 0.75)

    def test_w1_sorts_positions_and_merges_equal_ones(self):
        assert wasserstein_ordinal([1, 0, 0], [0, 1, 0], [3, 1, 2]) == 1
        assert wasserstein_ordinal([1, 0, 0], [0, 1, 0], [1, 1, 2]) == 0

    def test_smallest_floats_do_not_leak_infinity(self):
        assert js_divergence_nats([1, 5e-324], [1, 0]) == pytest.approx(0, abs=1e-300)
        assert js_divergence_nats([1, 5e-324], [5e-324, 1]) == pytest.approx(log(2))

    @SYMMETRIC
    def test_slack_in_the_sums_stays_inside_the_range(self, distance, highest):
        assert distance([1 + 9e-7, 0], [0, 1 + 9e-7]) <= highest
        assert distance([1 - 9e-7, 0], [1, 0]) >= 0


class TestProperties:
    @SYMMETRIC
    @given(pair=PAIRS)
    @given_few
    def test_symmetric_bounded_and_zero_for_equals(self, distance, highest, pair):
        p, q = pair
        assert 0 <= distance(p, q) <= highest
        assert distance(p, q) == distance(q, p)
        assert distance(p, p) == 0

    @SYMMETRIC
    @given(pair=PAIRS)
    @given_few
    def test_positive_where_different(self, distance, highest, pair):
        p, q = pair
        assume(np.abs(p - q).max() > 1e-6)
        assert distance(p, q) > 0

    @SYMMETRIC
    @given(pair=PAIRS, seed=st.integers(0, 99))
    @given_few
    def test_order_of_the_options_does_not_matter(self, distance, highest, pair, seed):
        p, q = pair
        order = np.random.default_rng(seed).permutation(p.size)
        # The distances are square roots: rounding of 1e-16 in the divergence shows as 1e-8.
        assert distance(p[order], q[order]) == pytest.approx(distance(p, q), abs=1e-7)

    @given(pair=PAIRS)
    @given_few
    def test_kl_is_zero_only_for_equals(self, pair):
        p, q = pair
        assert kl_divergence(p, p) == 0
        if np.abs(p - q).max() > 1e-6:
            assert kl_divergence(p, q) > 0
        assert np.isinf(kl_divergence(p, q)) == ((q == 0) & (p > 0)).any()

    @given(case=ON_A_SCALE, shift=st.integers(-5, 5), factor=st.sampled_from([-3.0, -1.0, 0.5, 7.0]))
    @given_few
    def test_w1_does_not_see_unit_or_direction_of_the_scale(self, case, shift, factor):
        p, q, positions = case
        moved = wasserstein_ordinal(p, q, factor * positions + shift)
        assert moved == pytest.approx(wasserstein_ordinal(p, q, positions), abs=1e-12)

    @given(case=ON_A_SCALE)
    @given_few
    def test_w1_is_bounded_symmetric_and_free_of_option_order(self, case):
        p, q, positions = case
        distance = wasserstein_ordinal(p, q, positions)
        assert 0 <= distance <= 1
        assert wasserstein_ordinal(q, p, positions) == distance
        assert wasserstein_ordinal(p, p, positions) == 0
        reversed_options = wasserstein_ordinal(p[::-1], q[::-1], positions[::-1])
        assert reversed_options == pytest.approx(distance, abs=1e-12)

    @pytest.mark.parametrize(
        "distance",
        [
            *(function for function, _ in JS_AND_TV),
            kl_divergence,
            mode_mismatch,
            js_divergence_nats_smoothed,
            partial(js_divergence_bits_corrected, n_p=None, n_q=12),
            partial(wasserstein_ordinal, positions=[2, 1, 5, 3]),
        ],
    )
    def test_stacked_rows_equal_row_by_row(self, distance):
        rng = np.random.default_rng(5)
        p, q = rng.dirichlet(np.ones(4), size=(3, 2)), rng.dirichlet(np.ones(4), size=2)
        stacked = distance(p, q)
        assert stacked.shape == (3, 2)
        assert stacked.dtype == np.float64
        for i, j in np.ndindex(3, 2):
            assert stacked[i, j] == distance(p[i, j], q[j])

    def test_no_rows_give_no_distances(self):
        assert total_variation(np.empty((0, 3)), [0.2, 0.3, 0.5]).shape == (0,)


def _sampled(rng, p, n, *, exact):
    return p if exact else rng.multinomial(n, p, size=20_000) / n


class TestCorrectedDivergence:
    @pytest.mark.parametrize(
        ("p", "q", "n_p", "n_q", "expected"),
        [
            # (K - 1) / (8 n ln 2) where both are alike, from each sample.
            ([0.25] * 4, [0.25] * 4, None, 10, -0.0541),
            ([0.25] * 4, [0.25] * 4, 30, None, -0.0180),
            ([0.25] * 4, [0.25] * 4, 30, 100, -0.0180 - 0.0054),
            # m = (.35, .65): the divergence is .050672 nats.
            (
                [0.5, 0.5],
                [0.2, 0.8],
                None,
                20,
                (0.050672 - (0.8 * 0.5 / 0.7 + 0.2 * 0.5 / 1.3) / 80) / log(2),
            ),
            # Apart for certain: sampling cannot change it.
            ([0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], 7, 7, 1.0),
            ([1, 0], [1, 0], 7, 7, 0.0),
        ],
    )
    def test_by_hand(self, p, q, n_p, n_q, expected):
        assert js_divergence_bits_corrected(p, q, n_p=n_p, n_q=n_q) == pytest.approx(expected, abs=5e-5)

    @given(pair=PAIRS, n=st.integers(1, 500))
    @given_few
    def test_is_the_delta_method(self, pair, n):
        p, q = pair
        seen = q > 0
        variance = (q * (1 - q) / n)[seen]
        second_derivative = (1 / (2 * q[seen])) - 1 / (2 * (p + q)[seen])
        bias = (variance * second_derivative).sum() / 2
        raw, corrected = js_divergence_bits(p, q), js_divergence_bits_corrected(p, q, n_p=None, n_q=n)
        assert raw - corrected == pytest.approx(bias / log(2), abs=1e-12)
        assert corrected <= raw

    @given(pair=PAIRS, n_p=st.integers(1, 500), n_q=st.integers(1, 500))
    @given_few
    def test_both_sides_are_treated_alike_and_add_up(self, pair, n_p, n_q):
        p, q = pair
        raw, both = js_divergence_bits(p, q), js_divergence_bits_corrected(p, q, n_p=n_p, n_q=n_q)
        assert js_divergence_bits_corrected(q, p, n_p=n_q, n_q=n_p) == pytest.approx(both, abs=1e-12)
        one = js_divergence_bits_corrected(p, q, n_p=n_p, n_q=None)
        other = js_divergence_bits_corrected(p, q, n_p=None, n_q=n_q)
        assert (raw - one) + (raw - other) == pytest.approx(raw - both, abs=1e-12)

    @given(pair=PAIRS)
    @given_few
    def test_nothing_is_taken_from_exact_distributions(self, pair):
        p, q = pair
        assert js_divergence_bits_corrected(p, q, n_p=None, n_q=None) == js_divergence_bits(p, q)
        assert js_divergence_bits_corrected(p, q, n_p=inf, n_q=inf) == js_divergence_bits(p, q)

    @pytest.mark.parametrize("n", [30, 100])
    @pytest.mark.parametrize("p_is_exact", [True, False])
    @pytest.mark.parametrize(
        ("p", "q"),
        [
            ([0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]),
            ([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]),
            ([0.7, 0.2, 0.1], [0.2, 0.5, 0.3]),
            ([0.5, 0.5, 0, 0], [0.25, 0.25, 0.25, 0.25]),
        ],
    )
    def test_its_mean_is_much_nearer_to_the_truth(self, p, q, n, p_is_exact):
        rng = np.random.default_rng(0)
        p_hat, q_hat = _sampled(rng, p, n, exact=p_is_exact), _sampled(rng, q, n, exact=False)
        corrected = js_divergence_bits_corrected(p_hat, q_hat, n_p=None if p_is_exact else n, n_q=n)
        truth = js_divergence_bits(p, q)
        bias = js_divergence_bits(p_hat, q_hat).mean() - truth
        assert abs(corrected.mean() - truth) < 0.15 * bias

    def test_options_too_rare_to_be_drawn_leave_some_bias(self):
        p, q, n = [0.25] * 4, [0.97, 0.01, 0.01, 0.01], 30
        q_hat = _sampled(np.random.default_rng(0), q, n, exact=False)
        truth = js_divergence_bits(p, q)
        corrected = js_divergence_bits_corrected(p, q_hat, n_p=None, n_q=n).mean()
        assert truth < corrected < js_divergence_bits(p, q_hat).mean()

    @pytest.mark.parametrize("n", [0, -3, float("nan")])
    def test_bad_number_of_draws(self, n):
        with pytest.raises(DataError, match=f"n_q must be a positive number of draws, or None .*, not {n}"):
            js_divergence_bits_corrected([0.5, 0.5], [1, 0], n_p=None, n_q=n)
        with pytest.raises(DataError, match="n_p must be a positive"):
            js_divergence_bits_corrected([0.5, 0.5], [1, 0], n_p=n, n_q=30)


class TestSmoothedDivergence:
    def test_by_hand(self):
        # (1, 0) and (0, 1) become (.75, .25) and (.25, .75): .75 ln 1.5 + .25 ln .5
        assert js_divergence_nats_smoothed([1, 0], [0, 1], eps=0.5) == pytest.approx(
            0.304099 - 0.173287, abs=1e-6
        )
        barely = js_divergence_nats_smoothed([1, 0], [0, 1])
        assert log(2) - barely == pytest.approx(1e-6 * (log(1e6) + 1), rel=1e-4)

    @given(pair=PAIRS)
    @given_few
    def test_against_scipy_which_normalises(self, pair):
        p, q = pair
        expected = jensenshannon(p + 1e-6, q + 1e-6) ** 2
        assert js_divergence_nats_smoothed(p, q) == pytest.approx(expected, abs=1e-12)
        assert js_divergence_nats_smoothed(p, q) == pytest.approx(js_divergence_nats(p, q), abs=2e-4)
        assert js_divergence_nats_smoothed(p, q, eps=0) == pytest.approx(js_divergence_nats(p, q), abs=1e-12)

    @pytest.mark.parametrize("eps", [-1e-6, inf, float("nan")])
    def test_bad_eps(self, eps):
        with pytest.raises(
            ConfigurationError, match=f"eps must be a finite number of at least 0.* not {eps}"
        ):
            js_divergence_nats_smoothed([1, 0], [0, 1], eps=eps)


class TestModeMismatch:
    @pytest.mark.parametrize(
        ("p", "q", "expected"),
        [
            ([0.5, 0.3, 0.2], [0.4, 0.3, 0.3], 0),
            ([0.5, 0.3, 0.2], [0.3, 0.4, 0.3], 1),
            # The first of equals counts: the same for both, or another.
            ([0.4, 0.4, 0.2], [0.4, 0.2, 0.4], 0),
            ([0.4, 0.4, 0.2], [0.2, 0.4, 0.4], 1),
        ],
    )
    def test_by_hand(self, p, q, expected):
        assert mode_mismatch(p, q) == expected

    @given(pair=PAIRS)
    @given_few
    def test_compares_the_highest(self, pair):
        p, q = pair
        assert mode_mismatch(p, q) == (list(p).index(max(p)) != list(q).index(max(q)))
        assert mode_mismatch(p, p) == 0


class TestAgainstScipy:
    @given(pair=PAIRS)
    @given_few
    def test_js(self, pair):
        p, q = pair
        assert js_divergence_nats(p, q) == pytest.approx(jensenshannon(p, q) ** 2, abs=1e-12)
        assert js_divergence_bits(p, q) == pytest.approx(jensenshannon(p, q, 2) ** 2, abs=1e-12)
        assert js_distance_nats(p, q) == pytest.approx(jensenshannon(p, q), abs=1e-7)
        assert js_distance_base2(p, q) == pytest.approx(jensenshannon(p, q, 2), abs=1e-7)

    @given(pair=PAIRS)
    @given_few
    def test_kl_and_entropy(self, pair):
        p, q = pair
        assert kl_divergence(p, q) == pytest.approx(stats.entropy(p, q), abs=1e-12)
        assert entropy_bits(p) == pytest.approx(stats.entropy(p, base=2), abs=1e-12)

    @given(case=ON_A_SCALE)
    @given_few
    def test_w1(self, case):
        p, q, positions = case
        expected = stats.wasserstein_distance(positions, positions, p, q) / np.ptp(positions)
        assert wasserstein_ordinal(p, q, positions) == pytest.approx(expected, abs=1e-12)


class TestBadInput:
    @pytest.mark.parametrize(
        "distance",
        [
            *(function for function, _ in JS_AND_TV),
            kl_divergence,
            mode_mismatch,
            js_divergence_nats_smoothed,
            partial(js_divergence_bits_corrected, n_p=None, n_q=12),
            partial(wasserstein_ordinal, positions=[1, 2]),
        ],
    )
    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            ([[0.5, 0.5], [0.5, 0.4]], r"q\[1\] must sum to 1: \[0\.5, 0\.4\] sums to 0\.9"),
            ([[1.5, -0.5]], r"q\[0\] must not be negative: \[1\.5, -0\.5\]"),
            ([float("nan"), 1.0], r"q must be finite: \[nan, 1\.0\]"),
            ([inf, 0.0], r"q must be finite: \[inf, 0\.0\]"),
            ([0, 0], r"q must sum to 1: \[0\.0, 0\.0\] sums to 0\."),
            ([0.5, 0.500003], r"q must sum to 1: \[0\.5, 0\.500003\]"),
            ([0.2, 0.3, 0.5], r"same number of options, not 2 and 3"),
            ([1.0], r"same number of options, not 2 and 1"),
            (1.0, r"q must have shape \(\.\.\., K\)"),
            ([], r"q must have shape \(\.\.\., K\)"),
            (["a", "b"], r"q must be an array of numbers"),
            ([[0.5, 0.5], [1.0]], r"q must be an array of numbers"),
        ],
    )
    def test_both_arguments_are_checked_and_the_row_is_shown(self, distance, bad, message):
        with pytest.raises(DataError, match=message):
            distance([0.5, 0.5], bad)

    def test_first_argument_is_named_too(self):
        with pytest.raises(DataError, match=r"p\[0\]\[1\] must sum to 1: \[0\.3, 0\.3\] sums to 0\.6"):
            total_variation([[[0.5, 0.5], [0.3, 0.3]]], [0.5, 0.5])

    def test_leading_axes_must_broadcast(self):
        with pytest.raises(DataError, match=r"p, shape \(3, 2\), and q, shape \(2, 2\), do not broadcast"):
            total_variation(np.full((3, 2), 0.5), np.full((2, 2), 0.5))

    def test_entropy_is_checked(self):
        with pytest.raises(DataError, match=r"p must sum to 1"):
            entropy_bits([0.5, 0.6])

    @pytest.mark.parametrize(
        ("positions", "message"),
        [
            ([2, 2], r"positions must not all be equal: \[2\.0, 2\.0\]"),
            ([1, 2, 3], r"positions must be 2 finite numbers"),
            ([1, float("nan")], r"positions must be 2 finite numbers.*nan"),
            ([[1, 2]], r"positions must be 2 finite numbers"),
            (["low", "high"], r"positions must be an array of numbers"),
        ],
    )
    def test_positions(self, positions, message):
        with pytest.raises(DataError, match=message):
            wasserstein_ordinal([0.5, 0.5], [1, 0], positions)
