"""What is built: which sources, how many rows of each, and what is left out because its data are not there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pluralign.errors import ConfigurationError
from pluralign.records.base import Probability, Record, Text
from pluralign.records.yaml_file import read_record
from pluralign.spectrum.suite.catalogue import SUITE, get_source
from pluralign.spectrum.suite.source import DataPlace, Source, Split
from pluralign.spectrum.tasks import TaskSettings


class Share(Record):
    """How much of a source goes in, and in what form; what is not given is as the source has it.

    Attributes:
        rows: Number of rows.
        weight: In place of a number: multiplies the source's own.
        mean_examples: Mean number of examples a row.
        max_examples: Most examples a row.
        description_keep_prob: Probability that a row shows its description.
        revision: Commit, tag or branch of data on the hub.
    """

    rows: PositiveInt | None = None
    weight: PositiveFloat = 1.0
    mean_examples: Annotated[float, Field(ge=2)] | None = None
    max_examples: PositiveInt | None = None
    description_keep_prob: Probability | None = None
    revision: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rows is not None and self.weight != 1:
            raise ValueError("rows and weight: give one of them")
        return self


class SuiteRecipe(Record):
    """What a training set is made of.

    Attributes:
        sources: Name of a source, or the file of a task of one's own -> how much of it; empty for every source
            of the split.
        split: Which sources an empty list stands for, "train" or "held_out".
        max_rows: Most rows of any source; None for no cap.
        seed: Seed of all rows.
    """

    sources: Mapping[Text, Share] = {}
    split: Split = "train"
    max_rows: PositiveInt | None = None
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Part:
    """One source of a plan.

    Attributes:
        source: Name of the source, or the file of a task of one's own.
        name: Name of the task.
        split: Its side of the split.
        n_rows: Number of rows, at most.
        settings: Number of examples a row, share of descriptions.
    """

    source: str
    name: str
    split: Split
    n_rows: int
    settings: TaskSettings


@dataclass(frozen=True)
class Plan:
    """Everything that decides which rows are built.

    Attributes:
        parts: The sources.
        place: Where their data are.
        seed: Seed of all rows.
        skipped: (source, what is missing and how to get it) of those whose data are not there.
    """

    parts: tuple[Part, ...]
    place: DataPlace
    seed: int
    skipped: tuple[tuple[str, str], ...] = ()


def load_suite_recipe(path: Path) -> SuiteRecipe:
    """Read a recipe from a YAML file; files of one's own tasks are named as seen from its folder.

    Raises:
        ConfigurationError: The file cannot be read, is not YAML, or a field is unknown or wrong.
    """
    recipe = read_record(path, SuiteRecipe, needed="fields, such as 'sources:'")
    named = {
        name if name in SUITE else str(path.parent / name): share for name, share in recipe.sources.items()
    }
    return recipe.model_copy(update={"sources": named})


def plan_suite(recipe: SuiteRecipe, *, place: DataPlace) -> Plan:
    """Decide what is built.

    Args:
        recipe: What is asked for.
        place: Where data are.

    Raises:
        ConfigurationError: An unknown source, two sources of one name, or no source whose data are there.
        DataError: The table of one's own task is wrong.
    """
    wanted = recipe.sources or {
        name: Share() for name, source in SUITE.items() if source.split == recipe.split
    }
    revisions = tuple((name, share.revision) for name, share in wanted.items() if share.revision)
    parts: list[Part] = []
    skipped: list[tuple[str, str]] = []
    for name, share in wanted.items():
        source = get_source(name)
        if any(part.name == source.name for part in parts):
            raise ConfigurationError(f"sources: two have the name {source.name!r}.")
        if missing := source.needs.missing(place):
            skipped.append((source.name, missing))
        else:
            parts.append(_part(name, source, share, max_rows=recipe.max_rows))
    _check_material([get_source(part.source) for part in parts])
    if not parts:
        first = f" {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        raise ConfigurationError(f"No source has its data.{first}")
    return Plan(
        parts=tuple(parts),
        place=replace(place, revisions=(*revisions, *place.revisions)),
        seed=recipe.seed,
        skipped=tuple(skipped),
    )


def _part(name: str, source: Source, share: Share, *, max_rows: int | None) -> Part:
    n_rows = share.rows or max(1, round(share.weight * source.n_rows))
    own = source.settings
    return Part(
        source=name,
        name=source.name,
        split=source.split,
        n_rows=min(n_rows, max_rows or n_rows),
        settings=TaskSettings(
            mean_examples=own.mean_examples if share.mean_examples is None else share.mean_examples,
            max_examples=share.max_examples or own.max_examples,
            description_keep_prob=(
                own.description_keep_prob
                if share.description_keep_prob is None
                else share.description_keep_prob
            ),
        ),
    )


def _check_material(sources: Sequence[Source]) -> None:
    """Refuse to train on what is held out."""
    held_out = {
        name: source.name for source in sources if source.split == "held_out" for name in source.material
    }
    for source in sources:
        for name in source.material:
            if source.split == "train" and name in held_out:
                raise ConfigurationError(
                    f"sources: {source.name!r} is for training and {held_out[name]!r} is held out, but both are "
                    f"made of {name!r}."
                )
