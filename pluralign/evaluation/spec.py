"""What an evaluation is, and what may be set when it is run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe
from pluralign.resources import resource_folder

# What the model is given beside the question, so that it speaks for a group. "best_persona": the forms qa, bio and
# portray one after the other, of which the evaluator keeps the best for each group (Santurkar et al. 2023).
ConditionName = Literal[
    "none", "persona", "qa", "bio", "portray", "best_persona", "few_shot", "profile", "in_context"
]
EvaluatorName = Literal["distributional", "steerable", "in_context"]


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


class EvalSpec(Record):
    """An evaluation: what is asked, of whom, where the data come from, how it is scored.

    Attributes:
        id: Name, for example "distributional/anes96".
        version: "N-X": N rises when results stop being comparable, X when the call changes.
        title: One line for listings.
        description: What the evaluation finds out.
        evaluator: Which evaluator scores it.
        data: Where the questions come from.
        source: Source and licence of the data.
        conditions: "population": every question once without a condition; "groups": for each group of people.
        condition: What the model is given so that it speaks for a group, where there are groups.
        examples: Number of a person's own answers that stand before a question, at most, under "in_context".
        people: Of the groups so many are asked, drawn with the seed, where they are single people and many.
        elicitation: How answers are got out of the model.
        preset: A published definition that is put first.
        max_unscored_share: With a larger share of cells unscored, a run counts as incomplete.
    """

    id: Text
    version: str = Field(pattern=r"^\d+-[A-Z]+$")
    title: Text
    description: str = ""
    evaluator: EvaluatorName
    data: DataSource
    source: Source
    conditions: Literal["population", "groups"] = "population"
    condition: ConditionName = "persona"
    examples: int = Field(default=16, ge=1)
    people: int | None = Field(default=None, ge=1)
    elicitation: ElicitationSettings = ElicitationSettings()
    preset: Text | None = None
    max_unscored_share: float = Field(default=0.05, ge=0, le=1)


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
    """Id -> file of every shipped evaluation."""
    folder = resource_folder("evals")
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))
    }


def load_spec(name: str | Path) -> EvalSpec:
    """Load a shipped evaluation by id, or any by the path of its YAML file.

    Raises:
        ConfigurationError: Unknown name, unreadable file, or a field that is wrong.
    """
    shipped = list_specs()
    path = shipped.get(str(name), Path(name))
    if not path.is_file():
        raise ConfigurationError(f"Unknown evaluation {str(name)!r}.{did_you_mean(str(name), shipped)}")
    try:
        return EvalSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {describe(error)}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: cannot be read as YAML: {error}") from error
