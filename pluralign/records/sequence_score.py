"""How well a model foresaw the outputs of one sequence of examples."""

from math import fsum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pluralign.records.answer import Outcome
from pluralign.records.base import Record, Text

LayoutName = Literal["spectrum", "chat", "chat_simple", "colon"]
LogProb = Annotated[float, Field(le=0)]

# Other tokens below this probability are not kept: calibration (Sorensen et al. 2025) looks at none of them.
KEPT_PROB = 0.01
# Log-probabilities are written with so many decimals: 5e-7 nats a token.
DECIMALS = 6


class OutputScore(Record):
    """One output of a sequence, given all that stands before it.

    Attributes:
        index: Which example of the sequence it belongs to, from 0, whether or not earlier outputs are scored.
        log_probs: Of each token of the output, then of the terminator, nats.
        n_end_tokens: How many of these are the terminator alone. 0 where the tokenizer joins its beginning to the
            end of the text.
        n_right: Number of tokens, terminator included, that are the likeliest; of equals the lowest id.
        first_token_correct: Whether the first token is the likeliest.
        other_log_probs: Of all other tokens with a probability above 0.01, at all places of the output, nats.
    """

    index: Annotated[int, Field(ge=0)]
    log_probs: Annotated[tuple[LogProb, ...], Field(min_length=1)]
    n_end_tokens: Annotated[int, Field(ge=0)]
    n_right: Annotated[int, Field(ge=0)]
    first_token_correct: bool
    other_log_probs: tuple[LogProb, ...] = ()

    @property
    def n_tokens(self) -> int:
        """Number of tokens, terminator included."""
        return len(self.log_probs)

    @property
    def nll_nats(self) -> float:
        """Negative log-likelihood of the output and its terminator."""
        return -fsum(self.log_probs)

    @property
    def nll_text_nats(self) -> float:
        """Negative log-likelihood of the output alone: what ends it is the format's, and differs between formats."""
        return -fsum(self.log_probs[: self.n_tokens - self.n_end_tokens])

    @property
    def correct(self) -> bool:
        """Whether every token, terminator included, is the likeliest."""
        return self.n_right == self.n_tokens

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.n_end_tokens >= self.n_tokens:
            raise ValueError(
                f"n_end_tokens: {self.n_end_tokens} of {self.n_tokens} tokens leave none to the text"
            )
        if self.n_right > self.n_tokens:
            raise ValueError(f"n_right: {self.n_right} of {self.n_tokens} tokens cannot be right")
        return self


class SequenceScore(Record):
    """The outputs of one sequence, read by a model in one pass.

    Attributes:
        key: sha256 of everything that can change it; the row's identity on disk.
        sequence_id: Id of the sequence: equal for the same sequence under all models and layouts.
        task: Name of the task, "" where there is none.
        model_id: Id of the model.
        layout: How the sequence was laid out.
        outcome: `ok` or `error`.
        n_tokens: Tokens that were read.
        outputs: By rising index; the first output of a sequence without a description is not among them, as nothing
            tells what it should be. Empty for outcome `error`.
        error: What went wrong, for outcome `error`.
    """

    key: Text
    sequence_id: Text
    task: str = ""
    model_id: Text
    layout: LayoutName
    outcome: Literal[Outcome.OK, Outcome.ERROR]
    n_tokens: Annotated[int, Field(ge=0)] = 0
    outputs: tuple[OutputScore, ...] = ()
    error: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        indices = [output.index for output in self.outputs]
        if indices != sorted(set(indices)):
            raise ValueError(f"outputs: their indices must rise, they are {indices}")
        if (self.outcome is Outcome.OK) != bool(self.outputs):
            raise ValueError(
                f"outputs: present exactly when the outcome is ok, not with {self.outcome.value!r}"
            )
        if (self.outcome is Outcome.ERROR) != (self.error is not None):
            raise ValueError(
                f"error: present exactly when the outcome is error, not with {self.outcome.value!r}"
            )
        return self
