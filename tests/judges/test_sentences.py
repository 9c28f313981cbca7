# ruff: noqa: RUF001 - the full-width marks of Chinese and Japanese
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pluralign.judges.sentences import split_sentences, states_opinion


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", ()),
        ("One. Two! Three? Four", ("One.", "Two!", "Three?", "Four")),
        (
            "Dr. Smith met J. K. Rowling at 3.5 p.m. They had tea, e.g. green tea, etc. Then he left.",
            (
                "Dr. Smith met J. K. Rowling at 3.5 p.m.",
                "They had tea, e.g. green tea, etc.",
                "Then he left.",
            ),
        ),
        (
            "The U.S. Senate voted. So did I. It passed.",
            ("The U.S. Senate voted.", "So did I.", "It passed."),
        ),
        (
            'He asked "Why?" and left. "It is wrong!" she said. “No.” (Really.) Fine.',
            ('He asked "Why?" and left.', '"It is wrong!" she said.', "“No.”", "(Really.)", "Fine."),
        ),
        ("Silence… and so on... but not here.", ("Silence… and so on... but not here.",)),
        (
            "这是第一句。这是第二句！真的吗？「是的。」好。",
            ("这是第一句。", "这是第二句！", "真的吗？", "「是的。」", "好。"),
        ),
        ("यह पहला है। यह दूसरा है।", ("यह पहला है।", "यह दूसरा है।")),
        ("هل هذا صحيح؟ نعم.", ("هل هذا صحيح؟", "نعم.")),
        ("¿Por qué? ¡Claro! Porque sí.", ("¿Por qué?", "¡Claro!", "Porque sí.")),
        ("Das gilt z.B. Hunden bzw. Katzen. Gut.", ("Das gilt z.B. Hunden bzw. Katzen.", "Gut.")),
        (
            "# Views\n\n- **Farmers:** they may shoot. Wolves kill.\n* Others disagree\n1. First\n2) Second\n  (a) Third",
            (
                "Views",
                "Farmers: they may shoot.",
                "Wolves kill.",
                "Others disagree",
                "First",
                "Second",
                "Third",
            ),
        ),
        ("> quoted words\n> go on\n\nNot quoted", ("quoted words", "go on", "Not quoted")),
        ("| For | Against |\n|---|:--|\n| Jobs | Noise |\n---\n***", ("For", "Against", "Jobs", "Noise")),
        ("```\ncode here\n```\nSee [this *page*](http://x.org/a).", ("code here", "See this page.")),
        (
            "This was wrapped in the\nmiddle of a line. Next.",
            ("This was wrapped in the middle of a line.", "Next."),
        ),
        ("First line\nSecond line", ("First line", "Second line")),
        ("snake_case and 2 * 3 * 4 stay.", ("snake_case and 2 * 3 * 4 stay.",)),
    ],
)
def test_sentences(text: str, sentences: tuple[str, ...]):
    assert split_sentences(text) == sentences


@given(st.lists(st.text(alphabet="abc XYZ.!?。\n,'\"", max_size=20), max_size=6).map("".join))
def test_no_letter_is_lost_and_none_is_doubled(text: str):
    assume(
        not re.search(r"^ *(?:[A-Za-z]|X{2,4})\. ", text, re.MULTILINE)
    )  # the letters of a list are its marks

    def letters(given: str) -> str:
        return "".join(character for character in given if character.isalpha())

    assert letters("".join(split_sentences(text))) == letters(text)


@given(st.text(max_size=200))
def test_any_text_is_split_into_words_without_line_ends(text: str):
    for sentence in split_sentences(text):
        assert sentence == sentence.strip() != ""
        assert "\n" not in sentence


VIEWS = [
    "Homework should be abolished.",
    "I believe that every child needs a garden.",
    "Some people think that wolves belong in zoos.",
    "Critics warn that the plan would cost jobs.",
    "Taxes on sugar are unfair to the poor.",
    "Smoking harms those who stand nearby.",
    "Nobody owes the state anything.",
    "Freedom matters more than safety.",
    "Supporters: a ban protects children",
    "It is wrong to lie, even to a stranger.",
    "Children learn best when they play.",
    "We must not give up 5 percent of the forest.",
    "No",
    "Cities ought to plant more trees",
    "For many, faith is the ground of morals.",
]
NO_VIEWS = [
    "Hello!",
    "Thank you for your question.",
    "Certainly, here is an overview.",
    "Should homework be abolished?",
    "There are many perspectives on this.",
    "There are several different views on homework.",
    "This is a complex and controversial issue.",
    "People differ on this.",
    "Opinions on the matter are divided.",
    "The question is widely debated.",
    "Arguments for homework",
    "Environmental Concerns",
    "Here are the main arguments:",
    "The law was passed in 1998.",
    "About one household in six has a dog, four of ten a cat.",
    "I hope this helps!",
    "As an AI, I do not hold views.",
    "Let's look at the main positions.",
]


@pytest.mark.parametrize("sentence", [view for view in VIEWS if view != "No"])
def test_views(sentence: str):
    assert states_opinion(sentence)


@pytest.mark.parametrize("sentence", [*NO_VIEWS, "No", ""])
def test_no_views(sentence: str):
    assert not states_opinion(sentence)


def test_other_scripts_are_read_as_far_as_rules_go():
    assert states_opinion("税收应该提高。")
    assert not states_opinion("税收应该提高吗？")


def test_what_has_no_words_is_no_sentence() -> None:
    assert split_sentences("Trade is good.\n\n🎉🎉\n\n---\n\n“…”\n\n数は力です。42.") == (
        "Trade is good.",
        "数は力です。",
        "42.",
    )
