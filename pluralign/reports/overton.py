"""Responses to windows: each sentence with the views that it states or denies, and what is missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pluralign.errors import DataError, did_you_mean
from pluralign.records import Comparison, Estimate, Outcome, Response, Viewpoint, Window, WindowSet
from pluralign.reports.content import Series
from pluralign.reports.curves import (
    BOTTOM,
    FRAME,
    LEFT,
    RIGHT,
    TOP,
    Baseline,
    Curve,
    CurvePlot,
    Curves,
    Mark,
    Trace,
)
from pluralign.reports.labels import metric_label
from pluralign.reports.rows import ARROWS, DIRECTIONS, bracket, number

UNION, SAMPLES = "union_coverage", "samples"
UNION_FRAME = {**FRAME, "x_label": "answers to the same question"}
# Of a section, so many windows are open and so many are shown; of a window, so many responses of each series.
N_OPEN_WINDOWS, N_WINDOWS, N_RESPONSES = 3, 60, 3
# (on white, on dark); red is left to what is denied. The numbers beside them tell views apart without
# colours.
HUES = (
    ("#2f64a5", "#8ab4f0"),
    ("#a65200", "#f0a050"),
    ("#2d7a3a", "#7fcf8a"),
    ("#8a3b8f", "#d39ae0"),
    ("#0b7285", "#6fd0e0"),
    ("#756500", "#d8c860"),
    ("#b02e66", "#f29ac0"),
    ("#7b5136", "#d2a98a"),
)

_TOKEN = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class MarkedSentence:
    """A sentence with the views that it states and denies, by their place in the window, clearest first."""

    text: str
    states: tuple[int, ...] = ()
    denies: tuple[int, ...] = ()


@dataclass(frozen=True)
class MarkedResponse:
    """A response with what the judge found in it.

    Attributes:
        label: Label of the series to which it belongs.
        response: The response.
        sentences: Its sentences, in order.
        covered: Places of the views that it covers: those that a sentence states, and those that only the
            whole response states where that counts.
        unscored: Why it was not scored; empty where it was.
    """

    label: str
    response: Response
    sentences: tuple[MarkedSentence, ...] = ()
    covered: tuple[int, ...] = ()
    unscored: str = ""


@dataclass(frozen=True)
class MarkedWindow:
    """A window with responses to it, in order of series and draw."""

    window: Window
    responses: tuple[MarkedResponse, ...] = ()


@dataclass(frozen=True)
class OvertonSection:
    """One set of windows with everything measured on it.

    Attributes:
        title: Heading.
        windows: What was asked.
        series: In order of measurement, without answers; the last one decides the order of the windows.
        responses: Windows of the set with responses of these series.
        comparisons: Paired differences between these series.
        readings: What the numbers say, one sentence each: shown first.
    """

    title: str
    windows: WindowSet
    series: tuple[Series, ...]
    responses: tuple[MarkedWindow, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    readings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that everything shown is of these windows and series.

        Raises:
            DataError: A response of an unknown window or series, a view that is not there, or a comparison of an
                unknown series.
        """
        labels = [series.label for series in self.series]
        known = {window.id: window for window in self.windows.windows}
        named = [label for each in self.comparisons for label in (each.first, each.second)]
        named += [response.label for marked in self.responses for response in marked.responses]
        for label in named:
            if label not in labels:
                raise DataError(
                    f"{self.title!r} shows the unknown series {label!r}.{did_you_mean(label, labels)}"
                )
        for marked in self.responses:
            if known.get(marked.window.id) != marked.window:
                where = did_you_mean(marked.window.id, known)
                raise DataError(f"{self.title!r} shows the unknown window {marked.window.id!r}.{where}")
            for response in marked.responses:
                _check_places(response, marked.window)

    @property
    def asked(self) -> str:
        """What was asked, and where the views come from, in words."""
        n, n_views = len(self.windows.windows), sum(len(each.viewpoints) for each in self.windows.windows)
        count = f"{n:,} question{'' if n == 1 else 's'} with {n_views:,} view{'' if n_views == 1 else 's'}"
        parts = [count, self.windows.made, self.windows.source]
        return ". ".join(part.rstrip(".") for part in parts if part)


