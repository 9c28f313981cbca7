"""A handful of questions as one figure, for papers and READMEs."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any

import numpy as np

from pluralign.errors import ConfigurationError, DataError, require
from pluralign.files import write_whole
from pluralign.reports.content import Report, Section
from pluralign.reports.palette import REFERENCE, series_colours
from pluralign.reports.panels import Panel, blocks

FORMATS = ("png", "svg", "pdf")
REFERENCE_LABEL = "people, or the exact truth"


def save_figure(report: Report, path: Path, *, n_panels: int = 6, dpi: int = 160) -> None:
    """Draw people, or the exact truth, beside every series for a few questions.

    Of each section's panels, sorted by error, it takes evenly spaced ones: neither the best nor the worst only.

    Args:
        report: What was measured.
        path: Its ending says the format: .png, .svg or .pdf.
        n_panels: Panels in all, at least one a section that has any.
        dpi: Dots per inch of a PNG.

    Raises:
        DataError: No question has a panel.
        ConfigurationError: Another ending.
        MissingExtraError: matplotlib is not installed.
        StorageError: The file cannot be written.
    """
    chosen = _choose(report, n_panels)
    if not chosen:
        raise DataError(f"{path}: no panel to draw; single people have none.")
    n_rows = -(-len(chosen) // 2)
    figure = blank_figure(path, size=(9, 0.5 + 2.9 * n_rows))
    for axes, (section, panel) in zip(figure.subplots(n_rows, 2, squeeze=False).flat, chosen, strict=False):
        _draw(axes, panel, colours=[light for light, _ in series_colours(len(section.series))])
    for axes in figure.axes[len(chosen) :]:
        axes.set_axis_off()
    add_legend(figure)
    write_figure(figure, path, dpi=dpi)


def blank_figure(path: Path, *, size: tuple[float, float]) -> Any:
    """A matplotlib figure to be saved under `path`.

    Args:
        path: Where it will be written.
        size: Width and height in inches.

    Raises:
        ConfigurationError: Its ending is none of `FORMATS`.
        MissingExtraError: matplotlib is not installed.
    """
    if _format(path) not in FORMATS:
        raise ConfigurationError(
            f"{path}: a figure is saved as {', '.join(FORMATS)}, not as {path.suffix!r}."
        )
    # A Figure of its own, without pyplot: no global state, no window, the Agg canvas for PNG.
    return require("matplotlib.figure", extra="plot").Figure(figsize=size, layout="constrained")


def write_figure(figure: Any, path: Path, *, dpi: int) -> None:
    """Write a figure in the format that the path's ending says, whole or not at all.

    Raises:
        StorageError: The file cannot be written.
    """
    file_format = _format(path)
    content = BytesIO()
    # No date in the file: equal input gives an equal picture.
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.savefig(content, format=file_format, dpi=dpi, metadata=dates.get(file_format))
    write_whole(path, content.getvalue())


def _format(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


def _choose(report: Report, n_panels: int) -> list[tuple[Section, Panel]]:
    chosen = []
    for section in report.sections:
        if not isinstance(section, Section):
            continue
        panels = [panel for block in blocks(section) for panel in block.panels]
        panels.sort(key=lambda panel: -(panel.error or 0.0))
        n = min(len(panels), max(1, n_panels // len(report.sections)))
        chosen += [(section, panels[int((i + 0.5) * len(panels) / n)]) for i in range(n)]
    return chosen


def _draw(axes: Any, panel: Panel, *, colours: Sequence[str]) -> None:
    """One panel: for each option a bar for the people and one for each series."""
    bars: list[tuple[str, tuple[float, ...] | None, str]]
    bars = [(REFERENCE_LABEL, panel.reference, REFERENCE[0])] if panel.reference else []
    bars += [
        (column.label, column.probabilities, colour)
        for column, colour in zip(panel.columns, colours, strict=True)
    ]
    places = np.arange(len(panel.options))
    height = 0.8 / max(len(bars), 1)
    for i, (label, probabilities, colour) in enumerate(bars):
        # Without a distribution no bar is drawn, but the series stays in the legend.
        shares = [100 * p for p in probabilities] if probabilities else [np.nan] * len(places)
        axes.barh(places - 0.4 + (i + 0.5) * height, shares, height=0.85 * height, color=colour, label=label)
    # parse_math off: a dollar sign in a question is a dollar sign.
    whom = panel.subtitle or (panel.title if panel.title != panel.question else "")
    title = [*wrap(shorten(panel.question, 150, placeholder=" …"), 42), *wrap(whom, 42)]
    axes.set_title("\n".join(title), fontsize=8.5, loc="left", parse_math=False)
    options = ["\n".join(wrap(shorten(option.text, 60, placeholder=" …"), 26)) for option in panel.options]
    axes.set_yticks(places, options, fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, 100 * panel.scale)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.tick_params(axis="y", length=0)
    missing = [f"{column.label}: {column.note}" for column in panel.columns if column.note]
    axes.set_xlabel("\n".join(["percent", *missing]), fontsize=7.5, parse_math=False)
    axes.spines[["top", "right", "left"]].set_visible(False)


def add_legend(figure: Any) -> None:
    """One legend below all panels of a figure, each label once."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    legend = figure.legend(
        list(found.values()), list(found), loc="outside lower center", ncols=4, fontsize=8.5, frameon=False
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
