"""Predicted against real differences between groups, with the slope through the origin.

Where the slope is 1 the model moves as far as people do, where it is 0 it ignores the groups, and above 1 it
makes a caricature of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import DataError
from pluralign.records import Contrast, Question, QuestionSet
from pluralign.reports.figure import add_legend, blank_figure, write_figure
from pluralign.reports.labels import pair_label
from pluralign.reports.palette import ACCENT, REFERENCE
from pluralign.reports.rows import MINUS, number

# More pairs than that share one plot.
N_PAIRS = 4
# More differences than that are drawn as squares, darker where more of them lie.
N_DOTS = 150
# Of a hover title, so many characters are the question's.
N_CHARACTERS = 120
# The axes of all pairs end at the smallest of these that holds every difference.
LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
# In units of the drawing. An odd number of squares, so that one is centred at the origin.
LEFT, TOP, SQUARE, N_SQUARES = 50, 8, 7, 41
SIDE = SQUARE * N_SQUARES
WIDTH, HEIGHT = LEFT + SIDE + 8, TOP + SIDE + 40
FRAME = {"left": LEFT, "top": TOP, "side": SIDE, "width": WIDTH, "height": HEIGHT}
N_LEVELS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dot:
    """One option of one question.

    Attributes:
        x: Place of the difference among people, in units of the drawing.
        y: Place of the predicted difference.
        title: What it is, in words.
    """

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class ContrastPlot:
    """The differences of one pair of groups, or of all pairs.

    Attributes:
        title: The pair, or how many pairs there are.
        description: What is drawn and found, in words.
        n_questions: Questions behind it.
        n_points: Differences, one for each option: the slope is fitted on all of them.
        limit: Both axes go from minus this to this.
        slope: <predicted, people> / <people, people>; None where people do not differ.
        line: Ends x1, y1, x2, y2 of the fitted line; None without a slope.
        dots: Each difference; empty where they are too many.
        squares: Outlines of the squares that hold differences, one path a level, fewest first; empty beside dots.
        n_fullest: Differences in the fullest square; 0 beside dots.
        x_ticks: (number, place) along the lower edge.
        y_ticks: (number, place) along the left edge.
    """

    title: str
    description: str
    n_questions: int
    n_points: int
    limit: float
    slope: float | None
    line: tuple[float, float, float, float] | None
    dots: tuple[Dot, ...]
    squares: tuple[str, ...]
    n_fullest: int
    x_ticks: tuple[tuple[str, float], ...]
    y_ticks: tuple[tuple[str, float], ...]


def contrast_plots(contrasts: Sequence[Contrast], questions: QuestionSet) -> list[ContrastPlot]:
    """One plot for each pair of groups, or one of all pairs where these are many; none without contrasts.

    Args:
        contrasts: Predicted and real differences.
        questions: What was asked: for the words of a single difference.
    """
    asked = {question.id: question for question in questions.questions}
    limit = _limit(contrasts)
    return [_plot(title, alike, limit=limit, asked=asked) for title, alike in _by_pair(contrasts).items()]


def save_contrast_figure(contrasts: Sequence[Contrast], path: Path, *, dpi: int = 160) -> None:
    """Draw predicted against real differences, one picture a pair or one of all pairs where these are many.

    Args:
        contrasts: At least one.
        path: Its ending says the format: .png, .svg or .pdf.
        dpi: Dots per inch of a PNG.

    Raises:
        DataError: There are no contrasts.
        ConfigurationError: Another ending.
        MissingExtraError: matplotlib is not installed.
        StorageError: The file cannot be written.
    """
    if not contrasts:
        raise DataError(f"{path}: there are no contrasts to draw; only an evaluation of two groups has them.")
    pairs, limit = _by_pair(contrasts), _limit(contrasts)
    n_columns = min(len(pairs), 2)
    n_rows = -(-len(pairs) // n_columns)
    figure = blank_figure(path, size=(4.4 * n_columns, 0.4 + 4.7 * n_rows))
    all_axes = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axes, (title, alike) in zip(all_axes, pairs.items(), strict=False):
        _draw(axes, title, alike, limit=limit)
    for axes in all_axes[len(pairs) :]:
        axes.set_axis_off()
    add_legend(figure)
    write_figure(figure, path, dpi=dpi)


def fitted_slope(people: Array, predicted: Array) -> float | None:
    """Slope of predicted on real differences through the origin, <predicted, people> / <people, people>.

    Args:
        people: Real differences, (N,).
        predicted: Predicted ones, (N,).

    Returns:
        The slope; None where all real differences are zero.
    """
    squared = float(people @ people)
    return float(people @ predicted) / squared if squared > 0 else None


def line_ends(slope: float, limit: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a line through the origin enters and leaves the square from minus `limit` to `limit`."""
    x = limit if abs(slope) <= 1 else limit / abs(slope)
    return (-x, -slope * x), (x, slope * x)


