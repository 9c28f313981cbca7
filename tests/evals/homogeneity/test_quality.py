"""Empty, cut and repeating answers."""

import pytest

from pluralign.evals.homogeneity import is_repeating, quality_of


@pytest.mark.parametrize(
    ("text", "repeats"),
    [
        ("ha " * 11, False),  # too short to tell
        ("ha " * 12, True),
        ("I like tea. " * 6, True),
        ("The quick brown fox jumps over the lazy dog and runs into the dark wood.", False),
        ("To be or not to be, that is the question that he asks, not the answer.", False),
        ("", False),
    ],
)
def test_repeating(text, repeats):
    assert is_repeating(text) is repeats


def test_shares_by_hand(answered):
    _, rows = answered(a=["a b", "", "ha " * 12, "cut off|"])
    found = quality_of(rows)
    assert (found.empty_share, found.repeating_share, found.degenerate_share) == (0.25, 0.25, 0.5)
    assert found.truncated_share == 0.25
    assert found.mean_words == (2 + 0 + 12 + 2) / 4
