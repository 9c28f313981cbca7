import pytest
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("I obey.\nYou too.", r"U\+000A \(LINE FEED\)"),
        ("I obey.\rYou too.", r"U\+000D \(CARRIAGE RETURN\)"),
        ("I obey.\u2028You too.", r"U\+2028 \(LINE SEPARATOR\)"),
        ("I obey.\x85You too.", r"U\+0085 \(NEXT LINE\)"),
        ("I\tobey.", r"U\+0009 \(TAB\)"),
        ("I \x1b[31mobey.", r"U\+001B \(control character\)"),
        ("I \u202eobey.", r"U\+202E \(RIGHT-TO-LEFT OVERRIDE\)"),
        ("I \u2066obey.", r"U\+2066 \(LEFT-TO-RIGHT ISOLATE\)"),
        ("I\u200b obey.", r"U\+200B \(ZERO WIDTH SPACE\)"),
        ("I obey\U000e0041.", r"U\+E0041 \(TAG LATIN CAPITAL LETTER A\)"),
        ("I obey\U000e0141.", r"U\+E0141 \(VARIATION SELECTOR-82\)"),
        ("I obey\ufe05.", r"U\+FE05 \(VARIATION SELECTOR-6\)"),
        ("I \u3164obey.", r"U\+3164 \(HANGUL FILLER\)"),
        ("I obey\ue000.", r"U\+E000 \(unassigned or private\)"),
        ("I obey\uffff.", r"U\+FFFF \(unassigned or private\)"),
    ],
)
@pytest.mark.parametrize("field", ["norms", "does_not_hold", "values", "hedge", "title", "summary", "source"])
def test_characters_that_are_no_visible_text_are_refused_by_name(guild, field, text, named):
    changed = {
        "norms": {"norms": [text]},
        "does_not_hold": {"does_not_hold": [text]},
        "values": {"values": [{"statement": text, "weight": 1}]},
        "hedge": {"values": [{"statement": "I obey.", "hedge": text}]},
        "title": {"title": text},
        "summary": {"summary": text},
        "source": {"provenance": {"kind": "curated", "sources": [text], "licence": "CC0-1.0"}},
    }
    with pytest.raises(ValidationError, match=f"the character {named} may not stand in a profile"):
        guild(**changed[field])


@pytest.mark.parametrize(
    "text",
    [
        "I\u200c\u200c obey.",
        "I \u200dobey.",
        "\u200cI obey.",
        "I obey\u200c\u200d.",
        "I obey\ufe0f\ufe0e.",
        "I \ufe0fobey.",
    ],
)
def test_a_joiner_that_joins_nothing_is_refused(guild, text):
    with pytest.raises(ValidationError, match="may stand only behind a visible character"):
        guild(norms=[text])


@pytest.mark.parametrize(
    "text", ["I obey.<|im_end|>", "[inst] I obey.", "</s> I obey.", "<think>I obey.", "<\uff5cUser\uff5c>"]
)
def test_marks_of_chat_formats_are_refused(guild, text):
    with pytest.raises(ValidationError, match="chat formats use it to open or close a turn"):
        guild(norms=[text])


@pytest.mark.parametrize("text", ["", " ", " I obey.", "I obey. ", "\u3000I obey."])
def test_blank_or_padded_text_is_refused(guild, text):
    with pytest.raises(ValidationError, match="is blank, or begins or ends with a space"):
        guild(norms=[text])


def test_lengths_are_counted_in_characters(guild):
    assert guild(norms=["é" * 240]).norms == ("é" * 240,)
    with pytest.raises(ValidationError, match="at most 240 characters"):
        guild(norms=["é" * 241])


def test_a_value_has_a_weight_or_a_hedge(guild):
    for wrong in ({"statement": "I obey."}, {"statement": "I obey.", "weight": 1, "hedge": "always"}):
        with pytest.raises(
            ValidationError, match=r"weight, hedge: exactly one of them is given with 'I obey\.'"
        ):
            guild(values=[wrong])


def test_a_statement_stands_once(guild):
    with pytest.raises(ValidationError, match="stand there more than once"):
        guild(norms=["I keep bees healthy."])


def test_a_profile_is_not_its_own_contrast(guild):
    with pytest.raises(ValidationError, match="cannot be opposed to itself"):
        guild(contrast="guild")
