import subprocess
import sys

import pytest

from pluralign.data.anes96 import BACKGROUND, POLITICAL, load_anes96, load_anes96_people
from pluralign.data.lint import lint
from pluralign.errors import ConfigurationError

PARTIES = ("party=Democrat", "party=Independent", "party=Republican")
EDUCATIONS = ("education=High school or less", "education=Some college", "education=College degree")
INCOMES = ("income=Under $20,000", "income=$20,000-$49,999", "income=$50,000 and over")
OWN_GROUPS = {"PID": PARTIES, "educ": EDUCATIONS, "income": INCOMES}

# Tallied from anes96.csv.
COUNTS_OF_ALL = {
    "PID": (200, 180, 108, 37, 94, 150, 175),
    "selfLR": (16, 103, 147, 256, 170, 218, 34),
    "vote": (551, 393),
    "ClinLR": (109, 317, 236, 160, 67, 36, 19),
    "DoleLR": (13, 31, 43, 87, 195, 460, 115),
    "TVnews": (161, 100, 112, 101, 66, 84, 32, 288),
    "educ": (13, 52, 248, 187, 90, 227, 127),
    "income": (85, 124, 203, 161, 203, 168),
    "age": (124, 245, 210, 144, 106, 115),
}


@pytest.fixture(scope="module")
def everything():
    return load_anes96(questions=POLITICAL + BACKGROUND)


def question_of(question_set, question_id):
    return next(question for question in question_set.questions if question.id == question_id)


@pytest.mark.parametrize("question_id", COUNTS_OF_ALL)
def test_counts_of_all_respondents(everything, question_id):
    assert question_of(everything, question_id).counts["all"] == COUNTS_OF_ALL[question_id]


def test_counts_of_groups(everything):
    vote = question_of(everything, "vote").counts
    assert [vote[party] for party in PARTIES] == [(366, 14), (151, 88), (34, 291)]
    assert [sum(vote[education]) for education in EDUCATIONS] == [313, 187, 444]
    assert [sum(vote[income]) for income in INCOMES] == [209, 364, 371]


@pytest.mark.parametrize("bands", [PARTIES, EDUCATIONS, INCOMES])
def test_bands_of_a_variable_hold_everyone_once(everything, bands):
    for question in everything.questions:
        if OWN_GROUPS.get(question.id) == bands:
            continue
        columns = zip(*(question.counts[band] for band in bands), strict=True)
        assert tuple(map(sum, columns)) == question.counts["all"]
        assert question.n_people("all") == 944


def test_a_group_has_no_counts_for_the_question_that_defines_it(everything):
    all_groups = {"all", *PARTIES, *EDUCATIONS, *INCOMES}
    for question in everything.questions:
        assert set(question.counts) == all_groups - set(OWN_GROUPS.get(question.id, ()))


def test_ordinal_values(everything):
    values = {question.id: [option.value for option in question.options] for question in everything.questions}
    assert values["PID"] == [0, 1, 2, 3, 4, 5, 6]
    assert values["selfLR"] == values["ClinLR"] == values["DoleLR"] == values["educ"] == [1, 2, 3, 4, 5, 6, 7]
    assert values["TVnews"] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert values["income"] == values["age"] == [1, 2, 3, 4, 5, 6]
    assert values["vote"] == [None, None]


def test_options_stand_in_the_order_of_their_codes(everything):
    assert question_of(everything, "vote").option_texts == ("Bill Clinton", "Bob Dole")
    assert question_of(everything, "PID").option_texts[::6] == ("Strong Democrat", "Strong Republican")
    assert question_of(everything, "selfLR").option_texts[::6] == (
        "Extremely liberal",
        "Extremely conservative",
    )
    assert question_of(everything, "TVnews").option_texts[:3] == ("0 days", "1 day", "2 days")
    # 227 of 944 voters with a bachelor's degree: the file's own note would make them all masters.
    assert question_of(everything, "educ").option_texts[5] == "Bachelor's degree"


def test_measured_and_training_questions_are_disjoint():
    assert not set(POLITICAL) & set(BACKGROUND)
    assert tuple(question.id for question in load_anes96().questions) == POLITICAL


def test_groups_complete_people_who(everything):
    texts = {group.id: group.text for group in everything.groups}
    assert texts["all"] is None
    assert texts["party=Democrat"] == "identify as Democrats"
    assert texts["income=$50,000 and over"] == "have a household income of $50,000 a year or more"
    assert len(texts) == 10
    assert "public domain" in everything.source


