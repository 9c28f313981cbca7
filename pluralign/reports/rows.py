"""The table of estimates, once: the page, the terminal and Markdown all print these rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pluralign.records import Estimate, Interval
from pluralign.reports.content import Series
from pluralign.reports.labels import bare_metric, metric_label, n_examples, slice_kind, slice_label

# Variants and details: shown on request, or where one of them is the primary metric.
FURTHER_METRICS = frozenset({
    "js_divergence_bits",
    "js_divergence_nats",
    "js_divergence_nats_smoothed",
    "js_distance_base2",
    "js_distance_nats",
    "kl_divergence_nats",
    "entropy_bits",
    "order_sensitivity",
    "macro_f1",
})
# Beside the primary metric, the one that is shown over every family and grouping: where no answer came.
VALID_MASS = "valid_mass_prob"
# Metrics that are shown after every number of examples.
CURVE_METRICS = ("nll_nats", "accuracy")
# Slices that are one of many alike: of groups and of pairs, so many of the best and of the worst are shown.
SINGLE = frozenset({"group", "pair"})
N_EXTREMES = 3
PEOPLE, NOISE_FLOOR, CEILING = "people", "noise floor", "people split-half"
# From the one that knows least to the one that knows most.
BASELINES = (
    "chance",
    "uniform",
    "majority option",
    "position marginal",
    "own marginal",
    "question-blind",
    "group-blind",
    "other people",
    "shuffled",
)
ARROWS = {True: "↓", False: "↑", None: "="}
NO_DIRECTION = "·"
DIRECTIONS = {
    "↓": "lower is better",
    "↑": "higher is better",
    "=": "right where it is the people's",
    NO_DIRECTION: "neither better nor worse",
}
# Lengths and spreads have no value of the people's to meet.
UNDIRECTED = frozenset({"response_tokens", "coverage_std", "mean_words", "cross_prompt_floor"})
NONE, MINUS, PARTIAL = "—", "\u2212", "*"

# Metric -> slice -> label of the series -> estimate.
_Table = dict[str, dict[str, dict[str, Estimate]]]


@dataclass(frozen=True)
class Cell:
    """One number of the table, or why there is none.

    Attributes:
        value: The number; None where it is missing.
        interval: Its confidence interval.
        reason: Why `value` is None; empty where nothing was measured.
        unscored: What could not be scored: "2 refused, 1 error"; may be empty.
        score: The value on the way from a trivial baseline (0) to the noise floor (1); None if undefined.
        against: Name of that baseline.
        partial: "5,357 of 5,752" where the number exists on so many of the row's cells only; else empty.
    """

    value: float | None = None
    interval: Interval | None = None
    reason: str = ""
    unscored: str = ""
    score: float | None = None
    against: str = ""
    partial: str = ""

    @property
    def number(self) -> str:
        """The value alone, with an asterisk where it exists on some cells only; a reason, or a dash."""
        if self.value is None:
            return self.reason or NONE
        return f"{number(self.value)}{PARTIAL if self.partial else ''}"

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
        slice: What it is taken over, in words; a single group with its rank: "Japan (1 of 130)".
        arrow: "↓" where lower is better, "↑" where higher is, "=" where the people's own value is right.
        unit: Unit of all its numbers.
        definition: The formula.
        series: (label, cell) for every series.
        references: (label, cell): the people's value, trivial baselines, noise floor, people's split-half
            ceiling. The same labels in every row of a table; from the last series that has them.
        n: Questions scored and, in brackets, cells where these are more: "5 (40-47)" where series differ.
        kind: Kind of the slice, see `slice_kind`.
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
    kind: str = "all"

    @property
    def is_single(self) -> bool:
        """Whether the slice is a single group of people, or a pair of groups: there may be hundreds."""
        return self.kind in SINGLE

    @property
    def unscored(self) -> str:
        """What each series could not score: "before: 2 refused, 1 error; after: 1 error"."""
        return "; ".join(f"{label}: {cell.unscored}" for label, cell in self.series if cell.unscored)

    @property
    def score(self) -> str:
        """The normalised scores: "0.412 vs uniform", or "before: −0.250 vs uniform, after: 0.412 vs uniform"."""
        scored = [(label, cell) for label, cell in self.series if cell.score is not None]
        return ", ".join(
            f"{f'{label}: ' if len(self.series) > 1 else ''}{number(cell.score or 0.0)} vs {cell.against}"
            for label, cell in scored
        )


def estimate_rows(series: Sequence[Series], *, every: bool = False) -> list[Row]:
    """Make one row for each metric and slice, a metric's rows together and single groups best first.

    Args:
        series: The series side by side; the metric of the first estimate is the primary one.
        every: Whether to give all metrics, slices and groups. Otherwise: the primary metric over all
            slices, but only the best and the worst groups and pairs; valid mass over all families and
            groupings; the other headline metrics as a whole and under each thing that was given.
    """
    table = _table(series)
    primary = next(iter(table), "")
    keys = [(name, slice_name) for name, slices in table.items() for slice_name in slices]
    if not every:
        hidden = _hidden(table.get(primary, {}))
        keys = [key for key in keys if _is_headline(*key, primary=primary) and key[1] not in hidden]
    return _rows(table, keys, labels=[each.label for each in series])


def single_rows(series: Sequence[Series], *, kind: str) -> list[Row]:
    """The primary metric's row for each single "group" of people or "pair" of groups, best first by the last series."""
    table = _table(series)
    primary = next(iter(table), "")
    keys = [(primary, slice_name) for slice_name in table.get(primary, {}) if slice_kind(slice_name) == kind]
    return _rows(table, keys, labels=[each.label for each in series])


