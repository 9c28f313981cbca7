from hypothesis import given
from hypothesis import strategies as st

from pluralign.models.batching import buckets, common_prefix_length, families, shared_prefix


def test_common_prefix():
    assert common_prefix_length([[1, 2, 3], [1, 2, 4], [1, 2]]) == 2
    assert common_prefix_length([[1, 2], [1, 2]]) == 2
    assert common_prefix_length([[], [1]]) == 0


def test_prompts_with_a_long_opening_in_common_stay_together():
    one, two = list(range(64)), list(range(100, 170))
    contexts = [[*one, 1], [*two, 1], [5], [*one, 2], [*two, 2, 3], [6]]

    assert sorted(map(sorted, families(contexts))) == [[0, 3], [1, 4], [2, 5]]
    assert families([]) == []


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
