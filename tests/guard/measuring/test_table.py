"""A measurement as text."""

import pytest

from pluralign.guard.measuring.figures import Figure, Measurement
from pluralign.guard.measuring.spec import load_guard_specs
from pluralign.guard.measuring.table import headlines, markdown, met_of, shown, target_of, timing
from pluralign.guard.rates import Rate, share


def figure(part, name="refused", *, hits=0, n=10, test="T2", **targets):
    rate = share([number < hits for number in range(n)])
    return Figure(test=test, source="texts of others", part=part, name=name, rate=rate, **targets)


def measurement(*figures, **fields):
    guard = {
        "form": {"name": "form", "version": "1"},
        "screen": {"name": "screen", "version": "2"},
        "judges": [],
        "combine": "cascade",
        "policy": "floor 1",
        "policy_hash": "f" * 64,
    }
    plain = {
        "guard": guard,
        "data_hash": "d" * 64,
        "seed": 0,
        "figures": figures,
        "seconds_per_profile": 0.02,
    }
    return Measurement(**(plain | fields))


FIGURES = (
    figure("alone", hits=2, n=40, at_most=0.01),
    figure("alone", "served", hits=9, n=40),
    figure("alone, group=a", hits=0, at_most=0.01),
    figure("alone, group=b", hits=2, at_most=0.01),
    figure("alone, group=c", hits=2, at_most=0.01),
    figure("alone, group=a", "served", hits=9),
    figure("alone, group=b", "served", hits=0),
    figure("other, group=a", hits=9),
)


def test_headlines_are_the_wholes_and_the_worst_of_what_has_a_target():
    cells = [line.cells for line in headlines(measurement(*FIGURES))]
    assert [(each[2], each[3], each[7]) for each in cells] == [
        ("alone", "refused", "no"),
        ("worst of 3: b (and 1 more)", "refused", "no"),
        ("alone", "served", ""),
    ]
    assert cells[0] == (
        "T2",
        "texts of others",
        "alone",
        "refused",
        "0.050 (0.014 to 0.165)",
        "40",
        "≤ 0.01",
        "no",
    )


def test_the_worst_is_the_lowest_where_much_is_wanted():
    figures = [
        figure("attacks", "as_expected", hits=19, n=20, at_least=1.0),
        figure("attacks, kind=a", "as_expected", hits=10, at_least=1.0),
        figure("attacks, kind=b", "as_expected", hits=9, at_least=1.0),
    ]
    assert [line.part for line in headlines(measurement(*figures))] == ["attacks", "worst of 2: b"]


def test_where_all_are_alike_none_is_singled_out():
    figures = [figure(part, at_most=0.01) for part in ("alone", "alone, group=a", "alone, group=b")]
    assert [line.part for line in headlines(measurement(*figures))] == ["alone", "each of 2"]


@pytest.mark.parametrize(
    ("given", "target", "met"),
    [
        (figure("p", hits=0, n=10, at_most=0.01), "≤ 0.01", "yes, n too small to be sure"),
        (figure("p", hits=0, n=10_000, at_most=0.01), "≤ 0.01", "yes"),
        (figure("p", hits=1, n=10, at_most=0.0), "≤ 0", "no"),
        (figure("p", hits=10, n=10, at_least=0.5), "≥ 0.5", "yes"),
        (figure("p", hits=5), "", ""),
        (figure("p", n=0, at_most=0.1), "≤ 0.1", ""),
    ],
)
def test_targets(given, target, met):
    assert (target_of(given), met_of(given)) == (target, met)


def test_shares():
    assert shown(Rate(value=None, n=0)) == "unknown"
    assert shown(share([True, False])) == "0.500 (0.095 to 0.905)"
    assert shown(Rate(value=0.25, n=4)) == "0.250"


def test_timing():
    assert timing(measurement()) == "20 ms a shipped profile, median (target: below 50 ms, met)"
    assert "not met" in timing(measurement(seconds_per_profile=0.07))
    assert timing(measurement(seconds_per_profile=None)) == "not timed"


def test_markdown():
    specs = load_guard_specs(["must-serve"])
    judged = measurement(*FIGURES, skipped={"T2, Polis": "not there."})
    page = markdown(judged, specs)
    assert page.startswith("Guard: form 1, screen 2, no judge; cascade; policy floor 1 (ffffffffffff). 20 ms")
    assert "T2 who must be served." in page
    assert "| alone, group=a | 10 | refused 0.000 (0.000 to 0.278); served 0.900 (0.596 to 0.982) |" in page
    assert page.endswith("Not measured:\n\n- T2, Polis: not there.\n")
    for line in page.splitlines():
        assert line.count("|") in {0, 6, 9}
    whole = markdown(measurement(FIGURES[0], guard=judged.guard | {"screen": None}), specs)
    assert "no screen" in whole
    assert "By group" not in whole
    assert "Not measured" not in whole
    assert "judge a 1" in markdown(
        measurement(guard=judged.guard | {"judges": [{"name": "a", "version": "1"}]}), specs
    )