@dataclass(frozen=True)
class Piece:
    """A part of a response as it is shown.

    Attributes:
        text: Word for word.
        states: Numbers, from 1, of the views that it states.
        denies: Numbers of the views that it denies.
        hue: Which of `HUES` it is marked with; None for what is not marked.
    """

    text: str
    states: tuple[int, ...] = ()
    denies: tuple[int, ...] = ()
    hue: int | None = None


@dataclass(frozen=True)
class Found:
    """What the responses of one series, all of them, say of a view.

    Attributes:
        n_stated: Number that state it.
        n_denied: Number that deny it and do not state it.
        n_scored: Number that were scored.
    """

    n_stated: int
    n_denied: int
    n_scored: int


@dataclass(frozen=True)
class View:
    """One view as it is shown beside the responses.

    Attributes:
        number: Its number in the window, from 1.
        text: Its most typical statement.
        others: Its further statements.
        share: Share of people who hold it; None where nobody was counted.
        hue: Which of `HUES` it has.
        found: For each series what its responses say of it.
    """

    number: int
    text: str
    others: tuple[str, ...]
    share: float | None
    hue: int
    found: tuple[Found, ...]

    @property
    def is_missing(self) -> bool:
        """Whether no response states it, though some were scored."""
        return any(each.n_scored for each in self.found) and not any(each.n_stated for each in self.found)


@dataclass(frozen=True)
class Shown:
    """A response as it is shown.

    Attributes:
        name: The series and, of several, the draw.
        note: What became of it, where it is not whole.
        pieces: Its text.
        n_covered: Number of views that it covers; None where it was not scored.
        missing: The views that it does not state, those of most people first.
    """

    name: str
    note: str
    pieces: tuple[Piece, ...]
    n_covered: int | None
    missing: tuple[View, ...]


@dataclass(frozen=True)
class WindowView:
    """A window as it is shown.

    Attributes:
        title: The question.
        n_people: Number of people behind it; None where nobody was counted.
        labels: The series that answered.
        views: In the window's order.
        responses: At most `N_RESPONSES` of each series.
        n_left_out: Number of further responses.
    """

    title: str
    n_people: int | None
    labels: tuple[str, ...]
    views: tuple[View, ...]
    responses: tuple[Shown, ...]
    n_left_out: int


def window_views(section: OvertonSection) -> list[WindowView]:
    """The windows that are shown, those of which the last series covers least first."""
    last = section.series[-1].label if section.series else ""
    ranked = sorted(
        (each for each in section.responses if each.responses), key=lambda each: _share_covered(each, last)
    )
    return [_window_view(each) for each in ranked[:N_WINDOWS]]


def table_series(series: Sequence[Series]) -> list[Series]:
    """The series for the headline table: of the union only the ends, as the curve shows it all."""
    return [
        replace(
            each,
            estimates=tuple(one for one in each.estimates if one.name != UNION or one.slice in _ends(each)),
        )
        for each in series
    ]


def union_plots(series: Sequence[Series]) -> list[CurvePlot]:
    """The drawing of coverage against the number of answers; none without two numbers of answers."""
    curves = [
        Curve(each.label, index, points)
        for index, each in enumerate(series)
        if len(points := _union(each)) > 1
    ]
    if not curves:
        return []
    counts = tuple(sorted({n for curve in curves for n, _ in curve.points}))

    def across(n: int) -> float:
        return round(LEFT + (RIGHT - LEFT) * (n - 1) / (counts[-1] - 1), 1)

    arrow = ARROWS[False]
    heading = f"{metric_label(UNION)} (probability, {arrow} {DIRECTIONS[arrow]})"
    steps = range(0, 6)
    return [
        CurvePlot(
            curves=Curves(UNION, heading, counts, tuple(curves), ()),
            description=_description(curves),
            traces=tuple(
                Trace(
                    curve.index,
                    lines=(" ".join(f"{across(n):g},{_up(one.value or 0.0):g}" for n, one in curve.points),),
                    bands=_band(curve, across=[across(n) for n, _ in curve.points]),
                    marks=tuple(
                        Mark(across(n), _up(one.value or 0.0), _title(curve.label, one, n=n))
                        for n, one in curve.points
                    ),
                )
                for curve in curves
            ),
            baselines=_baselines(curves, across=[across(n) for n in counts]),
            x_ticks=tuple((f"{n:,}", across(n)) for n in _few(counts)),
            y_ticks=tuple((f"{step / 5:.1f}", _up(step / 5)) for step in steps),
        )
    ]


