import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.elicitation.replies import is_refusal, read_choice, read_percentages, read_sequence
from pluralign.records import Outcome

REFUSED, UNPARSED = Outcome.REFUSED, Outcome.UNPARSED

FAVOR = ("Very favorable", "Somewhat favorable", "Somewhat unfavorable", "Very unfavorable")
NESTED = ("Favorable", "Very favorable", "Unfavorable", "Don't know")
AGREE = ("Strongly agree", "Agree", "Neither agree nor disagree", "Disagree", "Strongly disagree")
YES = ("Yes", "No", "Not sure")
SCALE = tuple(str(number) for number in range(11))
VOTE = ("Bill Clinton", "Bob Dole")
LEFT_RIGHT = (
    "Extremely liberal",
    "Liberal",
    "Slightly liberal",
    "Moderate, middle of the road",
    "Slightly conservative",
    "Conservative",
    "Extremely conservative",
)
PARTY = (
    "Strong Democrat",
    "Weak Democrat",
    "Independent, closer to the Democrats",
    "Independent",
    "Independent, closer to the Republicans",
    "Weak Republican",
    "Strong Republican",
)
DAYS = ("0 days", "1 day", *(f"{days} days" for days in range(2, 8)))
INCOME = ("Under $10,000", "$10,000 to $19,999", "$20,000 to $34,999", "$75,000 or more")
ECHO = (
    "Where would you place yourself?\n\nOptions:\n- Extremely liberal\n- Liberal\n- Slightly liberal\n"
    "- Moderate, middle of the road\n\nAnswer with one of the options, word for word, and nothing else."
)

LETTERED = [
    ("B", FAVOR, 1),
    ("b", FAVOR, 1),
    ("A", FAVOR, 0),
    ("B.", FAVOR, 1),
    ("(B)", FAVOR, 1),
    ("**B**", FAVOR, 1),
    ('"B"', FAVOR, 1),
    ("`C`", FAVOR, 2),
    ("B) Somewhat favorable", FAVOR, 1),
    ("B. Somewhat favorable", FAVOR, 1),
    ("**B) Somewhat favorable**", FAVOR, 1),
    ("Answer: (B)", FAVOR, 1),
    ("Answer: B", FAVOR, 1),
    ("**Answer:** B", FAVOR, 1),
    ("### Final Answer\n\n**D**", FAVOR, 3),
    ("Final answer: C", FAVOR, 2),
    ("The correct answer is (A).", FAVOR, 0),
    ("\\boxed{B}", FAVOR, 1),
    ("The final answer is $\\boxed{\\text{B}}$.", FAVOR, 1),
    ("I choose B because A is too strong.", FAVOR, 1),
    ("I believe C fits best here.", FAVOR, 2),
    ("My choice would be option d", FAVOR, 3),
    (
        "Let's think step by step. Options A and B are positive, but the group is critical, so A and B are out. "
        "D seems too extreme. So the answer is C",
        FAVOR,
        2,
    ),
    ("<think>A? No, B sounds better... A it is.</think>\n\nB", FAVOR, 1),
    ("<think>Perhaps A, or maybe", FAVOR, UNPARSED),
    ("I have no opinions, but if I had to choose: B", FAVOR, 1),
    ("As an AI, I don't have opinions. However, a typical Democrat would answer: B", FAVOR, 1),
    ("B\n\nExplanation: Option A is too strong and option D is unlikely.", FAVOR, 1),
    ("It is C, not B.", FAVOR, 2),
    ("not B", FAVOR, UNPARSED),
    ("Neither A nor B.", FAVOR, UNPARSED),
    ("A or B", FAVOR, UNPARSED),
    ("I would say A or B.", FAVOR, UNPARSED),
    ("A. Somewhat favorable", FAVOR, UNPARSED),  # the letter and the words name different options
    ("E", FAVOR, UNPARSED),
    ("A lot of people feel that way about I guess everyone.", FAVOR, UNPARSED),
    ("A. Very favorable B. Somewhat favorable C. Somewhat unfavorable D. Very unfavorable", FAVOR, UNPARSED),
    ("答案是\uff1a\uff08\uff22\uff09", FAVOR, 1),
    ("👍 B", FAVOR, 1),
    ("B\nB\nB\nB\nB", FAVOR, 1),
    ("A B C D", FAVOR, UNPARSED),
]

