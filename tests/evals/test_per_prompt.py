"""Means over prompts and paired differences, by hand."""

import pytest

from pluralign.evals.per_prompt import Measure, compare_cells, estimate, unscored
from pluralign.records import CellScore

SIZE = Measure("size", "words", "how long", None, undefined="no size")


def cell(name, value=None, *, lost=None, baselines=None):
    values = {} if value is None else {"size": value}
    return CellScore(
        question_id=name, group="all", n_people=None, unscored=lost, values=values, baselines=baselines or {}
    )


def test_mean_losses_and_baselines():
    cells = [cell("a", 1.0, baselines={"b": 5.0}), cell("b", 3.0), cell("c"), cell("d", lost="error")]
    found = estimate(SIZE, cells, of="prompts", with_baselines=True)
    assert found.value == 2
    assert found.n_questions == 2
    assert found.n_unscored == {"error": 1, "no size": 1}
    assert found.baselines == {"b": 5.0}
    assert found.baseline_cells == {"b": 1}
    assert "over prompts" in found.interval.method
    assert unscored(cells) == {"error": 1}


def test_one_prompt_has_no_interval_and_none_has_a_reason():
    assert estimate(SIZE, [cell("a", 1.0)], of="prompts").interval is None
    assert estimate(SIZE, [cell("a")], of="prompts").reason == "no size"
    assert estimate(SIZE, [], of="prompts").reason == "nothing was asked"


def test_differences_are_taken_where_both_have_a_value():
    first = [cell("a", 5.0), cell("b", 1.0), cell("c", 9.0)]
    second = [cell("b", 4.0), cell("a", 3.0), cell("c", lost="error")]
    (found,) = compare_cells(first=("x", first), second=("y", second), measures=[SIZE], of="prompts")
    assert found.difference == pytest.approx(((5 - 3) + (1 - 4)) / 2)
    assert found.n_questions == 2
    assert (found.first, found.second, found.lower_is_better) == ("x", "y", None)
    assert compare_cells(first=("x", first), second=("y", []), measures=[SIZE], of="prompts") == ()
