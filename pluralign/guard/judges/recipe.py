"""Recipes: how a guard model is asked and how its answer is read, as data."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.guard.judges.quoting import placeholders
from pluralign.guard.verdict import Role
from pluralign.plain_yaml import Bounds, read_plain_yaml, shortened
from pluralign.records.base import Probability, Record, Text
from pluralign.records.jsonl import content_hash, describe

_SHIPPED = Path(__file__).parent / "recipes"
# What a code of a model can stand for beside a category of the policy: something the policy leaves open.
NOT_OURS = "not_ours"

# A frame often stands for both roles, and its text for several.
_BOUNDS = Bounds(aliases=True)
_NEEDED = "a recipe's fields, such as 'name:' and 'frames:'"

Reader = Literal["text", "logit", "head", "endpoint"]


class Turn(Record):
    """A message; {policy}, {text} and {question} stand for the policy's rendering, the judged text, what is asked."""

    role: Literal["system", "user", "assistant"]
    content: Text


class Frame(Record):
    """A prompt around the judged text: a conversation, or raw text for models without a chat template.

    Attributes:
        messages: The turns; empty for raw text.
        raw: The raw text; None for a conversation.
        continue_from: First words of the answer, given to local models.
        end: What ends an answer to raw text.
    """

    messages: tuple[Turn, ...] = ()
    raw: Text | None = None
    continue_from: str = ""
    end: Annotated[str, Field(min_length=1)] = "\n"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.messages) == (self.raw is not None):
            raise ValueError("messages, raw: exactly one of them is given")
        if (found := self.placeholders.count("text")) != 1:
            raise ValueError(
                f"the judged text, {{text}}, must stand exactly once in a frame, not {found} times"
            )
        return self

    @property
    def templates(self) -> tuple[str, ...]:
        """The texts in which placeholders may stand."""
        return (self.raw,) if self.raw is not None else tuple(turn.content for turn in self.messages)

    @property
    def placeholders(self) -> list[str]:
        """All placeholders of the frame."""
        return [name for template in self.templates for name in placeholders(template)]


class TextReading(Record):
    """How a generated answer is read.

    Attributes:
        max_tokens: Bound on the answer's tokens.
        pattern: Anchored regular expression with a group `verdict` and, where codes are named, `categories`.
        output_pattern: The same for outputs, where it differs.
        question: What the frame's {question} stands for.
        refuse: What the group says of a text to be refused, in lower case.
        serve: What it says of one to be served.
        unsure: What it says where the model does not decide.
        which: "first": the answer must begin with a match; "last": the last match counts, for models that reason.
        reasoning_end: What ends the reasoning before the answer; an answer in which it is begun and not ended is
            none.
        reasoning_start: What begins it.
        split: What stands between two codes, a regular expression.
        none: Words in place of a code that say that there is none, in lower case.
    """

    max_tokens: Annotated[int, Field(ge=1, le=8192)]
    pattern: Text
    output_pattern: Text | None = None
    question: Text | None = None
    refuse: Annotated[tuple[Text, ...], Field(min_length=1)]
    serve: Annotated[tuple[Text, ...], Field(min_length=1)]
    unsure: tuple[Text, ...] = ()
    which: Literal["first", "last"] = "first"
    reasoning_start: Text | None = None
    reasoning_end: Text | None = None
    split: Text = r"\s*,\s*"
    none: tuple[Text, ...] = ("none",)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _regular(self.split)
        for pattern in (self.pattern, self.output_pattern or self.pattern):
            if "verdict" not in _regular(pattern).groupindex:
                raise ValueError(f"pattern: {pattern!r} must have a group 'verdict'")
            if not re.match(r"(\(\?[ims]+\))?(\\A|\^)", pattern):
                raise ValueError(
                    f"pattern: {pattern!r} must be anchored: begin with \\A, or with ^ and the flag m"
                )
        words = (*self.refuse, *self.serve, *self.unsure)
        if len(set(words)) < len(words) or any(word != word.lower() for word in words):
            raise ValueError(
                "refuse, serve, unsure: words must be in lower case and stand in one of them only"
            )
        if (self.reasoning_start is None) != (self.reasoning_end is None):
            raise ValueError("reasoning_start, reasoning_end: both are given or none")
        return self

    def expression(self, role: Role) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.output_pattern or self.pattern if role == "output" else self.pattern)


