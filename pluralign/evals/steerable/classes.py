"""The most frequent answer as a class to be predicted, and trivial predictors of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from pluralign.evals.cells import Array, Cell
from pluralign.evals.distributional.baselines import GROUP_BLIND, POSITION_MARGINAL, Baselines
from pluralign.evals.distributional.values import REPLIED
from pluralign.evals.steerable.metric import FORM, GROUP, WHOLE, Metric, Rows, means
from pluralign.evals.steerable.table import Index, Mask, Table
from pluralign.metrics import balanced_accuracy_of_sums, class_columns, macro_f1_of_sums
from pluralign.records import QuestionSet

ACCURACY, BALANCED, MACRO_F1 = "accuracy", "balanced_accuracy", "macro_f1"
MAJORITY, QUESTION_BLIND = "majority option", "question-blind"

# A cell that has no prediction.
NONE = -1


@dataclass(frozen=True)
class Classes:
    """The right and the predicted class of every cell.

    Attributes:
        names: The classes: the options' texts where all questions share them, else their positions.
        by_position: Whether they are positions.
        gold: The people's most frequent answer, (N,); of equals the first.
        predicted: The model's likeliest answer, (N,); `NONE` where it gave none.
        is_lost: Whether the model replied, but nothing could be read from it, (N,).
        trivial: Trivial predictor -> its classes, (N,); `NONE` where it does not exist.
    """

    names: tuple[str, ...]
    by_position: bool
    gold: Index
    predicted: Index
    is_lost: Mask
    trivial: Mapping[str, Index]


def make_classes(table: Table, questions: QuestionSet, *, baselines: Baselines | None) -> Classes:
    """Find the classes of all cells.

    Args:
        table: The cells.
        questions: All questions with all groups, whether asked or not: what a predictor may know.
        baselines: The trivial predictors of distributions; None where none is needed.
    """
    names, by_position, numbers = _numbers(table)
    gold = _chosen(table.people, numbers)
    trivial: dict[str, Index] = {}
    if baselines is not None and _asked(table).any():
        width = table.people.shape[1]
        made = _predictions(table, baselines, QuestionBlind(questions), width=width)
        trivial = {MAJORITY: np.full(len(gold), np.bincount(gold[_asked(table)]).argmax())}
        trivial |= {name: _chosen(rows, numbers) for name, rows in made.items()}
    replied = [cell.answer is not None and cell.answer.outcome in REPLIED for cell in table.cells]
    return Classes(
        names=names,
        by_position=by_position,
        gold=gold,
        predicted=_chosen(table.model, numbers),
        is_lost=np.array(replied, dtype=bool),
        trivial=trivial,
    )


class QuestionBlind:
    """A group's mean answer to its other questions with the same options: it knows the group, but no question.

    Args:
        questions: All questions with all groups.
    """

    def __init__(self, questions: QuestionSet) -> None:
        self._sums: dict[tuple[str, tuple[str, ...]], Array] = {}
        self._sizes: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
        for question in questions.questions:
            for group in question.groups:
                key = group, question.option_texts
                self._sums[key] = self._sums.get(key, np.zeros(len(question.options))) + question.target(
                    group
                )
                self._sizes[key] += 1

    def prediction(self, cell: Cell) -> Array | None:
        """The mean without the cell's own question, (K,); None where there is no other."""
        key = cell.group, cell.question.option_texts
        n_others = self._sizes[key] - 1
        if n_others < 1:
            return None
        # Rounded, so that shares that are equal but for floating point tie.
        others: Array = np.round((self._sums[key] - cell.target) / n_others, 12)
        return others


