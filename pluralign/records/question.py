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
        personas: Form of a persona prompt ("qa", "bio", "portray") -> its exact wording, where the data's
            authors published one; the other forms are built from id and text.
        member_of: Where the group is a single person: ids of the groups that the person belongs to, for
            example "gender=Female"; at most one of each grouping.
    """

    id: Text
    text: str | None = None
    personas: Mapping[str, Text] = {}
    member_of: tuple[Text, ...] = ()


class Question(Record):
    """One question with its options and what is known of the right distribution over them.

    Attributes:
        id: Unique within a question set.
        text: The question as it is asked, without the options.
        options: At least one. Published files hold questions with a single option, or with one option
            twice; such a question can be scored, but not asked: see `unaskable`.
        counts: group id -> how many of the group gave each option (floats where survey weights apply).
        shares: group id -> share of the group that gave each option, where the number of people was not
            published: there is then neither a noise floor of the people nor a split-half ceiling.
        effective_n: group id -> effective sample size where weights apply; else the sum of the counts.
        truth: The exact distribution, where the answer comes from a process known in closed form.
        options_listed: Whether the options are listed when the question is asked. False where the text
            already says what may be answered (an integer from 0 to 10).
        topic: What it is about, or the part of a study that it belongs to; None where that is not known.
    """

    id: Text
    text: Text
    options: tuple[Option, ...]
    counts: Mapping[str, tuple[Count, ...]] = {}
    shares: Mapping[str, tuple[Probability, ...]] = {}
    effective_n: Mapping[str, Count] = {}
    truth: tuple[Probability, ...] | None = None
    options_listed: bool = True
    topic: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.options:
            raise ValueError(f"options: question {self.id!r} has none")
        for group, counts in self.counts.items():
            self._check_length(f"counts[{group!r}]", counts)
        for group, shares in self.shares.items():
            self._check_length(f"shares[{group!r}]", shares)
            check_distribution(f"shares[{group!r}] of question {self.id!r}", shares)
            if group in self.counts:
                raise ValueError(f"shares: group {group!r} of question {self.id!r} has counts as well")
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

    @property
    def wording(self) -> str:
        """The text without what does not change the question, case and spacing: equal for equal questions."""
        return " ".join(self.text.casefold().split())

    @property
    def unaskable(self) -> str | None:
        """Why no model can be asked this, or None: a single option, or one that stands there twice."""
        if len(self.options) < 2:
            return f"it has a single option, {self.option_texts[0]!r}"
        repeated = duplicates(self.option_texts)
        return f"it holds the options {repeated} more than once" if repeated else None

    @property
    def groups(self) -> tuple[str, ...]:
        """Ids of the groups of which answers are known, in order; a group that nobody answered for is none."""
        return (*(group for group, counts in self.counts.items() if sum(counts) > 0), *self.shares)

    def target(self, group: str) -> tuple[float, ...]:
        """Share of a group that gave each option.

        Raises:
            KeyError: The group's answers are not known.
        """
        if group in self.shares:
            return self.shares[group]
        counts = self.counts[group]
        total = sum(counts)
        if total == 0:
            raise KeyError(group)
        return tuple(count / total for count in counts)

    def n_people(self, group: str) -> float | None:
        """Effective number of people of a group who answered; None where it was not published."""
        if group in self.shares:
            return None
        return self.effective_n.get(group, sum(self.counts[group]))


class QuestionSet(Record):
    """Questions that are asked and scored together.

    Attributes:
        id: Name of the set.
        questions: At least one, no id twice.
        groups: Every group that occurs in the questions' counts or shares.
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
            if unknown := sorted({*question.counts, *question.shares} - known):
                raise ValueError(
                    f"counts, shares: question {question.id!r} has groups {unknown} that {self.id!r} lacks"
                )
        return self

    @property
    def people(self) -> frozenset[str]:
        """Ids of the groups that are a single person: said to belong to groups, or never more than one who answered."""
        members = {group.id for group in self.groups if group.member_of}
        alone: set[str] = set()
        several: set[str] = set()
        for question in self.questions:
            for group in question.groups:
                (alone if question.n_people(group) == 1 else several).add(group)
        return frozenset(members | (alone - several))

    @property
    def digest(self) -> str:
        """sha256 of the content: changes when anything that could move a result changes."""
        return content_hash(self.model_dump(mode="json"))
