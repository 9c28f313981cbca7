"""The difference between two groups, as a model predicts it and as it is among people."""

from typing import Self

from pydantic import model_validator

from pluralign.records.base import Record, Text


class Contrast(Record):
    """One question put to two groups.

    Attributes:
        question_id: Id of the question.
        first: Id of the group whose answers are the minuend.
        second: Id of the group whose answers are the subtrahend.
        predicted: The model's distribution for `first` minus that for `second`, one value an option.
        people: The same difference between the people's distributions.
    """

    question_id: Text
    first: Text
    second: Text
    predicted: tuple[float, ...]
    people: tuple[float, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.predicted) != len(self.people):
            raise ValueError(
                f"predicted: question {self.question_id!r} has {len(self.predicted)} predicted differences and "
                f"{len(self.people)} of people"
            )
        return self
