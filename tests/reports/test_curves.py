import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Interval
from pluralign.reports import Report, Section, Series, render_page, save_curve_figure
from pluralign.reports.curves import BOTTOM, LEFT, NAME_GAP, RIGHT, TOP, curve_plots, find_curves


@pytest.fixture
def loss(new_estimate):
    """Loss after 3, 0 and 1 examples, in this order, with intervals 0.05 to both sides."""

    def make(values, *, name="nll_nats", baselines=(("uniform", 1.4),), **more):
        return tuple(
            new_estimate(
                value,
                name=name,
                slice=f"examples={k}",
                unit="nats",
                baselines=dict(baselines),
                interval=None
                if value is None
                else Interval(low=value - 0.05, high=value + 0.05, method="bootstrap"),
                **more,
            )
            for k, value in values.items()
        )

    return make


@pytest.fixture
def before_and_after(loss):
    accuracy = {"name": "accuracy", "lower_is_better": False, "baselines": ()}
    return (
        Series("before", estimates=loss({3: 1.2, 0: 1.3, 1: 1.3})),
        Series("after", estimates=(*loss({3: 1.0, 0: 1.2, 1: 1.1}), *loss({0: 0.4, 1: 0.6}, **accuracy))),
    )


def drawn(series, questions):
    html = render_page(Report("S", (), (Section("S", questions, series=tuple(series)),), {}, "pluralign"))
    return html, [ET.fromstring(svg) for svg in re.findall(r"<svg viewBox.*?</svg>", html, re.DOTALL)]


def of_class(svg, name):
    return [each for each in svg.iter() if name in each.get("class", "").split()]


def test_loss_comes_before_accuracy_and_numbers_ascend(before_and_after):
    nll, accuracy = find_curves(before_and_after)
    assert (nll.counts, nll.labels) == ((0, 1, 3), ["before", "after"])
    assert [k for k, _ in nll.curves[0].points] == [0, 1, 3]
    assert (accuracy.labels, accuracy.curves[0].index) == (["after"], 1)
    assert accuracy.heading == "Accuracy (nats, ↑ higher is better)"


def test_a_preset_s_metric_is_a_curve_and_other_metrics_and_single_points_are_none(loss):
    def found(*parts):
        return find_curves([Series("x", estimates=tuple(each for part in parts for each in part))])

    assert [each.name for each in found(loss({0: 1.0, 2: 1.1}, name="indievalue.accuracy"))] == [
        "indievalue.accuracy"
    ]
    assert found(loss({0: 1.0, 2: 1.1}, name="gain_nats"), loss({4: 1.0})) == []
    assert found(loss({0: 1.0, 2: None})) == []


def test_points_bands_and_baselines_stand_where_the_numbers_say(before_and_after, coins):
    html, (nll, accuracy) = drawn(before_and_after, coins.questions)
    # Ticks from 0.9 to 1.4 over 220 units: 44 for each tenth, up from 230. Across: log2 of 1, 2 and 4.
    assert (LEFT, RIGHT, TOP, BOTTOM) == (52, 340, 10, 230)
    assert [each.get("points") for each in of_class(nll, "curve")] == [
        "52,54 196,54 340,98",
        "52,98 196,142 340,186",
    ]
    assert of_class(nll, "band")[1].get("points") == "52,76 196,120 340,164 340,208 196,164 52,120"
    assert [each.get("points") for each in of_class(nll, "baseline")] == ["52,10 196,10 340,10"]
    texts = [text.text for text in nll.iter("text")]
    assert texts[:9] == ["0.9", "1.0", "1.1", "1.2", "1.3", "1.4", "0", "1", "3"]
    assert texts[-1] == "uniform"
    assert [each.findtext("title") for each in of_class(nll, "mark")][-1] == (
        "after, after 3 examples: 1.000 [0.950, 1.050]"
    )
    # Each series in its colour: "after" is the second one, also where it is the only one drawn.
    assert [len(of_class(nll, name)) for name in ("s0", "s1")] == [1, 1]
    assert [len(of_class(accuracy, name)) for name in ("s0", "s1")] == [0, 1]
    assert nll.get("role") == "img"
    assert "before: 1.300 before any example, 1.200 after 3 examples" in nll.findtext("desc")
    assert "<script" not in html


def test_a_missing_value_parts_the_curve(loss):
    points = (*loss({0: 1.0, 1: 1.1}), *loss({2: None}), *loss({4: 1.2}))
    (plot,) = curve_plots([Series("x", estimates=points)])
    assert [len(line.split()) for line in plot.traces[0].lines] == [2, 1]
    assert len(plot.traces[0].marks) == 3


def test_names_of_baselines_and_numbers_of_examples_never_overlap(loss):
    close = {f"predictor {i}": 1.0 + i / 1000 for i in range(6)} | {"top": 2.0, "bottom": 0.5}
    points = loss({k: 1.0 + k / 100 for k in range(40)}, baselines=close.items())
    (plot,) = curve_plots([Series("x", estimates=points)])
    places = sorted(baseline.name for baseline in plot.baselines)
    assert len(places) == 8
    assert all(b - a >= NAME_GAP - 0.11 for a, b in itertools.pairwise(places))
    assert places[0] >= TOP
    assert places[-1] <= BOTTOM
    shown = [x for _, x in plot.x_ticks]
    assert [text for text, _ in plot.x_ticks][:3] == ["0", "1", "2"]
    assert plot.x_ticks[-1] == ("39", RIGHT)
    assert all(b - a >= 24 for a, b in itertools.pairwise(shown))


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-6])
def test_equal_values_can_be_drawn(new_estimate, value):
    flat = tuple(new_estimate(value, name="nll_nats", slice=f"examples={k}") for k in (0, 8))
    (plot,) = curve_plots([Series("x", estimates=flat)])
    (line,) = plot.traces[0].lines
    heights = {float(point.split(",")[1]) for point in line.split()}
    assert len(heights) == 1
    assert TOP <= heights.pop() <= BOTTOM


@pytest.mark.parametrize(("name", "start"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_a_figure_is_written(before_and_after, tmp_path, name, start):
    pytest.importorskip("matplotlib")
    save_curve_figure(before_and_after, tmp_path / name, dpi=50)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_figure_needs_curves_and_a_known_ending(before_and_after, tmp_path):
    with pytest.raises(DataError, match=r"no curve to draw: nll_nats or accuracy over slices 'examples=K'"):
        save_curve_figure([Series("x")], tmp_path / "f.png")
    with pytest.raises(ConfigurationError, match=r"png, svg, pdf, not as '\.gif'"):
        save_curve_figure(before_and_after, tmp_path / "f.gif")
