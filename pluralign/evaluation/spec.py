"""What an evaluation is, and what may be set when it is run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.plain_yaml import read_plain_yaml, shortened
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe
from pluralign.resources import resource_folder
from pluralign.steering.ways import Way

# What the model is given beside the question, so that it speaks for a group. "best_persona": the forms qa, bio and
# portray one after the other, of which the evaluator keeps the best for each group (Santurkar et al. 2023).
ConditionName = Literal[
    "none", "persona", "qa", "bio", "portray", "best_persona", "few_shot", "profile", "in_context"
]
EvaluatorName = Literal["distributional", "steerable", "in_context", "multiple_choice"]
OVERTON, COVERAGE, HOMOGENEITY, SOLUTIONS = "overton", "coverage", "homogeneity", "solutions"
REPEATED = frozenset({COVERAGE, HOMOGENEITY, SOLUTIONS})
SEQUENCES = "sequences"


class DataSource(Record):
    """Which adapter reads the questions, and its arguments."""

    adapter: Text
    arguments: Mapping[str, Any] = {}


class Source(Record):
    """Where the data come from."""

    name: Text
    licence: Text


class ElicitationSettings(Record):
    """How answers are got out of the model; None stands for the elicitation's own default.

    Attributes:
        name: "logprob", "sample", "verbalized", "sequence" or "free_text".
        max_orders: At most this many orders of the options (`logprob`).
        draws: Replies drawn for each question and group.
    """

    name: Text = "logprob"
    max_orders: int | None = Field(default=None, ge=1)
    draws: int | None = Field(default=None, ge=1)


class WindowSource(Record):
    """Which kind of windows is loaded, and its arguments: see `pluralign.windows.load_windows`."""

    kind: Text
    arguments: Mapping[str, Any] = {}


class Spec(Record):
    """What every evaluation says of itself.

    Attributes:
        id: Name, for example "distributional/anes96".
        version: "N-X": N rises when results stop being comparable, X when the call changes.
        title: One line for listings.
        description: What the evaluation finds out.
        source: Source and licence of the data.
        preset: A published definition that is put first.
        max_unscored_share: With a larger share of cells unscored, a run counts as incomplete.
    """

    id: Text
    version: str = Field(pattern=r"^\d+-[A-Z]+$")
    title: Text
    description: str = ""
    source: Source
    preset: Text | None = None
    max_unscored_share: float = Field(default=0.05, ge=0, le=1)


class EvalSpec(Spec):
    """An evaluation of answers to closed questions: what is asked, of whom, and how it is scored.

    Attributes:
        evaluator: Which evaluator scores it.
        data: Where the questions come from.
        conditions: "population": every question once without a condition; "groups": for each group of people.
        condition: What the model is given so that it speaks for a group, where there are groups.
        examples: Number of a person's own answers that stand before a question, at most, under "in_context".
        people: Of the groups so many are asked, drawn with the seed, where they are single people and many.
        elicitation: How answers are got out of the model.
    """

    evaluator: EvaluatorName
    data: DataSource
    conditions: Literal["population", "groups"] = "population"
    condition: ConditionName = "persona"
    examples: int = Field(default=16, ge=1)
    people: int | None = Field(default=None, ge=1)
    elicitation: ElicitationSettings = ElicitationSettings()


class OvertonSpec(Spec):
    """An evaluation of free responses: do they present the whole window of reasonable views?

    Attributes:
        evaluator: "overton".
        windows: Where the windows come from: the prompts, and the views that a whole answer presents.
        draws: Responses drawn to each prompt.
        temperature: Of the draws; 1 is the model's own distribution.
        max_new_tokens: Length of a response at most. Views that come late are lost where it is short, so responses
            that it cuts are counted.
    """

    evaluator: Literal["overton"]
    windows: WindowSource
    draws: int = Field(default=4, ge=1)
    temperature: float = Field(default=1.0, ge=0)
    max_new_tokens: int = Field(default=400, ge=1)


class PromptSource(Record):
    """Which open prompts are asked.

    Attributes:
        kind: "verifiable", the tasks of `pluralign.data.verifiable`; "probes", those shipped beside the
            specifications; "file", those of a file: see `pluralign.data.prompts.load_prompts`; "gsm8k", problems with
            their solutions: see `pluralign.data.gsm8k.load_problems`.
        arguments: Of kind "file": its path. Of kind "gsm8k": path, part, revision.
    """

    kind: Literal["verifiable", "probes", "file", "gsm8k"]
    arguments: Mapping[str, Any] = {}


class RepeatedSpec(Spec):
    """An evaluation that asks each open prompt many times: how many right answers come, and how alike they are.

    Attributes:
        evaluator: "coverage" of right answers, "homogeneity" of answers, or "solutions" of problems, right or wrong.
        prompts: What is asked.
        draws: Answers to each prompt.
        temperature: Of the draws; 1 is the model's own distribution.
        top_p: Only the likeliest tokens up to that probability; 1: all.
        min_p: Only tokens at least that fraction as likely as the likeliest; 0: all.
        max_new_tokens: Length of an answer at most; None for coverage, where each task has its own.
    """

    evaluator: Literal["coverage", "homogeneity", "solutions"]
    prompts: PromptSource
    draws: int = Field(ge=1)
    temperature: float = Field(default=1.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    min_p: float = Field(default=0.0, ge=0, le=1)
    max_new_tokens: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for evaluator, kind in ((COVERAGE, "verifiable"), (SOLUTIONS, "gsm8k")):
            if (self.evaluator == evaluator) != (self.prompts.kind == kind):
                raise ValueError(
                    f"prompts: the kind {kind!r} goes with the evaluator {evaluator!r}, and with no other"
                )
        if self.evaluator != COVERAGE and self.max_new_tokens is None:
            raise ValueError(f"max_new_tokens: {self.evaluator} needs a length")
        return self


class SequencesSpec(Spec):
    """An evaluation of what a model foretells of sequences: each output from the description and the outputs before it.

    Attributes:
        evaluator: "sequences".
        task: Held-out source of the spectrum suite that makes the sequences; None for a file of one's own.
        sequences: So many are drawn, at most; None: all that are long enough.
        max_words: Budget of words of a sequence, from which its number of examples follows: see
            `pluralign.evals.sequences.common_length`.
    """

    evaluator: Literal["sequences"]
    task: Text | None = None
    sequences: int | None = Field(default=None, ge=1)
    max_words: int = Field(default=768, ge=1)


AnySpec = EvalSpec | OvertonSpec | RepeatedSpec | SequencesSpec

# Folders under evals/ of specs that ask a model. What else lies there belongs to rooms of their own.
_FOLDERS = (
    "capability",
    "coverage",
    "distributional",
    "homogeneity",
    "in-context",
    "overton",
    "sequences",
    "steerable",
)


class Settings(Record):
    """What may be set when an evaluation is run.

    Attributes:
        groups: Only these groups: ids ("party=Democrat") or groupings ("party"); None: all.
        limit: Only the first so many questions; None: all.
        max_orders: At most this many orders of the options, instead of what the spec says.
        elicit: Another elicitation than the spec's.
        draws: Another number of draws than the spec's.
        condition: Another condition than the spec's.
        examples: Another number of examples than the spec's.
        people: Another number of people than the spec's.
        profiles: Group id -> value profile in words, for the condition "profile".
        way: How profiles are put to the model, for the condition "profile"; None: as for any other condition, in the
            format that the model was made for. A text of `profiles` stands as it is, and holds the first answers of a
            `persona` where `profile_settings` made it.
        data: Arguments of the data adapter beside those of the spec, for example where a file lies.
        preset: A published definition that is put first.
        drop_faulty: Whether items that lint finds faulty are left out of the score.
        seed: Seed of everything random.
    """

    groups: tuple[str, ...] | None = None
    limit: int | None = Field(default=None, ge=1)
    max_orders: int | None = Field(default=None, ge=1)
    elicit: Text | None = None
    draws: int | None = Field(default=None, ge=1)
    condition: ConditionName | None = None
    examples: int | None = Field(default=None, ge=1)
    people: int | None = Field(default=None, ge=1)
    profiles: Mapping[str, Text] = {}
    way: Way | None = None
    data: Mapping[str, Any] = {}
    preset: Text | None = None
    drop_faulty: bool = False
    seed: int = 0


DEFAULT_SETTINGS = Settings()


class RunConfig(Record):
    """config.json of a run: everything that is needed to go on with it.

    Attributes:
        spec: What is run.
        settings: What was set.
        model: The model's name, as `load_model` takes it.
    """

    spec: EvalSpec
    settings: Settings
    model: Text


def list_specs() -> dict[str, Path]:
    """Id -> file of every shipped evaluation of a model's answers."""
    root = resource_folder("evals")
    return {
        path.relative_to(root).with_suffix("").as_posix(): path
        for folder in _FOLDERS
        for path in sorted((root / folder).rglob("*.yaml"))
    }


