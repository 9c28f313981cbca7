"""What a study compares: arms, what is measured of them, and over which seeds."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.models.mixture import DEFAULT_BASE_WEIGHT
from pluralign.records.base import Record, Text
from pluralign.records.yaml_file import read_record
from pluralign.spectrum import TrainingRecipe
from pluralign.spectrum.suite.plan import SuiteRecipe

# In the settings of a measure it stands for the seed, in `data` for one that comes from the study's folder of data.
SEED, DATA = "$seed", "$data"


class Arm(Record):
    """One of the models, or ways to ask, that are compared.

    Attributes:
        train: Fields in which its recipe differs from the study's; {} trains by that recipe, None not at all.
        format: "own": as the model was made to be asked; "spectrum": an untuned model in the format of tuning.
        base: A base model that it is mixed with at every token (see `pluralign.models.mixture`).
        base_weight: The base's share.
        settings: Name of a measure -> settings of it that differ under this arm, such as a temperature.
        only_these: Whether the arm is measured by nothing but the measures that `settings` names: what changes how
            answers are drawn leaves everything else as it is.
    """

    train: Mapping[str, Any] | None = None
    format: Literal["own", "spectrum"] = "own"
    base: Text | None = None
    base_weight: float = Field(default=DEFAULT_BASE_WEIGHT, gt=0, lt=1)
    settings: Mapping[Text, Mapping[str, Any]] = {}
    only_these: bool = False


class Reported(Record):
    """One estimate of a measure, as a row of the table.

    Attributes:
        estimate: Name of the estimate.
        slice: Its slice.
        title: Head of the row.
        scale: What values are multiplied by, for percentages.
        digits: Decimal places.
    """

    estimate: Text
    slice: Text = "all"
    title: Text
    scale: float = 1
    digits: int = Field(default=2, ge=0)


class Measure(Record):
    """One evaluation that is run on the arms.

    Attributes:
        evaluation: Id, or path of a specification.
        settings: Its settings; "$seed" in them is the seed and "$data" the folder of published data.
        dtype: Precision that the model is loaded in.
        report: Rows of the table.
    """

    evaluation: Text
    settings: Mapping[str, Any] = {}
    dtype: Literal["auto", "float32", "bfloat16"] = "float32"
    report: tuple[Reported, ...] = Field(min_length=1)


class StudyConfig(Record):
    """A controlled comparison.

    Attributes:
        title: One line.
        model: "embedded", a hub id or a path.
        seeds: So many seeds, from 0: of training rows, their order, initial weights, and of what is measured.
        suite: The training rows, built anew for every seed; its own seed is replaced.
        training: The recipe, of which an arm changes fields; its model, rows and seed are replaced.
        arms: Name -> arm.
        reference: The arm whose paired differences from all others are reported.
        measures: Name -> measure.
    """

    title: Text
    model: Text = "embedded"
    seeds: Annotated[PositiveInt, Field(ge=2)] = 5
    suite: SuiteRecipe
    training: Mapping[str, Any] = {}
    arms: Mapping[Text, Arm] = Field(min_length=2)
    reference: Text
    measures: Mapping[Text, Measure] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.reference not in self.arms:
            raise ValueError(
                f"reference: {self.reference!r} is no arm.{did_you_mean(self.reference, self.arms)}"
            )
        slugs = [slug(name) for name in self.arms]
        if len(set(slugs)) < len(slugs):
            raise ValueError("arms: two names are the same but for punctuation and case")
        for name, arm in self.arms.items():
            if unknown := [measure for measure in arm.settings if measure not in self.measures]:
                hint = did_you_mean(unknown[0], self.measures)
                raise ValueError(f"arms: {name}: settings: {unknown[0]!r} is no measure.{hint}")
            if arm.train is not None:
                self.recipe(arm, seed=0, built="checked")
        return self

    def recipe(self, arm: Arm, *, seed: int, built: str) -> TrainingRecipe:
        """The recipe that an arm is trained by.

        Args:
            arm: An arm that is trained.
            seed: The seed.
            built: Folder of the rows.
        """
        return TrainingRecipe.model_validate({
            **self.training,
            **(arm.train or {}),
            "model": self.model,
            "built": (built,),
            "seed": seed,
        })

    def measures_of(self, arm: Arm) -> dict[str, Measure]:
        """Name -> what is measured of an arm, with the arm's settings, in the study's order."""
        return {
            name: measure.model_copy(update={"settings": {**measure.settings, **arm.settings.get(name, {})}})
            for name, measure in self.measures.items()
            if name in arm.settings or not arm.only_these
        }


def slug(name: str) -> str:
    """A name as part of a path: lower case, one hyphen for everything that is no letter, digit or point."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")


def filled_in(settings: Mapping[str, Any], *, seed: int, data: Path | None) -> dict[str, Any]:
    """Settings with the seed and the folder of data in place of "$seed" and "$data".

    Raises:
        ConfigurationError: They need a folder of data, and there is none.
    """

    def fill(value: Any) -> Any:
        if value == SEED:
            return seed
        if isinstance(value, str) and DATA in value:
            if data is None:
                raise ConfigurationError(
                    f"measures: {value!r} needs the folder of published data: --data FOLDER."
                )
            return value.replace(DATA, str(data))
        return {key: fill(item) for key, item in value.items()} if isinstance(value, dict) else value

    return {"seed": seed} | {name: fill(value) for name, value in settings.items()}


def load_study(path: Path) -> StudyConfig:
    """Read a study from a YAML file.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or a field is unknown or wrong.
    """
    return read_record(path, StudyConfig, needed="fields, such as 'arms:' and 'measures:'")
