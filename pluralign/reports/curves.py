"""Curves of loss and accuracy against the number of a person's own answers that the model was shown."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pluralign.errors import DataError
from pluralign.records import Estimate
from pluralign.reports.content import Series
from pluralign.reports.figure import add_legend, blank_figure, write_figure
from pluralign.reports.labels import bare_metric, metric_label, n_examples, slice_label
from pluralign.reports.palette import REFERENCE, series_colours
from pluralign.reports.rows import ARROWS, CURVE_METRICS, DIRECTIONS, MINUS, bracket, number

X_LABEL = "answers of the person shown before"
# In units of the drawing; names of baselines stand to the right.
LEFT, TOP, RIGHT, BOTTOM = 52, 10, 340, 230
WIDTH, HEIGHT = 460, 274
FRAME = {"left": LEFT, "right": RIGHT, "bottom": BOTTOM, "width": WIDTH, "height": HEIGHT, "x_label": X_LABEL}
# Between two numbers on the lower edge, and between two names of baselines.
TICK_GAP, NAME_GAP = 24, 13

Place = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One metric of one series.

    Attributes:
        label: The series.
        index: Its place among the series, which says its colour.
        points: The estimates that have a value, by number of examples.
    """

    label: str
    index: int
    points: tuple[tuple[int, Estimate], ...]


@dataclass(frozen=True)
class Curves:
    """One metric of every series.

    Attributes:
        name: `Estimate.name`.
        heading: The metric, its unit and its direction.
        counts: Numbers of examples, ascending.
        curves: One for each series that has the metric after two numbers of examples at least.
        baselines: Name -> (number of examples, value), from the last series that has them.
    """

    name: str
    heading: str
    counts: tuple[int, ...]
    curves: tuple[Curve, ...]
    baselines: tuple[tuple[str, tuple[tuple[int, float], ...]], ...]

    @property
    def labels(self) -> list[str]:
        """The series that are drawn."""
        return [curve.label for curve in self.curves]


