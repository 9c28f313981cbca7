"""The table of estimates for the terminal and for Markdown."""

from collections import Counter
from collections.abc import Collection, Sequence
from html import escape
from itertools import groupby, product

from rich.table import Table
from rich.text import Text

from pluralign.reports.content import Series
from pluralign.reports.lines import MEASURE, UNBROKEN, Columns, indented, lines_table, longest, set_columns
from pluralign.reports.rows import DIRECTIONS, NONE, Cell, Row, estimate_rows, notes

# From so many metrics on, one that is measured as a whole only stands in a single line.
N_MANY_METRICS = 10
# What stands beside the value of these is told on request: they are many.
TOLD_ON_REQUEST = frozenset({"group", "pair", "form", "examples"})


def estimates_table(
    series: Sequence[Series], *, title: str = "", width: int = 100, every: bool = False
) -> Table:
    """Make the table of estimates for the terminal.

    Where the columns are wider than the terminal, reference values go on lines of their own below the value,
    and where that does not suffice, intervals do. Of many metrics, those that are measured as a whole only
    stand in one line each.

    Args:
        series: The series side by side.
        title: Printed above.
        width: Columns of the terminal.
        every: Whether to show all metrics, slices and groups, see `estimate_rows`.
    """
    rows = estimate_rows(series, every=every)
    alone = _alone(rows)
    headings = longest(_metric(row) for row in rows)
    layouts = [
        (beside, _columns(rows, beside=beside, between=between, alone=alone))
        for beside, between in product((True, False), (" ", "\n"))
    ]
    fitting = (layout for layout in layouts if max(layout[1].width, headings) <= width)
    beside, columns = next(fitting, layouts[-1])
    measure = max(columns.width, headings, min(width, MEASURE))
    table = lines_table(columns.heading, width=measure, title=title, caption=_caption(rows))
    was_alone = False
    for name, of_metric in groupby(zip(rows, columns.rows, strict=True), key=lambda pair: pair[0].name):
        if not (was_alone and name in alone):
            table.add_section()
        was_alone = name in alone
        for i, (row, line) in enumerate(of_metric):
            if i == 0 and name not in alone:
                table.add_row(Text(_metric(row), style="bold"))
            text = Text(line)
            if name in alone:
                text.stylize("bold", 0, len(_metric(row)))
            table.add_row(text)
            for reason in _reasons(row):
                table.add_row(Text(indented(reason, width=measure), style="red"))
            if (every or row.kind not in TOLD_ON_REQUEST) and (
                told := _beside(row, with_references=not beside)
            ):
                table.add_row(Text(indented(told, width=measure)))
    table.add_section()
    return table


def as_markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table with its notes; empty where there are none."""
    if not rows:
        return ""
    numbers = [*_labels(rows[0].series), "Score", *_labels(rows[0].references), "n"]
    lines = [["Metric", "Over", *numbers, "Unscored"], ["---", "---", *["---:"] * len(numbers), "---"]]
    for row in rows:
        cells = [" ".join(filter(None, [cell.number, cell.bracket])) for _, cell in row.series]
        references = [cell.number for _, cell in row.references]
        lines.append([_metric(row), row.slice, *cells, row.score or NONE, *references, row.n, row.unscored])
    table = "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)
    said = "".join(f"\n- {_escaped(note)}" for note in [_directions(rows), *notes(rows)])
    return f"{table}\n{said}\n"


def _alone(rows: Sequence[Row]) -> set[str]:
    """Of many metrics, those with a single row, which is over everything."""
    found = Counter(row.name for row in rows)
    if len(found) < N_MANY_METRICS:
        return set()
    return {row.name for row in rows if row.kind == "all" and found[row.name] == 1}


def _columns(rows: Sequence[Row], *, beside: bool, between: str, alone: Collection[str]) -> Columns:
    """The rows as columns: reference values beside the others or not, `between` a value and its interval.

    A metric of `alone` stands at the beginning of its line, every other one on a line above its rows.
    """
    if not rows:
        return Columns("", (), 0)
    references = _labels(rows[0].references) if beside else []
    cells = [
        [
            _metric(row) if row.name in alone else f"  {row.slice}",
            *(between.join(filter(None, [_short(cell), cell.bracket])) for _, cell in row.series),
            *(cell.number for _, cell in row.references if beside),
            row.n,
        ]
        for row in rows
    ]
    return set_columns(["", *_labels(rows[0].series), *references, "n"], cells)


def _short(cell: Cell) -> str:
    """The number, or a dash: reasons are too long for a column."""
    return NONE if cell.value is None else cell.number


def _reasons(row: Row) -> list[str]:
    """Why values are missing."""
    several = len(row.series) > 1
    return [
        f"{label}: {cell.reason}" if several else cell.reason for label, cell in row.series if cell.reason
    ]


def _beside(row: Row, *, with_references: bool) -> str:
    """The score and, where they are no columns, the reference values."""
    references = [
        f"{label} {cell.number}".replace(" ", UNBROKEN)
        for label, cell in row.references
        if with_references and cell.value is not None
    ]
    return "; ".join(filter(None, [row.score and f"score {row.score}", ", ".join(references)]))


def _caption(rows: Sequence[Row]) -> Text:
    """What arrows, intervals and scores mean and, in red, what could not be scored: each loss once."""
    caption = Text("\n".join([_directions(rows), *notes(rows)]))
    losses = (f"{row.slice}: {row.unscored}" for row in rows if row.unscored and not row.is_single)
    for loss in dict.fromkeys(losses):
        caption.append(f"\nnot scored, {loss}", style="red")
    return caption


def _directions(rows: Sequence[Row]) -> str:
    found = {row.arrow for row in rows} or {"↓"}
    return ", ".join(f"{arrow} {means}" for arrow, means in DIRECTIONS.items() if arrow in found)


def _metric(row: Row) -> str:
    return f"{row.metric} {row.arrow} ({row.unit})"


def _labels(numbers: Sequence[tuple[str, Cell]]) -> list[str]:
    return [label for label, _ in numbers]


def _escaped(text: str) -> str:
    return " ".join(escape(text, quote=False).replace("|", "\\|").split())
