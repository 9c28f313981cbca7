"""The page of open prompts: the most frequent answers, and nothing of an unknown series."""

import pytest

from pluralign.errors import DataError
from pluralign.records import Estimate
from pluralign.reports import AnsweredPrompt, AnswersSection, Report, Series, render_page
from pluralign.reports.answers import N_ANSWERS, N_PROMPTS, prompt_views


def section(answers, *, labels=("m",), n_prompts=1):
    estimate = Estimate(
        name="yield",
        value=2.0,
        n_questions=1,
        n_cells=1,
        unit="of 4 draws",
        definition="d",
        lower_is_better=False,
    )
    return AnswersSection(
        title="Tasks",
        source="mine",
        series=tuple(Series(label=label, estimates=(estimate,)) for label in labels),
        prompts=tuple(AnsweredPrompt(f"p{number}", "Say a day.", answers) for number in range(n_prompts)),
        readings=("Two of four.",),
    )


def page(of):
    return render_page(Report(title="t", summary=(), sections=(of,), run_facts={}, reproduce="pluralign"))


def test_answers_are_counted_and_the_most_frequent_come_first():
    answers = ("Monday", "Tuesday", "Monday", *(f"day {number}" for number in range(20)))
    ((prompt, (one,)),) = prompt_views(section({"m": answers}))
    assert prompt.id == "p0"
    assert (one.n, one.n_different, one.common[0]) == (23, 22, ("Monday", 2))
    assert len(one.common) == N_ANSWERS


def test_the_page_shows_answers_escaped_and_no_panels():
    text = page(section({"m": ("<b>Monday</b>", "<b>Monday</b>")}))
    assert "&lt;b&gt;Monday&lt;/b&gt;" in text
    assert "1 different of 2, word for word" in text
    assert "Two of four." in text
    assert "worst first" not in text
    assert "1 prompt. mine" in text


def test_prompts_beyond_the_page_are_counted():
    assert "2 more prompts are not on this page" in page(section({"m": ("x",)}, n_prompts=N_PROMPTS + 2))


def test_answers_of_an_unknown_series_are_refused():
    with pytest.raises(DataError, match="'Tasks' shows the unknown series 'n'"):
        section({"n": ("x",)})
