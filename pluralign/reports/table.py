"""The table of estimates for the terminal and for Markdown."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

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
        lines.append([metric, row.slice, *_cells(row, between=" "), row.n, "; ".join(row.unscored)])
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines) + "\n"


def _table(rows: Sequence[Row], *, title: str, between: str) -> Table:
    # Text, not str: a label with square brackets is no markup.
    caption = "; ".join(filter(None, ["↓ lower is better, ↑ higher is better", interval_note(rows)]))
    table = Table(title=Text(title) if title else None, caption=Text(caption), caption_justify="left")
    table.add_column(Text("Metric, over"))
    for label in _labels(rows):
        table.add_column(Text(label), justify="right")
    table.add_column("n", justify="right")
    for name, group in groupby(rows, key=lambda row: row.name):
        of_metric = list(group)
        first = of_metric[0]
        table.add_section()
        table.add_row(Text(f"{first.metric} {first.arrow} ({first.unit})", style="bold"))
        for row in of_metric:
            cells = [Text(cell) for cell in _cells(row, between=between)]
            table.add_row(Text(f"  {row.slice}"), *cells, Text(row.n))
            if row.unscored:
                table.add_row(Text(f"  unscored: {'; '.join(row.unscored)}", style="red"))
    return table


def _labels(rows: Sequence[Row]) -> list[str]:
    return [label for label, _ in (*rows[0].series, *rows[0].references)] if rows else []


def _cells(row: Row, *, between: str) -> list[str]:
    """The row's numbers as text; `between` stands between a value and its interval."""
    return [
        between.join(filter(None, [cell.number, cell.bracket])) for _, cell in (*row.series, *row.references)
    ]


def _escaped(text: str) -> str:
    return " ".join(escape(text, quote=False).replace("|", "\\|").split())
