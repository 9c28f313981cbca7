from functools import partial
from math import inf, nan

import numpy as np
import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics import (
    js_distance_nats,
    js_divergence_bits,
    js_divergence_bits_corrected,
    noise_draws,
    noise_floor,
    split_half_ceiling,
    split_halves,
    total_variation,
    wasserstein_ordinal,
)

TRUTHS = np.random.default_rng(0).dirichlet([1.5] * 4, size=3000)


class TestNoiseDraws:
    def test_are_the_draws_of_the_floor(self):
        draws = noise_draws([0.2, 0.3, 0.5], 20, n_replications=50, seed=3)
        for distance in (total_variation, js_distance_nats):
            floor = noise_floor([0.2, 0.3, 0.5], 20, distance=distance, n_replications=50, seed=3)
            assert floor == distance([0.2, 0.3, 0.5], draws).mean()

    def test_are_multinomial_shares(self):
        draws = noise_draws([0.2, 0.3, 0.5], 7, n_replications=20_000, seed=0)
        assert draws.shape == (20_000, 3)
        assert np.allclose(draws * 7, np.rint(draws * 7), rtol=0, atol=1e-12)
        assert draws.sum(axis=1) == pytest.approx(1)
        assert draws.mean(axis=0) == pytest.approx([0.2, 0.3, 0.5], abs=0.005)
        assert draws.var(axis=0) == pytest.approx([0.16 / 7, 0.21 / 7, 0.25 / 7], rel=0.04)

    @pytest.mark.parametrize(
        ("distance", "expected"), [(js_divergence_bits, 0.039), (total_variation, 0.157)]
    )
    def test_two_samples_of_30(self, distance, expected):
        pairs = [noise_draws(p, 30, n_replications=10, seed=i) for i, p in enumerate(TRUTHS)]
        assert np.mean([distance(pair[:5], pair[5:]) for pair in pairs]) == pytest.approx(expected, abs=0.003)


class TestNoiseFloor:
    # Simulated for K = 4 and truths ~ Dirichlet(1.5, ..., 1.5).
    @pytest.mark.parametrize(
        ("distance", "n", "expected"),
        [
            (js_divergence_bits, 10, 0.069),
            (js_divergence_bits, 30, 0.021),
            (js_divergence_bits, 100, 0.0056),
            (js_divergence_bits, 1000, 0.0005),
            (js_distance_nats, 10, 0.202),
            (js_distance_nats, 30, 0.109),
            (js_distance_nats, 100, 0.058),
            (js_distance_nats, 1000, 0.018),
            (total_variation, 10, 0.198),
            (total_variation, 30, 0.112),
            (total_variation, 100, 0.063),
            (total_variation, 1000, 0.019),
        ],
    )
    def test_table_of_simulated_floors(self, distance, n, expected):
        floors = [
            noise_floor(p, n, distance=distance, n_replications=10, seed=i) for i, p in enumerate(TRUTHS)
        ]
        # A tolerance of .002 would let a divergence of nothing pass for those of many draws.
        assert np.mean(floors) == pytest.approx(expected, abs=min(0.002, 0.15 * expected))

    @pytest.mark.parametrize("n", [30, 100])
    def test_corrected_divergence_has_hardly_any(self, n):
        corrected = partial(js_divergence_bits_corrected, n_p=None, n_q=n)
        floors = {
            name: np.mean([
                noise_floor(p, n, distance=d, n_replications=10, seed=i) for i, p in enumerate(TRUTHS)
            ])
            for name, d in (("raw", js_divergence_bits), ("corrected", corrected))
        }
        assert abs(floors["corrected"]) < 0.2 * floors["raw"]

    def test_closed_forms(self):
        assert noise_floor([0.5, 0.5], 1, distance=total_variation, seed=0) == 0.5
        assert noise_floor([0.5, 0.5], 1, distance=js_divergence_bits, seed=0) == pytest.approx(
            0.3113, abs=5e-5
        )
        assert noise_floor([0, 1, 0], 5, distance=total_variation, seed=0) == 0
        # Two draws of a fair coin agree half of the time.
        half = noise_floor([0.5, 0.5], 2, distance=total_variation, n_replications=20_000, seed=0)
        assert half == pytest.approx(0.25, abs=0.006)

    @pytest.mark.parametrize(("n", "as_if"), [(0.2, 1), (29.6, 30), (30.4, 30)])
    def test_effective_n_is_rounded_to_at_least_one(self, n, as_if):
        p = [0.2, 0.3, 0.5]
        assert noise_floor(p, n, distance=total_variation, seed=4) == noise_floor(
            p, as_if, distance=total_variation, seed=4
        )

    def test_any_distance_will_do_and_the_seed_decides(self):
        distance = partial(wasserstein_ordinal, positions=[1, 2, 3])
        floor = noise_floor([0.2, 0.3, 0.5], 20, distance=distance, seed=1)
        assert floor == noise_floor([0.2, 0.3, 0.5], 20, distance=distance, seed=1)
        assert floor != noise_floor([0.2, 0.3, 0.5], 20, distance=distance, seed=2)

    def test_distance_is_called_once_on_the_stack(self):
        shapes = []

        def distance(p, q):
            shapes.append((p.shape, q.shape))
            return total_variation(p, q)

        noise_floor([0.2, 0.8], 20, distance=distance, n_replications=50, seed=1)
        split_half_ceiling([6, 5], distance, n_splits=40, seed=1)
        assert shapes == [((2,), (50, 2)), ((40, 2), (40, 2))]

    def test_slack_in_the_sum_is_no_obstacle(self):
        assert noise_floor([1 + 9e-7, 0.0], 10, distance=total_variation, seed=0) == pytest.approx(
            0, abs=1e-6
        )

    @pytest.mark.parametrize(
        ("p", "n", "message"),
        [
            ([0.5, 0.6], 10, "p must sum to 1"),
            ([[0.5, 0.5]], 10, r"p must be one distribution, shape \(K,\), not \(1, 2\)"),
            ([0.5, 0.5], 0, "n must be a positive number of draws, not 0"),
            ([0.5, 0.5], nan, "n must be a positive number of draws, not nan"),
            ([0.5, 0.5], inf, "n must be a positive number of draws, not inf"),
        ],
    )
    def test_bad_data(self, p, n, message):
        with pytest.raises(DataError, match=message):
            noise_floor(p, n, distance=total_variation, seed=0)

    def test_bad_settings(self):
        with pytest.raises(ConfigurationError, match="n_replications must be at least 1"):
            noise_floor([0.5, 0.5], 10, distance=total_variation, n_replications=0, seed=0)


