import pytest

from pluralign.reports import Series, estimate_rows
from pluralign.reports.rows import group_rows, notes, number, slice_label


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


def test_the_intervals_are_explained_once(coins):
    assert notes(estimate_rows(coins.series)) == ["95% interval: bootstrap over questions"]


def test_headline_rows_leave_out_variants_and_the_middle_groups(world):
    assert [(row.name, row.slice) for row in estimate_rows(world)] == [
        ("js_divergence_bits", "all"),
        ("js_divergence_bits", "region groups"),
        ("js_divergence_bits", "country: A (1 of 8)"),
        ("js_divergence_bits", "country: B (2 of 8)"),
        ("js_divergence_bits", "country: C (3 of 8)"),
        ("js_divergence_bits", "country: F (6 of 8)"),
        ("js_divergence_bits", "country: G (7 of 8)"),
        ("js_divergence_bits", "country: H (8 of 8)"),
        ("total_variation", "all"),
        ("entropy_ratio", "all"),
        ("valid_mass_prob", "all"),
        ("valid_mass_prob", "region groups"),
    ]


def test_every_row_on_request(world):
    rows = estimate_rows(world, every=True)
    assert len(rows) == sum(len(series.estimates) for series in world)
    assert {"kl_divergence_nats", "entropy_ratio"} <= {row.name for row in rows}


def test_a_variant_is_headline_where_it_is_primary(world):
    kl = next(each for each in world[0].estimates if each.name == "kl_divergence_nats")
    first = Series("x", estimates=(kl, *(each for each in world[0].estimates if each is not kl)))
    assert estimate_rows([first])[0].name == "kl_divergence_nats"
    assert "js_divergence_bits" not in {row.name for row in estimate_rows([first])}


def test_groups_stand_best_first_and_those_without_value_last(world, new_estimate):
    assert [row.slice[9] for row in group_rows(world)] == list("ABCDEFGH")
    similar = [
        new_estimate(value, slice=f"group=country={name}", lower_is_better=False)
        for name, value in (("low", 0.1), ("none", None), ("high", 0.9))
    ]
    rows = group_rows([Series("x", estimates=tuple(similar))])
    assert [row.slice for row in rows] == [
        "country: high (1 of 3)",
        "country: low (2 of 3)",
        "country: none (3 of 3)",
    ]


def test_references_stand_in_order_and_say_where_they_exist_on_few_cells(world):
    first, *_ = estimate_rows(world)
    assert [(label, cell.number) for label, cell in first.references] == [
        ("people", "—"),
        ("uniform", "0.201"),
        ("position marginal", "0.188"),
        ("group-blind", "0.173*"),
        ("noise floor", "0.002"),
        ("people split-half", "0.011"),
    ]
    assert "* on so many cells only: group-blind 5,357 of 5,752 (all)" in notes([first])
    assert first.n == "120 (5,752)"


def test_the_score_names_its_baseline_and_with_several_series_each(world):
    estimates = world[0].estimates[:1]
    assert estimate_rows(world)[0].score == "0.117 vs group-blind"
    two = [Series("before", estimates=estimates), Series("after", estimates=estimates)]
    assert estimate_rows(two)[0].score == "before: 0.117 vs group-blind, after: 0.117 vs group-blind"
    assert estimate_rows(world)[-1].score == ""
