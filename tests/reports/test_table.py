import re
from io import StringIO

from rich.console import Console

from pluralign.records import Interval
from pluralign.reports import Series, as_markdown, estimate_rows, estimates_table


def printed(table, width=100):
    console = Console(width=width, file=StringIO())
    console.print(table)
    return console.file.getvalue()


def test_terminal_and_markdown_show_the_same_cells(coins):
    rows = estimate_rows(coins.series)
    text, markdown = printed(estimates_table(coins.series, title="Coins")), as_markdown(rows)
    for row in rows:
        for _, cell in (*row.series, *row.references):
            for part in filter(None, [cell.bracket, *cell.number.split()]):
                assert part in text
                assert part in markdown
    assert "not scored, all: before: 1 refused" in text
    assert "before: 1 refused" in markdown
    assert "95% interval: bootstrap over questions" in text


def test_three_series_fit_into_a_hundred_columns_unbroken(coins):
    estimates = (*coins.series[0].estimates[:1], *coins.series[1].estimates)
    series = [
        Series(label, estimates=estimates[i : i + 1])
        for label, i in (("before (chat)", 0), ("before (spectrum format)", 0), ("after", 1))
    ]
    text = printed(estimates_table(series))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("[0.200, 0.300]") == 2
    assert "[0.010, 0.070]" in text


WORLD = """\
                                     model           n
────────────────────────────────────────────────────────────────────────────
Jensen-Shannon divergence ↓ (bits)
  all                 0.153 [0.140, 0.166] 120 (5,752)
    score 0.117 vs group-blind; uniform 0.201, position marginal 0.188,
    group-blind 0.173*, noise floor 0.002, people split-half 0.011
  region groups                      0.160 120 (5,752)
  country: A (1 of 8) 0.101 [0.090, 0.110]          50
  country: B (2 of 8) 0.111 [0.100, 0.120]          50
  country: C (3 of 8) 0.121 [0.110, 0.130]          50
  country: F (6 of 8) 0.151 [0.140, 0.160]          50
  country: G (7 of 8) 0.161 [0.150, 0.170]          50
  country: H (8 of 8) 0.171 [0.160, 0.180]          50

Total variation ↓ (probability)
  all                 0.250 [0.200, 0.300] 120 (5,752)

Entropy, model over people = (ratio)
  all                                0.900 120 (5,752)
    people 1.000

Valid mass ↑ (probability)
  all                                0.938 120 (5,752)
  region groups                      0.930 120 (5,752)
↓ lower is better, ↑ higher is better, = right where it is the people's
95% interval: bootstrap over questions
score: the way from a trivial baseline (0) to the noise floor (1), vs the
best of them
* on so many cells only: group-blind 5,357 of 5,752 (all)
not scored, all: model: 1,200 refused
"""


def without_padding(text):
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_references_go_below_the_value_where_they_do_not_fit_beside_it(world):
    assert without_padding(printed(estimates_table(world, width=80), width=80)) == WORLD


def test_references_stand_in_columns_where_these_fit(world):
    lines = printed(estimates_table(world, width=120), width=120).splitlines()
    assert [line.split() for line in (lines[0], lines[1], lines[4], lines[5])] == [
        ["position", "noise", "people"],
        ["model", "people", "uniform", "marginal", "group-blind", "floor", "split-half", "n"],
        [
            "all",
            "0.153",
            "[0.140,",
            "0.166]",
            "—",
            "0.201",
            "0.188",
            "0.173*",
            "0.002",
            "0.011",
            "120",
            "(5,752)",
        ],
        ["score", "0.117", "vs", "group-blind"],
    ]


def test_everything_on_request_with_the_reason_of_a_missing_value_on_its_own_line(world):
    lines = without_padding(printed(estimates_table(world, width=80, every=True), width=80)).splitlines()
    place = lines.index("Kullback-Leibler divergence ↓ (nats)")
    assert lines[place + 1 : place + 3] == [
        "  all                                    — 120 (5,752)",
        "    infinite in 12 of 50 cells: the model rules out what people answered",
    ]
    assert any(line.startswith("  country: D (4 of 8)") for line in lines)


