"""Characters and marks by where they stand: certain faults, possible faults, and honest spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.profiles.characters import TURN_MARK, character_faults, is_invisible, listed_mark


def faults(text):
    return [(fault.start, fault.end, fault.certain) for fault in character_faults(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\u200bb", [(1, 2, False)]),
        ("\u0e01\u200b\u0e02", []),
        ("a/\u200bb", []),
        ("a\u200db", []),
        (" \u200db", [(1, 2, False)]),
        ("a\u200d\u200d\u200d", [(2, 3, False), (1, 4, True)]),
        ("a\ufe0f", [(1, 2, False)]),
        ("1\ufe0f\u20e3", []),
        ("\u4e00\U000e0100", []),
        ("a\U000e0100", [(1, 2, True)]),
        ("\u4e00\ufe00", []),
        ("_\ufe00", [(1, 2, True)]),
        ("\u1820\u180b", []),
        ("a\u180b", [(1, 2, True)]),
        ("\u1112\u1160", []),
        ("a\u1160", [(1, 2, True)]),
        ("\u05d0\u200f", []),
        ("a\u200f", [(1, 2, True)]),
        ("\u05d0\u2067b\u2069", []),
        ("\u05d0\u2067b\u202c", [(1, 2, False), (3, 4, False)]),
        ("\u05d0\u2067b\nc\u2069", [(1, 2, False), (5, 6, False)]),
        ("a\r\nb\tc", []),
        ("a\rb", [(1, 2, True)]),
        ("\u0378", [(0, 1, True)]),
        ("\ud800", [(0, 1, True)]),
    ],
)
def test_a_character_is_judged_by_where_it_stands(text, found):
    assert faults(text) == found


def test_ideographs_with_selectors_one_after_another_can_carry_a_message():
    assert faults("\u4e00\U000e0100" * 12) == []
    assert faults("\u4e00\U000e0100" * 13) == [(25, 26, False)]


@given(st.text())
def test_every_fault_lies_in_the_text_and_in_order(text):
    found = faults(text)
    assert all(0 <= start < end <= len(text) for start, end, _ in found)
    assert [end for _, end, _ in found] == sorted(end for _, end, _ in found)


@given(
    st.text(
        st.characters(
            categories=("L", "N", "P", "S", "Zs", "Mn", "Mc"), exclude_characters="\u3164\uffa0\u115f\u1160"
        )
    )
)
def test_visible_text_of_any_script_has_no_certain_fault_but_by_selectors(text):
    certain = [text[fault.end - 1] for fault in character_faults(text) if fault.certain]
    assert all(is_invisible(character) for character in certain)


def test_marks_in_any_case_and_of_models_not_listed():
    assert listed_mark("a [inst] b") == "[inst]"
    assert listed_mark("I like [sport], a < b and b > c.") is None
    for mark in ("<|fresh|>", "<|turn>", "<turn|>", "[|user|]", "<unused12>", "<|User|>", "<|BOT_TOKEN|>"):
        assert TURN_MARK.search(f"a{mark}b")[0] == mark
    for text in ("<|IM_START|>", "a |> b", "f <| x", "<b>", "[gardener]", "<3"):
        assert not TURN_MARK.search(text)
