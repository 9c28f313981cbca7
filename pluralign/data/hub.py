"""Rows of a dataset on the Hugging Face hub, from there or from a file of the same columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pluralign.errors import DataError, require

_BUILDERS = {".csv": "csv", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}


def load_rows(
    path: str | Path,
    *,
    hub_id: str,
    columns: Sequence[str],
    revision: str | None,
    split: str,
    config: str | None = None,
) -> Any:
    """Load the rows of one split through the library `datasets`.

    Args:
        path: Id on the hub; or a local folder laid out as there; or one CSV, Parquet, JSON or JSONL file.
        hub_id: Where the data are published, for messages.
        columns: Columns that must be there.
        revision: Commit, tag or branch on the hub; None for the newest. Of no meaning for a file.
        split: Split of the dataset; a single file has "train" only, whatever is asked for.
        config: Name of the configuration, for a dataset that has several; of no meaning for a file.

    Returns:
        A `datasets.Dataset`: its rows are mappings from column to value.

    Raises:
        DataError: The data cannot be had, or lack a column.
        MissingExtraError: `datasets` is not installed.
    """
    datasets = require("datasets", extra="hf")
    builder = _BUILDERS.get(Path(path).suffix.lower())
    if builder and not Path(path).is_file():
        raise DataError(f"{path}: there is no such file. For the data on the hub: --data path={hub_id}.")
    try:
        if builder:
            rows = datasets.load_dataset(builder, data_files=str(path), split="train")
        else:
            rows = datasets.load_dataset(str(path), config, revision=revision, split=split)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"{path}: cannot be loaded: {str(error).rstrip('.')}. Where the hub cannot be reached, get the "
            f"file elsewhere from https://huggingface.co/datasets/{hub_id} and give it: --data path=FILE.csv."
        ) from error
    if missing := [column for column in columns if column not in rows.column_names]:
        raise DataError(
            f"{path}: the column {missing[0]!r} is missing; it has: {', '.join(rows.column_names)}."
        )
    return rows