@dataclass(frozen=True)
class Mark:
    """One estimate in the drawing: its place and what it is, in words."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Trace:
    """One curve in the drawing.

    Attributes:
        index: Place of its series, which says its colour.
        lines: Runs of points "x,y x,y ..."; a number of examples without value parts two runs.
        bands: Outlines of the intervals in the same form.
        marks: The points.
    """

    index: int
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Baseline:
    """A trivial predictor in the drawing.

    Attributes:
        label: Its name.
        line: Points "x,y x,y ...".
        end: Where its line ends, up.
        name: Where its name stands, up: moved where two would overlap.
    """

    label: str
    line: str
    end: float
    name: float


@dataclass(frozen=True)
class CurvePlot:
    """The drawing of one metric.

    Attributes:
        curves: What is drawn.
        description: The same in words.
        traces: One for each curve.
        baselines: Trivial predictors.
        x_ticks: (number, place) along the lower edge, those that have room.
        y_ticks: (number, place) along the left edge.
    """

    curves: Curves
    description: str
    traces: tuple[Trace, ...]
    baselines: tuple[Baseline, ...]
    x_ticks: tuple[tuple[str, float], ...]
    y_ticks: tuple[tuple[str, float], ...]


def find_curves(series: Sequence[Series]) -> list[Curves]:
    """Loss and accuracy against the number of examples, where they were measured after two numbers at least."""
    names = dict.fromkeys(
        estimate.name
        for each in series
        for estimate in each.estimates
        if bare_metric(estimate.name) in CURVE_METRICS
    )
    ranked = sorted(names, key=lambda name: CURVE_METRICS.index(bare_metric(name)))
    return [found for name in ranked if (found := _curves(series, name)).curves]


def curve_plots(series: Sequence[Series]) -> list[CurvePlot]:
    """The drawings of a section: loss, then accuracy; none where nothing was measured against examples."""
    return [_plot(curves) for curves in find_curves(series)]


def save_curve_figure(series: Sequence[Series], path: Path, *, dpi: int = 160) -> None:
    """Draw loss and accuracy against the number of examples, with intervals and trivial predictors.

    Args:
        series: The series in one picture, each in its colour.
        path: Its ending says the format: .png, .svg or .pdf.
        dpi: Dots per inch of a PNG.

    Raises:
        DataError: No series was measured after two numbers of examples.
        ConfigurationError: Another ending.
        MissingExtraError: matplotlib is not installed.
        StorageError: The file cannot be written.
    """
    found = find_curves(series)
    if not found:
        raise DataError(
            f"{path}: no curve to draw: {' or '.join(CURVE_METRICS)} over slices 'examples=K' for two K at least."
        )
    figure = blank_figure(path, size=(5.2 * len(found), 3.9))
    colours = [light for light, _ in series_colours(len(series))]
    for axes, curves in zip(figure.subplots(1, len(found), squeeze=False).flat, found, strict=True):
        _draw(axes, curves, colours=colours)
    add_legend(figure)
    write_figure(figure, path, dpi=dpi)


def _curves(series: Sequence[Series], name: str) -> Curves:
    curves: list[Curve] = []
    baselines: dict[str, dict[int, float]] = {}
    for index, each in enumerate(series):
        of_metric = sorted(
            (
                (k, estimate)
                for estimate in each.estimates
                if estimate.name == name and (k := n_examples(estimate.slice)) is not None
            ),
            key=lambda point: point[0],
        )
        if sum(estimate.value is not None for _, estimate in of_metric) < 2:
            continue
        curves.append(Curve(each.label, index, tuple(of_metric)))
        own: dict[str, dict[int, float]] = {}
        for k, estimate in of_metric:
            for label, value in estimate.baselines.items():
                own.setdefault(label, {})[k] = value
        baselines |= own
    points = [point for curve in curves for point in curve.points]
    return Curves(
        name=name,
        heading=_heading(points[-1][1]) if points else "",
        counts=tuple(sorted({k for k, _ in points})),
        curves=tuple(curves),
        baselines=tuple((label, tuple(sorted(values.items()))) for label, values in baselines.items()),
    )


def _heading(estimate: Estimate) -> str:
    arrow = ARROWS[estimate.lower_is_better]
    return f"{metric_label(estimate.name)} ({estimate.unit}, {arrow} {DIRECTIONS[arrow]})"


def _runs(points: Sequence[tuple[int, Estimate]]) -> Iterator[list[tuple[int, Estimate, float]]]:
    """The points that have a value, parted where one has none."""
    for known, run in groupby(points, key=lambda point: point[1].value is not None):
        if known:
            yield [(k, estimate, estimate.value) for k, estimate in run if estimate.value is not None]


def _ends(estimate: Estimate, value: float) -> tuple[float, float]:
    return (estimate.interval.low, estimate.interval.high) if estimate.interval else (value, value)


def _plot(curves: Curves) -> CurvePlot:
    ticks = _nice_ticks(curves)
    low, high = ticks[0], ticks[-1]
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))

    def across(k: int) -> float:
        # log2(1 + k): no example has a place, and doublings are evenly spaced.
        return round(LEFT + (RIGHT - LEFT) * math.log2(1 + k) / math.log2(1 + curves.counts[-1]), 1)

    def up(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low), 1)

    def trace(curve: Curve) -> Trace:
        lines, bands, marks = [], [], []
        for run in _runs(curve.points):
            lines.append(_points((across(k), up(value)) for k, _, value in run))
            ends = [(across(k), *map(up, _ends(estimate, value))) for k, estimate, value in run]
            outline = [*((x, top) for x, _, top in ends), *((x, bottom) for x, bottom, _ in reversed(ends))]
            bands.append(_points(outline))
            marks += [
                Mark(across(k), up(value), _title(curve.label, estimate, value)) for k, estimate, value in run
            ]
        return Trace(curve.index, tuple(lines), tuple(bands), tuple(marks))

    lines = [(label, [(across(k), up(value)) for k, value in values]) for label, values in curves.baselines]
    names = _apart([places[-1][1] for _, places in lines])
    return CurvePlot(
        curves=curves,
        description=_description(curves),
        traces=tuple(trace(curve) for curve in curves.curves),
        baselines=tuple(
            Baseline(label, _points(places), end=places[-1][1], name=name)
            for (label, places), name in zip(lines, names, strict=True)
        ),
        x_ticks=_with_room([(f"{k:,}", across(k)) for k in curves.counts]),
        y_ticks=tuple((f"{tick + 0.0:.{decimals}f}".replace("-", MINUS), up(tick)) for tick in ticks),
    )


def _points(places: Iterator[Place] | Sequence[Place]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _title(label: str, estimate: Estimate, value: float) -> str:
    interval = f" {bracket(estimate.interval)}" if estimate.interval else ""
    return f"{label}, {slice_label(estimate.slice)}: {number(value)}{interval}"


def _description(curves: Curves) -> str:
    said = []
    for curve in curves.curves:
        known = [estimate for _, estimate in curve.points if estimate.value is not None]
        first, last = known[0], known[-1]
        said.append(
            f"{curve.label}: {number(first.value or 0.0)} {slice_label(first.slice)}, "
            f"{number(last.value or 0.0)} {slice_label(last.slice)}"
        )
    return f"{curves.heading} against the number of answers shown. {'; '.join(said)}."


def _nice_ticks(curves: Curves) -> list[float]:
    """Three to nine numbers at steps of 1, 2 or 5 times a power of ten, around every value that is drawn."""
    values = [value for _, line in curves.baselines for _, value in line]
    for curve in curves.curves:
        for run in _runs(curve.points):
            values += [end for _, estimate, value in run for end in _ends(estimate, value)]
    low, high = min(values), max(values)
    span = (high - low) or max(abs(high), 1.0) / 10
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 7)
    # Rounded first: 1.4 / 0.1 must not end above 14.
    first, last = math.floor(round(low / step, 6)), math.ceil(round(high / step, 6))
    return [i * step for i in range(first, max(last, first + 1) + 1)]


def _with_room(ticks: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """The ticks that stand far enough from one another, the first and the last among them."""
    kept = [ticks[0]]
    for tick in ticks[1:-1]:
        if tick[1] - kept[-1][1] >= TICK_GAP and ticks[-1][1] - tick[1] >= TICK_GAP:
            kept.append(tick)
    return (*kept, ticks[-1])


def _apart(places: Sequence[float]) -> list[float]:
    """The places, moved as little as needed so that names below one another can be read."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    lowest: float = TOP - NAME_GAP
    for i in order:
        moved[i] = lowest = max(places[i], lowest + NAME_GAP)
    highest: float = BOTTOM + NAME_GAP
    for i in reversed(order):
        moved[i] = highest = min(moved[i], highest - NAME_GAP)
    return [round(place, 1) for place in moved]


