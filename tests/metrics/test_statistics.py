from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics import (
    cluster_bootstrap,
    cluster_bootstrap_of_sums,
    cluster_bootstrap_ratio,
    holm,
    minimum_detectable_difference,
    minimum_detectable_difference_of_sums,
    normalised_score,
    paired_bootstrap_difference,
    paired_bootstrap_of_sums,
    ratio_of_sums,
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


class TestClusterBootstrapRatio:
    def test_two_clusters_by_hand(self):
        # Both a: 2 / 2, both b: 4 / 2, one of each: 6 / 4.
        sums, clusters = ([1, 1, 4], [1, 1, 2]), ["a", "a", "b"]
        assert cluster_bootstrap_ratio(*sums, clusters=clusters, level=0.9) == (1, 2)
        assert cluster_bootstrap_ratio(*sums, clusters=clusters, level=0.4) == (1.5, 1.5)

    def test_the_mean_is_the_ratio_to_ones(self):
        values, clusters = _clustered(np.random.default_rng(0))
        ratio = cluster_bootstrap_ratio(values, np.ones_like(values), clusters=clusters, seed=3)
        assert ratio == cluster_bootstrap(values, clusters, seed=3)

    @given(factor=st.floats(0.01, 100), seed=st.integers(0, 99))
    @settings(max_examples=20, deadline=None)
    def test_units_cancel(self, factor, seed):
        rng = np.random.default_rng(seed)
        above, below, clusters = rng.normal(size=30), rng.uniform(0.5, 2, size=30), np.arange(30) // 3
        bounds = np.array(cluster_bootstrap_ratio(above, below, clusters=clusters, n_resamples=50))
        assert cluster_bootstrap_ratio(
            factor * above, below, clusters=clusters, n_resamples=50
        ) == pytest.approx(factor * bounds)
        assert cluster_bootstrap_ratio(
            above, factor * below, clusters=clusters, n_resamples=50
        ) == pytest.approx(bounds / factor)

    def test_agrees_with_scipy_where_each_cell_is_a_cluster(self):
        rng = np.random.default_rng(4)
        below = rng.uniform(0.5, 2, size=300)
        above = below * rng.normal(0.7, 0.3, size=300)
        ours = cluster_bootstrap_ratio(above, below, clusters=np.arange(300), n_resamples=4000)
        theirs = stats.bootstrap(
            (above, below),
            lambda a, b, axis: a.sum(axis) / b.sum(axis),
            paired=True,
            vectorized=True,
            n_resamples=4000,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        assert ours == pytest.approx((theirs.low, theirs.high), abs=0.1 * (theirs.high - theirs.low))

    def test_covers_the_ratio_of_the_expectations(self):
        covered = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            below = np.repeat(rng.uniform(0.2, 2, size=60), 8)
            above = below * np.repeat(rng.uniform(0, 1, size=60), 8)
            low, high = cluster_bootstrap_ratio(
                above, below, clusters=np.arange(480) // 8, n_resamples=300, seed=seed
            )
            covered += low <= 0.5 <= high
        assert 0.90 <= covered / 200 <= 0.99

    @pytest.mark.parametrize(
        ("below", "clusters"),
        [([1, 2, 1], ["q", "q", "q"]), ([0, 0, 0], ["a", "b", "c"]), ([1, 0, 0], ["a", "b", "b"])],
    )
    def test_no_interval_of_one_cluster_or_of_resamples_that_divide_by_zero(self, below, clusters):
        assert cluster_bootstrap_ratio([0.1, 0.2, 0.3], below, clusters=clusters) is None

    @pytest.mark.parametrize(
        ("above", "below", "message"),
        [
            ([1, 2], [1, -2], r"denominators\[1\] must not be negative: -2\.0"),
            ([1, 2], [1], "numerators and denominators must be equally long, not 2 and 1"),
            ([nan, 2], [1, 1], r"numerators\[0\] must be a finite number, not nan"),
            ([1, 2], [1, inf], r"denominators\[1\] must be a finite number, not inf"),
        ],
    )
    def test_bad_data(self, above, below, message):
        with pytest.raises(DataError, match=message):
            cluster_bootstrap_ratio(above, below, clusters=["a", "b"])

    def test_bad_settings(self):
        with pytest.raises(ConfigurationError, match="n_resamples must be at least 1"):
            cluster_bootstrap_ratio([1, 2], [1, 1], clusters=["a", "b"], n_resamples=0)
        with pytest.raises(ConfigurationError, match="level must lie between 0"):
            cluster_bootstrap_ratio([1, 2], [1, 1], clusters=["a", "b"], level=1)


class TestMinimumDetectableDifference:
    def test_closed_form(self):
        differences = np.random.default_rng(0).normal(3, 0.5, size=400)
        smallest = minimum_detectable_difference(differences, np.arange(400), n_resamples=5000)
        assert smallest == pytest.approx((1.959964 + 0.841621) * differences.std() / 20, rel=0.03)

    def test_power_of_a_half_is_the_half_width_of_the_normal_interval(self):
        differences, clusters = _clustered(np.random.default_rng(1), n_clusters=400)
        smallest = minimum_detectable_difference(differences, clusters, power=0.5, level=0.9)
        low, high = cluster_bootstrap(differences, clusters, level=0.9)
        assert smallest == pytest.approx((high - low) / 2, rel=0.04)

    def test_a_true_difference_of_that_size_is_found_four_times_out_of_five(self):
        known, clusters = _clustered(np.random.default_rng(0), n_clusters=20_000)
        smallest = minimum_detectable_difference(known, clusters, n_resamples=300) * np.sqrt(20_000 / 60)
        found = 0
        for seed in range(400):
            noise, clusters = _clustered(np.random.default_rng(seed))
            result = paired_bootstrap_difference(
                noise + smallest, np.zeros_like(noise), clusters=clusters, n_resamples=300, seed=seed
            )
            found += result.p_value <= 0.05
        assert found / 400 == pytest.approx(0.8, abs=0.06)

    def test_more_cells_of_the_same_questions_detect_no_more(self):
        differences = np.random.default_rng(0).normal(size=50)
        once = minimum_detectable_difference(differences, np.arange(50))
        thrice = minimum_detectable_difference(np.repeat(differences, 3), np.repeat(np.arange(50), 3))
        assert thrice == pytest.approx(once)

    def test_equal_systems_and_one_question(self):
        assert minimum_detectable_difference([0, 0, 0], ["a", "b", "c"]) == 0
        assert minimum_detectable_difference([0.1, 0.2], ["a", "a"]) is None

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ({"power": 1.0}, r"power must lie between \(1 - level\) / 2 = 0\.025 and 1, .* not 1\.0"),
            ({"power": 0.02}, r"power must lie between"),
            ({"power": nan}, r"power must lie between .* not nan"),
            ({"level": 95}, "level must lie between 0"),
            ({"n_resamples": 0}, "n_resamples must be at least 1"),
        ],
    )
    def test_bad_settings(self, setting, message):
        with pytest.raises(ConfigurationError, match=message):
            minimum_detectable_difference([0.1, 0.2], ["a", "b"], **setting)

    def test_bad_data(self):
        with pytest.raises(DataError, match=r"differences\[1\] must be a finite number, not nan"):
            minimum_detectable_difference([0.1, nan], ["a", "b"])


