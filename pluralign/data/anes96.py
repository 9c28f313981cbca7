"""American National Election Study 1996: what 944 voters answered, from the file that statsmodels ships.

The respondents are those who named Clinton or Dole and left none of the variables below unanswered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pluralign.data.people import joined
from pluralign.data.selection import draw, select
from pluralign.errors import ConfigurationError, require
from pluralign.records import Group, Option, Question, QuestionSet

POLITICAL = ("PID", "selfLR", "vote", "ClinLR", "DoleLR")
BACKGROUND = ("TVnews", "educ", "income", "age")

SOURCE = (
    "American National Election Study 1996 (electionstudies.org), 944 respondents, "
    "as shipped in statsmodels.datasets.anes96. Licence: public domain."
)

_Codes = NDArray[np.int64]


@dataclass(frozen=True)
class _Band:
    """The codes from `low` to `high`, both included, under one text."""

    text: str
    low: int
    high: int


@dataclass(frozen=True)
class _Item:
    """A question: its wording, its answers in order, and the scale position of the first one, if any."""

    text: str
    bands: tuple[_Band, ...]
    first_value: float | None


@dataclass(frozen=True)
class _Segment:
    """A group of people: those whose `variable` falls into the band; its text completes "people who ..."."""

    variable: str
    band: _Band


def _single_codes(first: int, *texts: str) -> tuple[_Band, ...]:
    """One band a code, counted up from the first."""
    return tuple(_Band(text, code, code) for code, text in enumerate(texts, start=first))


_LEFT_RIGHT = _single_codes(
    1,
    "Extremely liberal",
    "Liberal",
    "Slightly liberal",
    "Moderate, middle of the road",
    "Slightly conservative",
    "Conservative",
    "Extremely conservative",
)

# Codes from the NOTE in statsmodels/datasets/anes96/data.py. Wordings follow the study's questionnaire.
_ITEMS: Mapping[str, _Item] = {
    "PID": _Item(
        "Generally speaking, do you usually think of yourself as a Democrat, a Republican, or an Independent?",
        _single_codes(
            0,
            "Strong Democrat",
            "Weak Democrat",
            "Independent, closer to the Democrats",
            "Independent",
            "Independent, closer to the Republicans",
            "Weak Republican",
            "Strong Republican",
        ),
        first_value=0,
    ),
    "selfLR": _Item(
        "We hear a lot of talk these days about liberals and conservatives. On a scale from extremely liberal "
        "to extremely conservative, where would you place yourself?",
        _LEFT_RIGHT,
        first_value=1,
    ),
    "vote": _Item(
        "Who do you think you will vote for in the 1996 election for President?",
        _single_codes(0, "Bill Clinton", "Bob Dole"),
        first_value=None,
    ),
    "ClinLR": _Item(
        "On a scale of political views from extremely liberal to extremely conservative, where would you "
        "place Bill Clinton?",
        _LEFT_RIGHT,
        first_value=1,
    ),
    "DoleLR": _Item(
        "On a scale of political views from extremely liberal to extremely conservative, where would you "
        "place Bob Dole?",
        _LEFT_RIGHT,
        first_value=1,
    ),
    "TVnews": _Item(
        "How many days in the past week did you watch the national news on TV?",
        _single_codes(0, "0 days", "1 day", *(f"{days} days" for days in range(2, 8))),
        first_value=0,
    ),
    # The NOTE calls codes 5 to 7 "College degree", "Master's degree" and "PhD", which would make 13 % of the
    # respondents PhDs. These are the study's own names (variable V960610), and the shares agree with them.
    "educ": _Item(
        "What is the highest level of education that you have completed?",
        _single_codes(
            1,
            "Eighth grade or less",
            "Some high school, no diploma",
            "High school diploma",
            "Some college, no degree",
            "Community or junior college degree",
            "Bachelor's degree",
            "Advanced degree",
        ),
        first_value=1,
    ),
    "income": _Item(
        "Which of these groups holds the income of your household in 1995, before taxes?",
        (
            _Band("Under $10,000", 1, 5),
            _Band("$10,000 to $19,999", 6, 12),
            _Band("$20,000 to $34,999", 13, 16),
            _Band("$35,000 to $49,999", 17, 19),
            _Band("$50,000 to $74,999", 20, 21),
            _Band("$75,000 or more", 22, 24),
        ),
        first_value=1,
    ),
    "age": _Item(
        "How old are you?",
        (
            _Band("18 to 29 years", 18, 29),
            _Band("30 to 39 years", 30, 39),
            _Band("40 to 49 years", 40, 49),
            _Band("50 to 59 years", 50, 59),
            _Band("60 to 69 years", 60, 69),
            _Band("70 years or older", 70, 120),
        ),
        first_value=1,
    ),
}

_SEGMENTS: Mapping[str, _Segment] = {
    "party=Democrat": _Segment("PID", _Band("identify as Democrats", 0, 1)),
    "party=Independent": _Segment("PID", _Band("identify as Independents", 2, 4)),
    "party=Republican": _Segment("PID", _Band("identify as Republicans", 5, 6)),
    "education=High school or less": _Segment("educ", _Band("have a high school education or less", 1, 3)),
    "education=Some college": _Segment("educ", _Band("have some college education but no degree", 4, 4)),
    "education=College degree": _Segment("educ", _Band("have a college degree", 5, 7)),
    "income=Under $20,000": _Segment("income", _Band("have a household income under $20,000 a year", 1, 12)),
    "income=$20,000-$49,999": _Segment(
        "income", _Band("have a household income of $20,000 to $49,999 a year", 13, 19)
    ),
    "income=$50,000 and over": _Segment(
        "income", _Band("have a household income of $50,000 a year or more", 20, 24)
    ),
}

_EDUCATIONS = (
    "left school after eighth grade or earlier",
    "have some high school education but no diploma",
    "have a high school diploma",
    "have some college education but no degree",
    "have a community or junior college degree",
    "have a bachelor's degree",
    "have an advanced degree",
)

# How a person's background is told, as a clause of "people who ...", from the code of the variable.
_CLAUSES: Mapping[str, Callable[[int], str]] = {
    "age": lambda code: f"are {code} years old",
    "educ": lambda code: _EDUCATIONS[code - 1],
    "income": lambda code: f"have a household income of {_answer('income', code).lower()} a year",
    "TVnews": lambda code: f"watched the national news on TV on {_answer('TVnews', code)} of the past week",
}


def load_anes96(
    *, questions: Sequence[str] | None = None, groups: Sequence[str] | None = None
) -> QuestionSet:
    """Load questions of the American National Election Study 1996 with the counts of how people answered.

    A group that is defined by a question's own variable has no counts for that question.

    Args:
        questions: Ids out of `POLITICAL` and `BACKGROUND`; None for `POLITICAL`.
        groups: Ids of groups: "all", or a band of party, education or income; None for all of them.

    Raises:
        ConfigurationError: An unknown or repeated id, or a question that no chosen group could answer.
        MissingExtraError: statsmodels is not installed.
    """
    chosen = select(questions, _ITEMS, default=POLITICAL, what="ANES 1996 question")
    every_group = ("all", *_SEGMENTS)
    people = select(groups, every_group, default=every_group, what="ANES 1996 group")
    codes = _read_codes()
    return QuestionSet(
        id="anes96",
        questions=tuple(_question(name, people, codes=codes) for name in chosen),
        groups=tuple(Group(id=name, text=_group_text(name)) for name in people),
        source=SOURCE,
    )


def load_anes96_people(
    *, questions: Sequence[str] | None = None, people: int | None = None, seed: int = 0
) -> QuestionSet:
    """Load the American National Election Study 1996 person by person.

    Each of the 944 respondents is a group of one, "respondent=17" (the row of the file), who answered every
    question. What is asked is kept out of what is known of the person, so that no answer stands in the description:
    the text holds the variables of `BACKGROUND` that are not asked, and `member_of` the bands of party, education
    and income whose variable is not asked. With the questions of `POLITICAL` the party is asked, and so is not
    told; to tell the party by `member_of`, leave out "PID".

    Args:
        questions: Ids out of `POLITICAL` and `BACKGROUND`; None for `POLITICAL`.
        people: Number of respondents, at most, drawn with the seed; None for all 944.
        seed: Seed of that draw.

    Raises:
        ConfigurationError: An unknown or repeated id, or fewer than one respondent.
        MissingExtraError: statsmodels is not installed.
    """
    chosen = select(questions, _ITEMS, default=POLITICAL, what="ANES 1996 question")
    codes = _read_codes()
    every_row = [str(number) for number in range(1, len(codes["PID"]) + 1)]
    rows = [int(number) - 1 for number in draw(every_row, people, seed=seed, what="people")]
    return QuestionSet(
        id="anes96_people",
        questions=tuple(
            _asked(name, {_respondent(row): _counts(codes[name][row : row + 1], item.bands) for row in rows})
            for name, item in ((name, _ITEMS[name]) for name in chosen)
        ),
        groups=tuple(
            _person(row, {name: int(codes[name][row]) for name in _ITEMS if name not in chosen})
            for row in rows
        ),
        source=SOURCE,
    )


def _read_codes() -> dict[str, _Codes]:
    """Variable -> everybody's codes, shape (n_respondents,)."""
    frame = require("statsmodels.datasets.anes96", extra="data").load_pandas().data
    return {name: np.asarray(frame[name], dtype=np.int64) for name in _ITEMS}


