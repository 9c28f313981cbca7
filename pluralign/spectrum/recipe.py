"""A training recipe: everything that decides what is trained on what, as one YAML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from pluralign.data import load_data
from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.plain_yaml import read_plain_yaml, shortened
from pluralign.records.base import Probability, Record, Text
from pluralign.records.jsonl import describe
from pluralign.spectrum.format import SpectrumSequence
from pluralign.spectrum.suite.stored import read_sequences
from pluralign.spectrum.survey import survey_task
from pluralign.spectrum.tasks import FAMILIES, Task, TaskSettings, build_rows, builtin_task


class Lora(Record):
    """Low-rank adapters (Hu et al. 2021).

    Attributes:
        rank: Rank of the updates.
        alpha: Scale: an update is multiplied by alpha / rank.
        dropout: Dropout on the adapters' inputs.
        targets: "all-linear" for every linear layer but the output head, or names of modules.
    """

    rank: PositiveInt = 16
    alpha: PositiveFloat = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class SurveySource(Record):
    """Survey questions to train on.

    Attributes:
        arguments: Arguments of the data adapter, for example which questions.
        n_rows: Number of rows.
    """

    arguments: Mapping[str, Any] = {}
    n_rows: PositiveInt


class TrainingRecipe(Record):
    """What is trained, on what, and how.

    Attributes:
        model: "embedded", a hub id or a path.
        revision: Hub revision of the model.
        tasks: name of a task -> number of rows.
        surveys: name of a data adapter -> which of its questions, and how many rows of people's answers.
        built: Folders or Parquet files that `pluralign spectrum build` wrote, of which every training row is
            taken as it is.
        method: "lora" trains adapters, "full" all weights.
        lora: The adapters, for method "lora".
        merge: Whether the adapters are merged into the weights, and the whole model is saved.
        learning_rate: Peak learning rate. arXiv 2510.06084 uses 3e-6 for full tuning at 8 to 14 billion
            parameters; adapters on small models need about a hundred times more.
        schedule: How the learning rate falls.
        warmup_steps: Steps over which it rises first.
        n_steps: Optimizer steps; the rows are gone through as often as that needs. None: `n_epochs`.
        n_epochs: How often the rows are gone through where `n_steps` is None.
        batch_size: Sequences an optimizer step, over all devices.
        device_batch_size: Sequences computed at once on one device.
        max_length: Longest row in tokens; longer ones are cut off.
        packing: Lay rows end to end up to this many tokens instead of padding them, with attention kept within
            rows; None pads. Not for models with recurrent layers, which carry a row's state into the next.
        max_grad_norm: Gradients are clipped to this norm.
        weight_decay: AdamW's weight decay.
        mean_examples: Mean number of examples a row.
        max_examples: Most examples a row.
        description_keep_prob: Probability that a row shows its description.
        precision: "auto": bfloat16 autocast where the device computes faster in it, else float32.
        gradient_checkpointing: Trade time for memory.
        save_steps: Steps between checkpoints that training can be resumed from; None for none.
        seed: Seed of rows, their order and the adapters' initial weights.
    """

    model: Text = "embedded"
    revision: str | None = None
    tasks: Mapping[str, PositiveInt] = {}
    surveys: Mapping[str, SurveySource] = {}
    built: tuple[Text, ...] = ()
    method: Literal["lora", "full"] = "lora"
    lora: Lora = Lora()
    merge: bool = False
    learning_rate: PositiveFloat = 5e-4
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    n_steps: PositiveInt | None = None
    n_epochs: PositiveInt = 1
    batch_size: PositiveInt = 8
    device_batch_size: PositiveInt = 8
    max_length: Annotated[int, Field(ge=8)] = 1024
    packing: PositiveInt | None = None
    max_grad_norm: PositiveFloat = 1.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    mean_examples: Annotated[float, Field(ge=2)] = 16.0
    max_examples: PositiveInt = 64
    description_keep_prob: Probability = 0.8
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    gradient_checkpointing: bool = False
    save_steps: PositiveInt | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.tasks and not self.surveys and not self.built:
            raise ValueError("tasks: name at least one task or survey, for example {categorical: 200}")
        if both := sorted(self.tasks.keys() & self.surveys.keys()):
            raise ValueError(f"surveys: {both} are names of tasks too")
        if self.batch_size % self.device_batch_size:
            raise ValueError(
                f"device_batch_size: {self.device_batch_size} does not divide batch_size {self.batch_size}"
            )
        if self.merge and self.method == "full":
            raise ValueError("merge: only adapters can be merged; leave it out with method 'full'")
        return self


def load_recipe(path: Path) -> TrainingRecipe:
    """Read a recipe from a YAML file.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or a field is unknown or wrong.
    """
    content = read_plain_yaml(path, needed="fields, such as 'model:' and 'tasks:'")
    _check_names(content, TrainingRecipe, where=f"{path}: ")
    if isinstance(content.get("lora"), dict):
        _check_names(content["lora"], Lora, where=f"{path}: lora.")
    try:
        return TrainingRecipe.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {shortened(describe(error))}") from error


def _check_names(content: Mapping[str, object], model: type[Record], *, where: str) -> None:
    for name in content:
        if name not in model.model_fields:
            raise ConfigurationError(
                f"{where}{name}: no such field.{did_you_mean(str(name), model.model_fields)}"
            )


def build_sequences(recipe: TrainingRecipe, *, tasks: Sequence[Task] = ()) -> list[SpectrumSequence]:
    """The training rows of a recipe: those of its tasks, of its surveys, and those that were built before.

    Args:
        recipe: Names the tasks and surveys and their numbers of rows, and what was built.
        tasks: Tasks beside the built-in ones.

    Raises:
        ConfigurationError: An unknown task or data adapter, or a task with too few distinct rows.
        DataError: A survey's data are not what they should be, or have no group large enough; or what was built
            cannot be read.
    """
    settings = TaskSettings(
        mean_examples=recipe.mean_examples,
        max_examples=recipe.max_examples,
        description_keep_prob=recipe.description_keep_prob,
    )
    given = {task.name for task in tasks}
    builtin = [builtin_task(name, settings=settings) for name in FAMILIES if name not in given]
    surveys = [
        survey_task(load_data(adapter, source.arguments).questions, name=adapter, settings=settings)
        for adapter, source in recipe.surveys.items()
    ]
    n_rows = {**recipe.tasks, **{name: source.n_rows for name, source in recipe.surveys.items()}}
    rows = build_rows(n_rows, tasks=[*builtin, *tasks, *surveys], seed=recipe.seed)
    return [*rows, *(row for path in recipe.built for row in read_sequences(path))]