P_VALUES = st.lists(st.floats(0, 1), max_size=8).map(np.array)


class TestHolm:
    def test_by_hand(self):
        # Sorted: 4 x .005, 3 x .01, 2 x .03, and 1 x .04, which is raised to the .06 before it.
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
        assert holm([0.6, 0.7]).tolist() == [1, 1]
        assert holm([0.2]).tolist() == [0.2]
        assert holm([]).tolist() == []

    @given(p=P_VALUES, level=st.sampled_from([0.01, 0.05, 0.3]))
    @settings(max_examples=60, deadline=None)
    def test_rejects_what_the_step_down_test_rejects(self, p, level):
        rejected = set()
        for n_left, index in zip(range(p.size, 0, -1), np.argsort(p), strict=True):
            if n_left * p[index] > level:
                break
            rejected.add(index)
        assert set(np.flatnonzero(holm(p) <= level)) == rejected

    @given(p=P_VALUES, seed=st.integers(0, 99))
    @settings(max_examples=60, deadline=None)
    def test_keeps_the_order_and_lies_between_the_p_value_and_bonferroni(self, p, seed):
        adjusted = holm(p)
        assert (adjusted >= p).all()
        assert (adjusted <= np.minimum(1, p.size * p)).all()
        assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
        order = np.random.default_rng(seed).permutation(p.size)
        assert holm(p[order]).tolist() == adjusted[order].tolist()

    def test_a_false_alarm_among_many_is_as_rare_as_the_level(self):
        p = np.random.default_rng(0).uniform(size=(4000, 10))
        false_alarms = np.mean([holm(row).min() <= 0.05 for row in p])
        assert false_alarms == pytest.approx(1 - 0.995**10, abs=0.011)
        assert np.mean(p.min(axis=1) <= 0.05) > 0.35

    @pytest.mark.parametrize(
        ("p_values", "message"),
        [
            ([0.1, 1.2], r"p_values\[1\] must lie between 0 and 1, not 1\.2"),
            ([-0.1], r"p_values\[0\] must lie between 0 and 1, not -0\.1"),
            ([0.1, nan], r"p_values\[1\] must be a finite number, not nan"),
            ([[0.1]], r"p_values must have shape \(n,\)"),
        ],
    )
    def test_bad_data(self, p_values, message):
        with pytest.raises(DataError, match=message):
            holm(p_values)


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


