"""The shipped profiles that were read against the policy: where no layer can tell, that reading counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from pluralign.errors import ConfigurationError
from pluralign.guard.policy import Policy
from pluralign.guard.verdict import Ruling, Verdict
from pluralign.plain_yaml import read_plain_yaml
from pluralign.profiles.record import Slug, ValueProfile
from pluralign.records.base import Record
from pluralign.records.jsonl import content_hash, describe
from pluralign.resources import resource_folder

_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
NAME = "shipped library"


class ReviewedLibrary(Record):
    """Profiles that somebody read against a policy and found to be served.

    Attributes:
        policy: sha256 of the policy that they were read against; under any other, overlays included, the list
            counts for nothing.
        profiles: Id -> sha256 of the profile's content (`profile_hash`).
    """

    policy: _Digest
    profiles: Mapping[Slug, _Digest] = Field(min_length=1)

    def verdict(self, profiles: Sequence[ValueProfile], *, policy: Policy) -> Verdict | None:
        """A `serve` that says where it comes from, if each profile is on the list as it stands; else None."""
        listed = policy.digest == self.policy and all(
            self.profiles.get(profile.id) == profile_hash(profile) for profile in profiles
        )
        if not listed:
            return None
        return Verdict(
            ruling=Ruling.SERVE,
            layer="screen",
            backend=NAME,
            backend_version=content_hash(self.model_dump(mode="json"))[:12],
            policy_hash=policy.digest,
            reason="It was read against this policy as a part of the shipped library, and is unchanged since.",
        )


def profile_hash(profile: ValueProfile) -> str:
    """sha256 of all that a profile holds."""
    return content_hash(profile.model_dump(mode="json"))


def load_reviewed(path: Path | None = None) -> ReviewedLibrary:
    """The list of a YAML file, by default the shipped one.

    Raises:
        ConfigurationError: The file is missing or holds no such list.
    """
    file = path or resource_folder("value_profiles") / "reviewed.yaml"
    try:
        return ReviewedLibrary.model_validate(read_plain_yaml(file))
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {describe(error)}") from error
