import pytest

from pluralign.reports import Section, Series
from pluralign.reports.panels import blocks


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
