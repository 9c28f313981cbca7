"""What comes of steering: a text with who spoke and what the guard ruled, or a distribution over options."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pluralign.guard.combining import Decision
from pluralign.guard.verdict import Ruling
from pluralign.records import Answer, Outcome
from pluralign.records.base import Probability, Record, Text

Number = Annotated[int, Field(ge=0)]


class GuardSummary(Record):
    """What the guard ruled when it admitted a profile, without the verdicts.

    Attributes:
        ruling: `serve`, or `unsure` where the profile is served with its outputs watched.
        category: Id of the policy's category, where one is known.
        watched: Whether outputs must pass the guard.
        policy_hash: sha256 of the policy in force.
    """

    ruling: Ruling
    category: str | None = None
    watched: bool
    policy_hash: Text


class Steered(Record):
    """One draw of a steered model.

    Attributes:
        key: sha256 of everything that can change it; the row's identity on disk.
        prompt: Number of the prompt in the order in which prompts were given, from 0.
        speaker: Number of the profile or mixture in the order in which they were given, from 0.
        draw: Number of the draw, from 0.
        seed: Seed of the draws.
        model_id: Who was asked.
        way: How the profile was put to the model: see `Way`.
        profile_id: The profile that spoke; of a mixture, the member that this draw picked.
        profile_version: Version of its record; what it says is told by the hash.
        profile_hash: sha256 of all that it holds.
        share: Its share of the mixture, 1 where it is alone.
        admission: What the guard ruled of the profile, or of the mixture.
        outcome: `ok`, `truncated` where the token limit cut it, `refused` where there is no text to show, `error`.
        text: What was said; empty where the guard withheld it.
        withheld: Whether the guard withheld it; `output` then says why. What a stream let through before it was
            stopped is in `text`.
        output: What the guard ruled of the text; None where it was not asked.
        finish: "stop" or "length", as in `Draw`; None for outcome `error`.
        n_tokens: Number of tokens drawn.
        error: What went wrong, for outcome `error`.
    """

    key: Text
    prompt: Number = 0
    speaker: Number = 0
    draw: Number = 0
    seed: int
    model_id: Text
    way: Text
    profile_id: Text
    profile_version: int
    profile_hash: Text
    share: Probability = 1.0
    admission: GuardSummary
    outcome: Outcome
    text: str = ""
    withheld: bool = False
    output: Decision | None = None
    finish: Literal["stop", "length"] | None = None
    n_tokens: Number = 0
    error: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.outcome is Outcome.ERROR) != (self.error is not None):
            raise ValueError(
                f"error: present exactly when the outcome is error, not with {self.outcome.value!r}"
            )
        refused = self.output is not None and self.output.ruling is not Ruling.SERVE
        if self.withheld != refused:
            raise ValueError("withheld: true exactly when the guard ruled something else than serve")
        return self


class MemberDistribution(Record):
    """What the model answers for one profile.

    Attributes:
        profile_id: The profile.
        profile_hash: sha256 of all that it holds.
        share: Its share of the mixture, 1 where it is alone.
        answer: The model's answer, with its valid mass and order sensitivity.
    """

    profile_id: Text
    profile_hash: Text
    share: Probability
    answer: Answer


class Distribution(Record):
    """What a steered model answers to a question with options.

    Attributes:
        question_id: Id of the question.
        options: Texts of its options.
        outcome: `ok`, or what became of the first member that has no distribution.
        probabilities: Of the options: the mean of the members' distributions, weighted by their shares; None
            unless every member has one.
        valid_mass_prob: The same mean of their valid masses: what the model gave to the options before normalising.
        members: The profiles with their own answers.
    """

    question_id: Text
    options: tuple[Text, ...]
    outcome: Outcome
    probabilities: tuple[Probability, ...] | None = None
    valid_mass_prob: Probability | None = None
    members: tuple[MemberDistribution, ...]

    @property
    def by_option(self) -> dict[str, float]:
        """Option -> probability; empty where there is no distribution."""
        return dict(zip(self.options, self.probabilities or (), strict=False))


def mixed(
    members: tuple[MemberDistribution, ...], *, question_id: str, options: tuple[str, ...]
) -> Distribution:
    """The distribution of a mixture: sum over members of share * distribution.

    A member without a distribution leaves the mixture without one: its share is not dealt to the others.
    """
    failed = next((m.answer.outcome for m in members if m.answer.outcome is not Outcome.OK), None)
    masses = [member.answer.valid_mass_prob for member in members]
    mass = None
    if all(each is not None for each in masses):
        mass = min(1.0, sum(m.share * each for m, each in zip(members, masses, strict=True) if each))
    probabilities = None
    if failed is None:
        weighted = [[m.share * p for p in m.answer.probabilities or ()] for m in members]
        probabilities = tuple(min(1.0, sum(column)) for column in zip(*weighted, strict=True))
    return Distribution(
        question_id=question_id,
        options=options,
        outcome=failed or Outcome.OK,
        probabilities=probabilities,
        valid_mass_prob=mass,
        members=members,
    )
