from hypothesis import given
from hypothesis import strategies as st

from pluralign.records.base import duplicates


@given(st.lists(st.sampled_from("abcd")).map(tuple))
def test_duplicates_in_order_of_first_occurrence(values):
    repeated = [value for value in values if values.count(value) > 1]
    assert duplicates(values) == sorted(set(repeated), key=values.index)


def test_duplicates_of_many_in_no_time():
    names = tuple(map(str, range(200_000)))
    assert duplicates((*names, "7", "3")) == ["3", "7"]
