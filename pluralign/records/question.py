"""Questions, their options, and the counts of how people answered them."""

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from pluralign.records.base import Count, Probability, Record, Text, check_distribution, duplicates
from pluralign.records.jsonl import content_hash


class Option(Record):
    """One answer a person may give.

    Attributes:
        text: What is answered, word for word.
        value: Position on the question's scale, or None where the answer has none.
        refusal: Whether the answer refuses ("Don't know", "Refused"): kept apart from the scale.
    """

    text: Text
    value: float | None = None
    refusal: bool = False


class Group(Record):
    """A group of people.

    Attributes:
        id: Key of the group in `Question.counts`, for example "party=Democrat".
        text: The group in words, completing "people who ...", or None for the whole population.
    """

    id: Text
    text: str | None = None


class Question(Record):
    """One question with its options and what is known of the right distribution over them.

    Attributes:
        id: Unique within a question set.
        text: The question as it is asked, without the options.
        options: At least two, none twice.
        counts: group id -> how many of the group gave each option (floats where survey weights apply).
        effective_n: group id -> effective sample size where weights apply; else the sum of the counts.
        truth: The exact distribution, where the answer comes from a process known in closed form.
        options_listed: Whether the options are listed when the question is asked. False where the text
            already says what may be answered (an integer from 0 to 10).
    """

    id: Text
    text: Text
    options: tuple[Option, ...]
    counts: Mapping[str, tuple[Count, ...]] = {}
    effective_n: Mapping[str, Count] = {}
    truth: tuple[Probability, ...] | None = None
    options_listed: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.options) < 2:
            raise ValueError(f"options: question {self.id!r} has {len(self.options)}, at least 2 are needed")
        if repeated := duplicates(self.option_texts):
            raise ValueError(f"options: question {self.id!r} holds {repeated} more than once")
        for group, counts in self.counts.items():
            self._check_length(f"counts[{group!r}]", counts)
        for group in self.effective_n:
            if group not in self.counts:
                raise ValueError(f"effective_n: group {group!r} of question {self.id!r} has no counts")
        if self.truth is not None:
            self._check_length("truth", self.truth)
            check_distribution(f"truth of question {self.id!r}", self.truth)
        return self

    def _check_length(self, field: str, values: tuple[float, ...]) -> None:
        if len(values) != len(self.options):
            raise ValueError(
                f"{field}: question {self.id!r} has {len(self.options)} options but {len(values)} values: {values}"
            )

    @property
    def option_texts(self) -> tuple[str, ...]:
        """The texts of the options, in order."""
        return tuple(option.text for option in self.options)

    def n_people(self, group: str) -> float:
        """Effective number of people of a group who answered."""
        return self.effective_n.get(group, sum(self.counts[group]))


class QuestionSet(Record):
    """Questions that are asked and scored together.

    Attributes:
        id: Name of the set.
        questions: At least one, no id twice.
        groups: Every group that occurs in the questions' counts.
        source: Where the data come from, with the licence stated there.
    """

    id: Text
    questions: tuple[Question, ...]
    groups: tuple[Group, ...] = ()
    source: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.questions:
            raise ValueError(f"questions: the set {self.id!r} is empty")
        if repeated := duplicates(tuple(question.id for question in self.questions)):
            raise ValueError(f"questions: ids {repeated} occur more than once in {self.id!r}")
        if repeated := duplicates(tuple(group.id for group in self.groups)):
            raise ValueError(f"groups: ids {repeated} occur more than once in {self.id!r}")
        known = {group.id for group in self.groups}
        for question in self.questions:
            if unknown := sorted(set(question.counts) - known):
                raise ValueError(
                    f"counts: question {question.id!r} has groups {unknown} that {self.id!r} lacks"
                )
        return self

    @property
    def digest(self) -> str:
        """sha256 of the content: changes when anything that could move a result changes."""
        return content_hash(self.model_dump(mode="json"))
