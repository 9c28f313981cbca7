"""Windows written by hand, in YAML."""

from pathlib import Path

from pydantic import ValidationError

from pluralign.errors import DataError
from pluralign.plain_yaml import read_plain_yaml
from pluralign.records import WindowSet
from pluralign.records.jsonl import describe

MADE = "Written by hand."


def load_window_file(*, path: str | Path) -> WindowSet:
    """Load windows from a YAML file.

    `id`, optionally `source` and `made`, and `windows`, a list of `id`, `prompt`, optionally `n_people`, and
    `viewpoints`, a list of `id`, `statements` (the most typical first) and, for all or none of a window, `share`.

    Args:
        path: The file.

    Raises:
        ConfigurationError: The file cannot be read, or is no plain YAML.
        DataError: It does not hold windows; names the file and the field.
    """
    path = Path(path)
    fields = read_plain_yaml(path, needed="'id:' and 'windows:'")
    try:
        return WindowSet.model_validate({"made": MADE, **fields})
    except ValidationError as error:
        raise DataError(f"{path}: not a set of windows: {describe(error)}") from error
