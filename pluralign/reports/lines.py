"""Tables of whole lines for the terminal, in which a heading may reach over the columns of numbers below it.

Widths are computed here, and not by rich, which breaks a number in two where columns are narrow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

# Columns at least, for what is wrapped: captions and lines of reference values.
MEASURE = 76
# Stands for a space at which no line ends.
UNBROKEN = "\u00a0"
INDENT = "    "


@dataclass(frozen=True)
class Columns:
    """Columns that are set as lines.

    Attributes:
        heading: Lines of the headings.
        rows: Lines of each row.
        width: Width of them all.
    """

    heading: str
    rows: tuple[str, ...]
    width: int


def set_columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Set cells side by side, the first column flush left and the others flush right.

    Args:
        headings: One a column; a heading wider than its column is wrapped between words.
        rows: One cell a column; a cell may hold several lines.
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = [
        longest(part for i, cell in enumerate(column) for part in (cell.split("\n") if i else cell.split()))
        for column in columns
    ]
    wrapped = [wrap(heading, width or 1) for heading, width in zip(headings, widths, strict=True)]
    height = longest(wrapped)
    heading = _side_by_side([[""] * (height - len(part)) + part for part in wrapped], widths)
    lines = tuple(_side_by_side([cell.split("\n") for cell in row], widths) for row in rows)
    return Columns(heading, lines, sum(widths) + max(len(widths) - 1, 0))


def lines_table(heading: str, *, width: int, title: str, caption: Text) -> Table:
    """An empty table of whole lines; rows are added as lines."""
    # Text, not str: a label with square brackets is no markup.
    table = Table(
        title=Text(title) if title else None,
        caption=caption,
        title_justify="left",
        caption_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    table.add_column(Text(heading), width=width)
    return table


def indented(text: str, *, width: int) -> str:
    """The text in indented lines that end at spaces only."""
    lines = wrap(text, width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
    return "\n".join(lines).replace(UNBROKEN, " ")


def longest(parts: Iterable[Sequence[str]]) -> int:
    """Length of the longest part; 0 where there is none."""
    return max(map(len, parts), default=0)


def _side_by_side(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    return "\n".join(
        " ".join(
            part.rjust(width) if i else part.ljust(width)
            for i, (part, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in zip_longest(*cells, fillvalue="")
    )