def test_markdown_of_a_row_with_everything(world):
    assert as_markdown(estimate_rows(world)[:1]) == (
        "| Metric | Over | model | Score | people | uniform | position marginal | group-blind | noise floor "
        "| people split-half | n | Unscored |\n"
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
        "| Jensen-Shannon divergence ↓ (bits) | all | 0.153 [0.140, 0.166] | 0.117 vs group-blind | — | 0.201 "
        "| 0.188 | 0.173* | 0.002 | 0.011 | 120 (5,752) | model: 1,200 refused |\n"
        "\n"
        "- ↓ lower is better\n"
        "- 95% interval: bootstrap over questions\n"
        "- score: the way from a trivial baseline (0) to the noise floor (1), vs the best of them\n"
        "- * on so many cells only: group-blind 5,357 of 5,752 (all)\n"
    )


def test_nothing_is_wider_than_the_terminal(world):
    for width in (60, 80, 100, 120):
        lines = printed(estimates_table(world, width=width, every=True), width=1000).splitlines()
        assert max(map(len, lines)) <= max(width, 77)


def test_markup_in_a_label_is_text(coins):
    text = printed(estimates_table([Series("[red]x", estimates=coins.series[1].estimates)]))
    assert "[red]x" in text


def test_markdown_is_a_table_whatever_the_labels_hold(coins):
    rows = estimate_rows([Series("a|b\n<i>", estimates=coins.series[1].estimates)])
    lines = as_markdown(rows).splitlines()
    assert lines[0].split(" | ")[2] == r"a\|b &lt;i&gt;"
    table = lines[: lines.index("")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert as_markdown([]) == ""


def test_nothing_measured_is_an_empty_table():
    assert "lower is better" in printed(estimates_table([Series("x")]))


def steering(new_estimate, n_metrics):
    share = {"unit": "probability", "lower_is_better": False, "n_questions": 120, "n_cells": 240}
    ratio = share | {"unit": "ratio", "lower_is_better": None, "people": 1.0}

    def interval(value, half):
        return Interval(low=value - half, high=value + half, method="bootstrap")

    rate = {**share, "name": "identification_rate"}
    return Series(
        "model",
        estimates=(
            new_estimate(0.8, **rate, baselines={"chance": 0.5}, interval=interval(0.8, 0.02)),
            new_estimate(0.75, **(rate | {"n_cells": 120}), slice="group=party=Republican"),
            new_estimate(0.85, **(rate | {"n_cells": 120}), slice="group=party=Democrat"),
            new_estimate(0.43, **ratio, name="contrast_slope", interval=interval(0.43, 0.03)),
            new_estimate(None, **share, name="accuracy", reason="nobody was asked"),
            *(new_estimate(0.1, **share, name=f"m{i}") for i in range(n_metrics - 3)),
        ),
    )


def test_of_many_metrics_each_that_is_measured_as_a_whole_stands_in_one_line(new_estimate):
    def lines(n_metrics):
        table = estimates_table([steering(new_estimate, n_metrics)], width=60)
        return without_padding(printed(table, width=60)).splitlines()

    few, many = lines(9), lines(10)
    assert "  all                        0.430 [0.400, 0.460] 120 (240)" in few
    place = many.index("Contrast slope = (ratio)     0.430 [0.400, 0.460] 120 (240)")
    assert many[place - 1] == ""
    assert many[place + 1 : place + 5] == [
        "    people 1.000",
        "Accuracy ↑ (probability)                        — 120 (240)",
        "    nobody was asked",
        "m0 ↑ (probability)                          0.100 120 (240)",
    ]
    assert many.count("") == 1
    # Eight metrics with a heading, a row and an empty line above; or nine lines with one empty line above all.
    assert len(few) - len(many) == 8 * 3 - (9 + 1)


def test_steering_of_two_groups_by_two_models_fits_a_screen(new_estimate):
    names = [
        "contrast_slope_corrected",
        "contrast_correlation",
        "own_total_variation",
        "swapped_total_variation",
        "group_total_variation",
        "entropy_ratio",
        "balanced_accuracy",
        "value_inequity",
        "drift_total_variation",
        "steering_gain",
        "valid_mass_prob",
    ]
    one = steering(new_estimate, 3)
    full = (
        *one.estimates,
        *(
            new_estimate(
                0.5,
                name=name,
                unit="probability",
                interval=Interval(low=0.4, high=0.6, method="bootstrap"),
                baselines={"chance": 0.5, "majority option": 0.4, "question-blind": 0.3, "group-blind": 0.2},
            )
            for name in names
        ),
    )
    series = [Series(label, estimates=full) for label in ("before", "after")]
    lines = printed(estimates_table(series)).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 41
