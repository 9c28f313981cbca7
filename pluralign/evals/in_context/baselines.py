"""Predictors of a person's answer that know nothing of the model: what the examples must beat to have said anything.

All counts are smoothed by one for every option (Laplace), so that no answer is ruled out: with n answers seen, of
which c chose an option of K, its probability is (c + 1) / (n + K).
"""

from collections import defaultdict

import numpy as np

from pluralign.evals.cells import Array
from pluralign.evals.in_context.turns import Turn
from pluralign.records import QuestionSet

UNIFORM, POSITION_MARGINAL = "uniform", "position marginal"
OWN_MARGINAL, OTHER_PEOPLE = "own marginal", "other people"

_Asked = tuple[str, tuple[str, ...]]


class PersonBaselines:
    """The trivial predictions for every turn of a question set.

    "Other people" are all groups of the person's grouping ("annotator=..."), asked or not, but for the person.

    Args:
        questions: All questions with all people's answers.
        people: Ids of the people who were asked: their groupings are those of single people.
    """

    def __init__(self, questions: QuestionSet, *, people: set[str]) -> None:
        groupings = {_grouping(person) for person in people}
        # Rows of the same text and options are one question, whatever their ids. Answers: person -> (K,).
        self._answers: dict[_Asked, dict[str, Array]] = defaultdict(dict)
        self._askings: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for question in questions.questions:
            asked = self._answers[question.text, question.option_texts]
            self._askings[question.option_texts].add(question.text)
            for group in question.groups:
                if _grouping(group) in groupings:
                    target = np.array(question.target(group))
                    asked[group] = asked[group] + target if group in asked else target
        self._sums = {asked: np.sum([*own.values()], axis=0) for asked, own in self._answers.items() if own}
        self._by_size: dict[tuple[str, int], Array] = {}
        self._of_everybody: dict[int, Array] = {}
        for (_, options), own in self._answers.items():
            n_options = len(options)
            for person, counts in own.items():
                key = person, n_options
                self._by_size[key] = self._by_size.get(key, np.zeros(n_options)) + counts
                self._of_everybody[n_options] = (
                    self._of_everybody.get(n_options, np.zeros(n_options)) + counts
                )

    def predictions(self, turn: Turn) -> dict[str, Array]:
        """Name -> distribution, (K,), of every predictor that exists for the turn."""
        n_options = len(turn.question.options)
        made = {
            UNIFORM: np.full(n_options, 1 / n_options),
            POSITION_MARGINAL: self._position_marginal(turn),
            OWN_MARGINAL: self._own_marginal(turn),
            OTHER_PEOPLE: self._other_people(turn),
        }
        return {name: prediction for name, prediction in made.items() if prediction is not None}

    def _own_marginal(self, turn: Turn) -> Array | None:
        """How often the person chose each option among the examples with the same options.

        None where no other question has these options, so that nothing could be counted.
        """
        options = turn.question.option_texts
        if len(self._askings[options]) < 2:
            return None
        # Examples whose options are not listed are told by their answer.
        alike = [shown.answer for shown in turn.examples if shown.options == options or not shown.options]
        return _smoothed(np.array([alike.count(option) for option in options], dtype=np.float64))

    def _other_people(self, turn: Turn) -> Array | None:
        """What other people answered to the same question."""
        asked = turn.question.text, turn.question.option_texts
        others = self._sums[asked] - self._answers[asked][turn.person]
        return _smoothed(others) if others.any() else None

    def _position_marginal(self, turn: Turn) -> Array | None:
        """What other people chose by position, over the other questions with as many options."""
        asked = turn.question.text, turn.question.option_texts
        n_options = len(turn.question.options)
        everybody, own = self._of_everybody[n_options], self._by_size[turn.person, n_options]
        others = everybody - own - (self._sums[asked] - self._answers[asked][turn.person])
        return _smoothed(others) if others.any() else None


def _smoothed(counts: Array) -> Array:
    shares: Array = (counts + 1) / (counts + 1).sum()
    return shares


def _grouping(group: str) -> str:
    return group.partition("=")[0]
