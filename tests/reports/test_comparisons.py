from io import StringIO

import pytest
from rich.console import Console

from pluralign.reports import comparison_sentence, comparisons_table, verdict
from pluralign.reports.comparisons import groups_sentence


@pytest.fixture
def comparison(coins):
    return coins.comparisons[0]


@pytest.fixture
def compared(comparison):
    """The whole, a variant, a slice of another metric, and eight groups with differences from -0.8 to -0.1."""
    return [
        comparison,
        comparison.model_copy(update={"name": "js_divergence_nats", "unit": "nats"}),
        comparison.model_copy(update={"name": "mode_match", "unit": "probability", "lower_is_better": False}),
        comparison.model_copy(update={"name": "mode_match", "unit": "probability", "slice": "family=urn"}),
        *(
            comparison.model_copy(
                update={
                    "slice": f"group=country={name}",
                    "difference": -0.8 + 0.1 * i,
                    "p_adjusted": 0.02 * i,
                }
            )
            for i, name in enumerate("ABCDEFGH")
        ),
    ]


def printed(table, width=100):
    console = Console(width=width, file=StringIO())
    console.print(table)
    return console.file.getvalue()


def test_a_comparison_in_words(comparison):
    assert comparison_sentence(comparison) == (
        "Jensen-Shannon divergence, all: after minus before: \u22120.210 bits [\u22120.250, \u22120.170], p < 0.001"
    )


def test_the_sentence_says_what_holm_leaves_and_what_would_have_been_missed(comparison):
    of_group = comparison.model_copy(
        update={
            "slice": "group=party=Democrat",
            "p_value": 0.01,
            "p_adjusted": 0.03,
            "minimum_detectable": 0.012,
        }
    )
    assert comparison_sentence(of_group) == (
        "Jensen-Shannon divergence, party: Democrat: after minus before: \u22120.210 bits [\u22120.250, \u22120.170], "
        "p = 0.030 after Holm; a difference below 0.012 would often be missed"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "better"),
        ({"lower_is_better": False}, "worse"),
        ({"lower_is_better": None}, "lower"),
        ({"lower_is_better": None, "difference": 0.2, "interval": "above"}, "higher"),
        ({"interval": None, "p_value": None}, "no interval"),
        ({"interval": "over zero"}, "no clear difference"),
        ({"p_adjusted": 0.049}, "better"),
        ({"p_adjusted": 0.05}, "no clear difference"),
    ],
)
def test_a_comparison_says_which_way_it_points(comparison, changes, says):
    ends = {"above": {"low": 0.1, "high": 0.3}, "over zero": {"high": 0.01}}
    if changes.get("interval"):
        changes = changes | {"interval": comparison.interval.model_copy(update=ends[changes["interval"]])}
    assert verdict(comparison.model_copy(update=changes)) == says


def test_groups_are_counted_by_verdict(compared):
    assert groups_sentence(compared) == "after minus before over 8 groups: 5 no clear difference, 3 better"
    assert groups_sentence(compared[:3]) == ""


def test_pairs_of_groups_are_counted_apart_and_their_middle_is_left_out(compared):
    pairs = [
        each.model_copy(update={"slice": f"pair=g=A | g={name}"})
        for name, each in zip("BCDEFGHI", compared[4:], strict=True)
    ]
    assert groups_sentence([*compared, *pairs]) == (
        "after minus before over 8 groups: 5 no clear difference, 3 better; "
        "after minus before over 8 pairs: 5 no clear difference, 3 better"
    )
    text = printed(comparisons_table([*compared, *pairs]))
    assert [name for name in "BCDEFGHI" if f"A against {name}" in text] == list("BCDGHI")
    assert "country: C" in text


def test_the_table_shows_the_headline_and_the_extreme_groups(compared):
    lines = [line.rstrip() for line in printed(comparisons_table(compared)).splitlines()]
    assert [line.split()[:2] for line in lines if line.startswith("  country")] == [
        ["country:", name] for name in "ABCFGH"
    ]
    row = next(line for line in lines if line.startswith("  country: H"))
    assert row.split()[2:] == [
        "\u22120.100",
        "[\u22120.250,",
        "\u22120.170]",
        "0.140",
        "—",
        "2",
        "unclear",
    ]
    assert sum(line.startswith("Mode match") for line in lines) == 1
    assert "urn" not in "".join(lines)
    assert lines[-1] == "after minus before over 8 groups: 5 no clear difference, 3 better"


def test_the_table_shows_everything_on_request(compared):
    text = printed(comparisons_table(compared, every=True))
    assert "country: D" in text
    assert "urn" in text
    headings = [line.strip() for line in text.splitlines() if line.startswith(("Jensen", "Mode"))]
    assert headings == [
        "Jensen-Shannon divergence (bits)",
        "Jensen-Shannon divergence (nats)",
        "Mode match (probability)",
    ]


def test_no_comparison_is_an_empty_table():
    assert "p: two-sided" in printed(comparisons_table([]))
