"""Replies that state shares of people, or the answers of several of them."""

import pytest

from pluralign.elicitation.replies import read_percentages, read_sequence
from pluralign.records import Outcome

REFUSED, UNPARSED = Outcome.REFUSED, Outcome.UNPARSED

FAVOR = ("Very favorable", "Somewhat favorable", "Somewhat unfavorable", "Very unfavorable")
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

PERCENTAGES = [
    ("A: 30%\nB: 40%\nC: 20%\nD: 10%", FAVOR, (30, 40, 20, 10)),
    ("(A) 30% (B) 40% (C) 20% (D) 10%", FAVOR, (30, 40, 20, 10)),
    (
        "- Very favorable: 30%\n- Somewhat favorable: 40%\n- Somewhat unfavorable: 20%\n- Very unfavorable: 10%",
        FAVOR,
        (30, 40, 20, 10),
    ),
    (
        "1. **Very favorable**: 30\n2. **Somewhat favorable**: 40\n3. **Somewhat unfavorable**: 20\n"
        "4. **Very unfavorable**: 10",
        FAVOR,
        (30, 40, 20, 10),
    ),
    ("Very favorable - 30 percent\nSomewhat favorable - 70 percent", FAVOR, (30, 70, 0, 0)),
    ("30% Very favorable\n40% Somewhat favorable\n30% Very unfavorable", FAVOR, (30, 40, 0, 30)),
    (
        "30% very favorable, 40% somewhat favorable, 20% somewhat unfavorable, 10% very unfavorable. Total: 100%",
        FAVOR,
        (30, 40, 20, 10),
    ),
    ("Very favorable (30%), Somewhat favorable (50%), Somewhat unfavorable (20%)", FAVOR, (30, 50, 20, 0)),
    ("Yes 62 %, No 30 %, not sure 8 %", YES, (62, 30, 8)),
    ('{"Yes": 0.6, "No": 0.3, "Not sure": 0.1}', YES, (60, 30, 10)),
    ('```json\n{\n  "Yes": 60,\n  "No": 30,\n  "Not sure": 10\n}\n```', YES, (60, 30, 10)),
    ('{"Yes": "60%", "No": "40%"}', YES, (60, 40, 0)),
    (
        '[{"option": "Yes", "percentage": 60}, {"option": "No", "percentage": 40}]',
        YES,
        (60, 40, 0),
    ),
    ("| Option | Share |\n|---|---|\n| Yes | 55.5% |\n| No | 44.5% |", YES, (55.5, 44.5, 0)),
    ("Yes: 12.5%\nNo: 87.5%", YES, (12.5, 87.5, 0)),
    ("Yes: 12,5 %\nNo: 87,5 %", YES, (12.5, 87.5, 0)),
    ("Yes: about 60%\nNo: roughly 40%", YES, (60, 40, 0)),
    ("Yes: 50-60%\nNo: 40-50%", YES, (55, 45, 0)),
    ("Yes: .6\nNo: .4", YES, (60, 40, 0)),
    ("**Yes**\n60%\n**No**\n40%", YES, (60, 40, 0)),
    ("Out of 1,200 respondents in 1996: Yes 60%, No 40%", YES, (60, 40, 0)),
    ("Yes: 57%\nNo: 30%\nNot sure: 10%", YES, (5700 / 97, 3000 / 97, 1000 / 97)),
    ("Yes: 60%\nNo: 40%\nNot sure: 10%", YES, (600 / 11, 400 / 11, 100 / 11)),
    ("Yes: 80%\nNo: 50%\nNot sure: 10%", YES, UNPARSED),
    ("Yes: 40%\nNo: 20%", YES, UNPARSED),
    ("Yes: 600\nNo: 400", YES, UNPARSED),
    ("Yes: 1,060\nNo: 40", YES, UNPARSED),
    ("Draft: Yes 80%, No 60%. That is too much. Final: Yes 60%, No 40%.", YES, (60, 40, 0)),
    ("Yes: 60%\nNo: 40%\n\nYes is at 60% because most people agree.", YES, (60, 40, 0)),
    ("Yes\uff1a \uff16\uff10\uff05\nNo\uff1a \uff14\uff10\uff05", YES, (60, 40, 0)),
    ("<think>Yes 10%, No 90%?</think>Yes: 60%\nNo: 40%", YES, (60, 40, 0)),
    ('About 70% of Democrats would choose "Yes", while 30% would choose "No".', YES, (70, 30, 0)),
    ("Democrats (48% of people):\n\n- Yes: 70%\n- No: 25%\n- Not sure: <5%", YES, (70, 25, 5)),
    ("| Yes | No | Not sure |\n|---|---|---|\n| 70% | 25% | 5% |", YES, (70, 25, 5)),
    ('{"options": ["Yes", "No"], "shares": [0.7, 0.3]}', YES, (70, 30, 0)),
    ("Yes: 1\nNo: 0\nNot sure: 0", YES, (100, 0, 0)),
    ("Yes: 1/3, No: 1/3, Not sure: 1/3", YES, UNPARSED),
    ("History \nO Yes\nO 1 No\nO 2", YES, UNPARSED),
    ("30\n50\n20", YES, (30, 50, 20)),
    ("[30, 50, 20]", YES, (30, 50, 20)),
    ("[30,50,20]", YES, (30, 50, 20)),
    ("0: 10%\n5: 20%\n10: 70%", SCALE, (10, 0, 0, 0, 0, 20, 0, 0, 0, 0, 70)),
    ("0 - 10\n5 - 20\n10 - 70", SCALE, (10, 0, 0, 0, 0, 20, 0, 0, 0, 0, 70)),
    ("Under $10,000: 25%\n$10,000 to $19,999: 75%", INCOME, (25, 75, 0, 0)),
    ("100% Yes", YES, (100, 0, 0)),
    ("As an AI, I can only estimate: Yes: 60%, No: 40%", YES, (60, 40, 0)),
    ("I cannot provide percentages for a group of people.", YES, REFUSED),
    ("60% of them like it, 40% do not", ("Pro", "Con"), UNPARSED),
    ("The answer is: 100", VOTE, UNPARSED),
    (
        "Options:\n- Extremely liberal | 100%\n- Liberal\n- Slightly liberal",
        LEFT_RIGHT,
        (100, 0, 0, 0, 0, 0, 0),
    ),
    (
        "For each option: \n- Strong  - 501 (1/3)\n- Weak - 101 (1/2)\n- Independent  - 99 (1/2)",
        PARTY,
        UNPARSED,
    ),
    ("The most likely answer is that of Bob Dole. So very likely, it is -Bill Clinton.", VOTE, UNPARSED),
    ("no, this isn't possible.", VOTE, UNPARSED),
    ("History \nO 0 days\nO 1 days\nO 2 days\nO 3 days", DAYS, UNPARSED),
    ("", YES, UNPARSED),
    ("%%%", YES, UNPARSED),
]


