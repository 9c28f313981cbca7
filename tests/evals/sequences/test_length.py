"""How many examples of each sequence are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.errors import DataError
from pluralign.evals.sequences import common_length, n_complete, n_words


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("", 0),
        ("heads", 1),
        ("two words", 2),
        ("6 h 45 min, $1,818.", 10),
        ('{"a b": 1}', 8),
        ("naïve été", 2),
    ],
)
def test_words_and_marks_are_counted(text, n):
    assert n_words(text) == n


def test_lengths_two_two_and_ten_give_ten():
    assert common_length([2, 2, 10]) == 10  # 10 against 6


def test_of_equals_the_length_that_keeps_most_sequences():
    assert common_length([2, 4]) == 2  # 4 against 4


def test_one_output_is_never_enough():
    assert common_length([1] * 100 + [2] * 10) == 2
    with pytest.raises(DataError, match="Only 9 of 109 sequences have 2 complete outputs"):
        common_length([1] * 100 + [2] * 9)
    with pytest.raises(DataError, match="No sequence has 2 complete outputs"):
        common_length([1, 0, 1])
    with pytest.raises(DataError, match="No sequence"):
        common_length([])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40).filter(lambda each: each.count(1) < 2))
def test_no_other_length_gives_more_outputs(lengths):
    def total(k):
        return k * sum(length >= k for length in lengths)

    if max(lengths) < 2:
        with pytest.raises(DataError):
            common_length(lengths)
        return
    best = max(total(k) for k in range(2, 31))
    if total(1) >= best:
        return
    found = common_length(lengths)
    assert total(found) == best
    assert all(total(k) < best for k in range(2, found))


def test_only_outputs_that_end_within_the_budget_count():
    examples = [("a b", "c"), (None, "d e"), ("f", "g")]
    assert n_complete("one two", examples, max_words=5) == 1
    assert n_complete("one two", examples, max_words=6) == 1  # the second output would be cut
    assert n_complete("one two", examples, max_words=7) == 2
    assert n_complete(None, examples, max_words=7) == 3
    assert n_complete("one two", examples, max_words=1) == 0
