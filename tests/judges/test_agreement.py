import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pluralign.judges.agreement import (
    Agreement,
    calibrate,
    pearson_of_sums,
    split_half_reliability,
    within_raters,
)

NAN = np.nan


def people(n):
    return tuple(f"person {row}" for row in range(n))


def agreement(predicted, levels, *, n_words=None, top=6):
    predicted, levels = np.asarray(predicted, dtype=float), np.asarray(levels, dtype=float)
    return Agreement(
        levels=levels,
        predicted=predicted,
        calibrated=calibrate(predicted, levels, people=people(len(levels)), seed=0),
        n_words=np.arange(levels.shape[1], dtype=float) if n_words is None else np.asarray(n_words, float),
        top=top,
        seed=0,
    )


@pytest.fixture
def random():
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 7, size=(60, 8)).astype(float)
    return agreement(levels + rng.normal(0, 3, levels.shape), levels, n_words=rng.integers(50, 60, 8))


def test_rank_correlation_within_a_person_by_hand():
    found = within_raters(np.array([[0.1, 0.2, 0.3]]), np.array([[1.0, 3.0, 2.0]]))

    assert found.correlations == pytest.approx([0.5])
    assert (found.n_undefined, found.n_flat) == (0, 0)


def test_constant_ratings_are_undefined_and_constant_predictions_order_nothing():
    predicted = np.array([[1.0, 2.0, 3.0], [0.5, 0.5, 0.5], [1.0, 2.0, NAN], [1.0, 2.0, 3.0]])
    levels = np.array([[4.0, 4.0, 4.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])

    found = within_raters(predicted, levels)

    np.testing.assert_allclose(found.correlations, [NAN, 0, NAN, -1])
    assert (found.n_undefined, found.n_flat) == (2, 1)
    assert agreement(predicted, levels).within().value == pytest.approx(-0.5)
    assert agreement(predicted, levels).within().n == 2


def test_figures_agree_with_scipy(random):
    predicted, levels = random.predicted.ravel(), random.levels.ravel()
    words = np.tile(random.n_words, 60)
    own = [stats.spearmanr(*pair).statistic for pair in zip(random.predicted, random.levels, strict=True)]

    assert random.within().value == pytest.approx(np.mean(own))
    assert random.correlation().value == pytest.approx(stats.spearmanr(predicted, levels).statistic)
    assert random.length_correlation(random.predicted).value == pytest.approx(
        stats.spearmanr(predicted, words).statistic
    )
    assert random.sd_ratio().value == pytest.approx(random.calibrated.std() / levels.std())
    assert random.systems().value == pytest.approx(
        np.corrcoef(random.predicted.mean(0), random.levels.mean(0))[0, 1]
    )
    assert random.systems().n == 8


def test_partial_correlation_is_that_of_residuals(random):
    ranks = [
        stats.rankdata(values)
        for values in (random.predicted.ravel(), random.levels.ravel(), np.tile(random.n_words, 60))
    ]
    x, y = (values - np.polyval(np.polyfit(ranks[2], values, 1), ranks[2]) for values in (ranks[0], ranks[1]))

    assert random.partial_correlation().value == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_missing_cells_are_left_out(random):
    holes = random.predicted.copy()
    holes[::3, 2] = NAN
    few = agreement(holes, random.levels)
    kept = np.isfinite(holes)

    assert few.correlation().n == few.error().n == int(kept.sum())
    assert few.correlation().value == pytest.approx(
        stats.spearmanr(holes[kept], random.levels[kept]).statistic
    )
    means = np.nanmean(holes, axis=0), np.nanmean(np.where(kept, random.levels, NAN), axis=0)
    assert few.systems().value == pytest.approx(np.corrcoef(*means)[0, 1])


def test_intervals_hold_the_value_and_narrow_with_people(random):
    few = agreement(random.predicted[:15], random.levels[:15])

    for figure in (random.within(), random.correlation(), random.error(), random.sd_ratio()):
        assert figure.low < figure.value < figure.high
    assert few.error().high - few.error().low > 1.5 * (random.error().high - random.error().low)


def test_a_correlation_interval_is_as_wide_as_theory_says():
    """Independent ratings of many people: Fisher's interval."""
    rng = np.random.default_rng(0)
    levels = rng.normal(3, 1, (400, 1)).clip(0, 6).repeat(2, 1)
    levels[:, 1] = rng.normal(3, 1, 400).clip(0, 6)
    found = agreement(0.6 * levels + rng.normal(0, 0.8, levels.shape), levels).correlation()
    half = 1.96 / np.sqrt(800 - 3)

    assert np.arctanh(found.high) - np.arctanh(found.value) == pytest.approx(half, rel=0.2)
    assert np.arctanh(found.value) - np.arctanh(found.low) == pytest.approx(half, rel=0.2)


def test_one_person_has_no_interval():
    found = agreement([[0.1, 0.2, 0.3]], [[1, 3, 2]]).within()

    assert (found.value, found.low) == (pytest.approx(0.5), None)
    assert not found.is_above_zero


def test_calibration_is_fitted_on_other_people():
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 7, size=(30, 5)).astype(float)
    predicted = levels / 10 + rng.normal(0, 0.1, levels.shape)
    changed = levels.copy()
    changed[4] = 6 - changed[4]
    before, after = (calibrate(predicted, each, people=people(30), seed=0)[4] for each in (levels, changed))

    np.testing.assert_array_equal(before, after)
    assert not np.array_equal(
        *(calibrate(predicted, levels, people=people(30), seed=seed) for seed in (0, 1))
    )