def number(value: float) -> str:
    """Three decimals and a true minus sign; never minus zero."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", MINUS)


def bracket(interval: Interval) -> str:
    """The interval as "[0.170, 0.250]"."""
    return f"[{number(interval.low)}, {number(interval.high)}]"


def notes(rows: Sequence[Row]) -> list[str]:
    """What a reader of these rows must know, one sentence each: intervals, scores, what exists only partly."""
    intervals = [cell.interval for row in rows for _, cell in row.series if cell.interval]
    said = list(dict.fromkeys(f"{100 * each.level:.4g}% interval: {each.method}" for each in intervals))
    if any(row.score for row in rows):
        said.append(
            f"score: the way from a trivial baseline (0) to the {NOISE_FLOOR} (1), vs the best of them"
        )
    partial: dict[str, dict[str, None]] = {}
    for row in rows:
        for label, cell in row.references:
            if cell.partial and not row.is_single:
                partial.setdefault(label, {})[f"{cell.partial} ({row.slice})"] = None
    if partial:
        where = "; ".join(f"{label} {', '.join(sizes)}" for label, sizes in partial.items())
        said.append(f"{PARTIAL} on so many cells only: {where}")
    return said


def is_group(slice_name: str) -> bool:
    """Whether a slice is a single group of people."""
    return slice_kind(slice_name) == "group"


def _table(series: Sequence[Series]) -> _Table:
    """All estimates; of a metric, numbers of examples come in order, then pairs, then groups, the best first."""
    table: _Table = {}
    for each in series:
        for estimate in each.estimates:
            table.setdefault(estimate.name, {}).setdefault(estimate.slice, {})[each.label] = estimate
    return {name: dict(sorted(slices.items(), key=_place)) for name, slices in table.items()}


def _place(item: tuple[str, Mapping[str, Estimate]]) -> tuple[int, bool, float]:
    """Where a slice stands: its kind, whether it has no value, and its number or value in the last series."""
    slice_name, by_label = item
    k = n_examples(slice_name)
    if k is not None:
        return 1, False, k
    kind = slice_kind(slice_name)
    if kind not in SINGLE:
        return 0, False, 0.0
    last = list(by_label.values())[-1]
    rank = 3 if kind == "group" else 2
    if last.value is None:
        return rank, True, 0.0
    return rank, False, -last.value if last.lower_is_better is False else last.value


def _hidden(slices: Mapping[str, object]) -> set[str]:
    """Slices of the primary metric that are too many to be shown: the middle ones of each kind."""
    pairs = [name for name in slices if slice_kind(name) == "pair"]
    groups = [name for name in slices if is_group(name)]
    counts = [(k, name) for name in slices if (k := n_examples(name)) is not None]
    hidden = {*groups[N_EXTREMES:-N_EXTREMES], *pairs[N_EXTREMES:-N_EXTREMES]}
    if len(pairs) == 1:
        # The only pair is everything.
        hidden |= set(pairs)
    if len(counts) > 2 * N_EXTREMES + 1:
        # Powers of two keep the shape of a learning curve.
        hidden |= {name for k, name in counts[1:-1] if k & (k - 1)}
    return hidden


def _is_headline(name: str, slice_name: str, *, primary: str) -> bool:
    if name == primary:
        return True
    kind = slice_kind(slice_name)
    if name in FURTHER_METRICS or kind in SINGLE or kind == "form":
        return False
    if kind in {"family", "groups"}:
        return name == VALID_MASS
    if kind == "examples":
        return bare_metric(name) in CURVE_METRICS
    return kind != "given" or name != VALID_MASS


def _rows(table: _Table, keys: Sequence[tuple[str, str]], *, labels: Sequence[str]) -> list[Row]:
    references = _reference_labels([e for name, slice_name in keys for e in table[name][slice_name].values()])
    ranks = {name: _ranks(slices) for name, slices in table.items()}
    return [
        _row(
            table[name][slice_name],
            labels=labels,
            references=references,
            rank=ranks[name].get(slice_name, ""),
        )
        for name, slice_name in keys
    ]


def _ranks(slices: Iterable[str]) -> dict[str, str]:
    """Single group or pair -> its place among its like, from the best: "(1 of 130)"."""
    of_kind: dict[str, list[str]] = {}
    for name in slices:
        if slice_kind(name) in SINGLE:
            of_kind.setdefault(slice_kind(name), []).append(name)
    return {
        name: f" ({i} of {len(names)})" for names in of_kind.values() for i, name in enumerate(names, start=1)
    }


def _row(
    by_series: Mapping[str, Estimate],
    *,
    labels: Sequence[str],
    references: Sequence[str],
    rank: str,
) -> Row:
    estimates = list(by_series.values())
    last = estimates[-1]
    # Later series overwrite earlier ones.
    beside = {name: cell for each in estimates for name, cell in _references(each).items()}
    return Row(
        name=last.name,
        metric=metric_label(last.name),
        slice=f"{slice_label(last.slice)}{rank}",
        arrow=NO_DIRECTION if bare_metric(last.name) in UNDIRECTED else ARROWS[last.lower_is_better],
        unit=last.unit,
        definition=last.definition,
        series=tuple((label, _cell(by_series.get(label))) for label in labels),
        references=tuple((label, beside.get(label, Cell())) for label in references),
        n=_size(estimates),
        kind=slice_kind(last.slice),
    )


def _references(estimate: Estimate) -> dict[str, Cell]:
    """Every reference value that an estimate has."""
    baselines = {
        name: Cell(
            value=value,
            partial=f"{estimate.baseline_cells[name]:,} of {estimate.n_cells:,}"
            if name in estimate.baseline_cells
            else "",
        )
        for name, value in estimate.baselines.items()
    }
    ends = {PEOPLE: estimate.people, NOISE_FLOOR: estimate.noise_floor, CEILING: estimate.ceiling}
    return baselines | {name: Cell(value=value) for name, value in ends.items() if value is not None}


def _reference_labels(estimates: Iterable[Estimate]) -> list[str]:
    """The reference values that occur: people, trivial baselines, others, noise floor, ceiling."""
    names = dict.fromkeys(name for estimate in estimates for name in _references(estimate))
    first, last = (PEOPLE, *BASELINES), (NOISE_FLOOR, CEILING)
    others = tuple(name for name in names if name not in {*first, *last})
    return [name for name in (*first, *others, *last) if name in names]


def _cell(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell()
    return Cell(
        value=estimate.value,
        interval=estimate.interval,
        reason=estimate.reason or "",
        unscored=", ".join(f"{n:,} {reason}" for reason, n in estimate.n_unscored.items() if n),
        score=estimate.normalised,
        against=estimate.normalised_against or "",
    )


def _size(estimates: Sequence[Estimate]) -> str:
    questions = _span(estimate.n_questions for estimate in estimates)
    cells = _span(estimate.n_cells for estimate in estimates)
    return questions if cells == questions else f"{questions} ({cells})"


def _span(sizes: Iterable[int]) -> str:
    found = sorted(sizes)
    return f"{found[0]:,}" if found[0] == found[-1] else f"{found[0]:,}-{found[-1]:,}"