def _question(name: str, groups: Sequence[str], *, codes: Mapping[str, _Codes]) -> Question:
    item = _ITEMS[name]
    asked = [group for group in groups if group == "all" or _SEGMENTS[group].variable != name]
    if not asked:
        raise ConfigurationError(
            f"The ANES 1996 question {name!r} has no group left: {', '.join(groups)} are defined by its answers. "
            f"Add the group 'all' or leave the question out."
        )
    return _asked(name, {group: _counts(codes[name][_members(group, codes)], item.bands) for group in asked})


def _asked(name: str, counts: Mapping[str, tuple[float, ...]]) -> Question:
    item = _ITEMS[name]
    return Question(
        id=name,
        text=item.text,
        options=tuple(
            Option(text=band.text, value=None if item.first_value is None else item.first_value + position)
            for position, band in enumerate(item.bands)
        ),
        counts=counts,
    )


def _respondent(row: int) -> str:
    return f"respondent={row + 1}"


def _person(row: int, codes: Mapping[str, int]) -> Group:
    """A respondent, described by the codes of these variables alone."""
    return Group(
        id=_respondent(row),
        text=joined([clause(codes[name]) for name, clause in _CLAUSES.items() if name in codes]),
        member_of=tuple(
            group
            for group, segment in _SEGMENTS.items()
            if segment.variable in codes and segment.band.low <= codes[segment.variable] <= segment.band.high
        ),
    )


def _answer(name: str, code: int) -> str:
    """The text of the answer that a code stands for."""
    return next(band.text for band in _ITEMS[name].bands if band.low <= code <= band.high)


def _group_text(group: str) -> str | None:
    return None if group == "all" else _SEGMENTS[group].band.text


def _members(group: str, codes: Mapping[str, _Codes]) -> NDArray[np.bool_]:
    """Which respondents, shape (n_respondents,), belong to a group."""
    if group == "all":
        return np.ones(len(codes["PID"]), dtype=np.bool_)
    segment = _SEGMENTS[group]
    return _within(codes[segment.variable], segment.band)


def _counts(codes: _Codes, bands: Sequence[_Band]) -> tuple[float, ...]:
    return tuple(float(_within(codes, band).sum()) for band in bands)


def _within(codes: _Codes, band: _Band) -> NDArray[np.bool_]:
    return (band.low <= codes) & (codes <= band.high)
