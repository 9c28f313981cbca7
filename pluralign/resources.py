"""Where the shipped YAML lives: inside an installed wheel, or at the top of a checkout."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

# An editable install does not see what hatchling's force-include puts into the wheel, hence two places.
_IN_WHEEL = {"evals": "_evals", "value_profiles": "_profiles"}


def resource_folder(name: Literal["evals", "value_profiles"]) -> Path:
    """The folder of shipped evaluation specs or value profiles."""
    package = Path(str(files("pluralign")))
    installed = package / _IN_WHEEL[name]
    return installed if installed.is_dir() else package.parent / name