def test_a_choice_of_questions_and_groups():
    chosen = load_anes96(questions=["vote", "PID"], groups=["party=Republican", "all"])
    assert [question.id for question in chosen.questions] == ["vote", "PID"]
    assert [group.id for group in chosen.groups] == ["party=Republican", "all"]
    assert set(question_of(chosen, "PID").counts) == {"all"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"questions": ["selfRL"]}, "Unknown ANES 1996 question 'selfRL'. Did you mean 'selfLR'?"),
        (
            {"groups": ["party=Democrats"]},
            "Unknown ANES 1996 group 'party=Democrats'. Did you mean 'party=Democrat'?",
        ),
        ({"questions": ["vote", "vote"]}, "The ANES 1996 question 'vote' is asked for twice."),
        ({"questions": []}, "No ANES 1996 question is asked for. Known: PID, selfLR"),
        ({"questions": "vote"}, "Give a list of ANES 1996 question names, not the text 'vote'"),
        ({"questions": ["PID"], "groups": list(PARTIES)}, "'PID' has no group left: party=Democrat"),
    ],
)
def test_a_choice_that_cannot_be_had(arguments, message):
    with pytest.raises(ConfigurationError) as error:
        load_anes96(**arguments)
    assert message in str(error.value)


def test_people_add_up_to_the_groups(everything):
    """Tallied over the people of a band, single answers are the counts of the band."""
    people = load_anes96_people(questions=["vote", "selfLR"])
    assert len(people.groups) == 944
    bands = {group.id: group.member_of for group in people.groups}
    for question in people.questions:
        assert question.id in {"vote", "selfLR"}
        assert all(sorted(counts)[-2:] == [0, 1] for counts in question.counts.values())
        expected = question_of(everything, question.id).counts
        for band in (*PARTIES, *EDUCATIONS, *INCOMES):
            own = [counts for person, counts in question.counts.items() if band in bands[person]]
            assert tuple(map(sum, zip(*own, strict=True))) == expected[band]
        assert tuple(map(sum, zip(*question.counts.values(), strict=True))) == expected["all"]
    assert lint(people) == ()


def test_a_person_is_described_by_what_is_not_asked():
    def first(*questions):
        return load_anes96_people(questions=questions or None).groups[0]

    # The first row of anes96.csv: PID 6, TVnews 7, age 36, educ 3, income 1.
    education = "have a high school diploma"
    income = "have a household income of under $10,000 a year"
    news = "watched the national news on TV on 7 days of the past week"
    told = first("vote")
    assert told.id == "respondent=1"
    assert told.text == f"are 36 years old, {education}, {income} and {news}"
    assert told.member_of == (
        "party=Republican",
        "education=High school or less",
        "income=Under $20,000",
    )
    assert first().member_of == ("education=High school or less", "income=Under $20,000")
    assert first("age", "educ", "TVnews").text == income
    assert first("age", "educ", "TVnews").member_of == ("party=Republican", "income=Under $20,000")
    nothing = first(*POLITICAL, *BACKGROUND)
    assert (nothing.text, nothing.member_of) == (None, ())


def test_every_background_can_be_told():
    texts = [group.text for group in load_anes96_people(questions=["vote"]).groups]
    assert len({text.split(", ")[1] for text in texts}) == 7  # degrees of education
    assert any(text.endswith(" on 1 day of the past week") for text in texts)
    assert any("income of $75,000 or more a year" in text for text in texts)


def test_some_of_the_people():
    few = load_anes96_people(people=5, seed=3)
    assert [question.id for question in few.questions] == list(POLITICAL)
    assert len(few.groups) == 5
    assert {group.id for group in few.groups} == set(few.questions[0].counts)
    more = load_anes96_people(people=50, seed=3)
    assert {group.id for group in few.groups} < {group.id for group in more.groups}
    assert few.groups != load_anes96_people(people=5, seed=4).groups
    by_id = {group.id: group for group in more.groups}
    assert all(by_id[group.id] == group for group in few.groups)
    with pytest.raises(ConfigurationError, match="people must be at least 1, not 0"):
        load_anes96_people(people=0)
    with pytest.raises(ConfigurationError, match="Unknown ANES 1996 question 'votes'"):
        load_anes96_people(questions=["votes"])


def test_heavy_packages_stay_out_until_they_are_needed():
    script = (
        "import sys, pluralign.data, pluralign.data.anes96, pluralign.data.files, pluralign.data.processes\n"
        "assert not {'torch', 'pandas', 'statsmodels', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
