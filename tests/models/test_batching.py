from hypothesis import given
from hypothesis import strategies as st

from pluralign.models.batching import buckets, common_prefix_length, families, rows_of, shared_prefix


def test_common_prefix():
    assert common_prefix_length([[1, 2, 3], [1, 2, 4], [1, 2]]) == 2
    assert common_prefix_length([[1, 2], [1, 2]]) == 2
    assert common_prefix_length([[], [1]]) == 0


def test_prompts_with_a_long_opening_in_common_stay_together():
    one, two = list(range(64)), list(range(100, 170))
    contexts = [[*one, 1], [*two, 1], [5], [*one, 2], [*two, 2, 3], [6]]

    assert sorted(map(sorted, families(contexts))) == [[0, 3], [1, 4], [2, 5]]
    assert families([]) == []


def test_a_prompt_whose_opening_is_known_is_no_rest():
    one, two = list(range(64)), list(range(100, 170))
    contexts = [[5], [*one, 1], [6], [*two, 1], [*two, 2]]

    assert sorted(map(sorted, families(contexts, known=[[*one, 9], [7, 8]]))) == [[0, 2], [1], [3, 4]]
    assert families([], known=[one]) == []


def test_prompts_that_share_a_quarter_of_the_shorter_one_stand_in_one_row():
    opening, question = [0] * 30, list(range(1, 21))
    orders = [[*opening, *question, order, *[order] * 39] for order in (50, 51, 52)]
    longer = [*orders[0], 60, 61]
    other = [*opening, 90, *question]
    contexts = [orders[0], other, longer, *orders[1:]]
    sizes = [len(context) + 5 for context in contexts]

    assert sorted(map(sorted, rows_of(contexts, sizes, n_shared=30, max_tokens=None))) == [[0, 2, 3, 4], [1]]
    # 20 tokens of 81 are less than a quarter.
    assert rows_of(
        [[*question, *[7] * 61], [*question, *[8] * 61]], [81, 81], n_shared=0, max_tokens=None
    ) == [
        [0],
        [1],
    ]


def test_rows_of_several_prompts_keep_to_their_bound():
    contexts = [[*range(20), *range(100, 100 + n)] for n in range(4)]
    sizes = [len(context) + 1 for context in contexts]

    assert rows_of(contexts, sizes, n_shared=0, max_tokens=None) == [[0, 1, 2, 3]]
    # 21 tokens, then 2 more each: the prompt's new one and its option's.
    assert rows_of(contexts, sizes, n_shared=0, max_tokens=25) == [[0, 1, 2], [3]]
    assert rows_of(contexts, sizes, n_shared=0, max_tokens=5) == [[0], [1], [2], [3]]
    assert rows_of([], [], n_shared=0, max_tokens=None) == []


def test_a_shared_opening_leaves_every_prompt_a_token():
    opening = list(range(20))

    assert shared_prefix([opening, [*opening, 1]]) == opening[:19]
    assert shared_prefix([opening[:15], opening[:15]]) == []
    assert shared_prefix([opening]) == []


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 200), st.integers(1, 5) | st.none())
def test_buckets_hold_every_row_once_within_their_bounds(lengths, max_tokens, max_rows):
    found = list(buckets(range(len(lengths)), lengths, max_tokens=max_tokens, max_rows=max_rows))

    assert sorted(row for bucket in found for row in bucket) == list(range(len(lengths)))
    for bucket in found:
        longest = max(lengths[row] for row in bucket)
        assert len(bucket) == 1 or len(bucket) * longest <= max_tokens
        assert max_rows is None or len(bucket) <= max_rows
        assert 128 * sum(longest - lengths[row] for row in bucket) <= max_tokens


def test_a_row_much_shorter_than_the_others_opens_a_bucket_of_its_own():
    lengths = [184, 90, 182, 183, 89, 136, 181]

    assert list(buckets(range(7), lengths, max_tokens=2048)) == [[0, 3, 2, 6], [5], [1, 4]]
    assert list(buckets(range(7), lengths, max_tokens=32768)) == [[0, 3, 2, 6, 5, 1, 4]]
