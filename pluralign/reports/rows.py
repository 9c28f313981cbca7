"""The table of estimates, once: the page, the terminal and Markdown all print these rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluralign.records import Estimate, Interval
from pluralign.reports.content import Comparison, Section, Series

METRIC_LABELS = {
    "total_variation": "Total variation",
    "js_divergence_bits": "Jensen–Shannon divergence",
    "js_divergence_nats": "Jensen–Shannon divergence",
    "js_distance_base2": "Jensen–Shannon distance, base 2",
    "js_distance_nats": "Jensen–Shannon distance, base e",
    "wasserstein_ordinal": "Wasserstein distance on the scale",
    "kl_divergence": "Kullback–Leibler divergence",
    "valid_mass_prob": "Valid mass",
    "order_sensitivity": "Order sensitivity",
    "entropy_bits": "Entropy",
    "entropy_bits_difference": "Entropy, model minus people",
}
NOISE_FLOOR, CEILING = "noise floor", "people split-half"
NONE = "—"


@dataclass(frozen=True)
class Cell:
    """One number of the table, or why there is none.

    Attributes:
        value: The number; None where it is missing.
        interval: Its confidence interval.
        reason: Why `value` is None; empty where nothing was measured.
    """

    value: float | None = None
    interval: Interval | None = None
    reason: str = ""

    @property
    def number(self) -> str:
        """The value alone, a reason, or a dash."""
        return (self.reason or NONE) if self.value is None else number(self.value)

    @property
    def text(self) -> str:
        """Value and interval."""
        return f"{self.number} {bracket(self.interval)}" if self.interval else self.number


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
        n: Questions scored and, in brackets, cells where these are more; one for each series if they differ.
        unscored: "after: 2 refused", for each series and reason.
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
    unscored: tuple[str, ...]


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
    """Three decimals and a true minus sign; never "−0.000"."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def bracket(interval: Interval) -> str:
    """The interval as "[0.170, 0.250]"."""
    return f"[{number(interval.low)}, {number(interval.high)}]"


def metric_label(name: str) -> str:
    """A metric's label, or its name where it has none."""
    return METRIC_LABELS.get(name, name)


def slice_label(name: str) -> str:
    """A slice in words: "family=urn" is "urn", "group=party=Democrat" is "party = Democrat"."""
    kind, _, value = name.partition("=")
    return value.replace("=", " = ") if value and kind in {"family", "group"} else name.replace("=", " = ")


def comparison_sentence(section: Section, comparison: Comparison) -> str:
    """A comparison in words: what, by how much, with which interval, and which way that points."""
    estimate = section.estimate(comparison.metric, comparison.slice)
    interval = comparison.interval
    # A probability has no unit worth saying: "−0.21", not "−0.21 probability".
    unit = "" if estimate.unit == "probability" else f" {estimate.unit}"
    sign = "+" if round(comparison.value, 3) > 0 else ""
    if interval.low <= 0 <= interval.high:
        verdict = "no clear difference"
    else:
        verdict = "better" if (comparison.value < 0) == estimate.lower_is_better else "worse"
    p_value = "" if comparison.p_value is None else f", {_p_value(comparison.p_value)}"
    return (
        f"{metric_label(comparison.metric)}, {slice_label(comparison.slice)}: {comparison.label} "
        f"{sign}{number(comparison.value)}{unit} {bracket(interval)}{p_value}: {verdict}."
    )


def interval_note(rows: Sequence[Row]) -> str:
    """Which intervals stand in the table and how they were made; empty where there are none."""
    intervals = [cell.interval for row in rows for _, cell in row.series if cell.interval]
    return "; ".join(dict.fromkeys(f"{100 * each.level:.4g} % interval: {each.method}" for each in intervals))


def _row(by_series: Mapping[str, Estimate], *, labels: Sequence[str], references: Sequence[str]) -> Row:
    estimates = list(by_series.values())
    last = estimates[-1]
    # Later series overwrite earlier ones.
    reference_values = {name: value for each in estimates for name, value in _references(each).items()}
    sizes = [_size(estimate) for estimate in estimates]
    return Row(
        name=last.name,
        metric=metric_label(last.name),
        slice=slice_label(last.slice),
        arrow="↓" if last.lower_is_better else "↑",
        unit=last.unit,
        definition=last.definition,
        series=tuple((label, _cell(by_series.get(label))) for label in labels),
        references=tuple((label, Cell(value=reference_values.get(label))) for label in references),
        n=sizes[0] if len(set(sizes)) == 1 else " / ".join(sizes),
        unscored=tuple(
            f"{label}: {n} {reason}"
            for label, estimate in by_series.items()
            for reason, n in estimate.n_unscored.items()
            if n
        ),
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
    return Cell(value=estimate.value, interval=estimate.interval, reason=estimate.reason or "")


def _size(estimate: Estimate) -> str:
    cells = f" ({estimate.n_cells})" if estimate.n_cells > estimate.n_questions else ""
    return f"{estimate.n_questions}{cells}"


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