def _by_pair(contrasts: Sequence[Contrast]) -> dict[str, Sequence[Contrast]]:
    """Title -> contrasts: those of each pair, or all."""
    pairs: dict[tuple[str, str], list[Contrast]] = {}
    for contrast in contrasts:
        pairs.setdefault((contrast.first, contrast.second), []).append(contrast)
    if len(pairs) > N_PAIRS:
        return {f"All {len(pairs):,} pairs of groups": contrasts}
    return {pair_label(*pair): alike for pair, alike in pairs.items()}


def _stacked(contrasts: Sequence[Contrast]) -> tuple[Array, Array]:
    """Real and predicted differences of all questions and options, (N,) each."""
    people = np.array([value for contrast in contrasts for value in contrast.people], dtype=np.float64)
    predicted = np.array([value for contrast in contrasts for value in contrast.predicted], dtype=np.float64)
    return people, predicted


def _limit(contrasts: Sequence[Contrast]) -> float:
    highest = float(np.abs(np.concatenate(_stacked(contrasts))).max(initial=0.0))
    return next((limit for limit in LIMITS if highest <= limit), LIMITS[-1])


def _plot(
    title: str, contrasts: Sequence[Contrast], *, limit: float, asked: Mapping[str, Question]
) -> ContrastPlot:
    people, predicted = _stacked(contrasts)
    slope = fitted_slope(people, predicted)
    n_questions = _n_questions(contrasts)
    line = None
    if slope is not None:
        (x1, y1), (x2, y2) = line_ends(slope, limit)
        line = (_across(x1, limit), _up(y1, limit), _across(x2, limit), _up(y2, limit))
    dots: tuple[Dot, ...] = ()
    squares: tuple[str, ...] = ()
    n_fullest = 0
    if len(people) <= N_DOTS:
        dots = tuple(
            dot for contrast in contrasts for dot in _dots(contrast, asked[contrast.question_id], limit)
        )
    else:
        squares, n_fullest = _squares(people, predicted, limit)
    ends = (-limit, -limit / 2, 0.0, limit / 2, limit)
    return ContrastPlot(
        title=title,
        description=_description(slope, n_points=len(people), n_questions=n_questions),
        n_questions=n_questions,
        n_points=len(people),
        limit=limit,
        slope=slope,
        line=line,
        dots=dots,
        squares=squares,
        n_fullest=n_fullest,
        x_ticks=tuple((_tick(end), _across(end, limit)) for end in ends),
        y_ticks=tuple((_tick(end), _up(end, limit)) for end in ends),
    )


def _description(slope: float | None, *, n_points: int, n_questions: int) -> str:
    found = (
        "The people of the groups do not differ, so that there is no slope."
        if slope is None
        else f"The slope through the origin is {number(slope)}: 1 is faithful, 0 ignores the groups, above 1 is a "
        "caricature."
    )
    return (
        f"{n_points:,} differences, one for each option of {n_questions:,} questions: across, between the people of "
        f"two groups; up, between the model's answers for them. {found}"
    )


