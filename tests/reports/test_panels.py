import pytest

from pluralign.records import Condition, Group, Option, Question, QuestionSet
from pluralign.reports import Section, Series
from pluralign.reports.panels import N_BEST, N_WORST, blocks, extremes

TWO = (Option(text="yes"), Option(text="no"))


@pytest.fixture
def lands(new_answer):
    """Two countries whose people's number was not published, and a model asked without condition."""
    question = Question(
        id="q", text="Do you?", options=TWO, shares={"country=A": (0.8, 0.2), "country=B": (0.4, 0.6)}
    )
    questions = QuestionSet(
        id="s", questions=(question,), groups=(Group(id="country=A", text="live in A"), Group(id="country=B"))
    )
    series = Series("model", answers=(new_answer("q", "model", probabilities=(0.5, 0.5)),))
    return questions, series


@pytest.fixture
def many(new_answer):
    """300 questions, every third of them not asked, the k-th one answered k / 1000 off."""
    questions = tuple(
        Question(id=f"q{k}", text=f"Question {k}?", options=TWO, truth=(0.5, 0.5)) for k in range(300)
    )
    answers = tuple(
        new_answer(f"q{k}", "model", probabilities=(0.5 + k / 1000, 0.5 - k / 1000))
        for k in range(300)
        if k % 3
    )
    return Section("Many", QuestionSet(id="s", questions=questions), series=(Series("model", answers),))


def test_a_family_is_a_block_and_the_worst_question_stands_first(coins):
    (block,) = blocks(coins)
    assert block.title == "coin"
    assert [panel.error for panel in block.panels] == [pytest.approx(0.2), pytest.approx(0.0)]
    assert block.error == pytest.approx(0.1)


def test_people_are_normalised_and_answers_meet_their_group(survey):
    (block,) = blocks(survey)
    assert block.title == "Who will you vote for?"
    # |0.9 - 0.5| + |0.1 - 0.5| over 2 = 0.4 for Democrats; 0.1 for all. Republicans were never asked.
    assert [(panel.title, panel.n_people, panel.error) for panel in block.panels] == [
        ("People who identify as Democrats", 10, pytest.approx(0.4)),
        ("All people", 100, pytest.approx(0.1)),
    ]
    assert block.panels[0].reference == (0.9, 0.1, 0.0)


def test_an_answer_that_failed_has_a_reason_and_no_distribution(coins):
    fair = blocks(coins)[0].panels[1]
    assert (fair.columns[0].note, fair.columns[0].probabilities, fair.columns[0].distance) == (
        "refused",
        None,
        None,
    )


def test_a_failed_answer_of_the_last_series_counts_as_worst(coins):
    before, after = coins.series
    turned = Section("Coins", coins.questions, series=(after, before))
    assert blocks(turned)[0].panels[0].title == "Flip a fair coin."


def test_an_answer_under_a_condition_without_people_is_shown(survey):
    stray = (
        survey
        .series[0]
        .answers[1]
        .model_copy(
            update={"condition": survey.series[0].answers[1].condition.model_copy(update={"id": "stoic"})}
        )
    )
    series = Series(label="after", answers=(*survey.series[0].answers, stray))
    panels = blocks(Section("Survey", survey.questions, series=(series,)))[0].panels
    assert [(panel.title, panel.reference) for panel in panels if panel.reference is None] == [
        ("stoic", None)
    ]


def test_bars_end_at_the_smallest_scale_that_holds_them(coins, survey):
    assert [panel.scale for panel in blocks(coins)[0].panels] == [1.0, 0.5]
    assert [panel.scale for panel in blocks(survey)[0].panels] == [1.0, 0.75]


def test_answers_without_condition_are_held_against_each_group(lands):
    questions, series = lands
    (block,) = blocks(Section("Lands", questions, series=(series,)))
    assert [(panel.title, panel.reference, panel.error) for panel in block.panels] == [
        ("People who live in A", (0.8, 0.2), pytest.approx(0.3)),
        ("country=B", (0.4, 0.6), pytest.approx(0.1)),
    ]
    assert {(panel.n_people, panel.counts, panel.reference_label) for panel in block.panels} == {
        (None, (), "people")
    }