class TestSplitHalves:
    def test_are_the_halves_of_the_ceiling(self):
        halves = split_halves([6, 5, 2], n_splits=40, seed=1)
        for distance in (total_variation, js_distance_nats):
            assert split_half_ceiling([6, 5, 2], distance, n_splits=40, seed=1) == distance(*halves).mean()

    def test_hold_everyone_once(self):
        first, second = split_halves([6, 5, 2], n_splits=40, seed=1)
        assert first.shape == second.shape == (40, 3)
        assert np.allclose(6 * first + 7 * second, [6, 5, 2], rtol=0, atol=1e-12)
        assert len(np.unique(first, axis=0)) > 3

    def test_fewer_than_four_people_have_none(self):
        assert split_halves([2, 1], seed=0) is None
        assert split_halves([700, 300], n_people=3.4, seed=0) is None


class TestSplitHalfCeiling:
    @pytest.mark.parametrize(
        ("distance", "expected"), [(js_divergence_bits, 0.039), (total_variation, 0.157)]
    )
    def test_halves_of_60_people_are_two_samples_of_30(self, distance, expected):
        people = np.random.default_rng(1).multinomial(60, TRUTHS)
        halves = [split_half_ceiling(c, distance, n_splits=5, seed=i) for i, c in enumerate(people)]
        assert np.mean(halves) == pytest.approx(expected, abs=0.003)

    def test_four_people_by_hand(self):
        # Of the six ways to draw two of four, two separate the camps: TV 1 with probability 1/3, else 0.
        ceiling = split_half_ceiling([2, 2], total_variation, n_splits=20_000, seed=0)
        assert ceiling == pytest.approx(1 / 3, abs=0.012)

    def test_odd_numbers_and_unanimity(self):
        # Halves of two and three: the lone dissenter is in one of them: .4 * 1/2 + .6 * 1/3.
        ceiling = split_half_ceiling([4, 1], total_variation, n_splits=20_000, seed=0)
        assert ceiling == pytest.approx(0.4, abs=0.004)
        assert split_half_ceiling([0, 7, 0], total_variation, seed=0) == 0

    @pytest.mark.parametrize("counts", [[0, 0], [3, 0], [1, 2]])
    def test_fewer_than_four_people_have_no_ceiling(self, counts):
        assert split_half_ceiling(counts, total_variation, seed=0) is None

    def test_effective_number_of_people_decides_not_the_weights(self):
        assert split_half_ceiling([700, 300], total_variation, n_people=3.4, seed=0) is None
        assert split_half_ceiling([0, 0], total_variation, n_people=10, seed=0) is None

    @pytest.mark.parametrize(
        ("weighted", "n_people", "people"),
        [
            ([3.5, 1.5], 100, [70, 30]),
            ([700, 300], 10, [7, 3]),
            ([1 / 3, 1 / 3, 1 / 3], 9, [3, 3, 3]),
            # 4 x 1.75: each rounded by itself would make 8 people of 7.
            ([0.25, 0.25, 0.25, 0.25], 7, [2, 2, 2, 1]),
            ([0.9, 0.1, 0.0], 4.6, [4, 1, 0]),
        ],
    )
    def test_weighted_counts_are_scaled_and_the_total_holds(self, weighted, n_people, people):
        scaled = split_half_ceiling(weighted, total_variation, n_people=n_people, seed=3)
        assert scaled == split_half_ceiling(people, total_variation, seed=3)

    def test_more_people_agree_better(self):
        ceilings = [split_half_ceiling([3 * n, 5 * n, 2 * n], total_variation, seed=0) for n in (2, 20, 200)]
        assert ceilings == sorted(ceilings, reverse=True)
        assert ceilings[0] > 5 * ceilings[2]

    @pytest.mark.parametrize(
        ("counts", "n_people", "message"),
        [
            ([2.5, 4], None, r"counts must be whole numbers unless n_people is given: \[2\.5, 4\.0\]"),
            ([-1, 9], None, "counts must not be negative"),
            ([nan, 9], None, r"counts\[0\] must be a finite number"),
            ([[4, 5]], None, r"counts must have shape \(n,\)"),
            ([4, 5], nan, "n_people must be a number of people, not nan"),
            ([4, 5], -2, "n_people must be a number of people, not -2"),
        ],
    )
    def test_bad_data(self, counts, n_people, message):
        with pytest.raises(DataError, match=message):
            split_half_ceiling(counts, total_variation, n_people=n_people, seed=0)

    def test_bad_settings(self):
        with pytest.raises(ConfigurationError, match="n_splits must be at least 1"):
            split_half_ceiling([4, 5], total_variation, n_splits=0, seed=0)
