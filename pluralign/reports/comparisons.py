"""Paired differences in words and as a table for the terminal."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from pluralign.records import Comparison
from pluralign.reports.labels import metric_label, slice_kind, slice_label
from pluralign.reports.lines import MEASURE, lines_table, set_columns
from pluralign.reports.rows import (
    FURTHER_METRICS,
    N_EXTREMES,
    NONE,
    SINGLE,
    bracket,
    number,
)

# Of the verdict after Holm, as of the test behind `Comparison.minimum_detectable`.
LEVEL = 0.05


def comparison_sentence(comparison: Comparison) -> str:
    """A comparison in words: what, by how much, with which interval, and what would have been missed."""
    # A probability has no unit worth saying: "0.21", not "0.21 probability".
    unit = "" if comparison.unit == "probability" else f" {comparison.unit}"
    interval = f" {bracket(comparison.interval)}" if comparison.interval else ""
    p_value, smallest = _p_value(comparison), comparison.minimum_detectable
    return (
        f"{metric_label(comparison.name)}, {slice_label(comparison.slice)}: {comparison.first} minus "
        f"{comparison.second}: {_signed(comparison.difference)}{unit}{interval}"
        f"{f', {p_value}' if p_value else ''}"
        f"{'' if smallest is None else f'; a difference below {number(smallest)} would often be missed'}"
    )


def verdict(comparison: Comparison) -> str:
    """Which way a comparison points, or that it cannot be told.

    "better" or "worse"; "lower" or "higher" where neither is better; "no clear difference" where the interval
    holds zero or, over single groups, the adjusted p-value is 0.05 or more; else "no interval".
    """
    interval, adjusted = comparison.interval, comparison.p_adjusted
    if interval is None:
        return "no interval"
    if interval.low <= 0 <= interval.high or (adjusted is not None and adjusted >= LEVEL):
        return "no clear difference"
    is_lower = comparison.difference < 0
    if comparison.lower_is_better is None:
        return "lower" if is_lower else "higher"
    return "better" if is_lower == comparison.lower_is_better else "worse"


def headline_comparisons(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The primary metric, that of the first one, over every slice; the other headline metrics as a whole."""
    return [
        each
        for each in _by_metric(comparisons)
        if each.name == comparisons[0].name or (each.slice == "all" and each.name not in FURTHER_METRICS)
    ]


def groups_sentence(comparisons: Sequence[Comparison]) -> str:
    """How many groups, and pairs of groups, differ in the primary metric.

    "after minus before over 40 groups: 39 better, 1 worse".
    """
    verdicts: dict[tuple[str, str], list[str]] = {}
    for each in headline_comparisons(comparisons):
        if (kind := slice_kind(each.slice)) in SINGLE:
            verdicts.setdefault((f"{each.first} minus {each.second}", kind), []).append(verdict(each))
    return "; ".join(
        f"{series} over {len(found):,} {kind}s: "
        f"{', '.join(f'{n:,} {says}' for says, n in Counter(found).most_common())}"
        for (series, kind), found in verdicts.items()
    )


def comparisons_table(comparisons: Sequence[Comparison], *, every: bool = False) -> Table:
    """Make the table of paired differences, first minus second.

    Args:
        comparisons: All of one pair.
        every: Whether to show every metric, slice and group, and not the headline metrics and the groups and
            pairs with the lowest and the highest differences only.
    """
    shown = _by_metric(comparisons) if every else _without_middle(headline_comparisons(comparisons))
    title = f"{comparisons[0].first} minus {comparisons[0].second}" if comparisons else ""
    caption = [
        "p: two-sided; over single groups after Holm",
        "missed below: a smaller true difference would be missed more than one time in five",
        *filter(None, [groups_sentence(comparisons)]),
    ]
    headings = ["", "difference", "p", "missed below", "n", "verdict"]
    columns = set_columns(headings, [_cells(each) for each in shown])
    width = max(columns.width, MEASURE)
    table = lines_table(columns.heading, width=width, title=title, caption=Text("\n".join(caption)))
    for name, of_metric in groupby(zip(shown, columns.rows, strict=True), key=lambda pair: _metric(pair[0])):
        table.add_row(Text(name, style="bold"))
        for _, line in of_metric:
            table.add_row(Text(line))
        table.add_section()
    return table


def _metric(comparison: Comparison) -> str:
    return f"{metric_label(comparison.name)} ({comparison.unit})"


def _by_metric(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """A metric's comparisons together, in order of its first one."""
    metrics = list(dict.fromkeys(each.name for each in comparisons))
    return sorted(comparisons, key=lambda each: metrics.index(each.name))


def _without_middle(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with the groups and the pairs of the lowest and of the highest differences only."""
    middle: set[str] = set()
    for kind in SINGLE:
        alike = [each for each in comparisons if slice_kind(each.slice) == kind]
        alike.sort(key=lambda each: each.difference)
        middle |= {each.slice for each in alike[N_EXTREMES:-N_EXTREMES]}
    return [each for each in comparisons if each.slice not in middle]


def _cells(comparison: Comparison) -> list[str]:
    p_value = comparison.p_value if comparison.p_adjusted is None else comparison.p_adjusted
    n_questions, n_cells = comparison.n_questions, comparison.n_cells
    return [
        f"  {slice_label(comparison.slice)}",
        f"{_signed(comparison.difference)} {bracket(comparison.interval) if comparison.interval else ''}".rstrip(),
        NONE if p_value is None else "<0.001" if p_value < 0.001 else f"{p_value:.3f}",
        NONE if comparison.minimum_detectable is None else number(comparison.minimum_detectable),
        f"{n_questions:,}" if n_cells == n_questions else f"{n_questions:,} ({n_cells:,})",
        verdict(comparison).replace("no clear difference", "unclear"),
    ]


def _signed(difference: float) -> str:
    return f"{'+' if round(difference, 3) > 0 else ''}{number(difference)}"


def _p_value(comparison: Comparison) -> str:
    """The p-value in words: "p = 0.034", over single groups "p = 0.034 after Holm"."""
    value, after = comparison.p_value, ""
    if comparison.p_adjusted is not None:
        value, after = comparison.p_adjusted, " after Holm"
    if value is None:
        return ""
    return f"{'p < 0.001' if value < 0.001 else f'p = {value:.3f}'}{after}"