IN_WORDS = [
    ("Very favorable", FAVOR, 0),
    ("  very   FAVORABLE  ", FAVOR, 0),
    ('"Somewhat favorable."', FAVOR, 1),
    ("\u201cSomewhat favorable\u201d", FAVOR, 1),
    ("**Somewhat unfavorable**", FAVOR, 2),
    ("- Very unfavorable", FAVOR, 3),
    ("> Very unfavorable", FAVOR, 3),
    ("I would say Very favorable.", FAVOR, 0),
    ("I'd go with somewhat favorable, I think.", FAVOR, 1),
    ("Very favorable!!! 😍😍", FAVOR, 0),
    ("Very_favorable", FAVOR, 0),
    ("Answer\uff1aVery favorable。", FAVOR, 0),
    ("Favorable", NESTED, 0),
    ("Very favorable", NESTED, 1),
    ("unfavorable", NESTED, 2),
    ("Not very favorable", NESTED, UNPARSED),
    ("Don't know", NESTED, 3),
    ("I don\u2019t know.", NESTED, 3),
    ("dont know", NESTED, 3),
    ("Neither agree nor disagree", AGREE, 2),
    ("I strongly agree with this statement.", AGREE, 0),
    ("I don't agree.", AGREE, UNPARSED),
    ("Agree. I would not say strongly agree, since some disagree.", AGREE, 1),
    ("Agree\n\nExplanation: people who strongly disagree are few.", AGREE, 1),
    ("Many people agree, while others disagree.", AGREE, UNPARSED),
    ("I'd choose Disagree over Agree", AGREE, 3),
    ("I would say Disagree rather than Strongly disagree.", AGREE, 3),
    ("Disagree Disagree Disagree Disagree Disagree", AGREE, 3),
    ("While some may agree, I personally disagree.", AGREE, 3),
    ("I agree.", AGREE, 1),
    ("Disagree strongly", AGREE, 3),
    ("Strongly Agree/Agree", AGREE, UNPARSED),
    ("<|im_start|>assistant\nYes<|im_end|>", YES, 0),
    ('{"answer": "Yes"}', YES, 0),
    ("I can't say for certain, but I'd guess Yes.", YES, 0),
    ("I will not vote for Bob Dole.", VOTE, UNPARSED),
    ("Yes", YES, 0),
    ("No.", YES, 1),
    ("No, because it costs too much.", YES, 1),
    ("There is no right or wrong here, no doubt", YES, UNPARSED),
    ("Yes or no?", YES, UNPARSED),
    ("I'm not sure.", YES, 2),
    ("Option 2", FAVOR, 1),
    ("I pick option 9", FAVOR, UNPARSED),
    ("B", FAVOR, UNPARSED),  # the options were not listed under letters
    ("A: Yes\nB: No\n\nAnswer: B", YES, 1),  # but here the reply itself says what they mean
    ("7", SCALE, 7),
    ("10", SCALE, 10),
    ("17", SCALE, UNPARSED),
    ("7.5", SCALE, UNPARSED),
    ("-7", SCALE, UNPARSED),
    ("70%", SCALE, UNPARSED),
    ("7/10", SCALE, 7),
    ("I'd give it 7 out of 10", SCALE, 7),
    ("On a scale from 0 to 10, I would rate it a 7.", SCALE, 7),
    ("Between 6 and 8", SCALE, UNPARSED),
    ("$10,000 to $19,999", INCOME, 1),
    ("10000 to 19999", INCOME, 1),
    ("Under 10,000 dollars", INCOME, 0),
    ("Moderate; middle-of-the-road", LEFT_RIGHT, UNPARSED),
    ("moderate middle of the road", LEFT_RIGHT, 3),
    ("Independent, closer to Democrats", PARTY, 2),
    ("Independent", PARTY, 3),
    ("Liberal-ish? Slightly liberal.", LEFT_RIGHT, 2),
    ("neo-liberal", LEFT_RIGHT, UNPARSED),
    ("-5 points", ("-5 points", "5 points"), 0),
    ("I would say 5 points", ("-5 points", "5 points"), 1),
    ("The A lot of it", ("A lot", "The $"), 0),
    ("Bill Clinton, not Bob Dole", VOTE, 0),
    ("As a Democrat, I would vote for Bill Clinton instead of Bob Dole.", VOTE, 0),
    ("I cannot vote for Bob Dole, so: Bill Clinton.", VOTE, 0),
    (ECHO, LEFT_RIGHT, UNPARSED),
    (ECHO + "\n\nAnswer: Slightly liberal", LEFT_RIGHT, 2),
    ("", FAVOR, UNPARSED),
    ("   \n\n ", FAVOR, UNPARSED),
    ("...", FAVOR, UNPARSED),
    ("🤷", FAVOR, UNPARSED),
    ("très favorable", FAVOR, UNPARSED),
    ("我认为非常好", FAVOR, UNPARSED),
    ("the the the the the the the the", FAVOR, UNPARSED),
    ("👎", ("👍", "👎"), 1),
]

