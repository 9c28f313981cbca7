"""The shipped profiles, and reading and writing profiles as YAML."""

from pathlib import Path
from typing import Any

import yaml

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.files import write_whole
from pluralign.profiles.reading import read_profile_file
from pluralign.profiles.record import ValueProfile
from pluralign.resources import resource_folder

_WIDTH = 100


def list_profiles() -> dict[str, Path]:
    """Id -> file of every shipped profile, by family; what lies at the top of the folder is no profile."""
    return {path.stem: path for path in sorted(resource_folder("value_profiles").glob("*/*.yaml"))}


def family_of(id: str) -> str:
    """The family of a shipped profile, for example "political".

    Raises:
        ConfigurationError: No shipped profile has that id.
    """
    shipped = list_profiles()
    if id not in shipped:
        raise ConfigurationError(f"Unknown profile {id!r}.{did_you_mean(id, shipped)}")
    return shipped[id].parent.name


def load_profile(name: str | Path) -> ValueProfile:
    """Load a shipped profile by its id, or any by the path of its YAML file.

    Raises:
        ConfigurationError: Unknown name, unreadable file, or a field that is wrong; names file and field.
    """
    shipped = list_profiles()
    if str(name) in shipped:
        path = shipped[str(name)]
        profile = read_profile_file(path)
        if profile.id != path.stem:
            raise ConfigurationError(
                f"{path}: id: it must be the file's name, {path.stem!r}, not {profile.id!r}"
            )
        return profile
    path = Path(name).expanduser()
    if not path.is_file() and path.suffix not in {".yaml", ".yml"}:
        raise ConfigurationError(
            f"Unknown profile {str(name)!r}, and no file.{did_you_mean(str(name), shipped)}"
        )
    return read_profile_file(path)


def write_profile(profile: ValueProfile, path: Path) -> None:
    """Write a profile to a YAML file, one statement a block; a file that is there is replaced.

    Raises:
        StorageError: The folder is missing or not writable.
    """
    write_whole(path, profile_yaml(profile).encode())


def profile_yaml(profile: ValueProfile) -> str:
    """A profile as YAML that reads back equal."""
    return yaml.dump(
        profile.model_dump(mode="json", exclude_none=True),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
    )


def profile_schema() -> dict[str, Any]:
    """JSON Schema of a profile, for editors and other programs."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ValueProfile.model_json_schema()}


class _Dumper(yaml.SafeDumper):
    """Indents lists below their field."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)
