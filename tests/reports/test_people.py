import pytest

from pluralign.records import Condition, Group, Option, Question, QuestionSet, Shown
from pluralign.reports import Report, Section, Series, render_page
from pluralign.reports.panels import blocks
from pluralign.reports.people import single_people, without_people

TWO = (Option(text="yes"), Option(text="no"))
ANNS = tuple(f"annotator=Ann{i}" for i in range(3))


@pytest.fixture
def questions():
    """Three people, one of whom has demographics, a group of many, a group of two and one without people."""
    counts = {
        ANNS[0]: (1, 0),
        ANNS[1]: (0, 1),
        "gender=Female": (3, 1),
        "gender=Other": (1, 0),
        "gender=None": (0, 0),
        "all": (1, 0),
    }
    asked = (
        Question(id="q1", text="One?", options=TWO, counts=counts),
        Question(id="q2", text="Two?", options=TWO, counts={ANNS[1]: (1, 0), "gender=Other": (1, 1)}),
        Question(id="q3", text="Three?", options=TWO, counts={ANNS[0]: (1, 0)}),
        Question(id="q4", text="Four?", options=TWO, shares={"value=Duty": (1.0, 0.0)}),
    )
    members = {ANNS[2]: ("gender=Female",)}
    ids = (*ANNS, "gender=Female", "gender=Other", "gender=None", "all", "value=Duty")
    return QuestionSet(
        id="s", questions=asked, groups=tuple(Group(id=id, member_of=members.get(id, ())) for id in ids)
    )


def test_a_person_is_a_group_with_memberships_or_of_one_in_every_question(questions):
    # gender=Other is one person in q1 but two in q2; of value=Duty shares are known, and no number of people.
    assert single_people(questions) == frozenset(ANNS)


def test_estimates_and_comparisons_of_people_go_and_all_else_stays(questions, coins, new_estimate):
    estimates = (
        new_estimate(0.1),
        *(new_estimate(0.2, slice=f"group={g}") for g in (ANNS[0], "gender=Female")),
    )
    series = tuple(Series(label, estimates=estimates) for label in ("before", "after"))
    comparisons = tuple(
        coins.comparisons[0].model_copy(update={"slice": name}) for name in ("all", f"group={ANNS[1]}")
    )
    section = Section("S", questions, series=series, comparisons=comparisons, readings=("So it is.",))
    left = without_people(section)
    assert [[each.slice for each in one.estimates] for one in left.series] == [
        ["all", "group=gender=Female"]
    ] * 2
    assert [each.slice for each in left.comparisons] == ["all"]
    assert left.readings == ("So it is.",)
    assert without_people(Section("C", coins.questions, series=())) == Section(
        "C", coins.questions, series=()
    )


def test_people_have_no_panels_and_the_page_says_how_many(questions, new_answer):
    speakers = {"q1": (ANNS[0], "gender=Female"), "q3": (ANNS[0],)}
    answers = tuple(
        new_answer(question, "model", probabilities=(0.5, 0.5), group=group)
        for question, groups in speakers.items()
        for group in groups
    )
    section = Section("S", questions, series=(Series("model", answers),), groups=(*ANNS, "gender=Female"))
    panels = [
        (panel.question, panel.subtitle)
        for block in blocks(section)
        for panel in block.panels
        if panel.reference
    ]
    assert panels == [("One?", "gender=Female")]
    html = render_page(Report("S", (), (section,), {}, "pluralign"))
    assert "3 of the groups are single people" in html
    assert "Three?" not in html
    assert "Ann" not in html


def test_five_hundred_people_make_a_small_page(new_answer, new_estimate):
    people = [f"annotator=Ann{i}" for i in range(500)]
    asked = tuple(
        Question(
            id=f"q{i}", text=f"Question {i}?", options=TWO, counts=dict.fromkeys(people[i : i + 50], (1, 0))
        )
        for i in range(0, 455, 5)
    )
    answers = tuple(
        new_answer(question.id, "model", probabilities=(0.5, 0.5)).model_copy(
            update={
                "condition": Condition(
                    kind="in_context", id=person, examples=(Shown(text="Before?", answer="yes"),) * k
                )
            }
        )
        for question in asked
        for person in question.counts
        for k in (0, 4)
    )
    estimates = (
        new_estimate(0.5, name="nll_nats"),
        *(new_estimate(0.5, name="nll_nats", slice=f"group={person}") for person in people),
    )
    questions = QuestionSet(id="s", questions=asked, groups=tuple(Group(id=person) for person in people))
    section = Section("S", questions, series=(Series("model", answers, estimates),))
    html = render_page(Report("S", (), (section,), {}, "pluralign"))
    assert "500 of the groups are single people" in html
    assert "<article" not in html
    assert len(html) < 40_000