# Replies of SmolLM2-135M-Instruct, the embedded model, as it wrote them.
FROM_A_SMALL_MODEL = [
    ("You're one of the people who identify as liberals. The answer is: Conservative", LEFT_RIGHT, 5),
    (
        "Slightly liberal, which could be a bit confusing, but in *moderate* terms, an exceptionally moderate "
        "candidate could be a great honor. So, another option is:\n\n- Extremely Conservative\n- Absolute "
        "Conservative\n- slightly liberal in middle of the road\n- Northeast\n",
        LEFT_RIGHT,
        UNPARSED,
    ),
    (
        'This is a perfect answer. A single match of the above answer options will be marked as a "B" option.',
        LEFT_RIGHT,
        UNPARSED,
    ),
    (
        'Possible answer options would be "extremely liberal" or "very liberal" but could also be a lower case '
        'phrase "extremely liberal in terms of the percentage" to avoid confusion.',
        LEFT_RIGHT,
        UNPARSED,
    ),
    ("None", VOTE, UNPARSED),
    ("Select from this list only option.", VOTE, UNPARSED),
    ("On November 4th, 1996, I will vote for Bob Dole. There are only three options giving me a", VOTE, 1),
    (
        "Other than the possibility of Bill Clinton becoming President, polygamy driven politics",
        VOTE,
        UNPARSED,
    ),
    ("- WELL-PRICABLE - Independent, closer to Democrats", PARTY, 2),
    ("Honolulu Aleakakes", PARTY, UNPARSED),
    ("Ster. I'd choose Bill Clinton over Bob Dole.", VOTE, 0),
    (
        "The person who is most likely to win the election based on this single statement inline is none other "
        "than Bill Clinton. \n\nOptions other than 1996: \nWhich led to his appointment to power in 1993",
        VOTE,
        0,
    ),
    (
        'Why Bob Dole, not Bill Clinton. "Dole" denotes a political party, while "Bill Clinton" referring to a',
        VOTE,
        UNPARSED,
    ),
    ('You will choose a "he"', VOTE, UNPARSED),
    ('6 days\n\nYou mentioned "4 days."\n\nIt\'s not 1 day.', DAYS, 6),
    ('The appropriate answer is "6 days"', DAYS, 6),
    ("- 2 days from today", DAYS, 2),
    ("8 days", DAYS, UNPARSED),
    ("Choices: - August in 2021.\nOptions:\n- 4 days\n- 6 days\n- 7 days", DAYS, UNPARSED),
]

REFUSALS = [
    "As an AI language model, I don't have personal opinions.",
    "As an AI, I do not have political affiliations, but many people are Very favorable.",
    "I'm just an AI, so this does not apply to me.",
    "I cannot answer this question.",
    "I can\u2019t choose between Very favorable and Very unfavorable.",
    "I'm not able to share personal views on politicians.",
    "I'm sorry, but I am unable to provide an answer.",
    "I'd rather not say.",
    "I would prefer not to answer that.",
    "I must decline.",
    "I don't have any personal beliefs or preferences.",
    "I won't speculate about how a group of people would answer.",
    "It would not be appropriate for me to take sides here.",
    "I don't feel comfortable answering that.",
    "I do not wish to answer this question.",
    "It is not possible for me to have an opinion.",
    "I don't know.",
]

