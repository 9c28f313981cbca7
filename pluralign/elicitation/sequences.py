"""A person's questions one after the other, each asked after the person's own answers to those before it."""

from collections.abc import Sequence

from pluralign.elicitation.conditions import in_context
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Condition, Group, Question, content_hash


def in_context_units(
    questions: Sequence[Question], group: Group, *, n_examples: int, seed: int
) -> list[tuple[Question, Condition]]:
    """What is asked for one person: a question with no example before it, then one with one, and so on.

    The questions that the person answered are put into an order that depends on seed, person and question only, so
    that how hard a question is has nothing to do with how many examples stand before it. A question of the same
    words as an earlier one is left out: its answer would stand among the examples.

    Args:
        questions: The questions, whoever answered them.
        group: The person: a group of one, every answer of whom is a single option.
        n_examples: Number of examples before the last question. A person with fewer answers gives fewer units, one
            with none gives none.
        seed: Seed of the order.

    Returns:
        At position k the question that is asked after k examples, and its condition.

    Raises:
        ConfigurationError: `n_examples` is negative.
        DataError: The group is no single person: it gave several answers to a question.
    """
    if n_examples < 0:
        raise ConfigurationError(f"n_examples: {n_examples} answers cannot be shown; it must be 0 or more.")
    answered = [(q, choice) for q in questions if (choice := choice_of(q, group.id)) is not None]
    in_order = sorted(answered, key=lambda pair: content_hash([seed, group.id, pair[0].id]))
    distinct: dict[str, tuple[Question, int]] = {}
    for question, choice in in_order:
        if not question.unaskable:
            distinct.setdefault(question.wording, (question, choice))
    given = [*distinct.values()][: n_examples + 1]
    return [
        (question, in_context(group, answered=given[:position]))
        for position, (question, _) in enumerate(given)
    ]


def choice_of(question: Question, person: str) -> int | None:
    """Index of the option that a person chose; None where the person did not answer.

    Args:
        question: The question.
        person: Id of a group of one.

    Raises:
        DataError: The group is no single person: it gave several answers.
    """
    try:
        shares = question.target(person)
    except KeyError:
        return None
    if max(shares) < 1:
        raise DataError(
            f"The group {person!r} gave several answers to question {question.id!r}; answers are shown in context "
            "for single people only, each of whom chose one option. Choose groups that are people."
        )
    return shares.index(1)
