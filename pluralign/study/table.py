"""What a study found: every arm's means over seeds, and the paired differences of one arm from the others."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.metrics.seeds import difference_over_seeds, mean_over_seeds
from pluralign.metrics.statistics import PairedDifference
from pluralign.records import Estimate, Interval
from pluralign.study.config import Reported, StudyConfig
from pluralign.study.running import Cell

BY_SEEDS = "Student's t over {n} seeds"
NO_SPREAD = "the same under every seed; "
TRIVIAL = "best trivial predictor"


@dataclass(frozen=True)
class Quantity:
    """A row of the table.

    Attributes:
        measure: Name of the measure.
        reported: The estimate, and how it is shown.
    """

    measure: str
    reported: Reported


@dataclass(frozen=True)
class Entry:
    """One arm in one row.

    Attributes:
        values: One value a seed, in the order of seeds; None where nothing could be scored.
        mean: Their mean, scaled as the row says; None where a value is missing.
        interval: 95 % interval of the mean: over seeds, or, where every seed gives the same value, that of the
            evaluation itself.
        lower_is_better: Direction.
        unit: Unit.
    """

    values: tuple[float | None, ...]
    mean: float | None
    interval: Interval | None
    lower_is_better: bool | None
    unit: str


@dataclass(frozen=True)
class Trivial:
    """The best of the predictors that know no model, in one row.

    Attributes:
        name: Which.
        mean: What it gets, over seeds, scaled as the row says.
    """

    name: str
    mean: float


@dataclass(frozen=True)
class StudyTable:
    """Everything that a study found.

    Attributes:
        config: The study.
        quantities: The rows.
        trivial: Quantity -> the best trivial predictor, where the evaluation has any.
        entries: Name of an arm -> quantity -> entry, where the arm was measured.
        differences: Name of another arm -> quantity -> the reference minus it, paired by seed.
    """

    config: StudyConfig
    quantities: tuple[Quantity, ...]
    trivial: dict[Quantity, Trivial]
    entries: dict[str, dict[Quantity, Entry]]
    differences: dict[str, dict[Quantity, PairedDifference]]

    def results(self) -> dict[str, Any]:
        """results.json of the study."""

        def named(quantity: Quantity) -> str:
            return f"{quantity.measure}: {quantity.reported.estimate}, {quantity.reported.slice}"

        return {
            "title": self.config.title,
            "n_seeds": self.config.seeds,
            "reference": self.config.reference,
            "trivial": {
                named(quantity): {"name": best.name, "mean": best.mean}
                for quantity, best in self.trivial.items()
            },
            "arms": {
                arm: {
                    named(quantity): {
                        "mean": entry.mean,
                        "interval": entry.interval.model_dump(mode="json") if entry.interval else None,
                        "values": entry.values,
                        "unit": entry.unit,
                    }
                    for quantity, entry in row.items()
                }
                for arm, row in self.entries.items()
            },
            "differences": {
                arm: {named(quantity): found._asdict() for quantity, found in row.items()}
                for arm, row in self.differences.items()
            },
        }


def study_table(config: StudyConfig, cells: Sequence[Cell]) -> StudyTable:
    """Sum up the cells of a study.

    Args:
        config: The study.
        cells: All its cells.
    """
    quantities = tuple(
        Quantity(name, reported) for name, measure in config.measures.items() for reported in measure.report
    )
    entries: dict[str, dict[Quantity, Entry]] = {arm: {} for arm in config.arms}
    trivial: dict[Quantity, Trivial] = {}
    for arm in config.arms:
        for quantity in quantities:
            found = [
                _estimate(cell, quantity)
                for cell in cells
                if (cell.arm, cell.measure) == (arm, quantity.measure)
            ]
            if found:
                entries[arm][quantity] = _entry(found, quantity.reported.scale)
            # The same items under every arm, so the same predictors: those of the first arm stand for all.
            if quantity not in trivial and (best := _trivial(found, quantity.reported.scale)) is not None:
                trivial[quantity] = best
    reference = entries[config.reference]
    differences: dict[str, dict[Quantity, PairedDifference]] = {}
    for arm, row in entries.items():
        if arm == config.reference:
            continue
        differences[arm] = {
            quantity: difference
            for quantity, entry in row.items()
            if quantity in reference
            and (difference := _difference(reference[quantity], entry, quantity.reported.scale)) is not None
        }
    return StudyTable(
        config=config, quantities=quantities, trivial=trivial, entries=entries, differences=differences
    )


def _estimate(cell: Cell, quantity: Quantity) -> Estimate | None:
    """The quantity's estimate; None where the evaluation has none under this arm."""
    wanted = quantity.reported.estimate, quantity.reported.slice
    return next((each for each in cell.estimates if (each.name, each.slice) == wanted), None)


