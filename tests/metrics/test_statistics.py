from functools import partial
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics import (
    cluster_bootstrap,
    js_distance_nats,
    js_divergence_bits,
    noise_floor,
    normalised_score,
    paired_bootstrap_difference,
    split_half_ceiling,
    total_variation,
    wasserstein_ordinal,
)


def _clustered(rng, n_clusters=60, size=8):
    """Cells whose questions differ: between-question spread 1, within-question spread 0.5, mean 0."""
    values = np.repeat(rng.normal(size=n_clusters), size) + rng.normal(scale=0.5, size=n_clusters * size)
    return values, np.repeat(np.arange(n_clusters), size)


class TestClusterBootstrap:
    def test_covers_where_the_row_bootstrap_is_too_narrow(self):
        covered = {"clusters": 0, "rows": 0}
        for seed in range(200):
            values, clusters = _clustered(np.random.default_rng(seed))
            for name, labels in (("clusters", clusters), ("rows", np.arange(values.size))):
                low, high = cluster_bootstrap(values, labels, n_resamples=300, seed=seed)
                covered[name] += low <= 0 <= high
        assert 0.90 <= covered["clusters"] / 200 <= 0.99
        assert covered["rows"] / 200 < 0.65

    def test_width_agrees_with_the_normal_interval_of_cluster_means(self):
        values, clusters = _clustered(np.random.default_rng(3), n_clusters=400)
        low, high = cluster_bootstrap(values, clusters, seed=1)
        means = values.reshape(400, 8).mean(axis=1)
        assert high - low == pytest.approx(2 * 1.96 * means.std() / 20, rel=0.08)
        assert (low + high) / 2 == pytest.approx(values.mean(), abs=0.02)

    def test_two_clusters_by_hand(self):
        # Resamples: both a (1/4), both b (1/4), one of each (1/2), whose mean weighs the cells: (3 * 0 + 1) / 4.
        bounds = cluster_bootstrap([0, 0, 0, 1], ["a", "a", "a", "b"], level=0.9)
        assert bounds == (0, 1)
        middle = cluster_bootstrap([0, 0, 0, 1], ["a", "a", "a", "b"], level=0.4)
        assert middle == (0.25, 0.25)

    def test_wider_level_contains_the_narrower(self):
        values, clusters = _clustered(np.random.default_rng(0))
        wide = cluster_bootstrap(values, clusters, level=0.99)
        narrow = cluster_bootstrap(values, clusters, level=0.8)
        assert wide.low < narrow.low < narrow.high < wide.high

    def test_seed_decides(self):
        values, clusters = _clustered(np.random.default_rng(0))
        assert cluster_bootstrap(values, clusters, seed=7) == cluster_bootstrap(values, clusters, seed=7)
        assert cluster_bootstrap(values, clusters, seed=7) != cluster_bootstrap(values, clusters, seed=8)

    def test_order_of_the_cells_does_not_matter(self):
        values, clusters = _clustered(np.random.default_rng(0))
        order = np.random.default_rng(1).permutation(values.size)
        shuffled = cluster_bootstrap(values[order], clusters[order])
        assert shuffled == pytest.approx(cluster_bootstrap(values, clusters), abs=1e-12)

    @pytest.mark.parametrize(
        ("values", "clusters"), [([0.1, 0.5, 0.9], ["q", "q", "q"]), ([0.3], ["q"]), ([], [])]
    )
    def test_fewer_than_two_clusters_have_no_interval(self, values, clusters):
        assert cluster_bootstrap(values, clusters) is None
        assert paired_bootstrap_difference(values, values, clusters=clusters) is None

    @pytest.mark.parametrize(
        ("values", "clusters", "message"),
        [
            ([0.1, nan], ["a", "b"], r"values\[1\] must be a finite number, not nan"),
            ([[0.1, 0.2]], ["a", "b"], r"values must have shape \(n,\), not \(1, 2\)"),
            ([0.1, 0.2], ["a"], r"one label for each of the 2 values"),
            (["x", "y"], ["a", "b"], r"values must be an array of numbers"),
        ],
    )
    def test_bad_data(self, values, clusters, message):
        with pytest.raises(DataError, match=message):
            cluster_bootstrap(values, clusters)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ({"n_resamples": 0}, "n_resamples must be at least 1, not 0"),
            ({"level": 95}, "level must lie between 0"),
        ],
    )
    def test_bad_settings(self, setting, message):
        with pytest.raises(ConfigurationError, match=message):
            cluster_bootstrap([0.1, 0.2], ["a", "b"], **setting)


