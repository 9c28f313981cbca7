import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.data.selection import draw
from pluralign.errors import ConfigurationError

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=3), unique=True, max_size=12)


@given(NAMES, st.integers(1, 14), st.integers(0, 3), st.randoms())
def test_a_draw_is_nested_ordered_and_blind_to_order(names, n, seed, random):
    drawn = draw(names, n, seed=seed, what="people")
    assert len(drawn) == min(n, len(names))
    assert drawn == [name for name in names if name in drawn]
    assert set(drawn) <= set(draw(names, n + 1, seed=seed, what="people"))
    shuffled = random.sample(names, len(names))
    assert set(draw(shuffled, n, seed=seed, what="people")) == set(drawn)


def test_seeds_draw_differently_and_evenly():
    names = [str(number) for number in range(10)]
    drawn = [name for seed in range(400) for name in draw(names, 3, seed=seed, what="people")]
    # 400 x 3 / 10 = 120 each, with a standard deviation of 9.
    assert all(80 < drawn.count(name) < 160 for name in names)


def test_all_where_no_number_is_given():
    assert draw(["b", "a"], None, seed=0, what="people") == ["b", "a"]
    with pytest.raises(ConfigurationError, match="people must be at least 1, not 0"):
        draw(["a"], 0, seed=0, what="people")
