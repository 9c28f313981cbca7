"""Who speaks: a profile, or a mixture of which each draw picks one; admitted by the guard before anything is asked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pluralign.errors import ConfigurationError
from pluralign.guard.admission import ApprovedProfile
from pluralign.guard.guard import Guard
from pluralign.guard.library import profile_hash
from pluralign.plain_yaml import shortened
from pluralign.profiles import ValueProfile, load_profile
from pluralign.records import content_hash
from pluralign.records.base import duplicates
from pluralign.records.jsonl import describe
from pluralign.steering.results import GuardSummary

# An id of a shipped profile or a file, a profile's fields, a profile, or what the guard has admitted.
ProfileLike = str | Path | Mapping[str, Any] | ValueProfile | ApprovedProfile
# A mixture is a sequence of them, each alone or as (profile, weight).
Speaking = ProfileLike | Sequence[ProfileLike | tuple[ProfileLike, float]]

_KINDS = "an id, a file, a profile's fields, a ValueProfile, or what a guard admitted"
_SCALE = 16**16


@dataclass(frozen=True)
class Speaker:
    """A profile or a mixture, as the guard admitted it.

    Attributes:
        approved: Its profiles with the guard's decision.
        shares: Of each profile, summing to 1.
        hashes: Of each profile, sha256 of its content.
    """

    approved: ApprovedProfile
    shares: tuple[float, ...]
    hashes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """sha256 of the profiles and their shares."""
        return content_hash([*zip(self.hashes, self.shares, strict=True)])

    @property
    def admission(self) -> GuardSummary:
        """What the guard ruled."""
        decision = self.approved.decision
        return GuardSummary(
            ruling=decision.ruling,
            category=decision.category,
            watched=self.approved.watched,
            policy_hash=self.approved.policy_hash,
        )

    def pick(self, *, seed: int, asked: str, draw: int) -> int:
        """Number of the profile that speaks in a draw, with the probability of its share.

        Args:
            seed: Seed of the draws.
            asked: Hash of the prompt, so that not all prompts are answered by the same profiles.
            draw: Number of the draw.
        """
        uniform = int(content_hash(["speaker", seed, asked, draw])[:16], 16) / _SCALE
        passed = (number for number, upto in enumerate(accumulate(self.shares)) if uniform < upto)
        return next(passed, len(self.shares) - 1)


def admit(profile: Speaking, *, guard: Guard) -> Speaker:
    """Have the guard admit a profile, or a mixture: each member, and the whole.

    Raises:
        ProfileRefused: It is not served.
        ConfigurationError: It is unknown, no profile, given twice, admitted under another policy, or a weight is not
            above 0.
    """
    if isinstance(profile, ApprovedProfile):
        approved = _verified(profile, guard=guard)
        return _speaker(approved, [1.0] * len(approved.profiles))
    if isinstance(profile, str | Path | Mapping | ValueProfile):
        return _speaker(guard.admit(_profile_of(profile)), [1.0])
    if not isinstance(profile, Sequence):
        raise ConfigurationError(f"profile: {type(profile).__name__} is no profile: give {_KINDS}.")
    members: list[ValueProfile] = []
    weights: list[float] = []
    for number, each in enumerate(profile):
        one, weight = each if isinstance(each, tuple) and len(each) == 2 else (each, 1.0)
        members.append(_member(one, number=number, guard=guard))
        weights.append(_weight(weight, number=number))
    if not members:
        raise ConfigurationError("profile: the mixture is empty; it needs one profile at least.")
    if repeated := duplicates(tuple(member.id for member in members)):
        raise ConfigurationError(f"profile: {repeated} stand in the mixture more than once.")
    return _speaker(guard.admit(members), weights)


def _speaker(approved: ApprovedProfile, weights: Sequence[float]) -> Speaker:
    total = math.fsum(weights)
    return Speaker(
        approved=approved,
        shares=tuple(weight / total for weight in weights),
        hashes=tuple(profile_hash(each) for each in approved.profiles),
    )


def _member(profile: ProfileLike, *, number: int, guard: Guard) -> ValueProfile:
    if isinstance(profile, ApprovedProfile):
        approved = _verified(profile, guard=guard)
        if len(approved.profiles) != 1:
            raise ConfigurationError(f"profile: member {number + 1} is a mixture; a mixture holds profiles.")
        return approved.profiles[0]
    return _profile_of(profile)


def _verified(approved: ApprovedProfile, *, guard: Guard) -> ApprovedProfile:
    """What is as a guard admitted it, under the policy that is in force here."""
    approved.verify()
    if approved.policy_hash != guard.policy.digest:
        raise ConfigurationError("The profile was admitted under another policy: admit it again.")
    return approved


def _profile_of(profile: str | Path | Mapping[str, Any] | ValueProfile) -> ValueProfile:
    if isinstance(profile, ValueProfile):
        return profile
    if isinstance(profile, str | Path):
        return load_profile(profile)
    if not isinstance(profile, Mapping):
        raise ConfigurationError(f"profile: {profile!r} is no profile: give {_KINDS}.")
    try:
        return ValueProfile.model_validate(dict(profile))
    except ValidationError as error:
        raise ConfigurationError(f"profile: {shortened(describe(error))}") from error


def _weight(weight: object, *, number: int) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
        raise ConfigurationError(
            f"profile: the weight of member {number + 1} is {weight!r}; it must be a number above 0."
        )
    return float(weight)
