import pytest

from pluralign.data.shares import fault_in, is_rounded, normalised, rounding_notes


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([0.5, 0.5], None),
        ((1, 0), None),
        ([0.49, 0.5], None),
        ([0.51, 0.5], None),
        ([0.48, 0.5], "not_normalised"),
        ([0, 0], "not_normalised"),
        ([50, 50], "not_normalised"),
        ([1.0], "wrong_length"),
        ([1.2, -0.2], "not_numbers"),
        ([float("nan"), 1], "not_numbers"),
        ([float("inf"), 0], "not_numbers"),
        ([True, False], "not_numbers"),
        (["0.5", "0.5"], "not_numbers"),
        ([None, 1], "not_numbers"),
        ("ab", "not_numbers"),
        (None, "not_numbers"),
    ],
)
def test_what_can_be_shares_of_two_options(values, fault):
    found = fault_in(values, n_options=2)
    assert (found and found[0]) == fault


def test_rounding_is_divided_out_and_exact_shares_stay():
    assert normalised([0.33, 0.33, 0.33]) == pytest.approx((1 / 3,) * 3)
    assert is_rounded([0.33, 0.33, 0.33])
    exact = (0.1, 0.2, 0.7)  # sums to 0.9999999999999999 in binary
    assert normalised(exact) == exact
    assert not is_rounded(exact)


def test_one_note_stands_for_all_rounded_items():
    assert rounding_notes(0, what="shares", where="a.csv") == ()
    (note,) = rounding_notes(12, what="shares", where="a.csv")
    assert (note.n_items, note.where, note.question_id) == (12, "a.csv", None)
