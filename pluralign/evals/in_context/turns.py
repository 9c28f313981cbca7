"""Turns: one question put to one person after so many of the person's own answers."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.elicitation.sequences import choice_of
from pluralign.errors import DataError
from pluralign.evals.cells import Array, with_and_without
from pluralign.records import Answer, Outcome, Question, QuestionSet, Shown


@dataclass(frozen=True)
class Turn:
    """One question for one person after some of the person's answers.

    Attributes:
        question: The question.
        person: Id of the person, a group of one.
        choice: Index of the option that the person chose.
        answer: The model's answer.
    """

    question: Question
    person: str
    choice: int
    answer: Answer

    @property
    def key(self) -> tuple[str, str, int]:
        """Question, person and number of examples: equal for the same turn in two sets of answers."""
        return self.question.id, self.person, self.n_examples

    @property
    def examples(self) -> tuple[Shown, ...]:
        """The person's answers that the model was shown."""
        return self.answer.condition.examples

    @property
    def n_examples(self) -> int:
        """Number of the person's answers that the model was shown."""
        return len(self.examples)

    @property
    def probabilities(self) -> Array | None:
        """The model's distribution, (K,), or None."""
        return None if self.answer.probabilities is None else np.array(self.answer.probabilities)

    @property
    def unscored_reason(self) -> str | None:
        """Why the turn cannot be scored, or None."""
        return None if self.answer.outcome is Outcome.OK else self.answer.outcome.value


def make_turns(
    questions: QuestionSet, answers: Iterable[Answer], *, groups: Collection[str] | None = None
) -> list[Turn]:
    """Bring together what people and what the model answered.

    Args:
        questions: Questions with the people's counts, one person a group.
        answers: The model's answers; those that were not given after a person's own answers are left out.
        groups: Ids of the people; None: everybody for whom there are answers.

    Raises:
        DataError: No answer is left, somebody is no single person, or did not answer what is asked.
    """
    by_id = {question.id: question for question in questions.questions}
    turns: dict[tuple[str, str, int], Turn] = {}
    for answer in answers:
        question, person = by_id.get(answer.question_id), answer.condition.group
        if question is None or answer.condition.kind != "in_context" or (groups and person not in groups):
            continue
        choice = choice_of(question, person)
        if choice is None:
            raise DataError(
                f"There is an answer for {person!r} to question {question.id!r}, which this person did not answer in "
                f"{questions.id!r}."
            )
        turn = Turn(question, person, choice, answer)
        turns[turn.key] = turn
    if not turns:
        raise DataError(
            "There is nothing to score: no answer was given after a person's own answers (condition in_context)."
        )
    return list(turns.values())


def turn_slices(
    turns: Sequence[Turn], *, faulty: Collection[tuple[str, str | None]] = (), drop_faulty: bool = False
) -> dict[str, list[Turn]]:
    """All turns, then those of each number of examples; where items are faulty, with and without them.

    Args:
        turns: The turns.
        faulty: (question id, person or None for everybody) of faulty items.
        drop_faulty: Whether the turns at them are left out. Among the examples of other turns they stay.

    Raises:
        DataError: No turn is left.
    """
    parts = with_and_without(
        turns,
        lambda turn: (turn.question.id, turn.person),
        faulty=faulty,
        drop_faulty=drop_faulty,
        slices=_by_examples,
    )
    if not parts:
        raise DataError("There is nothing to score: all items are faulty.")
    return parts


def _by_examples(turns: Sequence[Turn]) -> dict[str, list[Turn]]:
    """All turns, then those of each number of examples."""
    parts = {"all": list(turns)}
    for n_examples in sorted({turn.n_examples for turn in turns}):
        parts[examples_slice(n_examples)] = [turn for turn in turns if turn.n_examples == n_examples]
    return parts


def examples_slice(n_examples: int) -> str:
    """Name of the slice of turns after so many examples."""
    return f"examples={n_examples}"
