"""When two answers say the same."""

import numpy as np
import pytest

from pluralign.errors import ConfigurationError
from pluralign.evals.homogeneity import CosineEquivalence, share_unigrams


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Paris", "paris", True),
        ("Heads", "Tails", False),
        ("the red cat", "the red dog", True),  # 2 * 2 >= 3
        ("a b c d", "a x y z", False),  # 2 * 1 < 4
        ("a b c d", "a b y z", True),  # 2 * 2 >= 4
        ("a a a a", "a", False),  # a shared word counts once: 2 * 1 < 4
        ("one two three four five six", "one", None),
    ],
)
def test_short_answers_share_words(one, other, same):
    assert share_unigrams(one, other) is same
    assert share_unigrams(other, one) is same


def test_words_decide_of_short_answers_and_cosines_of_long_ones():
    long = "one two three four five six"
    same = CosineEquivalence(0.9).among(["heads", "tails", f"{long} a", f"{long} b"], np.ones((4, 1)))
    assert not same(0, 1)
    assert same(2, 3)
    assert same(0, 2)


@pytest.mark.parametrize("threshold", [-1, 1.1, float("nan")])
def test_a_threshold_is_a_cosine(threshold):
    with pytest.raises(ConfigurationError, match="threshold: a cosine"):
        CosineEquivalence(threshold)
