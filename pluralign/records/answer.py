"""What one model answered to one question under one condition."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pluralign.records.base import Probability, Record, Text, check_distribution

# Id of the group that stands for everybody.
POPULATION = "all"


PersonaForm = Literal["member", "qa", "bio", "portray"]


class Outcome(StrEnum):
    """What became of a work unit. Only `ok` carries a distribution; nothing is invented for the others."""

    OK = "ok"
    REFUSED = "refused"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    ERROR = "error"


class Shown(Record):
    """A question that is shown with its answer.

    Attributes:
        text: The question without its options.
        options: The options in the order in which they are listed; empty where they are not.
        answer: What was answered, word for word.
    """

    text: Text
    options: tuple[Text, ...] = ()
    answer: Text


class Condition(Record):
    """Under which condition a model answers.

    Attributes:
        kind: What the model is given beside the question: nothing, a persona of a group, a value profile, the
            group's shares of answers to other questions ("few_shot"), or a person's own answers to other
            questions as turns of the conversation ("in_context").
        id: Id of the group for which the model speaks; "none" where nothing is given.
        text: What the model is told; empty for kind "none". For a persona of form "member" it completes
            "people who ..."; everywhere else it stands in the prompt word for word.
        form: Wording of a persona: "member" ("You are one of the people who ..."), or "qa", "bio", "portray"
            (Santurkar et al. 2023).
        examples: The turns of kind "in_context", earliest first; there may be none, and text may be empty.
    """

    kind: Literal["none", "persona", "profile", "few_shot", "in_context"] = "none"
    id: Text = "none"
    text: str = ""
    form: PersonaForm = "member"
    examples: tuple[Shown, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "in_context":
            return self
        if (self.kind == "none") == bool(self.text):
            raise ValueError(
                f"text: a condition of kind {self.kind!r} with text {self.text!r} makes no sense"
            )
        if self.examples:
            raise ValueError(f"examples: a condition of kind {self.kind!r} has none")
        return self

    @property
    def group(self) -> str:
        """Whom an answer under this condition speaks for: a group's id, or everybody where nothing is given."""
        return POPULATION if self.kind == "none" else self.id


class Answer(Record):
    """A model's distribution over the options of one question, or why there is none.

    Attributes:
        key: sha256 of everything that can change the answer; the row's identity on disk.
        question_id: Id of the question.
        model_id: Id of the model that answered.
        condition: What the model was given beside the question.
        elicitation: How the answer was got out of the model: "logprob", "sample", ...
        outcome: What became of it.
        probabilities: Distribution over the question's options, summing to 1; None unless `ok`.
        valid_mass_prob: Probability that the model gave to the options before normalising; None if unknown.
        n_draws: Number of replies drawn from the model; 0 where none was, because the answer is exact.
        counts: outcome -> number of replies that ended so; empty where none was drawn.
        sample_size: Number of single choices of which the distribution is a tally, so that it is noisy even if
            the model is right; 0 where it is exact or stated in the reply.
        replies: The replies as they came, in order of drawing, so that they can be read again.
        n_permutations: Number of option orders averaged over.
        order_sensitivity: Mean total variation between the distribution under one option order and the
            average over orders, in [0, 1]; None with fewer than two orders.
        error: What went wrong, for outcome `error`.
    """

    key: Text
    question_id: Text
    model_id: Text
    condition: Condition = Condition()
    elicitation: Text
    outcome: Outcome
    probabilities: tuple[Probability, ...] | None = None
    valid_mass_prob: Probability | None = None
    n_draws: Annotated[int, Field(ge=0)] = 0
    counts: Mapping[Outcome, Annotated[int, Field(ge=0)]] = {}
    sample_size: Annotated[int, Field(ge=0)] = 0
    replies: tuple[str, ...] = ()
    n_permutations: Annotated[int, Field(ge=1)] = 1
    order_sensitivity: Probability | None = None
    error: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.outcome is Outcome.OK) != (self.probabilities is not None):
            raise ValueError(
                f"probabilities: present exactly when the outcome is ok, not with {self.outcome.value!r}"
            )
        if self.probabilities is not None:
            check_distribution(f"probabilities of question {self.question_id!r}", self.probabilities)
        if sum(self.counts.values()) not in (0, self.n_draws):
            raise ValueError(f"counts: {dict(self.counts)} do not add up to n_draws {self.n_draws}")
        if (self.outcome is Outcome.ERROR) != (self.error is not None):
            raise ValueError(
                f"error: present exactly when the outcome is error, not with {self.outcome.value!r}"
            )
        return self
