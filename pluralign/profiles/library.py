"""The shipped profiles, and reading and writing profiles as YAML."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.files import write_whole
from pluralign.profiles.record import Provenance, Value, ValueProfile
from pluralign.records.jsonl import describe
from pluralign.resources import resource_folder

_WIDTH = 100
_FIELDS = {*ValueProfile.model_fields, *Value.model_fields, *Provenance.model_fields}


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
        profile = _read(path)
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
    return _read(path)


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


def _read(path: Path) -> ValueProfile:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path}: a profile's fields are needed, such as 'id:' and 'values:', not {content!r}. "
            "Begin with: pluralign profile new"
        )
    try:
        return ValueProfile.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_faults(error)}") from error


def _faults(error: ValidationError) -> str:
    """What is wrong with a file's content; fields that were left empty, as in a template, by name alone."""
    items = error.errors(include_url=False)
    empty = [".".join(map(str, item["loc"])) for item in items if item["loc"] and item["input"] is None]
    if empty:
        return f"not filled in yet: {', '.join(empty)}"
    unknown = [str(item["loc"][-1]) for item in items if item["type"] == "extra_forbidden"]
    return describe(error) + "".join(did_you_mean(name, _FIELDS) for name in unknown)


class _Loader(yaml.SafeLoader):
    """Refuses a field that stands twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            names = [self.construct_object(key) for key, _ in node.value]
            twice = sorted({str(name) for name in names if names.count(name) > 1})
            raise yaml.constructor.ConstructorError(
                problem=f"{', '.join(twice)}: stands twice", problem_mark=node.start_mark
            )
        return mapping


class _Dumper(yaml.SafeDumper):
    """Indents lists below their field."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)
