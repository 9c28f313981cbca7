"""Where the numbers of table rows lie on a common scale: what the page draws beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.reports.rows import Cell, Row


@dataclass(frozen=True)
class Dot:
    """A value with its interval, in percent of the strip's width."""

    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Strip:
    """The numbers of one row.

    Attributes:
        series: One for each series; None where it has no value.
        references: (label, place), the place in percent of the strip's width.
    """

    series: tuple[Dot | None, ...]
    references: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Strips:
    """Rows drawn to one scale.

    Attributes:
        low: Number at the left end; never above 0.
        high: Number at the right end.
        rows: (row, its strip).
    """

    low: float
    high: float
    rows: tuple[tuple[Row, Strip], ...]


def draw_strips(rows: Sequence[Row]) -> Strips:
    """Place the rows' numbers on a scale that holds zero and them all."""
    cells = [cell for row in rows for _, cell in (*row.series, *row.references)]
    ends = [end for cell in cells if cell.interval for end in (cell.interval.low, cell.interval.high)]
    values = [0.0, *(cell.value for cell in cells if cell.value is not None), *ends]
    low, high = min(values), max(values)

    def place(value: float) -> float:
        # 2 to 98: a dot at either end is not cut off.
        return round(2 + 96 * (value - low) / ((high - low) or 1), 2)

    def dot(cell: Cell) -> Dot | None:
        if cell.value is None:
            return None
        ends = (cell.interval.low, cell.interval.high) if cell.interval else (cell.value, cell.value)
        return Dot(place(ends[0]), place(cell.value), place(ends[1]))

    drawn = (
        Strip(
            series=tuple(dot(cell) for _, cell in row.series),
            references=tuple(
                (label, place(cell.value)) for label, cell in row.references if cell.value is not None
            ),
        )
        for row in rows
    )
    return Strips(low, high, tuple(zip(rows, drawn, strict=True)))
