"""The paired comparison of two sets of answers to the same questions."""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite

from pluralign.evals.cells import Cell, group_slices, make_cells, slices
from pluralign.evals.distributional.estimates import bootstrap_method
from pluralign.evals.distributional.measures import CORRECTED, DISTANCES, QUANTITIES
from pluralign.evals.distributional.presets import find_preset
from pluralign.evals.paired import paired_comparison
from pluralign.metrics import holm
from pluralign.records import Answer, Comparison, QuestionSet

# (name, unit, lower is better, value of a cell)
_Measure = tuple[str, str, bool | None, Callable[[Cell], float | None]]


def compare_distributional(
    questions: QuestionSet,
    *,
    first: tuple[str, Iterable[Answer]],
    second: tuple[str, Iterable[Answer]],
    groups: Sequence[str] | None = None,
    preset: str | None = None,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of every metric and slice on the cells that both answered.

    Over single groups ("group=...") p-values are also adjusted after Holm, over all groups of a metric.

    Args:
        questions: What both were asked.
        first: Label and answers of the minuend.
        second: Label and answers of the subtrahend.
        groups: Ids of the groups to be met, see `make_cells`.
        preset: A published definition to be compared as well, see `PRESETS`; lost answers are left out.
        seed: Seed of the bootstrap over questions.

    Raises:
        ConfigurationError: An unknown preset.
    """
    others = {cell.key: cell for cell in make_cells(questions, second[1], groups=groups)}
    cells = make_cells(questions, first[1], groups=groups)
    labels = (first[0], second[0])
    measures = _measures(preset)
    comparisons = []
    for name, part in slices(cells).items():
        found = (
            _compare(part, others, measure=measure, labels=labels, slice_name=name, seed=seed)
            for measure in measures
        )
        comparisons += [comparison for comparison in found if comparison]
    for measure in measures:
        found = (
            _compare(part, others, measure=measure, labels=labels, slice_name=name, seed=seed)
            for name, part in group_slices(cells).items()
        )
        comparisons += adjusted([comparison for comparison in found if comparison])
    return tuple(comparisons)


def _measures(preset: str | None) -> list[_Measure]:
    """What is compared: every distance, and every quantity that has a direction or a people's value."""
    distances = ((find_preset(preset).measure,) if preset else ()) + DISTANCES
    quantities = [quantity for quantity in (CORRECTED, *QUANTITIES) if not quantity.is_ratio]
    return [
        *((one.name, one.unit, not one.similarity, one.value) for one in distances),
        *((one.name, one.unit, one.lower_is_better, one.value) for one in quantities),
    ]


def _compare(
    cells: Sequence[Cell],
    others: dict[tuple[str, str], Cell],
    *,
    measure: _Measure,
    labels: tuple[str, str],
    slice_name: str,
    seed: int,
) -> Comparison | None:
    """The difference over the cells where both have a finite value; None where there are none."""
    name, unit, lower_is_better, value = measure
    rows = [
        (cell.question.id, a, b)
        for cell in cells
        if cell.key in others
        and (a := value(cell)) is not None
        and (b := value(others[cell.key])) is not None
        and isfinite(a)
        and isfinite(b)
    ]
    if not rows:
        return None
    clusters, first, second = zip(*rows, strict=True)
    return paired_comparison(
        name,
        first=(labels[0], first),
        second=(labels[1], second),
        clusters=clusters,
        method=bootstrap_method(),
        unit=unit,
        lower_is_better=lower_is_better,
        slice_name=slice_name,
        seed=seed,
    )


def adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The groups of one metric with p-values after Holm; a group with one question has none to adjust."""
    p_values = {one.slice: one.p_value for one in comparisons if one.p_value is not None}
    p_adjusted = dict(zip(p_values, holm(list(p_values.values())).tolist(), strict=True))
    return [
        comparison.model_copy(update={"p_adjusted": p_adjusted.get(comparison.slice)})
        for comparison in comparisons
    ]
