import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from pluralign.errors import ConfigurationError, DataError
from pluralign.raters.calibration import Calibration, fit, loss, normalised


def drawn(log_probs, rng):
    return np.array([rng.choice(len(row), p=np.exp(row)) for row in log_probs])


def test_an_overconfident_decoder_is_cooled_by_the_factor_it_was_heated_by():
    rng = np.random.default_rng(0)
    truth = log_softmax(rng.normal(0, 1.5, size=(20_000, 3)), axis=1)
    found = fit(normalised(4 * truth), drawn(truth, rng))
    assert 1 / found.inverse_temperature == pytest.approx(4, rel=0.05)
    assert found.loss_after < found.loss_before
    assert found.n_ratings == 20_000


def test_offsets_undo_a_preference_for_one_option():
    rng = np.random.default_rng(1)
    truth = log_softmax(rng.normal(0, 1.5, size=(20_000, 2)), axis=1)
    biased = normalised(2 * truth + np.array([0.0, 3.0]))
    found = fit(biased, drawn(truth, rng), method="bias")
    assert 1 / found.inverse_temperature == pytest.approx(2, rel=0.05)
    assert found.offsets == pytest.approx([0, -1.5], abs=0.1)
    assert found.apply(biased) == pytest.approx(truth, abs=0.3)


def test_the_temperature_of_two_ratings_by_hand():
    # p = .9 for the option chosen once in two: the best temperature makes the prediction flat.
    log_probs = np.log([[0.9, 0.1], [0.9, 0.1]])
    found = fit(log_probs, [0, 1])
    assert found.loss_before == pytest.approx(-(np.log(0.9) + np.log(0.1)) / 2)
    assert found.loss_after == pytest.approx(np.log(2))
    assert found.is_blind
    # Three in four chosen: p^(1/T) / (...) = .75, so T = ln 9 / ln 3 = 2.
    assert fit(np.log([[0.9, 0.1]] * 4), [0, 0, 0, 1]).inverse_temperature == pytest.approx(0.5, rel=1e-4)


@given(st.integers(0, 500), st.sampled_from(["temperature", "bias"]))
@settings(deadline=None)
def test_what_was_fitted_never_costs_more_on_what_it_was_fitted_on(seed, method):
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(0, 3, size=(12, 3)), axis=1)
    found = fit(log_probs, rng.integers(3, size=12), method=method)
    assert found.loss_after <= found.loss_before + 1e-6
    assert np.exp(found.apply(log_probs)).sum(axis=1) == pytest.approx(np.ones(12))


def test_a_missing_option_stays_impossible():
    log_probs = np.array([[np.log(0.8), np.log(0.2), -np.inf], [np.log(0.5), np.log(0.3), np.log(0.2)]])
    calibrated = fit(log_probs, [1, 0]).apply(log_probs)
    assert calibrated[0, 2] == -np.inf
    assert np.exp(calibrated).sum(axis=1) == pytest.approx([1, 1])
    with pytest.raises(DataError, match="needs questions with the same options"):
        fit(log_probs, [1, 0], method="bias")


def test_a_decoder_that_is_wrong_of_train_raters_is_not_heard():
    # Two and three options: what is left is uniform over those that a question has.
    log_probs = np.array([[np.log(0.1), np.log(0.9), -np.inf], [np.log(0.1), np.log(0.8), np.log(0.1)]])
    found = fit(log_probs, [0, 0])
    assert found.is_blind
    assert np.exp(found.apply(log_probs)) == pytest.approx(np.array([[1 / 2, 1 / 2, 0], [1 / 3] * 3]))
    # A preference alone is repaired by an offset.
    biased = fit(np.log([[0.1, 0.9]] * 4), [0, 0, 0, 1], method="bias")
    assert biased.loss_after == pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4, abs=1e-5)


def test_none_leaves_everything_as_it_is():
    log_probs = np.log([[0.7, 0.3]])
    assert fit(log_probs, [0], method="none").apply(log_probs) == pytest.approx(log_probs)
    assert loss(log_probs, [1]) == pytest.approx(-np.log(0.3))


def test_wrong_arguments_are_named():
    with pytest.raises(ConfigurationError, match="Unknown calibration 'platt'"):
        fit([[0.0, -1.0]], [0], method="platt")
    with pytest.raises(DataError, match=r"choices\[0\] must be the index of one of 2 options: 2"):
        fit(np.log([[0.5, 0.5]]), [2])
    with pytest.raises(DataError, match="shape"):
        fit(np.log([[0.5, 0.5]]), [0, 1])
    with pytest.raises(DataError, match="3 options, but the calibration was fitted on 2"):
        Calibration(offsets=(0.0, 1.0)).apply(np.zeros((1, 3)))