def _draw(axes: Any, curves: Curves, *, colours: Sequence[str]) -> None:
    """One picture: each series with its band, trivial predictors dashed and named at their ends."""
    ticks = [math.log2(1 + k) for k in curves.counts]
    for curve in curves.curves:
        label: str | None = curve.label
        for run in _runs(curve.points):
            x = [math.log2(1 + k) for k, _, _ in run]
            ends = [_ends(estimate, value) for _, estimate, value in run]
            colour = colours[curve.index]
            axes.fill_between(x, *zip(*ends, strict=True), color=colour, alpha=0.18, linewidth=0)
            axes.plot(x, [value for _, _, value in run], "o-", color=colour, markersize=3.5, label=label)
            label = None
    height = _nice_ticks(curves)
    low, high = height[0], height[-1]
    scale = (BOTTOM - TOP) / (high - low)
    named = _apart([BOTTOM - scale * (line[-1][1] - low) for _, line in curves.baselines])
    for (label, line), place in zip(curves.baselines, named, strict=True):
        x = [math.log2(1 + k) for k, _ in line]
        axes.plot(x, [value for _, value in line], "--", color=REFERENCE[0], linewidth=1)
        axes.annotate(
            label,
            (x[-1], line[-1][1]),
            xytext=(ticks[-1] * 1.05, low + (BOTTOM - place) / scale),
            va="center",
            fontsize=7.5,
            color=REFERENCE[0],
            annotation_clip=False,
            parse_math=False,
            arrowprops={
                "arrowstyle": "-",
                "color": REFERENCE[0],
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )
    shown = _with_room([
        (f"{k:,}", (RIGHT - LEFT) * x / ticks[-1]) for k, x in zip(curves.counts, ticks, strict=True)
    ])
    texts = {text for text, _ in shown}
    axes.set_xticks(ticks, [f"{k:,}" if f"{k:,}" in texts else "" for k in curves.counts])
    axes.set_ylim(low, high)
    axes.set_title(curves.heading, fontsize=9, loc="left", parse_math=False)
    axes.set_xlabel(X_LABEL, fontsize=8.5)
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
