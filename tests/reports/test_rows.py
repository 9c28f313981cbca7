import pytest

from pluralign.reports import Series, estimate_rows
from pluralign.reports.rows import notes, number, single_rows


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
    assert [row.slice[9] for row in single_rows(world, kind="group")] == list("ABCDEFGH")
    similar = [
        new_estimate(value, slice=f"group=country={name}", lower_is_better=False)
        for name, value in (("low", 0.1), ("none", None), ("high", 0.9))
    ]
    rows = single_rows([Series("x", estimates=tuple(similar))], kind="group")
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


@pytest.fixture
def steering(new_estimate):
    """Identification over everything, 3 forms, 7 pairs and 2 groups, and what stands beside it."""
    baselines = {
        "other people": 0.8,
        "group-blind": 0.7,
        "majority option": 0.4,
        "chance": 0.5,
        "home-made": 0.1,
    }

    def share(value, name="identification_rate", slice_name="all", **more):
        more = {"lower_is_better": False, "unit": "probability"} | more
        return new_estimate(value, name=name, slice=slice_name, **more)

    ratio = {"lower_is_better": None, "unit": "ratio", "people": 1.0}
    pairs = [f"pair=g=A | g={name}" for name in "BCDEFGH"]
    return [
        share(0.8, baselines=baselines),
        *(share(0.7, slice_name=f"form={form}") for form in ("qa", "bio", "portray")),
        share(0.6, slice_name="group=g=A"),
        share(0.9, slice_name="group=g=B"),
        *(share(0.5 + i / 100, slice_name=pair) for i, pair in enumerate(pairs)),
        share(0.4, "contrast_slope", **ratio),
        share(0.5, "contrast_slope_corrected", **ratio),
        *(share(0.4, "contrast_slope", pair, **ratio) for pair in pairs),
        *(
            share(0.5, name)
            for name in [
                "contrast_correlation",
                "own_total_variation",
                "swapped_total_variation",
                "group_total_variation",
                "entropy_ratio",
                "accuracy",
                "balanced_accuracy",
                "macro_f1",
                "value_inequity",
                "drift_total_variation",
                "steering_gain",
                "valid_mass_prob",
                "modular_pluralism_vk.accuracy",
            ]
        ),
        share(0.5, "accuracy", "form=qa"),
        share(0.5, "accuracy", "pair=g=A | g=B"),
    ]


def test_the_headline_of_steering(steering):
    rows = estimate_rows([Series("x", estimates=tuple(steering))])
    assert [row.slice for row in rows if row.name == "identification_rate"] == [
        "all",
        "QA form",
        "BIO form",
        "PORTRAY form",
        "A against H (1 of 7)",
        "A against G (2 of 7)",
        "A against F (3 of 7)",
        "A against D (5 of 7)",
        "A against C (6 of 7)",
        "A against B (7 of 7)",
        "g: B (1 of 2)",
        "g: A (2 of 2)",
    ]
    others = [(row.name, row.slice) for row in rows if row.name != "identification_rate"]
    assert {slice_name for _, slice_name in others} == {"all"}
    assert [name for name, _ in others] == [
        "contrast_slope",
        "contrast_slope_corrected",
        "contrast_correlation",
        "own_total_variation",
        "swapped_total_variation",
        "group_total_variation",
        "entropy_ratio",
        "accuracy",
        "balanced_accuracy",
        "value_inequity",
        "drift_total_variation",
        "steering_gain",
        "valid_mass_prob",
        "modular_pluralism_vk.accuracy",
    ]
    slope = next(row for row in rows if row.name == "contrast_slope")
    assert (slope.arrow, dict(slope.references)["people"].number) == ("=", "1.000")


def test_baselines_of_steering_stand_from_the_blindest_to_the_best_informed(steering):
    first, *_ = estimate_rows([Series("x", estimates=tuple(steering))])
    assert [label for label, cell in first.references if cell.value is not None] == [
        "chance",
        "majority option",
        "group-blind",
        "other people",
        "home-made",
    ]


def test_the_only_pair_is_everything_and_is_not_said_twice(steering):
    single = [each for each in steering if "pair=" not in each.slice or each.slice == "pair=g=A | g=B"]
    assert "against" not in "".join(
        row.slice for row in estimate_rows([Series("x", estimates=tuple(single))])
    )
    every = estimate_rows([Series("x", estimates=tuple(single))], every=True)
    assert "A against B (1 of 1)" in {row.slice for row in every}


def test_pairs_have_rows_of_their_own(steering):
    rows = single_rows([Series("x", estimates=tuple(steering))], kind="pair")
    assert [row.slice[:11] for row in rows] == [f"A against {name}" for name in "HGFEDCB"]
    assert all(row.is_single for row in rows)


def test_numbers_of_examples_ascend_and_of_many_the_powers_of_two_are_shown(new_estimate):
    def slices(counts, **more):
        of = [
            new_estimate(1.0, name=name, slice=f"examples={k}")
            for name in ("nll_nats", "accuracy", "gain_nats", "valid_mass_prob")
            for k in counts
        ]
        rows = estimate_rows([Series("x", estimates=(new_estimate(1.0, name="nll_nats"), *of))], **more)
        found = {}
        for row in rows:
            found.setdefault(row.name, []).append(row.slice)
        return found

    assert slices([16, 2, 0]) == {
        "nll_nats": ["all", "before any example", "after 2 examples", "after 16 examples"],
        "accuracy": ["before any example", "after 2 examples", "after 16 examples"],
    }
    shown = ["before any example", "after 1 example", *(f"after {k} examples" for k in (2, 4, 8, 16, 20))]
    assert slices(range(21))["accuracy"] == shown
    assert slices(range(21))["nll_nats"] == ["all", *shown]
    assert len(slices(range(21), every=True)["gain_nats"]) == 21


def test_what_was_given_is_shown_for_each_metric_but_valid_mass(new_estimate):
    of = [
        new_estimate(1.0, name=name, slice=f"given={given}")
        for name in ("nll_nats", "usable_information_nats", "valid_mass_prob")
        for given in ("none", "profile")
    ]
    assert [(row.name, row.slice) for row in estimate_rows([Series("x", estimates=tuple(of))])] == [
        ("nll_nats", "given nothing"),
        ("nll_nats", "given a profile"),
        ("usable_information_nats", "given nothing"),
        ("usable_information_nats", "given a profile"),
    ]