class TestSums:
    def test_a_mean_and_a_ratio_are_functions_of_sums(self):
        values, clusters = _clustered(np.random.default_rng(0))
        ones, weights = np.ones_like(values), np.random.default_rng(1).random(values.size)
        mean = cluster_bootstrap_of_sums([values, ones], ratio_of_sums, clusters=clusters)
        assert mean == cluster_bootstrap(values, clusters)
        ratio = cluster_bootstrap_of_sums([values, weights], ratio_of_sums, clusters=clusters)
        assert ratio == cluster_bootstrap_ratio(values, weights, clusters=clusters)

    def test_covers_a_correlation(self):
        """The interval of a correlation of differences covers the population's about 19 times in 20."""
        covered = 0
        for seed in range(200):
            rng = np.random.default_rng(seed)
            x = rng.normal(size=(80, 5))
            y = 0.6 * x + 0.8 * rng.normal(size=x.shape)
            columns = [(x * y).ravel(), (x * x).ravel(), (y * y).ravel()]
            bounds = cluster_bootstrap_of_sums(
                columns,
                lambda sums: sums[0] / np.sqrt(sums[1] * sums[2]),
                clusters=np.repeat(np.arange(80), 5),
                n_resamples=300,
                seed=seed,
            )
            covered += bounds.low <= 0.6 <= bounds.high
        assert 0.90 <= covered / 200 <= 0.99

    def test_a_statistic_that_grows_is_moved_back(self):
        values = np.random.default_rng(0).normal(size=400)

        def spread(sums):
            return np.abs(sums[0] / sums[1])

        plain = cluster_bootstrap_of_sums([values, np.ones(400)], spread, clusters=np.arange(400))
        moved = cluster_bootstrap_of_sums([values, np.ones(400)], spread, clusters=np.arange(400), centre=0.0)
        assert moved.high - moved.low == pytest.approx(plain.high - plain.low)
        assert moved.low < 0 < moved.high

    def test_undefined_in_a_resample_is_undefined(self):
        assert cluster_bootstrap_of_sums([[1, 1], [0, 1]], ratio_of_sums, clusters=["a", "b"]) is None
        assert cluster_bootstrap_of_sums([[1, 1], [1, 1]], ratio_of_sums, clusters=["a", "a"]) is None

    def test_the_paired_difference_of_means_is_that_of_the_cells(self):
        first, clusters = _clustered(np.random.default_rng(0))
        second, _ = _clustered(np.random.default_rng(1))
        ones = np.ones_like(first)
        pair = [first, ones], [second, ones]
        found = paired_bootstrap_of_sums(*pair, statistic=ratio_of_sums, clusters=clusters)
        assert found == pytest.approx(paired_bootstrap_difference(first, second, clusters=clusters))
        smallest = minimum_detectable_difference_of_sums(*pair, statistic=ratio_of_sums, clusters=clusters)
        assert smallest == pytest.approx(minimum_detectable_difference(first - second, clusters))

    def test_an_undefined_paired_difference(self):
        pair = [[1, 1], [0, 1]], [[1, 1], [1, 1]]
        assert paired_bootstrap_of_sums(*pair, statistic=ratio_of_sums, clusters=["a", "b"]) is None
        assert (
            minimum_detectable_difference_of_sums(*pair, statistic=ratio_of_sums, clusters=["a", "b"]) is None
        )

    def test_bad_columns(self):
        with pytest.raises(DataError, match=r"columns\[1, 0\] must be a finite number, not nan"):
            cluster_bootstrap_of_sums([[1.0], [nan]], ratio_of_sums, clusters=["a"])
        with pytest.raises(DataError, match=r"columns must have shape \(C, n\)"):
            cluster_bootstrap_of_sums([1.0, 2.0], ratio_of_sums, clusters=["a", "b"])
        with pytest.raises(DataError, match=r"equal shapes, not \(2, 1\) and \(1, 1\)"):
            paired_bootstrap_of_sums([[1], [1]], [[1]], statistic=ratio_of_sums, clusters=["a"])