def _regular(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error


class Thresholds(Record):
    """Where a score becomes a ruling.

    Attributes:
        refuse_from: Lowest score that is refused.
        serve_below: Scores below are served; what lies between is unsure.
    """

    refuse_from: Probability = 0.5
    serve_below: Probability = 0.5

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.serve_below > self.refuse_from:
            raise ValueError(f"serve_below: {self.serve_below} is above refuse_from: {self.refuse_from}")
        return self


class LogitReading(Thresholds):
    """How the probabilities of two answers are read.

    Attributes:
        yes: Spellings of the answer that means refusal.
        no: Spellings of the answer that means none.
        min_mass: Least P(yes) + P(no) at which there is a verdict.
        question: What the frame's {question} stands for.
    """

    yes: Annotated[tuple[str, ...], Field(min_length=1)]
    no: Annotated[tuple[str, ...], Field(min_length=1)]
    min_mass: Annotated[float, Field(ge=0.5, le=1)] = 0.5
    question: Text | None = None

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        words = (*self.yes, *self.no)
        if len(set(words)) < len(words) or any(not word.strip() for word in words):
            raise ValueError("yes, no: each spelling must stand once, and not be blank")
        return self


class HeadReading(Thresholds):
    """How the scores of a sequence classifier are read.

    Attributes:
        labels: Label, or index of the label in digits, to the category it is a sign of.
        activation: "softmax" where the labels exclude each other, else "sigmoid".
        window_tokens: Tokens read at once; long texts are read in windows that overlap by half.
    """

    labels: Annotated[Mapping[str, str], Field(min_length=1)]
    activation: Literal["softmax", "sigmoid"] = "softmax"
    window_tokens: Annotated[int, Field(ge=16)] = 512


class Recipe(Record):
    """How one family of guard models is asked and read.

    Attributes:
        schema_version: Version of this record.
        name: Its name, that of its file.
        version: Raised with every change that can change a verdict.
        models: Models that it is for; empty: any.
        source: Where the format stands.
        licence: Of the models, and under what conditions they are had.
        notes: What whoever chooses it must know.
        languages: BCP 47 primary tags that the models are said to be competent in; None: all.
        policy: Which rendering of the policy is put into the frames; "criterion": one call a category; None: the
            models bring a policy of their own.
        placement: "fence": the judged text is quoted data between fences; "turn": it is a turn of its own, as the
            models were trained; "verbatim": it is all that a classifier reads.
        frames: The prompts, by role; a role that is missing is not judged.
        codes: The models' own categories -> ids of the policy's, or "not_ours". A code that is not listed counts as
            a refusal without a category.
        competent: Ids of the policy's categories that the models can judge; None: all.
        runs_on: Where the models can be asked: "model" in this process, "endpoint" at a server.
        text: How answers are read.
        logit: How the probabilities of two answers are read.
        head: How the scores of a classifier are read.
    """

    schema_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Annotated[int, Field(ge=1)]
    models: tuple[Text, ...] = ()
    source: Annotated[tuple[Text, ...], Field(min_length=1)]
    licence: Text
    notes: Text
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] | None
    policy: Literal["system", "criterion", "numbered"] | None
    placement: Literal["fence", "turn", "verbatim"]
    frames: Annotated[Mapping[Role, Frame], Field(min_length=1)]
    codes: Mapping[str, str] = {}
    competent: tuple[Text, ...] | None = None
    runs_on: Annotated[tuple[Literal["model", "endpoint"], ...], Field(min_length=1)]
    text: TextReading | None = None
    logit: LogitReading | None = None
    head: HeadReading | None = None

    @field_validator("codes")
    @classmethod
    def _lower(cls, codes: Mapping[str, str]) -> Mapping[str, str]:
        lowered = {code.lower(): meaning for code, meaning in codes.items()}
        if len(lowered) < len(codes):
            raise ValueError("two codes differ in upper and lower case only")
        return lowered

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.text is None and self.logit is None and self.head is None:
            raise ValueError("text, logit, head: at least one says how answers are read")
        for role, frame in self.frames.items():
            if ("policy" in frame.placeholders) != (self.policy is not None):
                raise ValueError(
                    f"frames.{role}: {{policy}} must stand in it exactly where `policy` is given"
                )
            for way, reading in (("text", self.text), ("logit", self.logit)):
                if reading is not None and ("question" in frame.placeholders) != (
                    reading.question is not None
                ):
                    raise ValueError(
                        f"{way}.question: it is given exactly where {{question}} stands in a frame"
                    )
            if frame.raw is not None and "endpoint" in self.runs_on:
                raise ValueError(f"frames.{role}: a server is sent messages, not raw text")
        if (self.placement == "verbatim") != (self.readers == ("head",)):
            raise ValueError("placement: 'verbatim' is for classifiers, and for them only")
        labels = set(self.head.labels.values()) if self.head is not None else set()
        if NOT_OURS in labels:
            raise ValueError(
                f"head.labels: a label that stands for nothing of ours is left out, not {NOT_OURS!r}"
            )
        meant = {*self.codes.values(), *labels} - {NOT_OURS}
        if self.competent is not None and (beyond := sorted(meant - set(self.competent))):
            raise ValueError(f"codes, head.labels: {beyond} are not among the categories in `competent`")
        return self

    @property
    def readers(self) -> tuple[Reader, ...]:
        """How it can be asked, what gives scores first."""
        local = "model" in self.runs_on
        found: list[Reader] = []
        if self.logit is not None and local:
            found.append("logit")
        if self.text is not None and local:
            found.append("text")
        if self.head is not None and local:
            found.append("head")
        if "endpoint" in self.runs_on and (self.text is not None or self.logit is not None):
            found.append("endpoint")
        return tuple(found)

    @property
    def digest(self) -> str:
        """sha256 of its content."""
        return content_hash(self.model_dump(mode="json"))


def list_recipes() -> dict[str, Path]:
    """Name -> file of every shipped recipe."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yaml"))}


def load_recipe(name: str | Path) -> Recipe:
    """A shipped recipe by its name, or any by the path of its YAML file.

    Raises:
        ConfigurationError: Unknown name, unreadable file, or a field that is wrong; names file and field.
    """
    shipped = list_recipes()
    path = shipped.get(str(name), Path(name).expanduser())
    if not path.is_file():
        raise ConfigurationError(
            f"Unknown judge recipe {str(name)!r}, and no file.{did_you_mean(str(name), shipped)}"
        )
    try:
        recipe = Recipe.model_validate(read_plain_yaml(path, needed=_NEEDED, bounds=_BOUNDS))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: not a valid recipe: {shortened(describe(error))}") from error
    if recipe.name != path.stem:
        raise ConfigurationError(
            f"{path}: name: it must be the file's name, {path.stem!r}, not {recipe.name!r}"
        )
    return recipe
