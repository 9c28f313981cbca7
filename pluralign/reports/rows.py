"""The table of estimates, once: the page, the terminal and Markdown all print these rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pluralign.records import Comparison, Estimate, Interval
from pluralign.reports.content import Series

METRIC_LABELS = {
    "total_variation": "Total variation",
    "js_divergence_bits": "Jensen-Shannon divergence",
    "js_divergence_nats": "Jensen-Shannon divergence",
    "js_distance_base2": "Jensen-Shannon distance, base 2",
    "js_distance_nats": "Jensen-Shannon distance, base e",
    "wasserstein_ordinal": "Wasserstein distance on the scale",
    "kl_divergence": "Kullback-Leibler divergence",
    "valid_mass_prob": "Valid mass",
    "order_sensitivity": "Order sensitivity",
    "entropy_bits": "Entropy",
    "entropy_bits_difference": "Entropy, model minus people",
}
NOISE_FLOOR, CEILING = "noise floor", "people split-half"
NONE, MINUS = "—", "\u2212"


@dataclass(frozen=True)
class Cell:
    """One number of the table, or why there is none.

    Attributes:
        value: The number; None where it is missing.
        interval: Its confidence interval.
        reason: Why `value` is None; empty where nothing was measured.
        unscored: What could not be scored: "2 refused, 1 error"; may be empty.
    """

    value: float | None = None
    interval: Interval | None = None
    reason: str = ""
    unscored: str = ""

    @property
    def number(self) -> str:
        """The value alone, a reason, or a dash."""
        return (self.reason or NONE) if self.value is None else number(self.value)

    @property
    def bracket(self) -> str:
        """The interval as "[0.170, 0.250]", or nothing."""
        return bracket(self.interval) if self.interval else ""


@dataclass(frozen=True)
class Row:
    """One metric over one slice, for every series.

    Attributes:
        name: `Estimate.name`.
        metric: Its label.
        slice: What it is taken over, in words.
        arrow: "↓" where lower is better, else "↑".
        unit: Unit of all its numbers.
        definition: The formula.
        series: (label, cell) for every series.
        references: (label, cell): trivial baselines, noise floor, people's split-half ceiling. The same
            labels in every row; from the last series that has them.
        n: Questions scored and, in brackets, cells where these are more: "5 (40-47)" where series differ.
    """

    name: str
    metric: str
    slice: str
    arrow: str
    unit: str
    definition: str
    series: tuple[tuple[str, Cell], ...]
    references: tuple[tuple[str, Cell], ...]
    n: str

    @property
    def unscored(self) -> str:
        """What each series could not score: "before: 2 refused, 1 error; after: 1 error"."""
        return "; ".join(f"{label}: {cell.unscored}" for label, cell in self.series if cell.unscored)


def estimate_rows(series: Sequence[Series]) -> list[Row]:
    """Make one row for each metric and slice that any series estimates, a metric's rows together."""
    table: dict[str, dict[str, dict[str, Estimate]]] = {}
    for each in series:
        for estimate in each.estimates:
            table.setdefault(estimate.name, {}).setdefault(estimate.slice, {})[each.label] = estimate
    labels = [each.label for each in series]
    references = _reference_labels(series)
    return [
        _row(by_series, labels=labels, references=references)
        for slices in table.values()
        for by_series in slices.values()
    ]


def number(value: float) -> str:
    """Three decimals and a true minus sign; never minus zero."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", MINUS)


def bracket(interval: Interval) -> str:
    """The interval as "[0.170, 0.250]"."""
    return f"[{number(interval.low)}, {number(interval.high)}]"


def metric_label(name: str) -> str:
    """A metric's label, or its name where it has none."""
    return METRIC_LABELS.get(name, name)


def slice_label(name: str) -> str:
    """A slice in words: "family=urn" is "urn", "groups=party" is "party groups"."""
    kind, _, value = name.partition("=")
    if kind == "groups" and value:
        return "whole population" if value == "all" else f"{value} groups"
    if kind in {"family", "group"} and value:
        return value.replace("=", ": ")
    return name


def comparison_sentence(comparison: Comparison) -> str:
    """A comparison in words: what, by how much, with which interval, and which way that points."""
    # A probability has no unit worth saying: "0.21", not "0.21 probability".
    unit = "" if comparison.unit == "probability" else f" {comparison.unit}"
    sign = "+" if round(comparison.difference, 3) > 0 else ""
    interval = comparison.interval
    return (
        f"{metric_label(comparison.name)}, {slice_label(comparison.slice)}: {comparison.first} minus "
        f"{comparison.second}: {sign}{number(comparison.difference)}{unit}"
        f"{f' {bracket(interval)}' if interval else ''}"
        f"{'' if comparison.p_value is None else f', {_p_value(comparison.p_value)}'}"
    )


def verdict(comparison: Comparison) -> str:
    """Which way a comparison points: "better", "worse", or that it cannot be told."""
    interval = comparison.interval
    if interval is None:
        return "no interval"
    if interval.low <= 0 <= interval.high:
        return "no clear difference"
    return "better" if (comparison.difference < 0) == comparison.lower_is_better else "worse"


def interval_note(rows: Sequence[Row]) -> str:
    """Which intervals stand in the table and how they were made; empty where there are none."""
    intervals = [cell.interval for row in rows for _, cell in row.series if cell.interval]
    return "; ".join(dict.fromkeys(f"{100 * each.level:.4g}% interval: {each.method}" for each in intervals))


def _row(by_series: Mapping[str, Estimate], *, labels: Sequence[str], references: Sequence[str]) -> Row:
    estimates = list(by_series.values())
    last = estimates[-1]
    # Later series overwrite earlier ones.
    reference_values = {name: value for each in estimates for name, value in _references(each).items()}
    return Row(
        name=last.name,
        metric=metric_label(last.name),
        slice=slice_label(last.slice),
        arrow="↓" if last.lower_is_better else "↑",
        unit=last.unit,
        definition=last.definition,
        series=tuple((label, _cell(by_series.get(label))) for label in labels),
        references=tuple((label, Cell(value=reference_values.get(label))) for label in references),
        n=_size(estimates),
    )


def _references(estimate: Estimate) -> dict[str, float]:
    """Every reference value that an estimate has."""
    ends = {NOISE_FLOOR: estimate.noise_floor, CEILING: estimate.ceiling}
    return {**estimate.baselines, **{name: value for name, value in ends.items() if value is not None}}


def _reference_labels(series: Sequence[Series]) -> list[str]:
    """The reference values that occur: uniform, other baselines, noise floor, ceiling."""
    names = dict.fromkeys(
        name for each in series for estimate in each.estimates for name in _references(estimate)
    )
    places = {"uniform": 0, NOISE_FLOOR: 2, CEILING: 3}
    return sorted(names, key=lambda name: places.get(name, 1))


def _cell(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell()
    unscored = ", ".join(f"{n} {reason}" for reason, n in estimate.n_unscored.items() if n)
    return Cell(
        value=estimate.value, interval=estimate.interval, reason=estimate.reason or "", unscored=unscored
    )


def _size(estimates: Sequence[Estimate]) -> str:
    questions = _span(estimate.n_questions for estimate in estimates)
    cells = _span(estimate.n_cells for estimate in estimates)
    return questions if cells == questions else f"{questions} ({cells})"


def _span(sizes: Iterable[int]) -> str:
    found = sorted(sizes)
    return str(found[0]) if found[0] == found[-1] else f"{found[0]}-{found[-1]}"


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
