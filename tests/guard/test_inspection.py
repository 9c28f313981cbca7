# ruff: noqa: RUF001
"""Copies for inspection: what is hidden comes to light, places are told in the text itself, a fixpoint is reached."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.guard.confusables import script_of, skeleton_of
from pluralign.guard.inspection import plain, skeleton

ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",)),
        st.sampled_from(
            "<|>[]im_start/\u200b\u00ad\ufe0f\uff1c\uff5c\u0456\u0430\u0301\u094d\u1161\u11a8\uff9e"
        ),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\uff1c\uff5c\uff49\uff4d\uff3f\uff53\uff54\uff41\uff52\uff54\uff5c\uff1e", "<|im_start|>"),
        ("<|im_s\u200btart|>", "<|im_start|>"),
        ("<|im_\u00ad\ufe0f\u2060end|>", "<|im_end|>"),
        ("<|\u0456m_\u0435nd|>", "<|im_end|>"),
        ("\uff1c\u200b|\u0456m_end|\uff1e", "<|im_end|>"),
        ("\u2039|im_start|\u203a", "<|im_start|>"),
        ("<\uff5cend\u2581of\u2581sentence\uff5c>", "<|end_of_sentence|>"),
        ("[I\u039dST]", "[INST]"),
        ("\U0001d5dc\U0001d5f4\U0001d5fb\U0001d5fc\U0001d5ff\U0001d5f2", "Ignore"),
        ("\u24d8\u24dc_\u24d4\u24dd\u24d3", "im_end"),
        ("\U0001f170\U0001f1e7", "AB"),
        ("I\u0301gno\u0308re", "Ignore"),
        ("\u0131\u0142\u00f8", "ilo"),
    ],
)
def test_what_looks_like_ascii_is_read_as_ascii(text, seen):
    assert skeleton(text).text == seen


def test_places_are_told_in_the_text_itself():
    text = "ab\u200b\u200b\ufb06\uff1cx"
    copy = skeleton(text)
    assert copy.text == "abst<x"
    assert text[slice(*copy.origin(0, 2))] == "ab"
    assert copy.origin(2, 3) == copy.origin(2, 4) == (4, 5)  # both letters come of one ligature
    assert text[slice(*copy.origin(4, 6))] == "\uff1cx"
    assert text[slice(*copy.origin(1, 5))] == "b\u200b\u200b\ufb06\uff1c"


def test_ascii_is_not_changed_and_stays_told_apart():
    text = "Il1 O0 |\n\t" + "".join(map(chr, range(32, 127)))
    assert skeleton(text).text == plain(text).text == text
    assert skeleton(text).origin(3, 7) == (3, 7)


@given(ANY_TEXT)
def test_a_copy_of_a_copy_is_the_copy(text):
    for copy in (skeleton, plain):
        once = copy(text).text
        assert copy(once).text == once


@given(ANY_TEXT)
def test_normalising_before_changes_nothing(text):
    """NFKC makes full-width letters into ASCII: what it makes is seen without it too."""
    # Which of several marks on a letter stands first is all that may differ.
    first, then = skeleton(text).text, skeleton(unicodedata.normalize("NFKC", text)).text
    assert unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", then)


@given(ANY_TEXT, st.integers(0, 39), st.integers(1, 5))
def test_every_place_of_a_copy_has_a_place_in_the_text(text, start, length):
    for copy in (skeleton(text), plain(text)):
        if start + length <= len(copy.text):
            low, high = copy.origin(start, start + length)
            assert 0 <= low < high <= len(text)
            again = skeleton if copy.text == skeleton(text).text else plain
            assert copy.text[start : start + length] in again(text[low:high]).text


def test_scripts_keep_their_letters_in_the_plain_copy():
    assert plain("می\u200cدهم").text == "میدهم"
    assert plain("שָׁלוֹם").text == "שלום"
    assert plain("क्\u200dषमा").text == "क्षमा"
    assert plain(unicodedata.normalize("NFD", "Việt 한국")).text == "Việt 한국"


def test_scripts_of_letters_that_are_taken_for_one_another():
    assert [script_of(c) for c in "aаαǀ中1"] == ["LATIN", "CYRILLIC", "GREEK", "LATIN", None, None]
    assert skeleton_of("中") == "中"
    assert skeleton_of("\u0651") == "\u0651"  # an Arabic sign is no accent
