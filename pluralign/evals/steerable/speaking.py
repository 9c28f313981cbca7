"""Which answers speak for a group: of several wordings, the one whose answers come closest to the people's."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.evals.cells import Cell, make_cells
from pluralign.evals.distributional.measures import DistanceMeasure
from pluralign.records import POPULATION, Answer, Condition, QuestionSet


@dataclass(frozen=True)
class Spoken:
    """The answers by what they are for.

    Attributes:
        cells: One cell for each question and group of people, with the answer that speaks for the group.
        unsteered: Question id -> the answer without condition.
        by_form: Form -> the same cells with that form's answers alone; empty unless some group has several forms.
        chosen: Group -> the form that speaks for it, for the groups that have several.
    """

    cells: tuple[Cell, ...]
    unsteered: Mapping[str, Answer]
    by_form: Mapping[str, tuple[Cell, ...]]
    chosen: Mapping[str, str]


def form_of(condition: Condition) -> str:
    """What tells two wordings for one group apart: the form of a persona, or what else is given."""
    return condition.form if condition.kind == "persona" else condition.kind


def spoken(
    questions: QuestionSet,
    answers: Iterable[Answer],
    *,
    groups: Collection[str] | None,
    closeness: DistanceMeasure,
) -> Spoken:
    """Take the answers apart, and choose one form for each group.

    Args:
        questions: Questions with counts or shares.
        answers: The model's answers.
        groups: As in `make_cells`: a group for which no answer speaks is met by the answers without condition.
        closeness: The distance that the chosen form has least of, in the mean over the questions answered in
            every form of the group.
    """
    every = list(answers)
    unsteered = {answer.question_id: answer for answer in every if answer.condition.group == POPULATION}
    steered = [answer for answer in every if answer.condition.group != POPULATION]
    forms: dict[str, dict[str, list[Answer]]] = {}
    for answer in steered:
        forms.setdefault(answer.condition.group, {}).setdefault(form_of(answer.condition), []).append(answer)
    several = {group: by_form for group, by_form in forms.items() if len(by_form) > 1}
    chosen = {
        group: _closest(questions, by_form, group=group, closeness=closeness)
        for group, by_form in several.items()
    }
    kept = [
        answer
        for answer in steered
        if chosen.get(answer.condition.group, form_of(answer.condition)) == form_of(answer.condition)
    ]
    names = dict.fromkeys(form for by_form in several.values() for form in by_form)
    return Spoken(
        cells=_cells(questions, [*kept, *unsteered.values()], groups=groups),
        unsteered=unsteered,
        by_form={
            name: _cells(questions, [one for one in steered if form_of(one.condition) == name], groups=groups)
            for name in names
        },
        chosen=chosen,
    )


def _cells(
    questions: QuestionSet, answers: Sequence[Answer], *, groups: Collection[str] | None
) -> tuple[Cell, ...]:
    """The cells of groups of people: the whole population is none that a model could be steered towards."""
    cells = make_cells(questions, answers, groups=groups)
    return tuple(cell for cell in cells if cell.group != POPULATION)


def _closest(
    questions: QuestionSet,
    by_form: Mapping[str, Sequence[Answer]],
    *,
    group: str,
    closeness: DistanceMeasure,
) -> str:
    """The form of the least mean distance; of equals the first."""
    distances: dict[str, dict[str, float]] = {}
    for form, answers in by_form.items():
        values = {
            cell.question.id: closeness.value(cell) for cell in make_cells(questions, answers, groups={group})
        }
        distances[form] = {name: value for name, value in values.items() if value is not None}
    common = set.intersection(*(set(values) for values in distances.values()))
    means = {
        form: np.mean([value for name, value in values.items() if name in common or not common] or [np.inf])
        for form, values in distances.items()
    }
    return min(means, key=lambda form: float(means[form]))
