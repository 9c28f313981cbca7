"""The table of estimates for the terminal and for Markdown."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import chain, groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from pluralign.reports.content import Series
from pluralign.reports.rows import Row, estimate_rows, interval_note


def estimates_table(series: Sequence[Series], *, title: str = "", width: int = 100) -> Table:
    """Make the table of estimates for the terminal.

    Args:
        series: The series side by side.
        title: Printed above.
        width: Columns of the terminal; where the rows are wider, intervals go on a line of their own.
    """
    rows = estimate_rows(series)
    table = _table(rows, title=title, between=" ")
    console = Console(width=10 * width)
    if Measurement.get(console, console.options, table).maximum > width:
        table = _table(rows, title=title, between="\n")
    return table


def as_markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; empty where there are none."""
    if not rows:
        return ""
    header = ["Metric", "Over", *_labels(rows), "n", "Unscored"]
    lines = [header, ["---", "---", *["---:"] * (len(header) - 3), "---"]]
    for row in rows:
        metric = f"{row.metric} {row.arrow} ({row.unit})"
        lines.append([metric, row.slice, *_cells(row, between=" "), row.n, row.unscored])
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines) + "\n"


def _table(rows: Sequence[Row], *, title: str, between: str) -> Table:
    # Text, not str: a label with square brackets is no markup.
    table = Table(
        title=Text(title) if title else None,
        caption=_caption(rows),
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        min_width=60,  # the caption is wrapped to the width of the table
        padding=0,
    )
    # Widths are fixed, so that rich neither breaks a number in two nor cuts a column off; labels may wrap.
    names = [*(f"  {row.slice}" for row in rows), *(word for row in rows for word in row.metric.split())]
    table.add_column("", width=_longest(names))
    for i, label in enumerate(_labels(rows)):
        cells = chain.from_iterable(_cells(row, between=between)[i].split("\n") for row in rows)
        table.add_column(Text(label), justify="right", width=_longest([*cells, *label.split()]))
    table.add_column("n", justify="right", width=_longest(row.n for row in rows))
    for _, group in groupby(rows, key=lambda row: row.name):
        for i, row in enumerate(group):
            if i == 0:
                table.add_row(Text(f"{row.metric} {row.arrow} ({row.unit})", style="bold"))
            cells_of_row = [Text(cell) for cell in _cells(row, between=between)]
            table.add_row(Text(f"  {row.slice}"), *cells_of_row, Text(row.n))
        table.add_section()
    return table


def _longest(texts: Iterable[str]) -> int:
    return max(map(len, texts), default=0)


def _caption(rows: Sequence[Row]) -> Text:
    """What the arrows and intervals mean and, in red, what could not be scored: each loss once."""
    caption = Text(". ".join(filter(None, ["↓ lower is better, ↑ higher is better", interval_note(rows)])))
    for loss in dict.fromkeys(f"{row.slice}: {row.unscored}" for row in rows if row.unscored):
        caption.append(f"\nnot scored, {loss}", style="red")
    return caption


def _labels(rows: Sequence[Row]) -> list[str]:
    return [label for label, _ in (*rows[0].series, *rows[0].references)] if rows else []


def _cells(row: Row, *, between: str) -> list[str]:
    """The row's numbers as text; `between` stands between a value and its interval."""
    return [
        between.join(filter(None, [cell.number, cell.bracket])) for _, cell in (*row.series, *row.references)
    ]


def _escaped(text: str) -> str:
    return " ".join(escape(text, quote=False).replace("|", "\\|").split())
