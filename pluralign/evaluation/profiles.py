"""Value profiles as conditions: whose answers each one is held against, and the words that the model is given."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pluralign.data.profiles import OF_PROFILE
from pluralign.errors import ConfigurationError
from pluralign.evaluation.spec import EvalSpec
from pluralign.plain_yaml import read_plain_yaml, shortened
from pluralign.profiles import ValueProfile, load_profile, system_prompt
from pluralign.records.base import Text
from pluralign.records.jsonl import describe
from pluralign.steering.ways import Way, known_way, opening_of, style_for

# The adapter whose questions are made from profiles.
STATEMENTS = "profiles"


def read_profiles(path: Path) -> dict[str, str]:
    """Value profiles from a YAML file that maps group ids to text.

    Raises:
        ConfigurationError: The file cannot be read, or is something else.
    """
    try:
        given = read_plain_yaml(path, needed="profiles, as 'GROUP: text'")
        return TypeAdapter(dict[Text, Text]).validate_python(given)
    except ValidationError as error:
        raise ConfigurationError(
            f"{path}: a mapping of group id to text is needed: {shortened(describe(error))}"
        ) from error


def profile_text(profile: ValueProfile, *, way: Way | None) -> str:
    """A profile in the words that a model is given.

    Args:
        profile: The profile.
        way: How it is put to the model, worded as a `Steerer` words it; None: as a system message.
    """
    if way is None:
        return system_prompt(profile)
    return opening_of(profile, text=system_prompt(profile, style=style_for(way)), way=way)


def profile_settings(
    chosen: Sequence[str], *, spec: EvalSpec, way: Way | str | None = None
) -> dict[str, Any]:
    """What `Settings` must hold so that an evaluation steers with these profiles.

    Args:
        chosen: Ids or files of profiles. Where the evaluation asks about the profiles' own statements a name
            alone; elsewhere "GROUP:NAME", the group of people whose answers the profile is held against.
        spec: The evaluation.
        way: How the profiles are put to the model; None: its own format.

    Returns:
        Values of the settings `condition`, `profiles`, `way`, and `data` or `groups`.

    Raises:
        ConfigurationError: An unknown profile or way, a group given twice, or a name without its group.
    """
    wanted = None if way is None else known_way(way)
    texts: dict[str, str] = {}
    for name in chosen:
        group, _, profile_name = ("", "", name) if Path(name).is_file() else name.rpartition(":")
        profile = load_profile(profile_name)
        if spec.data.adapter == STATEMENTS:
            group = group or f"{OF_PROFILE}{profile.id}"
        if not group:
            raise ConfigurationError(
                f"--profile {name}: {spec.id!r} asks about groups of people. Say whose answers the profile is held "
                f"against, as in --profile 'party=Democrat:{name}'; steerable/profiles needs no such group."
            )
        if group in texts:
            raise ConfigurationError(f"--profile {name}: the group {group!r} is given two profiles.")
        texts[group] = profile_text(profile, way=wanted)
    found: dict[str, Any] = {"condition": "profile", "profiles": texts, "way": wanted}
    if spec.data.adapter == STATEMENTS:
        return found | {"data": {"profiles": [name.rpartition(":")[2] for name in chosen]}}
    return found | {"groups": tuple(texts)}
