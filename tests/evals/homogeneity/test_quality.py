"""Empty, cut and repeating answers."""

import pytest

from pluralign.evals.homogeneity import answers_in, is_repeating, quality_of


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
    found = quality_of([given for row in rows for given in answers_in(row)])
    assert (found.empty_share, found.repeating_share, found.degenerate_share) == (0.25, 0.25, 0.5)
    assert found.truncated_share == 0.25
    assert found.unparsed_share == 0
    assert found.mean_words == (2 + 0 + 12 + 2) / 4


def test_what_was_lost_is_neither_empty_nor_an_answer(answered):
    whole = '{"responses": [{"text": "a b", "probability": 0.5}, {"text": " ", "probability": 0.5}]}'
    _, rows = answered(a=[whole, "no object", f"{whole[:9]}|", ""])
    given = [each for row in rows for each in answers_in(row, way="verbalized", k=2)]
    assert [(each.text, each.is_empty, each.is_lost, each.is_cut) for each in given] == [
        ("a b", False, False, False),
        ("", True, False, False),
        *[("", False, True, False)] * 2,
        *[("", False, True, True)] * 2,
        *[("", True, False, False)] * 2,
    ]
    found = quality_of(given)
    assert (found.empty_share, found.unparsed_share, found.truncated_share) == (3 / 8, 2 / 8, 2 / 8)
    assert found.mean_words == 2 / 4
    assert quality_of(given[2:4]).mean_words is None