@pytest.mark.parametrize(("reply", "options", "expected"), PERCENTAGES)
def test_percentages(reply, options, expected):
    shares = read_percentages(reply, options)
    if isinstance(expected, Outcome):
        assert shares is expected
    else:
        assert shares == pytest.approx([percentage / 100 for percentage in expected])


SEQUENCES = [
    ("1. B\n2. A\n3. C", FAVOR, (1, 0, 2)),
    ("1) B\n2) A\n3) d", FAVOR, (1, 0, 3)),
    ("1: B\n2: (A)\n3: **C**", FAVOR, (1, 0, 2)),
    ("1. B 2. A 3. C", FAVOR, (1, 0, 2)),
    ("1. B, 2. A, 3. C", FAVOR, (1, 0, 2)),
    ("Here are the answers:\n\n1. B\n2. A\n\nI hope this helps!", FAVOR, (1, 0)),
    ("1. B) Somewhat favorable\n2. Very favorable", FAVOR, (1, 0)),
    ("1. B\n2. maybe\n3. C", FAVOR, (1, None, 2)),
    ("1. B\n2. A or B\n3. Z", FAVOR, (1, None, None)),
    ("A. Very favorable\nB. Somewhat favorable\n\n1. B\n2. B\n3. A", FAVOR, (1, 1, 0)),
    ("A, B, B, C", FAVOR, (0, 1, 1, 2)),
    ("A,B,B,C", FAVOR, (0, 1, 1, 2)),
    ("A B B C", FAVOR, (0, 1, 1, 2)),
    ("A\nB\nB", FAVOR, (0, 1, 1)),
    ("ABBAC", FAVOR, (0, 1, 1, 0, 2)),
    ('["B", "A", "D"]', FAVOR, (1, 0, 3)),
    ('["Very favorable", "Somewhat favorable"]', FAVOR, (0, 1)),
    ('[{"respondent": 1, "answer": "B"}, {"respondent": 2, "answer": "C"}]', FAVOR, (1, 2)),
    ("| # | Answer |\n|---|---|\n| 1 | B |\n| 2 | A |", FAVOR, (1, 0)),
    ("Respondent 7: Agree", AGREE, (1,)),
    ("Respondent 1: Agree\nRespondent 2: Strongly disagree", AGREE, (1, 4)),
    ("**Person 1** (34, teacher): Agree\n**Person 2** (70, retired): Disagree", AGREE, (1, 3)),
    ("Agree\nDisagree\nbanana\nAgree", AGREE, (1, 3, None, 1)),
    ("Moderate, middle of the road\nLiberal\nModerate, middle of the road", LEFT_RIGHT, (3, 1, 3)),
    ("1. 7\n2. 4\n3. 10", SCALE, (7, 4, 10)),
    ("7, 4, 10", SCALE, (7, 4, 10)),
    ("7,4,10", SCALE, (7, 4, 10)),
    ("1,B\n2,A", FAVOR, (1, 0)),
    ("Simulated answers of 30 people: A, A, B", FAVOR, (0, 0, 1)),
    ("1. B\n2. A\n3.", FAVOR, (1, 0)),
    ("B. 12 days", DAYS, (1,)),
    ("Riddle passed. No less...", VOTE, ()),
    ("", FAVOR, ()),
    ("I cannot simulate people.", FAVOR, ()),
    ("🙂🙂🙂", FAVOR, ()),
]


@pytest.mark.parametrize(("reply", "options", "expected"), SEQUENCES)
def test_sequences(reply, options, expected):
    assert read_sequence(reply, options, n=30) == expected


def test_a_sequence_holds_no_more_than_was_asked_for():
    assert read_sequence("\n".join(f"{n}. A" for n in range(1, 41)), FAVOR, n=30) == (0,) * 30
    assert read_sequence("ABBAC", FAVOR, n=3) == (0, 1, 1)
    assert read_sequence("A, B, B, C", FAVOR, n=2) == (0, 1)
