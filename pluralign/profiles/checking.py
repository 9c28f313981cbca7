"""What is wrong with a profile that its record allows: who speaks, how much it says, sources, contrast, length."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

from pluralign.errors import ConfigurationError
from pluralign.profiles.library import list_profiles, load_profile
from pluralign.profiles.record import Value, ValueProfile
from pluralign.profiles.rendering import system_prompt
from pluralign.records.base import Record, Text

# Of a curated profile: enough values to tell it from others, few enough to be read as a whole.
N_VALUES = range(3, 13)
# Of a curated profile as rendered in the default style: about 650 tokens of English. Characters, because tokens
# cannot be estimated alike for all scripts.
MAX_CHARACTERS = 2800
# Two statements that share this part of the shorter one's words say the same thing.
SAME_WORDS = 0.8
# With fewer words than this, statements share most of them by chance.
FEWEST_WORDS = 4

_FIRST_PERSON = re.compile(
    r"\bI\b|\b(?i:me|my|mine|myself|we|us|our|ours|ourselves)\b",
)
# An address, or a number that places a text: its year or century, a chapter or verse.
_SOURCE = re.compile(r"https?://[^\s/]+\.[^\s/]+|\d|\bcentury\b")
_DOUBLED = re.compile(r"\b(\w+)\s+\1\b", re.IGNORECASE)


Severity = Literal["fault", "note"]
# Field, severity and message of a finding.
_Found = tuple[str, Severity, str]


class ProfileFinding(Record):
    """One thing about a profile that a reader should mend or know.

    Attributes:
        profile: Id of the profile.
        field: Where it is, for example "values.2.statement".
        severity: "fault": mend it; "note": worth knowing.
        message: What is wrong, and what would be right.
    """

    profile: Text
    field: Text
    severity: Severity
    message: Text


@dataclass(frozen=True)
class Checked:
    """What came of checking several profiles.

    Attributes:
        findings: What was found in those that can be read.
        unreadable: Name -> what is wrong, of those that cannot.
        n_profiles: How many were looked at, unreadable ones included.
    """

    findings: tuple[ProfileFinding, ...]
    unreadable: Mapping[str, str]
    n_profiles: int


def check_profiles(names: Sequence[str] = ()) -> Checked:
    """Check profiles against each other and the shipped ones.

    Args:
        names: Ids of shipped profiles, or paths of YAML files; none: all shipped profiles.
    """
    shipped = list_profiles()
    wanted = tuple(dict.fromkeys(names or shipped))
    read: dict[str, ValueProfile] = {}
    unreadable: dict[str, str] = {}
    for name in {**dict.fromkeys(wanted), **dict.fromkeys(shipped)}:
        try:
            read[name] = load_profile(name)
        except ConfigurationError as error:
            unreadable[name] = str(error)
    library = {profile.id: profile for profile in read.values()}
    return Checked(
        findings=tuple(
            finding
            for name in wanted
            if name in read
            for finding in check_profile(read[name], library=library)
        ),
        unreadable={name: unreadable[name] for name in wanted if name in unreadable},
        n_profiles=len(wanted),
    )


def check_profile(
    profile: ValueProfile, *, library: Mapping[str, ValueProfile]
) -> tuple[ProfileFinding, ...]:
    """Check a profile beyond what its record holds.

    Args:
        profile: The profile.
        library: Id -> profile, among which its contrast is looked for.

    Returns:
        What was found, in the order of the profile's fields; empty where all is well.
    """
    found = [
        *_wording(profile),
        *_repetitions(profile),
        *_order(profile.values),
        *_sources(profile),
        *_contrast(profile, library),
    ]
    if profile.provenance.kind == "curated":
        found += [*_extent(profile), *_length(profile)]
    return tuple(
        ProfileFinding(profile=profile.id, field=field, severity=severity, message=message)
        for field, severity, message in found
    )


def statements(profile: ValueProfile) -> dict[str, str]:
    """Field -> statement, of values, norms and what is not held."""
    return {
        **{f"values.{index}.statement": value.statement for index, value in enumerate(profile.values)},
        **{f"norms.{index}": norm for index, norm in enumerate(profile.norms)},
        **{f"does_not_hold.{index}": text for index, text in enumerate(profile.does_not_hold)},
    }


def _wording(profile: ValueProfile) -> Iterator[_Found]:
    """Statements not in the first person, and words written twice in a row; told in English only."""
    if profile.language.partition("-")[0] != "en":
        return
    for field, statement in statements(profile).items():
        if doubled := _DOUBLED.search(statement):
            yield field, "fault", f"{doubled[1]!r} stands twice in a row: leave one out"
        if not _FIRST_PERSON.search(statement):
            yield field, "fault", f'{statement!r} is not in the first person: say it with "I" or "we"'


def _repetitions(profile: ValueProfile) -> Iterator[_Found]:
    """Statements that say the same in nearly the same words.

    What is held and what is not held are compared apart: a statement and its opposite share their words.
    """
    for (first, one), (second, other) in combinations(statements(profile).items(), 2):
        if first.startswith("does_not_hold") == second.startswith("does_not_hold") and _alike(one, other):
            yield second, "fault", f"it says in nearly the same words what {first} says: {one!r}"


def _alike(first: str, second: str) -> bool:
    words = [set(re.findall(r"\w{4,}", text.casefold())) for text in (first, second)]
    fewest = min(map(len, words))
    return fewest >= FEWEST_WORDS and len(words[0] & words[1]) >= SAME_WORDS * fewest


def _order(values: Sequence[Value]) -> Iterator[_Found]:
    """Weights that rise down a list whose first value is the most important one."""
    weighted = [(index, value.weight) for index, value in enumerate(values) if value.weight is not None]
    for (_, before), (index, weight) in pairwise(weighted):
        if weight > before:
            yield (
                f"values.{index}.weight",
                "fault",
                f"{weight:g} is more than the {before:g} of a value above it: list the most important one first",
            )


def _sources(profile: ValueProfile) -> Iterator[_Found]:
    for index, source in enumerate(profile.provenance.sources):
        if not _SOURCE.search(source):
            yield (
                f"provenance.sources.{index}",
                "fault",
                f"{source!r} is neither a citation nor an address: give author, title and year, chapter and verse, or https://...",
            )


def _contrast(profile: ValueProfile, library: Mapping[str, ValueProfile]) -> Iterator[_Found]:
    """A contrast that is not there, or that is opposed to another profile: a fault where both are curated."""
    if profile.contrast is None:
        return
    if profile.contrast not in library:
        yield "contrast", "fault", f"there is no profile {profile.contrast!r}: see pluralign profile ls"
        return
    back = library[profile.contrast].contrast
    if back != profile.id:
        severity: Severity = "fault" if profile.provenance.kind == "curated" else "note"
        opposed = "none" if back is None else repr(back)
        yield "contrast", severity, f"the contrast of {profile.contrast!r} is {opposed}, not {profile.id!r}"


def _extent(profile: ValueProfile) -> Iterator[_Found]:
    if len(profile.values) not in N_VALUES:
        yield (
            "values",
            "fault",
            f"a curated profile has {N_VALUES[0]} to {N_VALUES[-1]} values, not {len(profile.values)}",
        )
    for field, given in (("norms", profile.norms), ("does_not_hold", profile.does_not_hold)):
        if not given:
            yield field, "fault", "a curated profile has at least one statement here"


def _length(profile: ValueProfile) -> Iterator[_Found]:
    n_characters = len(system_prompt(profile))
    if n_characters > MAX_CHARACTERS:
        yield (
            "values",
            "fault",
            f"rendered, the profile is {n_characters} characters long; a curated one has {MAX_CHARACTERS} at most: "
            "shorten or leave out statements",
        )
