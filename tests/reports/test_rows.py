import pytest

from pluralign.reports import comparison_sentence, estimate_rows
from pluralign.reports.rows import interval_note, number, slice_label, verdict


def test_rows_hold_every_metric_and_slice_of_any_series(coins):
    rows = estimate_rows(coins.series)
    assert [(row.metric, row.slice) for row in rows] == [
        ("Jensen-Shannon divergence", "all"),
        ("Jensen-Shannon divergence", "urn"),
        ("home_made", "all"),
    ]
    first = dict(rows[0].series)
    assert (first["before"].number, first["before"].bracket) == ("0.250", "[0.200, 0.300]")
    assert first["after"].number == "0.040"
    assert [(label, cell.number) for label, cell in rows[0].references] == [
        ("uniform", "0.100"),
        ("noise floor", "0.002"),
        ("people split-half", "0.011"),
    ]
    assert (rows[0].arrow, rows[2].arrow) == ("↓", "↑")


def test_what_was_not_scored_is_said_with_its_reason(coins):
    rows = estimate_rows(coins.series)
    assert rows[0].unscored == "before: 1 refused"
    assert dict(rows[1].series)["before"].number == "no cell could be scored"
    assert dict(rows[1].series)["after"].number == "—"


def test_n_names_cells_and_the_range_over_series(coins):
    before, after = (series.estimates[0] for series in coins.series)
    changed = (
        coins.series[0].__class__("a", estimates=(before.model_copy(update={"n_cells": 7}),)),
        coins.series[1].__class__("b", estimates=(after.model_copy(update={"n_cells": 9}),)),
    )
    assert estimate_rows(coins.series)[0].n == "3"
    assert estimate_rows(changed)[0].n == "3 (7-9)"


@pytest.mark.parametrize(
    ("value", "text"), [(0.2, "0.200"), (-0.25, "\u22120.250"), (-0.0001, "0.000"), (12, "12.000")]
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("all", "all"),
        ("family=urn", "urn"),
        ("group=party=Democrat", "party: Democrat"),
        ("groups=party", "party groups"),
        ("groups=all", "whole population"),
    ],
)
def test_slices_in_words(name, text):
    assert slice_label(name) == text


def test_a_comparison_in_words(coins):
    (comparison,) = coins.comparisons
    assert comparison_sentence(comparison) == (
        "Jensen-Shannon divergence, all: after minus before: \u22120.210 bits [\u22120.250, \u22120.170], p < 0.001"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "better"),
        ({"lower_is_better": False}, "worse"),
        ({"interval": None, "p_value": None}, "no interval"),
    ],
)
def test_a_comparison_says_which_way_it_points(coins, changes, says):
    assert verdict(coins.comparisons[0].model_copy(update=changes)) == says


def test_an_interval_over_zero_is_no_difference(coins):
    (comparison,) = coins.comparisons
    wide = comparison.interval.model_copy(update={"high": 0.01})
    assert verdict(comparison.model_copy(update={"interval": wide})) == "no clear difference"


def test_the_intervals_are_explained_once(coins):
    assert interval_note(estimate_rows(coins.series)) == "95% interval: bootstrap over questions"