def class_metrics(
    table: Table,
    classes: Classes,
    *,
    lost_is_wrong: bool = False,
    among: Mask | None = None,
    ceiling: Array | None = None,
) -> list[Metric]:
    """Accuracy, balanced accuracy and macro F1.

    Args:
        table: The cells.
        classes: Their classes.
        lost_is_wrong: Whether an answer that could not be read counts as a wrong one, and is not left out.
        among: The cells that count, (N,); None for all.
        ceiling: Accuracy of one half of the people against the other, (N,).
    """
    counted = np.ones(len(table.cells), dtype=bool) if among is None else among
    predictions = _predicted(classes, counted=counted, lost_is_wrong=lost_is_wrong)
    gold = classes.gold[counted]
    hits = {
        name: means(np.where(chosen == NONE, np.nan, (chosen == gold).astype(np.float64)))
        for name, chosen in predictions.items()
    }
    columns = {
        name: _columns(gold, chosen, n_classes=len(classes.names)) for name, chosen in predictions.items()
    }
    by_class = columns.pop("")
    lost = "; an answer that could not be read counts as wrong" if lost_is_wrong else ""
    by = "position" if classes.by_position else "text"
    metric = partial(
        Metric, unit="probability", lower_is_better=False, rows=Rows(table, np.flatnonzero(counted))
    )
    return [
        metric(
            name=ACCURACY,
            definition="share of cells whose most frequent answer among people is the model's likeliest; the first "
            f"counts on ties{lost}",
            columns=hits.pop(""),
            baselines=hits,
            kinds=frozenset({WHOLE, FORM, GROUP}),
            ceiling=None if ceiling is None else means(ceiling[counted]),
        ),
        metric(
            name=BALANCED,
            definition=f"mean over the people's most frequent answers, told apart by {by}, of the share of their cells "
            f"predicted right{lost}",
            columns=by_class,
            baselines=columns,
            statistic=balanced_accuracy_of_sums,
        ),
        metric(
            name=MACRO_F1,
            definition=f"mean F1 over the answers, told apart by {by}, that occur as most frequent one or as "
            f"prediction{lost}",
            columns=by_class,
            baselines=columns,
            statistic=macro_f1_of_sums,
        ),
    ]


def _predicted(classes: Classes, *, counted: Mask, lost_is_wrong: bool) -> dict[str, Index]:
    """Classes predicted by the model, under "", and by trivial predictors, for the cells that count."""
    # Answers that could not be read are a class of their own, after all others.
    predicted = np.where(classes.is_lost & lost_is_wrong, len(classes.names), classes.predicted)
    exists = counted & (predicted != NONE)
    trivial = {name: np.where(exists, chosen, NONE) for name, chosen in classes.trivial.items()}
    if exists.any() and MAJORITY in trivial:
        trivial[MAJORITY] = np.where(exists, np.bincount(classes.gold[exists]).argmax(), NONE)
    found = {"": np.where(exists, predicted, NONE)} | trivial
    return {name: chosen[counted] for name, chosen in found.items()}


def _numbers(table: Table) -> tuple[tuple[str, ...], bool, Index]:
    """The classes' names, whether they are positions, and the class of each option of each cell, (N, K)."""
    texts = list(dict.fromkeys(cell.question.option_texts for cell in table.cells))
    width = table.people.shape[1]
    positions = tuple(map(str, range(width)))
    if len({frozenset(each) for each in texts}) > 1 or len(set(texts[0])) < len(texts[0]):
        return positions, True, np.broadcast_to(np.arange(width), table.people.shape)
    names = texts[0]
    orders = {each: [names.index(text) for text in each] for each in texts}
    return (
        names,
        False,
        np.array([orders[cell.question.option_texts] for cell in table.cells], dtype=np.int64),
    )


def _chosen(distributions: Array, numbers: Index) -> Index:
    """Class of the likeliest option of each row, (N,); `NONE` for a row without distribution."""
    known = ~np.isnan(distributions[:, 0])
    best = np.where(known, np.where(known[:, None], distributions, 0.0).argmax(axis=1), 0)
    return np.where(known, numbers[np.arange(len(best)), best], NONE)


def _asked(table: Table) -> Mask:
    return np.array([cell.answer is not None for cell in table.cells], dtype=bool)


def _predictions(
    table: Table, baselines: Baselines, question_blind: QuestionBlind, *, width: int
) -> dict[str, Array]:
    """Predictor -> distributions, (N, K); NaN where it does not exist or the cell was not asked."""
    names = (POSITION_MARGINAL, GROUP_BLIND, QUESTION_BLIND)
    found = {name: np.full((len(table.cells), width), np.nan) for name in names}
    for row in np.flatnonzero(_asked(table)).tolist():
        cell = table.cells[row]
        made = baselines.model_free(cell)
        made |= {} if (own := question_blind.prediction(cell)) is None else {QUESTION_BLIND: own}
        for name in names:
            if name in made:
                found[name][row] = 0.0
                found[name][row, : len(cell.target)] = made[name]
    return found


def _columns(gold: Index, predicted: Index, *, n_classes: int) -> Array:
    """`class_columns` with one class more for answers that could not be read, (3 (C + 1), n); NaN for `NONE`."""
    found = class_columns(gold, np.where(predicted == NONE, 0, predicted), n_classes=n_classes + 1)
    found[:, predicted == NONE] = np.nan
    return found