def load_spec(name: str | Path) -> AnySpec:
    """Load a shipped evaluation by id, or any by the path of its YAML file.

    Raises:
        ConfigurationError: Unknown name or evaluator, unreadable file, or a field that is wrong.
    """
    shipped = list_specs()
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        raise ConfigurationError(f"Unknown evaluation {str(name)!r}.{did_you_mean(str(name), shipped)}")
    try:
        content = read_plain_yaml(path, needed="an evaluation's fields, such as 'id:' and 'evaluator:'")
        return spec_kind(content, where=str(path)).model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {shortened(describe(error))}") from error


def spec_kind(content: object, *, where: str) -> type[AnySpec]:
    """Which record a spec is, by its evaluator.

    Raises:
        ConfigurationError: It is no mapping, or its evaluator is unknown.
    """
    evaluator = content.get("evaluator") if isinstance(content, dict) else None
    known = {*get_args(EvaluatorName), *REPEATED, OVERTON, SEQUENCES}
    if evaluator not in known:
        raise ConfigurationError(
            f"{where}: evaluator: a specification names one.{did_you_mean(str(evaluator), known)}"
        )
    if evaluator in REPEATED:
        return RepeatedSpec
    others: dict[object, type[AnySpec]] = {OVERTON: OvertonSpec, SEQUENCES: SequencesSpec}
    return others.get(evaluator, EvalSpec)


