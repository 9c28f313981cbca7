"""Ratings: how well a person found a response to represent their view."""

from typing import Annotated

from pydantic import Field

from pluralign.records.base import Record, Text


class RepresentationRating(Record):
    """One person's rating of one response: to what extent is your perspective represented?

    Attributes:
        user: Id of the person.
        question_id: Id of the question.
        model: Whose response was rated.
        rating: From 1, not at all, to 5, fully.
        cluster: Id of the person's cluster of views on this question.
        source: Where the question comes from, for example "prism".
    """

    user: Text
    question_id: Text
    model: Text
    rating: Annotated[float, Field(ge=1, le=5)]
    cluster: Text
    source: Text