class TestPairedBootstrapDifference:
    def test_detects_a_small_difference_under_large_shared_spread(self):
        rng = np.random.default_rng(2)
        second, clusters = _clustered(rng)
        first = second - 0.05 + rng.normal(scale=0.05, size=second.size)
        result = paired_bootstrap_difference(first, second, clusters=clusters, n_resamples=999)
        assert result.difference == pytest.approx(-0.05, abs=0.01)
        assert result.low < result.difference < result.high < 0
        assert result.p_value == 2 / 1000

    def test_does_not_detect_what_is_not_there(self):
        rejections = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            second, clusters = _clustered(rng)
            first = second + np.repeat(rng.normal(scale=0.3, size=60), 8)
            result = paired_bootstrap_difference(first, second, clusters=clusters, n_resamples=300, seed=seed)
            rejections += result.p_value < 0.05
            assert result.low < result.difference < result.high
        assert 2 <= rejections <= 20

    def test_swapping_the_systems_mirrors_the_result(self):
        first, clusters = _clustered(np.random.default_rng(0))
        second, _ = _clustered(np.random.default_rng(1))
        there = paired_bootstrap_difference(first, second, clusters=clusters)
        back = paired_bootstrap_difference(second, first, clusters=clusters)
        assert back == pytest.approx((-there.difference, -there.high, -there.low, there.p_value))

    def test_equal_systems(self):
        values, clusters = _clustered(np.random.default_rng(0))
        assert paired_bootstrap_difference(values, values, clusters=clusters) == (0, 0, 0, 1)

    def test_bad_data(self):
        with pytest.raises(DataError, match="first and second must be equally long, not 2 and 1"):
            paired_bootstrap_difference([0.1, 0.2], [0.1], clusters=["a", "b"])
        with pytest.raises(DataError, match=r"second\[0\] must be a finite number, not inf"):
            paired_bootstrap_difference([0.1, 0.2], [inf, 0.2], clusters=["a", "b"])
        with pytest.raises(ConfigurationError, match="n_resamples"):
            paired_bootstrap_difference([0.1, 0.2], [0.1, 0.2], clusters=["a", "b"], n_resamples=0)


TRUTHS = np.random.default_rng(0).dirichlet([1.5] * 4, size=3000)


class TestNoiseFloor:
    # Simulated for K = 4 and truths ~ Dirichlet(1.5, ..., 1.5); the asymptotic JSD is 3 / (8 n ln 2) bits.
    @pytest.mark.parametrize(
        ("distance", "n", "expected"),
        [
            (js_divergence_bits, 30, 0.021),
            (js_divergence_bits, 100, 0.0056),
            (js_distance_nats, 30, 0.109),
            (js_distance_nats, 100, 0.058),
            (total_variation, 10, 0.198),
            (total_variation, 30, 0.112),
            (total_variation, 100, 0.063),
        ],
    )
    def test_table_of_simulated_floors(self, distance, n, expected):
        floors = [
            noise_floor(p, n, distance=distance, n_replications=10, seed=i) for i, p in enumerate(TRUTHS)
        ]
        assert np.mean(floors) == pytest.approx(expected, abs=0.002)

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


class TestNormalisedScore:
    @pytest.mark.parametrize(("value", "score"), [(0.4, 0), (0.1, 1), (0.25, 0.5), (0.7, -1), (0.04, 1.2)])
    def test_zero_at_the_baseline_one_at_the_floor(self, value, score):
        assert normalised_score(value, baseline=0.4, floor=0.1) == pytest.approx(score)

    @pytest.mark.parametrize("baseline", [0.1, 0.05])
    def test_undefined_where_the_baseline_is_at_or_under_the_floor(self, baseline):
        assert normalised_score(0.2, baseline=baseline, floor=0.1) is None

    @given(value=st.floats(0, 1), baseline=st.floats(0.5, 1), floor=st.floats(0, 0.4))
    @settings(max_examples=50, deadline=None)
    def test_solves_for_the_value(self, value, baseline, floor):
        score = normalised_score(value, baseline=baseline, floor=floor)
        assert baseline - score * (baseline - floor) == pytest.approx(value, abs=1e-12)

    @pytest.mark.parametrize("numbers", [(nan, 0.4, 0.1), (0.2, inf, 0.1), (0.2, 0.4, nan)])
    def test_bad_data(self, numbers):
        value, baseline, floor = numbers
        with pytest.raises(DataError, match="must be finite"):
            normalised_score(value, baseline=baseline, floor=floor)
