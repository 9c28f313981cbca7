"""A source of the suite: where its data come from, on which side of the split it stands, and how it makes rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pluralign.data.hub import load_rows
from pluralign.errors import DataError, require
from pluralign.spectrum.format import Example, SpectrumSequence
from pluralign.spectrum.tasks import TaskSettings, assemble, row_generator

Split = Literal["train", "held_out"]

_TABLE_ENDINGS = (".parquet", ".jsonl", ".json", ".csv")


@dataclass(frozen=True)
class Instance:
    """One data-generating process, ready to be made into a row.

    Attributes:
        descriptions: Wordings; empty where nothing is said of the process.
        draw: (generator, n) -> at most n examples, in an order that carries no information.
        limit: Most examples that there are; None where there is no end.
    """

    descriptions: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], Sequence[Example]]
    limit: int | None = None


@dataclass(frozen=True)
class Opened:
    """A source with its data read.

    Attributes:
        instance: (index of a row, the row's generator) -> the process behind the row.
        n_rows: Number of rows that there are; None where there is no end.
    """

    instance: Callable[[int, np.random.Generator], Instance]
    n_rows: int | None = None


@dataclass(frozen=True)
class DataPlace:
    """Where data may be looked for.

    Attributes:
        folder: Folder of published files; None where there is none.
        hub: Whether data may be loaded from the Hugging Face hub.
        revisions: (name of a source, commit, tag or branch on the hub); the newest for those not named.
    """

    folder: Path | None = None
    hub: bool = False
    revisions: tuple[tuple[str, str], ...] = ()

    def revision(self, source: str) -> str | None:
        """The revision of a source's data on the hub; None for the newest."""
        return dict(self.revisions).get(source)

    def path(self, name: str) -> Path:
        """A file or folder of the folder.

        Raises:
            DataError: No folder is given.
        """
        if self.folder is None:
            raise DataError(f"{name}: no folder of data is given.")
        return self.folder / name


@dataclass(frozen=True)
class Opening:
    """With what a source is opened.

    Attributes:
        place: Where its data are.
        seed: Seed of all rows.
        settings: Number of examples a row, share of descriptions.
    """

    place: DataPlace
    seed: int
    settings: TaskSettings


@dataclass(frozen=True)
class Needs:
    """What must be there for a source to be used.

    Attributes:
        files: Files, folders, or tables without their ending, below the folder of data; all of them are needed.
        how: How to get them, in one line.
        hub_id: Where the data are on the hub, if they can be loaded from there; else empty.
    """

    files: tuple[str, ...] = ()
    how: str = ""
    hub_id: str = ""

    def missing(self, place: DataPlace) -> str | None:
        """What is not there, with how to get it in one line; None where everything is there."""
        if self.hub_id and place.hub:
            return None
        absent = [name for name in self.files if place.folder is None or find(place.folder, name) is None]
        if not absent:
            return None
        where = f" in {place.folder}" if place.folder else ""
        return f"{absent[0]} is not there{where}: {self.how}"


@dataclass(frozen=True)
class Source:
    """A task of the suite.

    Attributes:
        name: Name; part of every row's seed.
        split: "train", or "held_out" for what is measured and never trained on.
        what: What a row holds, in a few words.
        origin: Where the data come from.
        licence: As the origin states it.
        citation: The publication.
        material: Names of what the rows are made of, such as "gsm8k/train" or "family urn": no name may stand on
            both sides of the split.
        opened: Reads the data.
        n_rows: Number of rows taken where nothing else is asked for.
        settings: Number of examples a row, share of descriptions.
        needs: Data that must be there.
    """

    name: str
    split: Split
    what: str
    origin: str
    licence: str
    citation: str
    material: tuple[str, ...]
    opened: Callable[[Opening], Opened]
    n_rows: int
    settings: TaskSettings
    needs: Needs = Needs()


@dataclass(frozen=True)
class Rows:
    """The rows of a source, each a function of the source's name, the seed and the row's index.

    Attributes:
        name: Name of the source.
        opened: The source with its data read.
        settings: Number of examples a row, share of descriptions.
        seed: Seed of all rows.
    """

    name: str
    opened: Opened
    settings: TaskSettings
    seed: int

    def row(self, index: int) -> SpectrumSequence:
        """The row of an index."""
        rng = row_generator(self.name, index, seed=self.seed)
        instance = self.opened.instance(index, rng)
        return assemble(
            instance.descriptions,
            instance.draw,
            task=self.name,
            settings=self.settings,
            limit=instance.limit,
            rng=rng,
        )


def find(folder: Path, name: str) -> Path | None:
    """A file or folder of that name, or a table of that name with an ending; None where there is none."""
    candidates = (folder / name, *(folder / f"{name}{ending}" for ending in _TABLE_ENDINGS))
    return next((path for path in candidates if path.exists()), None)


def read_columns(
    place: DataPlace, name: str, *, hub_id: str, columns: Sequence[str], source: str, split: str = "train"
) -> Any:
    """The rows of a table from the folder of data or, where that is allowed, from the hub.

    Args:
        place: Where data may be looked for.
        name: Name of the table in the folder, without its ending: "helpsteer2" or "prism/utterances".
        hub_id: Where it is published.
        columns: Columns that must be there.
        source: Name of the source, for the revision.
        split: Split on the hub.

    Returns:
        A `datasets.Dataset`.

    Raises:
        DataError: The table is neither there nor to be had, or lacks a column.
        MissingExtraError: `datasets` is not installed.
    """
    found = find(place.folder, name) if place.folder else None
    if found is None and not place.hub:
        raise DataError(f"{name}: is not in the folder of data, and the hub is not to be asked.")
    return load_rows(
        found or hub_id,
        hub_id=hub_id,
        columns=columns,
        revision=place.revision(source),
        split=split,
    )


def get_file(place: DataPlace, name: str, *, hub_id: str, source: str) -> Path:
    """A file from the folder of data or, where that is allowed, from a dataset on the hub that has it at its top.

    Args:
        place: Where data may be looked for.
        name: The file in the folder: "prism/survey.jsonl".
        hub_id: The dataset.
        source: Name of the source, for the revision.

    Raises:
        DataError: The file is neither there nor to be had.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    found = find(place.folder, name) if place.folder else None
    if found:
        return found
    if not place.hub:
        raise DataError(f"{name}: is not in the folder of data, and the hub is not to be asked.")
    hub = require("huggingface_hub", extra="hf")
    file, revision = Path(name).name, place.revision(source)
    try:
        return Path(hub.hf_hub_download(hub_id, file, repo_type="dataset", revision=revision))
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        raise DataError(f"{hub_id}: {file} cannot be had from the hub: {error}") from error
