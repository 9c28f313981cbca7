"""Trivial predictors that stand beside every score: what a model must beat to have said anything.

No paper of the field reports them, and published scores lie below some of them: uniform answers, the mean
distribution by option position, the other groups' answers to the same question, and the model's own
distribution over shuffled options.
"""

from collections import defaultdict
from itertools import permutations
from math import factorial

import numpy as np

from pluralign.evals.cells import Array, Cell
from pluralign.records import POPULATION, QuestionSet, content_hash

UNIFORM, POSITION_MARGINAL, GROUP_BLIND, SHUFFLED = "uniform", "position marginal", "group-blind", "shuffled"

# Predictors that know nothing of the model; the best of them is the zero of the normalised score.
MODEL_FREE = (UNIFORM, POSITION_MARGINAL, GROUP_BLIND)

N_SHUFFLES = 24


class Baselines:
    """The trivial predictions for every cell of a question set.

    Args:
        questions: All questions with all groups, whether asked or not: what a predictor may know.
        leave_out: Whether a question's own answers are left out of the position marginal. Published
            figures leave them in; in a small set the marginal then holds the answer.
    """

    def __init__(self, questions: QuestionSet, *, leave_out: bool = True) -> None:
        self._leave_out = leave_out
        # Rows of the same text and options are one question, whatever their ids.
        self._by_text: dict[tuple[str, tuple[str, ...]], dict[str, list[Array]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._sums: dict[int, Array] = {}
        self._sizes: dict[int, int] = defaultdict(int)
        for question in questions.questions:
            by_group = self._by_text[question.text, question.option_texts]
            for group in question.groups:
                by_group[group].append(np.array(question.target(group)))
            if question.truth is not None:
                by_group[""].append(np.array(question.truth))
        for by_group in self._by_text.values():
            for targets in by_group.values():
                for target in targets:
                    n_options = len(target)
                    self._sums[n_options] = self._sums.get(n_options, np.zeros(n_options)) + target
                    self._sizes[n_options] += 1

    def predictions(self, cell: Cell, *, seed: int) -> dict[str, Array]:
        """Name -> predictions, (R, K), of every baseline that exists for the cell.

        Args:
            cell: The cell.
            seed: Seed of the shuffled options.
        """
        made = {name: row[None] for name, row in self.model_free(cell).items()}
        if cell.probabilities is not None:
            made[SHUFFLED] = _shuffled(cell, seed=seed)
        return made

    def model_free(self, cell: Cell) -> dict[str, Array]:
        """Name -> prediction, (K,), of every baseline that exists for the cell and knows nothing of the model."""
        made = {
            UNIFORM: np.full(len(cell.target), 1 / len(cell.target)),
            POSITION_MARGINAL: self._position_marginal(cell),
            GROUP_BLIND: self._group_blind(cell),
        }
        return {name: row for name, row in made.items() if row is not None}

    def _same_question(self, cell: Cell) -> dict[str, list[Array]]:
        return self._by_text[cell.question.text, cell.question.option_texts]

    def _position_marginal(self, cell: Cell) -> Array | None:
        """Mean answer by option position over the other questions with as many options."""
        n_options = len(cell.target)
        total, size = self._sums[n_options], self._sizes[n_options]
        if self._leave_out:
            own = [target for targets in self._same_question(cell).values() for target in targets]
            total, size = total - np.sum(own, axis=0), size - len(own)
        if not size:
            return None
        marginal: Array = np.clip(total, 0, None) / np.clip(total, 0, None).sum()
        return marginal

    def _group_blind(self, cell: Cell) -> Array | None:
        """Mean answer of the other groups to the same question: it knows the question, but not the group."""
        if cell.question.truth is not None or cell.group == POPULATION:
            return None
        others = [
            target
            for group, targets in self._same_question(cell).items()
            if group not in {cell.group, POPULATION}
            for target in targets
        ]
        if not others:
            return None
        mean: Array = np.mean(others, axis=0)
        return mean


def _shuffled(cell: Cell, *, seed: int) -> Array:
    """The model's distribution under all orders of the options, or under 24 random ones where there are more."""
    n_options = len(cell.target)
    own = cell.probabilities
    assert own is not None  # only cells with an answer are shuffled
    if factorial(n_options) <= N_SHUFFLES:
        return np.array(list(permutations(own)))
    rng = cell_rng(cell, seed=seed, purpose="shuffle")
    return np.array([rng.permutation(own) for _ in range(N_SHUFFLES)])


def cell_rng(cell: Cell, *, seed: int, purpose: str) -> np.random.Generator:
    """A generator of a cell's own, so that no cell's randomness depends on which others are scored."""
    return np.random.default_rng(int(content_hash([purpose, seed, *cell.key])[:16], 16))
