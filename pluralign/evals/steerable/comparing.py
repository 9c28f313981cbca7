"""The paired comparison of two sets of answers for the same groups."""

from collections.abc import Iterable, Sequence

from pluralign.evals.cells import Cell, slices
from pluralign.evals.distributional.comparing import adjusted
from pluralign.evals.steerable.cellwise import OWN
from pluralign.evals.steerable.measuring import measure, own_metrics
from pluralign.evals.steerable.metric import GROUP, PAIR, Metric, Part, compare
from pluralign.evals.steerable.presets import Preset, find_preset
from pluralign.evals.steerable.scoring import common_parts
from pluralign.evals.steerable.speaking import Spoken, spoken
from pluralign.records import Answer, Comparison, QuestionSet


def compare_steerable(
    questions: QuestionSet,
    *,
    first: tuple[str, Iterable[Answer]],
    second: tuple[str, Iterable[Answer]],
    groups: Sequence[str] | None = None,
    preset: str | None = None,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Differences, first minus second, of every metric and slice on the cells that both answered.

    Both systems are resampled with the same questions, slopes and correlations as well as means. Over single groups
    and single pairs p-values are also adjusted after Holm, over all of a metric.

    Args:
        questions: What both were asked.
        first: Label and answers of the minuend.
        second: Label and answers of the subtrahend.
        groups: Ids of the groups to be met, see `make_cells`. None: those for which either has answers; a system that
            speaks for none of them stands with its answers without condition.
        preset: A published way to measure steering to be compared as well, see `PRESETS`; answers that could not be
            read are left out.
        seed: Seed of the bootstrap, and of the draw of pairs where there are too many.

    Raises:
        ConfigurationError: An unknown preset, or one that is not made for these questions.
    """
    chosen = find_preset(preset) if preset else None
    said = _spoken(questions, (first[1], second[1]), groups=groups, preset=chosen)
    common = set.intersection(
        *({cell.key for cell in one.cells if cell.probabilities is not None} for one in said)
    )
    if not common:
        return ()
    (minuend, parts), (subtrahend, _) = (
        _metrics(questions, one, common=common, preset=chosen, seed=seed) for one in said
    )
    others = {(metric.name, _place(metric)): metric for metric in subtrahend}
    found: list[Comparison] = []
    for metric in minuend:
        other = others.get((metric.name, _place(metric)))
        if other is None or metric.of_people:
            continue
        wholes: list[Comparison] = []
        singles: list[Comparison] = []
        for part in metric.parts or [part for part in parts if part.kind in metric.kinds]:
            one = compare((first[0], metric), (second[0], other), part=part, seed=seed)
            if one is not None:
                (singles if part.kind in {GROUP, PAIR} else wholes).append(one)
        found += [*wholes, *adjusted(singles)]
    return tuple(found)


def _spoken(
    questions: QuestionSet,
    answers: Sequence[Iterable[Answer]],
    *,
    groups: Sequence[str] | None,
    preset: Preset | None,
) -> list[Spoken]:
    both = [list(each) for each in answers]
    if groups is None:
        groups = list(dict.fromkeys(answer.condition.group for each in both for answer in each))
    closeness = preset.closeness if preset else OWN
    return [spoken(questions, each, groups=groups, closeness=closeness) for each in both]


def _metrics(
    questions: QuestionSet, said: Spoken, *, common: set[tuple[str, str]], preset: Preset | None, seed: int
) -> tuple[list[Metric], list[Part]]:
    """Metrics and slices over the cells that both systems answered, in the order of the questions."""
    cells: list[Cell] = [cell for cell in said.cells if cell.key in common]
    measured = measure(questions, cells, unsteered=said.unsteered, kept=cells, beside=None, seed=seed)
    metrics = [*(preset.metrics(measured) if preset else []), *own_metrics(measured)]
    return metrics, common_parts(measured, slices(cells))


def _place(metric: Metric) -> tuple[str, ...]:
    """Names of a metric's own slices: it may occur once for each grouping."""
    return tuple(part.name for part in metric.parts)