def test_only_the_groups_of_the_section_are_met(lands):
    questions, series = lands
    (block,) = blocks(Section("Lands", questions, series=(series,), groups=("country=B",)))
    assert [(panel.subtitle, panel.error) for panel in block.panels] == [("country=B", pytest.approx(0.1))]


def test_a_group_with_an_answer_of_its_own_is_not_met_by_the_others(lands, new_answer):
    questions, series = lands
    own = new_answer("q", "model", probabilities=(1.0, 0.0), group="country=B")
    section = Section(
        "Lands",
        questions,
        series=(Series("model", (*series.answers, own)),),
        groups=("country=A", "country=B"),
    )
    assert {panel.title: panel.columns[0].probabilities for panel in blocks(section)[0].panels} == {
        "People who live in A": (0.5, 0.5),
        "country=B": (1.0, 0.0),
    }


def test_a_series_without_condition_stands_beside_one_that_speaks_for_the_group(lands, new_answer):
    questions, plain = lands
    personas = Series("personas", (new_answer("q", "personas", probabilities=(1.0, 0.0), group="country=A"),))
    section = Section("Lands", questions, series=(personas, plain), groups=("country=A",))
    (panel,) = blocks(section)[0].panels
    assert [column.probabilities for column in panel.columns] == [(1.0, 0.0), (0.5, 0.5)]


def test_a_question_that_cannot_be_asked_says_why():
    question = Question(id="q", text="Do you?", options=TWO[:1], shares={"a": (1.0,)})
    questions = QuestionSet(id="s", questions=(question,), groups=(Group(id="a"),))
    (block,) = blocks(Section("One option", questions, series=(Series("model"),)))
    assert block.panels[0].columns[0].note == "cannot be asked: it has a single option, 'yes'"


def test_too_many_panels_are_the_worst_and_the_best_answered_ones(many):
    whole = blocks(many)
    (block,) = extremes(whole)
    assert block.error == whole[0].error
    assert (len(block.panels), block.n_left_out) == (N_WORST + N_BEST, 300 - N_WORST - N_BEST)
    errors = [round(1000 * panel.error) for panel in block.panels]
    assert errors[:3] == [299, 298, 296]
    assert errors[-3:] == [4, 2, 1]


def test_few_panels_are_all_shown(coins):
    assert extremes(blocks(coins)) == blocks(coins)


def test_each_form_of_a_persona_has_a_panel_and_a_single_answer_stands_beside_each(lands, new_answer):
    questions, _ = lands

    def answer(form, share):
        condition = Condition(kind="persona", id="country=A", text="I live in A.", form=form)
        return new_answer("q", "m", probabilities=(share, 1 - share)).model_copy(
            update={"condition": condition}
        )

    several = Series("several", answers=(answer("qa", 0.7), answer("bio", 0.2)))
    one = Series("one", answers=(answer("portray", 0.5),))
    (block,) = blocks(Section("Lands", questions, series=(one, several)))
    assert [
        (panel.subtitle, [column.probabilities[0] for column in panel.columns]) for panel in block.panels
    ] == [
        ("People who live in A (BIO form)", [0.5, 0.2]),
        ("People who live in A (QA form)", [0.5, 0.7]),
    ]
    (alone,) = blocks(Section("Lands", questions, series=(one,)))
    assert [panel.subtitle for panel in alone.panels] == ["People who live in A"]


def test_answers_of_the_model_unsteered_have_no_panel_beside_those_of_the_model_steered(lands, new_answer):
    questions, plain = lands
    steered = new_answer("q", "model", probabilities=(0.7, 0.3), group="country=A")
    series = Series("model", answers=(*plain.answers, steered))
    (block,) = blocks(Section("Lands", questions, series=(series,), groups=("country=A",)))
    assert [(panel.subtitle, panel.error) for panel in block.panels] == [
        ("People who live in A", pytest.approx(0.1))
    ]
