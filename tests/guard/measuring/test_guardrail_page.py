"""docs/guardrail.md: its code runs, and its tables are those of the figures kept beside it."""

import re
import runpy
from pathlib import Path

import pytest

from pluralign.guard.guard import Guard
from pluralign.guard.measuring.figures import Measurement
from pluralign.guard.measuring.suite import TESTS

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = (CHECKOUT / "docs" / "guardrail.md").read_text(encoding="utf-8")
KEPT = Measurement.model_validate_json((CHECKOUT / "docs" / "guardrail.json").read_bytes())


def rate(test, part, name, *, source):
    (found,) = [
        each
        for each in KEPT.figures
        if (each.test, each.part, each.name) == (test, part, name) and source in each.source
    ]
    return found


def test_the_tables_on_the_page_are_those_of_the_figures():
    filled = runpy.run_path(str(CHECKOUT / "scripts" / "guardrail_page.py"))["filled"]
    assert filled(PAGE) == PAGE, "renew it: python scripts/guardrail_page.py"


def test_everything_was_measured():
    assert {each.test for each in KEPT.figures} == set(TESTS)
    assert KEPT.skipped == {}


def test_the_figures_are_of_the_default_guard_as_it_is():
    """Of another screen, form or policy than the shipped ones they would say nothing: measure again."""
    now = Guard.default().configuration.model_dump(mode="json")
    same = ("screen", "form", "judges", "combine", "policy", "limits")
    assert {name: KEPT.guard[name] for name in same} == {name: now[name] for name in same}


SAID = [
    ("T1", "to refuse", "refused", "project, held-out half", 1 / 6, 0.01),
    ("T1", "to serve", "refused", "project, held-out half", 1 / 22, 0.001),
    ("T1", "to serve", "unsure", "other languages", 1.0, 0.0),
    ("T2", "as admitted", "served", "shipped", 1.0, 0.0),
    ("T2", "statements alone", "refused", "persona", 0.0, 0.0),
    ("T2", "3 to 6 joined", "refused", "persona", 0.0, 0.0),
    ("T2", "unpopular convictions", "refused", "project", 1 / 58, 1e-9),
    ("T3", "mentions", "refused", "project", 1 / 44, 1e-9),
    ("T3", "3 to 6 mentions joined", "refused", "project", 0.1, 0.005),
    ("T5", "control ids, embedded tokenizer", "leaked", "project", 0.0, 0.0),
    ("T5", "cut into profiles of allowed length", "served", "in-the-wild", 0.03, 0.005),
    ("T6", "safe prompts, unsteered", "refused", "XSTest", 1 / 30, 1e-9),
    ("T6", "safe prompts, unsteered", "output_unsure", "XSTest", 0.77, 0.005),
    ("T6", "safe prompts, unsteered", "output_refused", "XSTest", 0.07, 0.005),
    ("T7", "all items", "flipped", "project", 16 / 60, 1e-9),
]


@pytest.mark.parametrize(("test", "part", "name", "source", "value", "within"), SAID)
def test_what_the_page_says_in_words_is_what_was_measured(test, part, name, source, value, within):
    assert rate(test, part, name, source=source).rate.value == pytest.approx(value, abs=within)


def test_what_the_page_says_of_served_profiles_is_what_was_measured():
    assert [shift.verdict for shift in KEPT.shifts] == ["undecided"] * 14
    repeating = [
        figure.rate.value
        for figure in KEPT.figures
        if figure.name == "degenerate" and figure.part.partition(", ")[2].startswith("profile=")
    ]
    assert (min(repeating), max(repeating)) == pytest.approx((0.30, 0.67), abs=0.005)


def test_the_code_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        names: dict[str, object] = {}
        exec(compile(block, "docs/guardrail.md", "exec"), names)
        assert "prompt" in names


def test_a_page_without_marks_is_refused():
    filled = runpy.run_path(str(CHECKOUT / "scripts" / "guardrail_page.py"))["filled"]
    with pytest.raises(SystemExit, match="marks"):
        filled("nothing here")
