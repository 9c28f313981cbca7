"""Responses: what a model wrote, in its own words, to an open question."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pluralign.records.answer import Condition, Outcome
from pluralign.records.base import Record, Text

ResponseWay = Literal["plain", "synthesis", "verbalized", "seeded", "scored"]


class Response(Record):
    """One response of a model to the prompt of a window.

    Attributes:
        key: sha256 of everything that can change it; the row's identity on disk.
        window_id: Id of the window.
        model_id: Id of the model.
        condition: What the model was given beside the question.
        way: How the response was made: "plain"; "synthesis" of several answers; "verbalized", a reply that holds
            several answers; "seeded", one that ends with its answer behind a random string; "scored", a text that was
            given, and not written, so that its log-probability is known.
        draw: Number of the draw, from 0.
        outcome: `ok`, `truncated` where the token limit cut it (it is scored, and counted as cut), `refused` where
            it is empty of words, or `error`. Whether it refuses in words is for a judge to say.
        text: What was written; empty for outcome `error`.
        n_tokens: Number of tokens that were written, or scored.
        log_prob: Of way "scored": log P(text and end of turn | prompt), nats.
        error: What went wrong, for outcome `error`.
    """

    key: Text
    window_id: Text
    model_id: Text
    condition: Condition = Condition()
    way: ResponseWay = "plain"
    draw: Annotated[int, Field(ge=0)] = 0
    outcome: Outcome
    text: str = ""
    n_tokens: Annotated[int, Field(ge=0)] = 0
    log_prob: Annotated[float, Field(le=0)] | None = None
    error: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.outcome is Outcome.ERROR) != (self.error is not None):
            raise ValueError(
                f"error: present exactly when the outcome is error, not with {self.outcome.value!r}"
            )
        if self.outcome is Outcome.UNPARSED:
            raise ValueError("outcome: a response is read as it stands; it cannot be unparsed")
        if (self.log_prob is not None) != (self.way == "scored" and self.outcome is Outcome.OK):
            raise ValueError(
                f"log_prob: present exactly where a text was scored, not with way {self.way!r} and outcome "
                f"{self.outcome.value!r}"
            )
        return self
