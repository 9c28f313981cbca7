"""A training recipe: everything that decides what is trained on what, as one YAML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from pluralign.data import load_data
from pluralign.errors import ConfigurationError
from pluralign.plain_yaml import shortened
from pluralign.records.base import Probability, Record, Text
from pluralign.records.jsonl import describe
from pluralign.records.yaml_file import read_record
from pluralign.spectrum.ablations import LossOn
from pluralign.spectrum.format import SpectrumSequence
from pluralign.spectrum.suite.stored import read_sequences
from pluralign.spectrum.survey import survey_task
from pluralign.spectrum.tasks import (
    FAMILIES,
    Task,
    TaskSettings,
    build_rows,
    builtin_task,
    row_generator,
)


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


class EarlyStop(Record):
    """Rows held out from training, whose loss says when to stop.

    Attributes:
        tasks: Names of tasks; none of them may be trained on.
        surveys: name of a data adapter -> its arguments, for example which questions.
        built: Folders or Parquet files that `pluralign spectrum build` wrote; of a folder the held-out split.
        n_rows: Rows of each task, survey and built folder.
        every: Steps between measurements. The first is made before the first step.
        patience: Training stops after so many measurements in a row without a gain.
        min_gain: Fall of the held-out loss below the best so far that counts as a gain, nats a supervised token.
    """

    tasks: tuple[Text, ...] = ()
    surveys: Mapping[str, Mapping[str, Any]] = {}
    built: tuple[Text, ...] = ()
    n_rows: PositiveInt = 100
    every: PositiveInt = 10
    patience: PositiveInt = 3
    min_gain: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.tasks and not self.surveys and not self.built:
            raise ValueError("tasks: name at least one held-out task, survey or built folder")
        return self


class TrainingRecipe(Record):
    """What is trained, on what, and how.

    Attributes:
        model: "embedded", a hub id or a path.
        revision: Hub revision of the model.
        base: Pretrained model, named as `model` is, whose weights training begins from. `model` is then its
            instruct sibling, which gives the tokenizer, the chat template and the rows of the turn tokens.
            None: training begins from the weights of `model`.
        base_revision: Hub revision of the base.
        train_turn_tokens: Whether the embedding rows of the turn tokens are trained beside the adapters.
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
        batch_size: Sequences an optimizer step, over all devices. With `single_example` a step holds as many
            single draws as bear the supervised tokens of so many whole sequences, on average.
        device_batch_size: Sequences computed at once on one device; with `single_example` as many draws as bear the
            supervised tokens of so many.
        max_length: Longest row in tokens; longer ones are cut off.
        packing: Lay rows end to end up to this many tokens instead of padding them, with attention kept within
            rows; None pads. Not for models with recurrent layers, which carry a row's state into the next.
        max_grad_norm: Gradients are clipped to this norm.
        weight_decay: AdamW's weight decay.
        mean_examples: Mean number of examples a row.
        max_examples: Most examples a row.
        description_keep_prob: Probability that a row shows its description; 1 for no description dropout.
        loss_on: Which tokens bear loss: "outputs" (every output with its end-of-turn token), "all_tokens",
            "first_output" or "last_output"; all but the first are ablations.
        single_example: Whether every draw is a row of its own with its row's description: the n = 1 control.
        loss: "cross_entropy"; "gem" (arXiv 2408.16673); or "soft_targets": cross-entropy with the true
            probabilities of the next token, for tasks whose process is known in closed form.
        gem_beta: Temperature of the distribution that GEM pushes down, in (0, 1]; 0.7 in the paper.
        early_stop: Stop when the loss on held-out rows falls no more, and save the best weights; None: never.
        trackers: Names of experiment trackers that transformers reports to, such as "wandb" or "tensorboard".
        precision: "auto": bfloat16 autocast where the device computes faster in it, else float32.
        gradient_checkpointing: Trade time for memory.
        save_steps: Steps between checkpoints that training can be resumed from; None for none.
        seed: Seed of rows, their order and the adapters' initial weights.
    """

    model: Text = "embedded"
    revision: str | None = None
    base: Text | None = None
    base_revision: str | None = None
    train_turn_tokens: bool = False
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
    loss_on: LossOn = "outputs"
    single_example: bool = False
    loss: Literal["cross_entropy", "gem", "soft_targets"] = "cross_entropy"
    gem_beta: Annotated[float, Field(gt=0, le=1)] = 0.7
    early_stop: EarlyStop | None = None
    trackers: tuple[Text, ...] = ()
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
        self._check_soft_targets()
        self._check_held_out()
        return self

    def _check_soft_targets(self) -> None:
        if self.loss != "soft_targets":
            return
        if self.surveys or self.built:
            field = "surveys" if self.surveys else "built"
            raise ValueError(
                f"{field}: loss 'soft_targets' needs processes known in closed form, which these rows do not have; "
                "name tasks only, or choose another loss"
            )
        if self.loss_on == "all_tokens":
            raise ValueError("loss_on: descriptions have no true probabilities; 'soft_targets' needs outputs")

    def _check_held_out(self) -> None:
        if self.early_stop is None:
            return
        trained = {*self.tasks, *self.surveys}
        if both := sorted(trained & {*self.early_stop.tasks, *self.early_stop.surveys}):
            raise ValueError(f"early_stop: {both} are trained on; hold out other tasks")


def load_recipe(path: Path) -> TrainingRecipe:
    """Read a recipe from a YAML file.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or a field is unknown or wrong.
    """
    return read_record(
        path,
        TrainingRecipe,
        needed="fields, such as 'model:' and 'tasks:'",
        parts={"lora": Lora, "early_stop": EarlyStop},
    )


def with_changes(recipe: TrainingRecipe, changes: Mapping[str, object]) -> TrainingRecipe:
    """A recipe with some fields changed, checked anew.

    Args:
        recipe: The recipe.
        changes: field -> new value.

    Raises:
        ConfigurationError: A value is wrong, or does not go with the rest of the recipe.
    """
    if not changes:
        return recipe
    try:
        return TrainingRecipe.model_validate(recipe.model_dump() | dict(changes))
    except ValidationError as error:
        raise ConfigurationError(shortened(describe(error))) from error


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
    arguments = {name: source.arguments for name, source in recipe.surveys.items()}
    n_rows = {**recipe.tasks, **{name: source.n_rows for name, source in recipe.surveys.items()}}
    rows = build_rows(
        n_rows,
        tasks=_tasks(recipe, given=tasks, surveys=arguments),
        seed=recipe.seed,
        with_distribution=recipe.loss == "soft_targets",
    )
    return [*rows, *(row for path in recipe.built for row in read_sequences(path))]


def build_held_out(recipe: TrainingRecipe, *, tasks: Sequence[Task] = ()) -> list[SpectrumSequence]:
    """The rows whose loss says when to stop: those of the recipe's `early_stop`; none where it has none.

    Rows of tasks and surveys are built as training rows are. Of a built folder a random part of the held-out
    split is taken, the same for the same seed.

    Args:
        recipe: Names what is held out.
        tasks: Tasks beside the built-in ones.

    Raises:
        ConfigurationError: An unknown task or data adapter, or a task with too few distinct rows.
        DataError: The data are not what they should be, or cannot be read.
    """
    held_out = recipe.early_stop
    if held_out is None:
        return []
    rows = build_rows(
        dict.fromkeys([*held_out.tasks, *held_out.surveys], held_out.n_rows),
        tasks=_tasks(recipe, given=tasks, surveys=held_out.surveys),
        seed=recipe.seed,
    )
    for path in held_out.built:
        found = list(read_sequences(path, split="held_out"))
        chosen = row_generator("held out", path, seed=recipe.seed).permutation(len(found))[: held_out.n_rows]
        rows += [found[index] for index in sorted(chosen)]
    return rows


def _tasks(
    recipe: TrainingRecipe, *, given: Sequence[Task], surveys: Mapping[str, Mapping[str, Any]]
) -> list[Task]:
    """All tasks that rows can be asked of: the built-in ones, the given ones, and the surveys."""
    settings = TaskSettings(
        mean_examples=recipe.mean_examples,
        max_examples=recipe.max_examples,
        description_keep_prob=recipe.description_keep_prob,
    )
    names = {task.name for task in given}
    return [
        *(builtin_task(name, settings=settings) for name in FAMILIES if name not in names),
        *given,
        *(
            survey_task(load_data(adapter, arguments).questions, name=adapter, settings=settings)
            for adapter, arguments in surveys.items()
        ),
    ]