def _trivial(found: Sequence[Estimate | None], scale: float) -> Trivial | None:
    """The best trivial predictor that every seed has; None where there is none."""
    known = [each for each in found if each is not None]
    if not known or known[0].lower_is_better is None:
        return None
    means = {
        name: scale * math.fsum(each.baselines[name] for each in known) / len(known)
        for name in known[0].baselines
        if all(name in each.baselines for each in known)
    }
    if not means:
        return None
    name = (min if known[0].lower_is_better else max)(means, key=means.__getitem__)
    return Trivial(name, means[name])


def _entry(found: Sequence[Estimate | None], scale: float) -> Entry:
    values = tuple(None if each is None or each.value is None else each.value for each in found)
    known = [each for each in found if each is not None]
    whole = [scale * value for value in values if value is not None]
    mean, interval = None, None
    if len(whole) == len(values):
        mean, bounds = mean_over_seeds(whole)
        if len(set(whole)) > 1 and bounds is not None:
            interval = Interval(low=bounds.low, high=bounds.high, method=BY_SEEDS.format(n=len(whole)))
        elif (own := known[0].interval) is not None:
            interval = Interval(
                low=scale * own.low, high=scale * own.high, level=own.level, method=NO_SPREAD + own.method
            )
    return Entry(
        values=values,
        mean=mean,
        interval=interval,
        lower_is_better=known[0].lower_is_better if known else None,
        unit=known[0].unit if known else "",
    )


def _difference(first: Entry, second: Entry, scale: float) -> PairedDifference | None:
    pairs = [
        (scale * one, scale * other)
        for one, other in zip(first.values, second.values, strict=True)
        if one is not None and other is not None
    ]
    if len(pairs) < len(first.values):
        return None
    ones, others = zip(*pairs, strict=True)
    return difference_over_seeds(ones, others)


# What stands in the table for an arm and a quantity.
_Shown = Callable[[StudyTable, str, Quantity], str]


def as_markdown(table: StudyTable) -> str:
    """The study as Markdown: means with intervals, and differences of the reference from each other arm.

    Arms that are measured by everything have a column each. Where some are measured by little, all arms have a row
    each in a table of that little.
    """
    arms = table.config.arms
    whole = [name for name in arms if not arms[name].only_these]
    partial = [name for name in arms if arms[name].only_these]
    few = [each for each in table.quantities if any(each in table.entries[name] for name in partial)]
    compared = [each for each in table.quantities if each in table.entries[table.config.reference]]
    parts = [_by_column(table, table.quantities, [TRIVIAL, *whole], _shown_mean)]
    if partial:
        parts.append(_by_row(table, few, [TRIVIAL, *arms], _shown_mean))
    parts.append([f"{table.config.reference} minus each other arm, paired by seed:"])
    others = [name for name in whole if name in table.differences]
    parts.append(_by_column(table, compared, others, _shown_difference))
    if partial:
        parts.append(_by_row(table, few, [n for n in partial if n in table.differences], _shown_difference))
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _by_column(
    table: StudyTable, quantities: Sequence[Quantity], arms: Sequence[str], shown: _Shown
) -> list[str]:
    """Lines of a table with a column an arm."""
    rows = [[_head(table, each), *(shown(table, arm, each) for arm in arms)] for each in quantities]
    return _lines(["", *arms], rows)


def _by_row(
    table: StudyTable, quantities: Sequence[Quantity], arms: Sequence[str], shown: _Shown
) -> list[str]:
    """Lines of a table with a row an arm."""
    rows = [[arm, *(shown(table, arm, each) for each in quantities)] for arm in arms]
    return _lines(["", *(_head(table, each) for each in quantities)], rows)


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(heads), _row(["---", *(["---:"] * (len(heads) - 1))]), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(table: StudyTable, quantity: Quantity) -> str:
    """The title of a quantity, with its direction."""
    directions = {row[quantity].lower_is_better for row in table.entries.values() if quantity in row}
    arrows = {True: " ↓", False: " ↑"}
    return quantity.reported.title + "".join(arrows.get(way, "") for way in directions if way is not None)


def _shown_mean(table: StudyTable, arm: str, quantity: Quantity) -> str:
    digits = quantity.reported.digits
    if arm == TRIVIAL:
        best = table.trivial.get(quantity)
        return "—" if best is None else f"{best.mean:.{digits}f} ({best.name})"
    entry = table.entries[arm].get(quantity)
    if entry is None:
        return "—"
    if entry.mean is None:
        return f"not scored under {sum(value is None for value in entry.values)} seeds"
    if entry.interval is None:
        return f"{entry.mean:.{digits}f}"
    mark = "*" if entry.interval.method.startswith(NO_SPREAD) else ""
    return (
        f"{entry.mean:.{digits}f} [{entry.interval.low:.{digits}f}, {entry.interval.high:.{digits}f}]{mark}"
    )


def _shown_difference(table: StudyTable, arm: str, quantity: Quantity) -> str:
    found = table.differences[arm].get(quantity)
    if found is None:
        return "—"
    digits = quantity.reported.digits
    return f"{found.difference:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
