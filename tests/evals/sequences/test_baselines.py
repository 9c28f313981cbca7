"""Trivial predictors of outputs, by hand."""

from math import log

import pytest

from pluralign.evals.sequences import closed_set
from pluralign.evals.sequences.baselines import CHANCE, OTHERS, OWN, SequenceBaselines

OUTPUTS = {"a": ("yes", "yes", "no"), "b": ("no", "no", "no")}


@pytest.fixture
def trivial():
    return SequenceBaselines(OUTPUTS, options=("no", "yes"))


def test_losses(trivial):
    found = trivial.losses("a", 2)  # "no", after "yes" and "yes"
    assert found == {
        CHANCE: pytest.approx(log(2)),
        OTHERS: pytest.approx(-log(4 / 5)),  # three times "no" in b, one added to each option
        OWN: pytest.approx(-log(1 / 4)),
    }


def test_before_any_output_ones_own_marginal_is_even(trivial):
    assert trivial.losses("a", 0)[OWN] == pytest.approx(log(2))
    assert trivial.hits("a", 0) == {CHANCE: 0.5, OTHERS: 0.0, OWN: 0.5}


def test_hits(trivial):
    assert trivial.hits("a", 1) == {CHANCE: 0.5, OTHERS: 0.0, OWN: 1.0}
    assert trivial.hits("b", 2) == {CHANCE: 0.5, OTHERS: 0.0, OWN: 1.0}


def test_options_that_never_came_elsewhere_cost_something_finite():
    alone = SequenceBaselines({"a": ("x", "x"), "b": ("y", "y")}, options=("x", "y"))
    assert alone.losses("b", 0)[OTHERS] == pytest.approx(log(4))


@pytest.mark.parametrize(
    ("outputs", "options"),
    [
        ([("b", "a"), ("a", "b"), ("a",)], ("a", "b")),
        ([("a", "a")], ()),  # one output is no choice
        ([("a", "b", "c")], ()),  # each but once
        ([[str(i) for i in range(21)]] * 3, ()),
        ([], ()),
    ],
)
def test_what_is_a_small_closed_set(outputs, options):
    assert closed_set(outputs) == options