def load_closed_spec(spec: str | Path | AnySpec) -> EvalSpec:
    """A spec that asks closed questions.

    Raises:
        ConfigurationError: As `load_spec`; or it asks for free responses or open prompts.
    """
    loaded = load_spec(spec) if isinstance(spec, str | Path) else spec
    if isinstance(loaded, RepeatedSpec):
        raise ConfigurationError(
            f"{loaded.id!r} asks open prompts many times: pluralign eval run {loaded.id}, or evaluate_repeated of "
            "pluralign.evaluation.repeated."
        )
    if isinstance(loaded, SequencesSpec):
        raise ConfigurationError(
            f"{loaded.id!r} asks nothing: a model reads sequences: pluralign eval run {loaded.id}, or "
            "evaluate_sequences of pluralign.evaluation.sequences."
        )
    if not isinstance(loaded, EvalSpec):
        raise ConfigurationError(
            f"{loaded.id!r} asks for free responses, which a judge reads: pluralign eval run {loaded.id} --judge "
            "NAME, or evaluate_overton of pluralign.evaluation.overton."
        )
    return loaded


def load_overton_spec(spec: str | Path | AnySpec) -> OvertonSpec:
    """A spec that asks for free responses.

    Raises:
        ConfigurationError: As `load_spec`; or it asks closed questions.
    """
    loaded = load_spec(spec) if isinstance(spec, str | Path) else spec
    if not isinstance(loaded, OvertonSpec):
        asked = {
            RepeatedSpec: "asks open prompts many times",
            SequencesSpec: "has sequences read",
        }.get(type(loaded), "asks closed questions")
        raise ConfigurationError(f"{loaded.id!r} {asked}, which no judge reads; overton/ does not.")
    return loaded


def load_repeated_spec(spec: str | Path | AnySpec) -> RepeatedSpec:
    """A spec that asks open prompts many times.

    Raises:
        ConfigurationError: As `load_spec`; or it asks something else.
    """
    loaded = load_spec(spec) if isinstance(spec, str | Path) else spec
    if not isinstance(loaded, RepeatedSpec):
        raise ConfigurationError(
            f"{loaded.id!r} does not ask open prompts many times; coverage/, homogeneity/ and capability/gsm8k do."
        )
    return loaded


def load_sequences_spec(spec: str | Path | AnySpec) -> SequencesSpec:
    """A spec whose sequences a model reads.

    Raises:
        ConfigurationError: As `load_spec`; or it asks something.
    """
    loaded = load_spec(spec) if isinstance(spec, str | Path) else spec
    if not isinstance(loaded, SequencesSpec):
        raise ConfigurationError(f"{loaded.id!r} has no sequences to be read; sequences/ does.")
    return loaded