def _check_places(response: MarkedResponse, window: Window) -> None:
    n_views = len(window.viewpoints)
    places = [*response.covered, *(i for each in response.sentences for i in (*each.states, *each.denies))]
    for place in places:
        if not 0 <= place < n_views:
            raise DataError(
                f"A response to window {window.id!r} is marked with view {place + 1}; the window has {n_views}."
            )


def _share_covered(marked: MarkedWindow, label: str) -> float:
    """Mean share of views that a series' responses cover; below 0, to come first, where none was scored."""
    scored = [each for each in marked.responses if each.label == label and not each.unscored]
    if not scored:
        return -1.0
    return sum(len(each.covered) for each in scored) / len(scored) / len(marked.window.viewpoints)


def _window_view(marked: MarkedWindow) -> WindowView:
    labels = list(dict.fromkeys(each.label for each in marked.responses))
    by_label = {label: [each for each in marked.responses if each.label == label] for label in labels}
    shown = [each for label in labels for each in by_label[label][:N_RESPONSES]]
    views = tuple(
        _view(place, viewpoint, responses=list(by_label.values()))
        for place, viewpoint in enumerate(marked.window.viewpoints)
    )
    return WindowView(
        title=marked.window.prompt,
        n_people=marked.window.n_people,
        labels=tuple(labels),
        views=views,
        responses=tuple(_shown(each, views, is_one=len(by_label[each.label]) == 1) for each in shown),
        n_left_out=len(marked.responses) - len(shown),
    )


def _view(place: int, viewpoint: Viewpoint, *, responses: Sequence[Sequence[MarkedResponse]]) -> View:
    first, *others = viewpoint.statements
    return View(
        number=place + 1,
        text=first,
        others=tuple(others),
        share=viewpoint.share,
        hue=place % len(HUES),
        found=tuple(_found(place, of_series) for of_series in responses),
    )


def _found(place: int, responses: Sequence[MarkedResponse]) -> Found:
    scored = [each for each in responses if not each.unscored]
    silent = [each for each in scored if place not in each.covered]
    denied = [each for each in silent if any(place in sentence.denies for sentence in each.sentences)]
    return Found(n_stated=len(scored) - len(silent), n_denied=len(denied), n_scored=len(scored))


def _shown(marked: MarkedResponse, views: Sequence[View], *, is_one: bool) -> Shown:
    response = marked.response
    notes = [f"not scored: {marked.unscored}"] if marked.unscored else []
    notes += [response.error] if response.error else []
    notes += ["cut by the token limit"] if response.outcome is Outcome.TRUNCATED else []
    missing = [view for view in views if view.number - 1 not in marked.covered]
    return Shown(
        name=marked.label if is_one else f"{marked.label}, draw {response.draw + 1}",
        note="; ".join(notes),
        pieces=_pieces(response.text.strip(), marked.sentences),
        n_covered=None if marked.unscored else len(set(marked.covered)),
        missing=() if marked.unscored else tuple(sorted(missing, key=lambda view: -(view.share or 0.0))),
    )