def test_calibration_does_not_hang_on_the_order_of_people():
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 7, size=(30, 5)).astype(float)
    predicted = rng.random(levels.shape)
    order = rng.permutation(30)
    names = people(30)
    shuffled = calibrate(predicted[order], levels[order], people=tuple(names[i] for i in order), seed=0)

    np.testing.assert_allclose(shuffled, calibrate(predicted, levels, people=names, seed=0)[order])


@given(st.integers(0, 1000))
def test_calibrated_degrees_stay_on_the_scale_and_rise(seed):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 5, size=(6, 4)).astype(float)
    predicted = np.round(rng.normal(size=levels.shape), 1)
    calibrated = calibrate(predicted, levels, people=people(6), seed=0)

    assert calibrated.min() >= 0
    assert calibrated.max() <= 4
    for guesses, levels_of_person in zip(predicted, calibrated, strict=True):
        assert (np.diff(levels_of_person[np.argsort(guesses, kind="stable")]) >= -1e-9).all()


def test_a_judge_that_runs_the_wrong_way_is_made_a_constant():
    levels = np.tile([0.0, 1, 5, 6], (40, 1))

    assert np.ptp(calibrate(-levels, levels, people=people(40), seed=0)) < 1e-9


def test_strata_are_thirds_by_length():
    strata = agreement(np.zeros((2, 7)), np.zeros((2, 7)), n_words=[70, 10, 60, 20, 50, 30, 40]).strata()

    assert [part.tolist() for part in strata] == [[1, 3, 5], [6, 4], [2, 0]]
    assert len(agreement(np.zeros((2, 2)), np.zeros((2, 2))).strata()) == 2


def test_shares_that_reach_a_threshold():
    own = agreement([[0.2, 0.5], [0.5, NAN]], [[1, 2], [3, 4]])

    assert own.reaches(own.predicted, 0.5).value == pytest.approx(2 / 3)
    assert own.reaches(own.levels, 2.0).value == pytest.approx(2 / 3)


def test_differences_are_taken_on_what_both_predict():
    levels = np.array([[0.0, 2.0, 4.0], [4.0, 2.0, 0.0], [1.0, 2.0, 3.0]])
    sure = agreement(levels, levels)
    partial = agreement(np.where(levels == 2, NAN, 4 - levels), levels)

    found = sure.error_difference(partial, raw=True)

    gaps = np.abs(4 - 2 * levels[levels != 2])
    errors = np.abs(sure.calibrated - levels)[levels != 2]
    assert found.n == 6
    assert found.value == pytest.approx((errors - gaps).mean())
    assert sure.within_difference(agreement(-levels, levels)).value == pytest.approx(2)


def test_reliability_of_people_who_agree_and_who_do_not():
    same = np.tile([0.0, 3.0, 6.0, 1.0], (20, 1))
    noise = np.random.default_rng(0).normal(size=(200, 300))

    assert split_half_reliability(same, seed=0).value == pytest.approx(1)
    assert abs(split_half_reliability(noise, seed=0).value) < 0.15


def test_reliability_is_that_of_the_mean_over_all_people():
    """Ratings = statement + noise: var / (var + noise variance / people)."""
    rng = np.random.default_rng(0)
    ratings = rng.normal(0, 1, 2000) + rng.normal(0, 4, (20, 2000))
    found = split_half_reliability(ratings, seed=0)

    assert found.value == pytest.approx(1 / (1 + 16 / 20), abs=0.04)
    assert found.low < found.value < found.high
    assert found.n == 2000


def test_statements_that_nobody_tells_apart_have_no_reliability():
    assert split_half_reliability(np.full((10, 4), 2.0), seed=0).value is None


def test_pearson_of_something_constant_is_undefined():
    sums = np.array([[3.0], [0.0], [0.0], [0.0], [3.0], [0.0]])

    assert np.isnan(pearson_of_sums(sums)).all()
