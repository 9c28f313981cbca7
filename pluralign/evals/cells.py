"""Cells: one question for one group of people, with what the people and what the model answered."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import DataError
from pluralign.records import POPULATION, Answer, Outcome, Question, QuestionSet

Array = NDArray[np.float64]
T = TypeVar("T")

SOUND, WITH_FAULTY = "without faulty items", "with faulty items"


@dataclass(frozen=True)
class Cell:
    """One question for one group.

    Attributes:
        question: The question.
        group: Id of the group; "all" where the truth is known exactly.
        target: Distribution to be met, (K,).
        n_people: Effective number of people behind the target; None where it is exact or was not published.
        answer: The model's answer, or None where it was not asked.
    """

    question: Question
    group: str
    target: Array
    n_people: float | None
    answer: Answer | None

    @property
    def key(self) -> tuple[str, str]:
        """Question and group: equal for the same cell in two sets of answers."""
        return self.question.id, self.group

    @property
    def probabilities(self) -> Array | None:
        """The model's distribution, (K,), or None."""
        if self.answer is None or self.answer.probabilities is None:
            return None
        return np.array(self.answer.probabilities)

    @property
    def unscored_reason(self) -> str | None:
        """Why the cell cannot be scored, or None."""
        if self.answer is None:
            return "cannot be asked" if self.question.unaskable else "not asked"
        return None if self.answer.outcome is Outcome.OK else self.answer.outcome.value

    @property
    def is_exact(self) -> bool:
        """Whether the target is known exactly, and not from some people."""
        return self.question.truth is not None

    @property
    def n_noise(self) -> float | None:
        """Draws that would be as noisy as people and model draws together; None where neither number is known."""
        n_drawn = self.answer.sample_size if self.answer else 0
        inverse = sum(1 / n for n in (n_drawn, self.n_people) if n)
        return 1 / inverse if inverse else None


def make_cells(
    questions: QuestionSet, answers: Iterable[Answer], *, groups: Collection[str] | None = None
) -> list[Cell]:
    """Bring together what people and what the model answered.

    An answer without condition speaks for the whole population (group "all") or for the truth; an answer
    under a condition for the group that the condition names.

    Args:
        questions: Questions with counts, shares or truth.
        answers: The model's answers.
        groups: Ids of the groups to be met. A group for which no answer at all speaks is then met by the
            answers without condition: the model as it is, against each group. None: the groups for which
            answers speak.
    """
    by_cell = {(answer.question_id, answer.condition.group): answer for answer in answers}
    spoken_for = {group for _, group in by_cell}
    met = spoken_for if groups is None else set(groups)
    cells = []
    for question in questions.questions:
        if question.truth is not None:
            answer = by_cell.get((question.id, POPULATION))
            cells.append(Cell(question, POPULATION, np.array(question.truth), None, answer))
        for group in question.groups:
            if group in met:
                speaker = group if group in spoken_for else POPULATION
                answer = by_cell.get((question.id, speaker))
                target = np.array(question.target(group))
                cells.append(Cell(question, group, target, question.n_people(group), answer))
    return cells


def slices(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """All cells, then those of each family ("urn/3" is of family urn) and each grouping ("party=...")."""
    parts: dict[str, list[Cell]] = {"all": list(cells)}
    for cell in cells:
        family, has_family, _ = cell.question.id.partition("/")
        if has_family:
            parts.setdefault(f"family={family}", []).append(cell)
        if cell.question.truth is None:
            parts.setdefault(f"groups={cell.group.partition('=')[0]}", []).append(cell)
    return {name: part for name, part in parts.items() if name == "all" or len(part) < len(cells)}


def sound_slices(
    cells: Sequence[Cell], *, faulty: Collection[tuple[str, str | None]], drop_faulty: bool
) -> dict[str, list[Cell]]:
    """The slices; where items are faulty, with and without them.

    Args:
        cells: The cells.
        faulty: (question id, group or None for all groups) of faulty items.
        drop_faulty: Whether "all" leaves them out.

    Raises:
        DataError: No cell is left.
    """
    parts = with_and_without(
        cells, lambda cell: cell.key, faulty=faulty, drop_faulty=drop_faulty, slices=slices
    )
    if not parts:
        fate = (
            "all its items are faulty" if cells else "no question has answers of the groups that were asked"
        )
        raise DataError(f"There is nothing to score: {fate}.")
    return parts


def with_and_without(
    items: Sequence[T],
    key: Callable[[T], tuple[str, str]],
    *,
    faulty: Collection[tuple[str, str | None]],
    drop_faulty: bool,
    slices: Callable[[Sequence[T]], dict[str, list[T]]],
) -> dict[str, list[T]]:
    """The slices of whatever is scored; where some of it is faulty, with and without that.

    Args:
        items: What is scored.
        key: Item -> question and group.
        faulty: (question id, group or None for all groups) of faulty items.
        drop_faulty: Whether the slices leave them out.
        slices: Items -> the slices of them.

    Returns:
        Name -> items; nothing where no item is left.
    """
    sound = [item for item in items if key(item) not in faulty and (key(item)[0], None) not in faulty]
    kept = sound if drop_faulty else list(items)
    if not kept:
        return {}
    parts = slices(kept)
    if len(sound) < len(items):
        parts |= {WITH_FAULTY: list(items)} if drop_faulty else {SOUND: sound} if sound else {}
    return parts


def group_slices(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """The cells of each group of people, where there are several groups."""
    parts: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.question.truth is None:
            parts.setdefault(f"group={cell.group}", []).append(cell)
    return parts if len(parts) > 1 else {}


def unscored(cells: Sequence[Cell]) -> dict[str, int]:
    """Reason -> number of cells that cannot be scored."""
    reasons = [reason for cell in cells if (reason := cell.unscored_reason)]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}