def _pieces(text: str, sentences: Sequence[MarkedSentence]) -> tuple[Piece, ...]:
    """The response word for word, its sentences marked; sentences alone where one is not found in it."""
    pieces: list[Piece] = []
    end = 0
    for sentence in sentences:
        found = _pattern(sentence.text).search(text, end)
        if found is None:
            return tuple(_piece(f"{each.text} ", each) for each in sentences)
        pieces += [Piece(text[end : found.start()]), _piece(found[0], sentence)]
        end = found.end()
    return tuple(piece for piece in (*pieces, Piece(text[end:])) if piece.text)


def _piece(text: str, sentence: MarkedSentence) -> Piece:
    named = (*sentence.states, *sentence.denies)
    return Piece(
        text,
        states=tuple(place + 1 for place in sentence.states),
        denies=tuple(place + 1 for place in sentence.denies),
        hue=named[0] % len(HUES) if named else None,
    )


def _pattern(sentence: str) -> re.Pattern[str]:
    """A sentence in a text that may hold Markdown between its words, with the marks that close it."""
    tokens = _TOKEN.findall(sentence)
    if not tokens:
        return re.compile(re.escape(sentence))
    words = r"[\W_]+".join(map(re.escape, tokens))
    return re.compile(rf"(?<![^\W_]){words}(?![^\W_])(?:[^\w\s]|_)*")


def _union(series: Series) -> tuple[tuple[int, Estimate], ...]:
    """The union's estimates that have a value, by number of samples."""
    found = []
    for estimate in series.estimates:
        kind, _, value = estimate.slice.partition("=")
        if estimate.name == UNION and kind == SAMPLES and value.isdecimal() and estimate.value is not None:
            found.append((int(value), estimate))
    return tuple(sorted(found, key=lambda point: point[0]))


def _ends(series: Series) -> set[str]:
    """Slices of the union with the fewest and with the most samples."""
    points = _union(series)
    return {points[0][1].slice, points[-1][1].slice} if points else set()


def _up(value: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value, 1)


def _band(curve: Curve, *, across: Sequence[float]) -> tuple[str, ...]:
    """Outline of the intervals; none where a point has none."""
    ends = [one.interval for _, one in curve.points if one.interval]
    if len(ends) < len(curve.points):
        return ()
    above = [f"{x:g},{_up(end.high):g}" for x, end in zip(across, ends, strict=True)]
    below = [f"{x:g},{_up(end.low):g}" for x, end in zip(across, ends, strict=True)]
    return (" ".join([*above, *reversed(below)]),)


def _baselines(curves: Sequence[Curve], *, across: Sequence[float]) -> tuple[Baseline, ...]:
    """Trivial predictors of the series with the most samples; one that is always 0 is the lower edge."""
    longest = max(curves, key=lambda curve: len(curve.points))
    names = dict.fromkeys(name for _, one in longest.points for name in one.baselines)
    drawn = []
    for name in names:
        values = [one.baselines[name] for _, one in longest.points if name in one.baselines]
        if len(values) == len(across) and any(values):
            line = " ".join(f"{x:g},{_up(value):g}" for x, value in zip(across, values, strict=True))
            drawn.append(Baseline(name, line, end=_up(values[-1]), name=_up(values[-1])))
    return tuple(drawn)


def _few(counts: Sequence[int]) -> list[int]:
    """Numbers for the lower edge, at most eleven of them, the first and the last among them."""
    step = -(-len(counts) // 10)
    kept = [*counts[:-1:step], counts[-1]]
    return kept if kept[-1] - kept[-2] >= step or len(kept) < 3 else [*kept[:-2], kept[-1]]


def _title(label: str, estimate: Estimate, *, n: int) -> str:
    interval = f" {bracket(estimate.interval)}" if estimate.interval else ""
    return f"{label}, {n:,} answer{'' if n == 1 else 's'}: {number(estimate.value or 0.0)}{interval}"


def _description(curves: Sequence[Curve]) -> str:
    ends = [(curve.label, curve.points[0], curve.points[-1]) for curve in curves]
    said = [
        f"{label}: {number(first[1].value or 0.0)} of the views in one answer, "
        f"{number(last[1].value or 0.0)} in any of {last[0]:,}"
        for label, first, last in ends
    ]
    return f"{'; '.join(said)}."
