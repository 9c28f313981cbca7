"""The profiles that a gateway has on its shelf: guarded and worded once, and replaced as a whole.

A request keeps the shelf that it began with. A reload that finds a file it cannot read leaves the old shelf in place.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pluralign.errors import ConfigurationError, PluralignError, did_you_mean
from pluralign.guard.admission import ApprovedProfile, ProfileRefused
from pluralign.guard.guard import Guard
from pluralign.guard.library import profile_hash
from pluralign.profiles import Style, ValueProfile, list_profiles
from pluralign.profiles.reading import read_profile_file
from pluralign.profiles.rendering import by_weight
from pluralign.serve.keys import Holder
from pluralign.serve.refusals import GatewayError, invalid, withheld
from pluralign.serve.settings import SHIPPED, Settings
from pluralign.steering.speakers import Speaker, admit

_log = logging.getLogger("pluralign.serve")

N_VERSION_DIGITS = 12
# Mixtures whose admission is remembered; the oldest goes first.
_MOST_MIXTURES = 256
_RANDOM_SEEDS = 2**53

# What was found out of a reload: called with the shelf, or with why there is none.
Reloaded = Callable[["Shelf | PluralignError"], None]
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Shelved:
    """A profile on the shelf.

    Attributes:
        profile: The profile.
        version: First digits of the sha256 of all that it holds.
        prompt: Its wording; "" where it is not served.
        approved: As the guard admitted it; None where it did not.
        refused: Why not; None where it did.
    """

    profile: ValueProfile
    version: str
    prompt: str
    approved: ApprovedProfile | None
    refused: ProfileRefused | None

    @property
    def outcome(self) -> str:
        """What came of the admission."""
        if self.approved is not None:
            return "served_with_output_guard" if self.approved.watched else "served"
        return "review" if self.refused is not None and self.refused.review else "refused"

    @property
    def listing(self) -> dict[str, Any]:
        """What a client is told of it."""
        return {
            "id": self.profile.id,
            "object": "profile",
            "version": self.version,
            "title": self.profile.title,
            "summary": self.profile.summary,
            "language": self.profile.language,
            "contrast": self.profile.contrast,
            "values": [value.statement for value in by_weight(self.profile)],
            "served": self.approved is not None,
            "guarded": self.approved is not None and self.approved.watched,
            "outcome": self.outcome,
            "category": self.refused.category if self.refused else None,
            "reason": self.refused.sentence if self.refused else None,
        }


@dataclass(frozen=True)
class Shelf:
    """Profiles by id.

    Attributes:
        shelved: The profiles.
        guard: Who admitted them.
    """

    shelved: Mapping[str, Shelved]
    guard: Guard
    _mixtures: dict[tuple[tuple[str, float], ...], Speaker] = field(default_factory=dict, repr=False)

    @property
    def n_served(self) -> int:
        """Profiles that may be named."""
        return sum(each.approved is not None for each in self.shelved.values())

    def find(self, name: str, *, holder: Holder | None, param: str) -> Shelved:
        """A profile that a client may name and that is served.

        Args:
            name: Its id.
            holder: Of the key; None where there are no keys.
            param: Where it was named.

        Raises:
            GatewayError: 404 where there is none, 403 where the key may not name it or the guard refuses it.
        """
        if name not in self.shelved:
            known = [each for each in self.shelved if holder is None or holder.may_name(each)]
            message = f"There is no profile {name!r}.{_suggestion(name, known)}"
            raise GatewayError(404, "profile_not_found", message, param=param)
        if holder is not None and not holder.may_name(name):
            message = f"This key may not name the profile {name!r}."
            raise GatewayError(403, "profile_not_allowed", message, param=param)
        found = self.shelved[name]
        if found.refused is not None:
            refused = found.refused
            what = f"The profile {name!r} is not served"
            raise withheld(
                what, code="profile_refused", category=refused.category, reason=refused.sentence, param=param
            )
        return found

    async def speaker(self, weights: Mapping[str, float], *, param: str) -> Speaker:
        """A profile, or a mixture as the guard admits it; of profiles that were found.

        Raises:
            GatewayError: 403 where the guard refuses the mixture, 400 where it is none.
        """
        key = tuple(weights.items())
        if key not in self._mixtures:
            members = [(self.shelved[name].profile, weight) for name, weight in key]
            try:
                speaker = await asyncio.to_thread(admit, members, guard=self.guard)
            except ProfileRefused as error:
                what = f"The mixture of {', '.join(weights)} is not served"
                raise withheld(
                    what, code="profile_refused", category=error.category, reason=error.sentence, param=param
                ) from None
            except ConfigurationError as error:
                raise invalid(str(error), param=param) from None
            while len(self._mixtures) >= _MOST_MIXTURES:
                self._mixtures.pop(next(iter(self._mixtures)), None)
            self._mixtures[key] = speaker
        return self._mixtures[key]


@dataclass(frozen=True)
class Drawn:
    """Who speaks in a request.

    Attributes:
        shelved: The profile.
        watched: Whether each answer must be cleared.
        weights: Of the profiles that were named; one, or a mixture.
        seed: By which it was drawn; None where one profile was named.
    """

    shelved: Shelved
    watched: bool
    weights: Mapping[str, float]
    seed: int | None = None


async def draw(
    shelf: Shelf,
    weights: Mapping[str, float],
    *,
    holder: Holder | None,
    param: str,
    seed: int | None,
    asked: str,
) -> Drawn:
    """Find who speaks: the profile named, or the one that this request draws of a mixture.

    Args:
        shelf: The profiles.
        weights: The profiles named.
        holder: Of the key.
        param: Where they were named.
        seed: Of the request; None: one drawn anew.
        asked: sha256 of what is asked, so that not all prompts draw alike.

    Raises:
        GatewayError: As `Shelf.find` and `Shelf.speaker`.
    """
    found = [shelf.find(name, holder=holder, param=param) for name in weights]
    if len(found) == 1:
        approved = found[0].approved
        return Drawn(found[0], watched=approved is not None and approved.watched, weights=weights)
    speaker = await shelf.speaker(weights, param=param)
    used = secrets.randbelow(_RANDOM_SEEDS) if seed is None else seed
    member = speaker.pick(seed=used, asked=asked, draw=0)
    return Drawn(found[member], watched=speaker.approved.watched, weights=weights, seed=used)


class ShelfKeeper:
    """Holds the shelf, and replaces it where the folders change.

    Attributes:
        shelf: The one that requests begin with now.
    """

    def __init__(self, settings: Settings, guard: Guard, *, reloaded: Reloaded | None = None) -> None:
        """Fill the shelf.

        Raises:
            ConfigurationError: A folder or file cannot be read, or an id stands twice.
        """
        self._folders = settings.profiles
        self._style = settings.style
        self._nonce = settings.nonce or secrets.token_hex()
        self._guard = guard
        self._reloaded = reloaded
        self._seconds = settings.reload_seconds
        self._turn = asyncio.Lock()
        self._seen = signature_of(self._folders)
        self.shelf = self._load()

    async def reload(self) -> bool:
        """Fill a new shelf and put it in the old one's place; on a fault the old one stays.

        Returns:
            Whether it was replaced.
        """
        async with self._turn:
            try:
                self._seen = await asyncio.to_thread(signature_of, self._folders)
                self.shelf = await asyncio.to_thread(self._load)
            except PluralignError as error:
                _log.warning("The profiles are served as they were before: %s", error)
                self._tell(error)
                return False
            _log.warning("The profiles were read again: %d.", len(self.shelf.shelved))
            self._tell(self.shelf)
            return True

    async def watch(self) -> None:
        """Look at the folders again and again, and reload where a file came, went or changed."""
        while self._seconds:
            await asyncio.sleep(self._seconds)
            try:
                changed = await asyncio.to_thread(signature_of, self._folders) != self._seen
            except PluralignError:
                changed = True
            if changed:
                await self.reload()

    def _tell(self, what: "Shelf | PluralignError") -> None:
        if self._reloaded is not None:
            self._reloaded(what)

    def _load(self) -> Shelf:
        return fill_shelf(self._folders, self._guard, style=self._style, nonce=self._nonce)


def fill_shelf(folders: Sequence[str], guard: Guard, *, style: Style, nonce: str) -> Shelf:
    """Read profiles, have the guard admit them, and word them.

    Raises:
        ConfigurationError: A folder or file cannot be read, or an id stands twice.
    """
    shelved: dict[str, Shelved] = {}
    origins: dict[str, Path] = {}
    for file in _files(folders):
        profile = read_profile_file(file)
        if profile.id in shelved:
            raise ConfigurationError(
                f"{file}: id: {profile.id!r} stands in {origins[profile.id]} too: rename one of them."
            )
        shelved[profile.id] = _shelved(profile, guard, style=style, nonce=nonce)
        origins[profile.id] = file
    return Shelf(shelved, guard)


def signature_of(folders: Sequence[str]) -> Signature:
    """Names, times and sizes of the files, by which a change shows.

    Raises:
        ConfigurationError: A folder is missing or cannot be read.
    """
    found = []
    for file in _files([folder for folder in folders if folder != SHIPPED]):
        try:
            facts = file.stat()
        except OSError:  # it went between the listing and this
            continue
        found.append((str(file), facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def _shelved(profile: ValueProfile, guard: Guard, *, style: Style, nonce: str) -> Shelved:
    version = profile_hash(profile)[:N_VERSION_DIGITS]
    try:
        approved = guard.admit(profile)
    except ProfileRefused as error:
        return Shelved(profile, version, prompt="", approved=None, refused=error)
    prompt = approved.system_prompt(style=style, nonce=nonce)
    return Shelved(profile, version, prompt=prompt, approved=approved, refused=None)


def _files(folders: Sequence[str]) -> list[Path]:
    files: list[Path] = []
    for folder in folders:
        if folder == SHIPPED:
            files += list_profiles().values()
            continue
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise ConfigurationError(
                f"profiles: {folder!r} is no folder. Name a folder with YAML files, or 'shipped' for the shipped ones."
            )
        files += sorted(each for each in path.rglob("*") if each.suffix in {".yaml", ".yml"})
    return files


def _suggestion(name: str, known: Sequence[str]) -> str:
    """A close name, or where the names are listed: there may be many."""
    close = did_you_mean(name, known)
    return close if "Did you mean" in close else " GET /v1/profiles lists them."