def _dots(contrast: Contrast, question: Question, limit: float) -> list[Dot]:
    words = shorten(question.text, N_CHARACTERS, placeholder=" …")
    pair = pair_label(contrast.first, contrast.second)
    return [
        Dot(
            x=_across(people, limit),
            y=_up(predicted, limit),
            title=f"{words} {option.text} ({pair}): people {_signed(people)}, predicted {_signed(predicted)}",
        )
        for option, people, predicted in zip(
            question.options, contrast.people, contrast.predicted, strict=True
        )
    ]


def _squares(people: Array, predicted: Array, limit: float) -> tuple[tuple[str, ...], int]:
    """The paths of each level of density, on a scale of logarithms, and the number in the fullest square."""
    columns, rows = _square(people, limit), _square(-predicted, limit)
    places, counts = np.unique(columns + N_SQUARES * rows, return_counts=True)
    fullest = int(counts.max())
    levels = np.ceil(N_LEVELS * np.log1p(counts) / np.log1p(fullest)).astype(int) - 1
    paths = [""] * N_LEVELS
    for place, level in zip(places.tolist(), levels.tolist(), strict=True):
        row, column = divmod(place, N_SQUARES)
        paths[level] += f"M{LEFT + SQUARE * column} {TOP + SQUARE * row}h{SQUARE}v{SQUARE}h-{SQUARE}z"
    return tuple(paths), fullest


def _square(values: Array, limit: float) -> NDArray[np.int64]:
    """Which square from minus the limit on each value lies in."""
    places = np.floor((values + limit) / (2 * limit) * N_SQUARES).astype(np.int64)
    return np.clip(places, 0, N_SQUARES - 1)


def _across(value: float, limit: float) -> float:
    return round(LEFT + SIDE * (value + limit) / (2 * limit), 1)


def _up(value: float, limit: float) -> float:
    return round(TOP + SIDE * (limit - value) / (2 * limit), 1)


def _tick(value: float) -> str:
    return f"{value + 0.0:g}".replace("-", MINUS)


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", MINUS)


def _n_questions(contrasts: Sequence[Contrast]) -> int:
    return len({contrast.question_id for contrast in contrasts})


def _draw(axes: Any, title: str, contrasts: Sequence[Contrast], *, limit: float) -> None:
    """One picture: the differences, the fitted line, and what faithful and ignoring would be."""
    people, predicted = _stacked(contrasts)
    slope = fitted_slope(people, predicted)
    if len(people) <= N_DOTS:
        axes.scatter(people, predicted, s=16, color=ACCENT[0], alpha=0.65, linewidths=0, zorder=2)
    else:
        edges = np.linspace(-limit, limit, N_SQUARES + 1)
        counts, _, _ = np.histogram2d(people, predicted, bins=(edges, edges))
        # Empty squares stay white; the lightest colour begins below 0, so that one difference can be seen.
        shades = np.ma.masked_equal(np.log1p(counts.T), 0)
        colours = _shades()
        axes.pcolormesh(edges, edges, shades, cmap=colours, vmin=0, rasterized=True, zorder=1)
    ends = np.array([-limit, limit])
    axes.plot(ends, ends, "--", color=REFERENCE[0], linewidth=1.2, label="faithful: slope 1", zorder=3)
    axes.axhline(0, color=REFERENCE[0], linewidth=1.0, label="ignored: slope 0", zorder=3)
    if slope is not None:
        (x1, y1), (x2, y2) = line_ends(slope, limit)
        axes.plot([x1, x2], [y1, y2], color="black", linewidth=2, label="fitted", zorder=4)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(-limit, limit)
    axes.set_aspect("equal")
    found = "people do not differ" if slope is None else f"slope {number(slope)}"
    size = f"{found}; {len(people):,} differences, {_n_questions(contrasts):,} questions"
    axes.set_title(f"{title}\n{size}", fontsize=9, loc="left", parse_math=False)
    axes.set_xlabel("difference among people", fontsize=8.5)
    axes.set_ylabel("difference predicted", fontsize=8.5)
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)


def _shades() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("differences", ["#dcecea", ACCENT[0]])