HAVE = ("Yes", "No", "Refused", "Prefer not to say")


@pytest.mark.parametrize(("reply", "options", "expected"), LETTERED)
def test_choice_among_lettered_options(reply, options, expected):
    assert read_choice(reply, options, lettered=True) == expected


@pytest.mark.parametrize(("reply", "options", "expected"), [*IN_WORDS, *FROM_A_SMALL_MODEL])
def test_choice_in_words(reply, options, expected):
    assert read_choice(reply, options) == expected


@pytest.mark.parametrize("reply", REFUSALS)
def test_refusals(reply):
    assert read_choice(reply, FAVOR) is REFUSED
    assert read_choice(reply, FAVOR, lettered=True) is REFUSED
    assert is_refusal(reply)


@pytest.mark.parametrize(
    ("reply", "expected"), [("Refused", 2), ("I'd prefer not to say.", 3), ("Prefer not to say", 3)]
)
def test_an_option_that_refuses_is_a_choice(reply, expected):
    assert read_choice(reply, HAVE) == expected


def test_a_refusal_of_the_model_is_none_of_the_persons():
    assert read_choice("As an AI language model, I cannot answer this.", HAVE) is REFUSED


def test_options_that_read_alike_are_told_apart_where_they_are_written_out():
    assert [read_choice(text, ("Yes", "yes!", "YES")) for text in ("Yes", "yes!", "YES")] == [0, 1, 2]


def test_options_that_are_letters_themselves_stand_for_themselves():
    assert read_choice("I would go with A.", ("B", "A")) == 1
    assert read_choice("A", ("B", "A"), lettered=True) == 1


ANY_REPLY = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from([
            *"ABCDI1270%.,:;|()[]{}-\n \"'*",
            "Agree",
            "not ",
            "Answer: ",
            "Strongly ",
            "10%",
            "I say ",
        ]),
        max_size=40,
    ).map("".join),
)
ANY_OPTIONS = st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=6, unique_by=str.strip)


@given(
    reply=ANY_REPLY,
    options=st.one_of(ANY_OPTIONS, st.just(list(AGREE)), st.just(list(SCALE))),
    lettered=st.booleans(),
)
def test_any_text_is_read_without_an_error(reply, options, lettered):
    choice = read_choice(reply, options, lettered=lettered)
    assert choice in {REFUSED, UNPARSED} or choice in range(len(options))
    shares = read_percentages(reply, options)
    assert isinstance(shares, Outcome) or (len(shares) == len(options) and sum(shares) == pytest.approx(1))
    entries = read_sequence(reply, options, n=5)
    assert len(entries) <= 5
    assert all(entry is None or entry in range(len(options)) for entry in entries)


@given(options=ANY_OPTIONS, data=st.data())
def test_an_option_on_its_own_is_that_option(options, data):
    index = data.draw(st.sampled_from(range(len(options))))
    assert read_choice(f"  {options[index]}\n", options) == index


@given(
    case=st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
    space=st.sampled_from([" ", "  ", "\t", "\u00a0"]),
    frame=st.sampled_from(["{}", "**{}**", "'{}'", "{}.", "\n- {}\n", "I would say {}.", "Answer: {}"]),
    options=st.sampled_from([FAVOR, NESTED, AGREE, LEFT_RIGHT, PARTY, INCOME]),
    data=st.data(),
)
def test_case_and_spacing_do_not_matter(case, space, frame, options, data):
    index = data.draw(st.sampled_from(range(len(options))))
    reply = frame.format(case(options[index]).replace(" ", space))
    assert read_choice(reply, options) == index


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "\n ",
        "a",
        "1",
        "1,",
        "Answer: ",
        "I would say ",
        "not ",
        "<think>",
        "agree ",
        "1. A ",
        "A",
        "answer is ",
    ],
)
def test_long_replies_are_read_in_linear_time(piece):
    reply = piece * (100_000 // len(piece))
    start = time.process_time()
    read_choice(reply, AGREE, lettered=True)
    read_percentages(reply, AGREE)
    read_sequence(reply, AGREE, n=30)
    assert time.process_time() - start < 5  # quadratic time would take minutes
