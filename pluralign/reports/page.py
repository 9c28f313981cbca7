"""A report as one HTML page that needs nothing else: no network, no script, no font."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from pluralign.files import write_whole
from pluralign.records import Answer, Outcome
from pluralign.reports import panels, rows
from pluralign.reports.content import Report, Section
from pluralign.reports.palette import REFERENCE, series_colours

# Of a block, this many panels are open, and this many are on the page at all: it must stay small enough to open.
N_OPEN_PANELS, N_PANELS = 4, 60


def render_page(report: Report) -> str:
    """Make the page; the same report gives the same text."""
    page = _environment().get_template("page.html.jinja")
    text = page.render(
        report=report,
        sections=[_section_view(section) for section in report.sections],
        reference_colour=REFERENCE,
        n_open_panels=N_OPEN_PANELS,
        n_panels=N_PANELS,
    )
    return f"{text.strip()}\n"


def write_page(report: Report, path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        StorageError: It cannot be written.
    """
    write_whole(path, render_page(report).encode())


def percent(probability: float) -> str:
    """A probability as whole percent; "<1" and ">99" where rounding would say never or always."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{100 * probability:.0f}%"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pluralign.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": rows.number,
        "people": _people,
        "draws": _draws,
        "sentence": rows.comparison_sentence,
        "verdict": rows.verdict,
    }
    return environment


def _section_view(section: Section) -> dict[str, object]:
    """What the template shows of a section, beside the section itself."""
    table = rows.estimate_rows(section.series)
    return {
        "section": section,
        "colours": series_colours(len(section.series)),
        "metrics": [
            (of_metric, _strips(of_metric))
            for _, group in groupby(table, key=lambda row: row.name)
            if (of_metric := list(group))
        ],
        "interval_note": rows.interval_note(table),
        "blocks": panels.blocks(section),
    }


def _strips(of_metric: Sequence[rows.Row]) -> list[dict[str, object]]:
    """For each row, where its numbers lie on a scale common to the metric, in percent of the strip's width."""
    cells = [cell for row in of_metric for _, cell in (*row.series, *row.references)]
    ends = [end for cell in cells if cell.interval for end in (cell.interval.low, cell.interval.high)]
    values = [0.0, *(cell.value for cell in cells if cell.value is not None), *ends]
    low, high = min(values), max(values)

    def place(value: float) -> float:
        # 2 to 98: a dot at either end is not cut off.
        return round(2 + 96 * (value - low) / ((high - low) or 1), 2)

    return [
        {
            "series": [_dot(cell, place) for _, cell in row.series],
            "references": [
                (label, place(cell.value)) for label, cell in row.references if cell.value is not None
            ],
        }
        for row in of_metric
    ]


def _dot(cell: rows.Cell, place: Callable[[float], float]) -> dict[str, float] | None:
    if cell.value is None:
        return None
    low, high = (cell.interval.low, cell.interval.high) if cell.interval else (cell.value, cell.value)
    return {"low": place(low), "value": place(cell.value), "high": place(high)}


def _people(n: float) -> str:
    """A number of people: whole where it is, with one decimal where survey weights apply."""
    return f"{n:,.0f}" if n == int(n) else f"{n:,.1f}"


def _draws(answer: Answer) -> str:
    """How many draws a distribution rests on and what became of the others; empty where it is exact."""
    lost = [f"{n} {outcome.value}" for outcome, n in answer.counts.items() if n and outcome is not Outcome.OK]
    return ", ".join([str(answer.n_draws), *lost]) if answer.n_draws else ", ".join(lost)
