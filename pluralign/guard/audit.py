"""The guard's memory: a file that only grows, in which a changed or missing line shows."""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluralign.errors import ConfigurationError, DataError, StorageError
from pluralign.files import writing
from pluralign.guard.combining import Decision
from pluralign.guard.library import profile_hash
from pluralign.guard.policy import Loosening, Policy
from pluralign.guard.verdict import Role, Ruling
from pluralign.profiles.record import ValueProfile
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import parse_line

if TYPE_CHECKING:
    from pluralign.guard.guard import Guard

# Stands for the line before the first one.
FIRST = "0" * 64
Outcome = Literal["served", "served_with_output_guard", "review", "refused"]


class PolicyUsed(Record):
    """The policy of a decision.

    Attributes:
        id: Its id.
        version: Its version.
        digest: sha256 of what was in force.
        applied: Ids of overlays in force.
        loosened: What they loosened.
    """

    id: Text
    version: Text
    digest: Text
    applied: tuple[str, ...] = ()
    loosened: tuple[Loosening, ...] = ()

    @classmethod
    def of(cls, policy: Policy) -> "PolicyUsed":
        """What an entry says of a policy."""
        return cls(
            id=policy.id,
            version=policy.version,
            digest=policy.digest,
            applied=policy.applied,
            loosened=policy.loosened,
        )


class Event(Record):
    """What happened.

    Attributes:
        kind: "admission" of a profile, judging of an "output", or an "override" by a person.
        contents: sha256 of each profile admitted, or of each profile that an answer was given for.
        ids: Their ids.
        text_hash: sha256 of an answer.
        policy: In force.
        configuration: sha256 of the guard's configuration.
        decision: What was decided; None for overrides.
        outcome: What came of it.
        reason: Of an override.
        operator: Who overrode.
        profiles: The profiles themselves, where the log keeps texts.
        text: The answer, where the log keeps texts.
    """

    kind: Literal["admission", "output", "override"]
    contents: tuple[Text, ...]
    ids: tuple[str, ...]
    text_hash: str | None = None
    policy: PolicyUsed
    configuration: str
    decision: Decision | None
    outcome: Outcome
    reason: str | None = None
    operator: str | None = None
    profiles: tuple[ValueProfile, ...] = ()
    text: str | None = None


class Entry(Record):
    """A line of the log.

    Attributes:
        number: From 1.
        time: In UTC, ISO 8601.
        previous: sha256 of the line before, as it stands in the file.
        event: What happened.
    """

    number: Annotated[int, Field(ge=1)]
    time: Text
    previous: Text
    event: Event


class Verification(Record):
    """What `verify` found.

    Attributes:
        n_entries: Number of lines.
        head: sha256 of the last line. Kept elsewhere, it also shows when lines at the end went missing.
        faults: One sentence a line that is not as it was written; none in a sound log.
    """

    n_entries: int
    head: str
    faults: tuple[str, ...]


class AuditLog:
    """Appends events to a JSONL file; several processes may write to one, except under Windows.

    Args:
        path: The file; made on first use, its folder too.
        texts: Keep profiles, answers and judges' reasons, which may quote them, as well. Without it there are
            hashes, ids, categories, places and scores.
    """

    def __init__(self, path: Path, *, texts: bool = False) -> None:
        self.path = path
        self.texts = texts

    def append(self, event: Event) -> str:
        """Write an event to the disk, and return the sha256 of its line.

        Raises:
            StorageError: It cannot be written, or the file's last line is no whole entry.
        """
        if not self.texts:
            event = event.model_copy(
                update={"profiles": (), "text": None, "decision": _without_quotes(event.decision)}
            )
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                _lock(file)
                number, previous = self._last(file)
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                entry = Entry(number=number + 1, time=now, previous=previous, event=event)
                line = entry.model_dump_json().encode() + b"\n"
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        return _hash(line)

    def override(
        self, contents: Iterable[str], *, ids: Iterable[str], outcome: Outcome, reason: str, operator: str,
        policy: Policy,
    ) -> str:  # fmt: skip
        """Write down that a person decided otherwise; this changes no decision of the guard.

        Raises:
            ConfigurationError: No reason or nobody is named.
            StorageError: As `append`.
        """
        if not reason.strip() or not operator.strip():
            raise ConfigurationError("An override needs a reason and the name of whoever decides so.")
        return self.append(
            Event(
                kind="override",
                contents=tuple(contents),
                ids=tuple(ids),
                policy=PolicyUsed.of(policy),
                configuration="",
                decision=None,
                outcome=outcome,
                reason=reason,
                operator=operator,
            )
        )

    def _last(self, file: IO[bytes]) -> tuple[int, str]:
        """Number and hash of the last line; 0 and `FIRST` where there is none."""
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return 0, FIRST
        block = 4096
        while True:
            file.seek(max(0, size - block))
            tail = file.read()
            lines = tail.splitlines(keepends=True)
            if len(lines) > 1 or block >= size:
                break
            block *= 4
        last = lines[-1]
        try:
            if not last.endswith(b"\n"):
                raise DataError("it does not end")
            number = parse_line(last.decode(), Entry, where=str(self.path)).number
        except (DataError, UnicodeDecodeError) as error:
            raise StorageError(
                f"{self.path}: the last line is no whole entry: {error}. Keep the file and begin another one."
            ) from error
        return number, _hash(last)


def read_audit(path: Path) -> Iterator[Entry]:
    """The entries of a log.

    Raises:
        DataError: The file cannot be read, or a line is no entry; names the line.
    """
    for number, line in enumerate(_lines(path), start=1):
        yield _entry(line, where=f"{path}, line {number}")


def verify(path: Path, *, head: str | None = None) -> Verification:
    """Check the chain of a log.

    Args:
        path: The file.
        head: What the last line's hash must be, where it was kept elsewhere.

    Raises:
        DataError: The file cannot be read.
    """
    faults = []
    previous, n_entries = FIRST, 0
    for number, line in enumerate(_lines(path), start=1):
        n_entries = number
        try:
            entry = _entry(line, where=f"line {number}")
            if entry.previous != previous or entry.number != number:
                faults.append(
                    f"line {number}: it does not follow from the line before: one was changed, added or removed"
                )
        except DataError as error:
            faults.append(str(error))
        previous = _hash(line)
    if head is not None and head != previous:
        faults.append(f"line {n_entries}: it is not the last line that was written, or was changed")
    return Verification(n_entries=n_entries, head=previous, faults=tuple(faults))


class Flip(Record):
    """An admission that would come out otherwise.

    Attributes:
        number: Of the entry.
        ids: Of the profiles.
        before: What was ruled.
        after: What is ruled now.
        category: It is refused for now, or was.
        reason: Of the ruling now.
    """

    number: int
    ids: tuple[str, ...]
    before: Ruling
    after: Ruling
    category: str | None
    reason: str


class Replay(Record):
    """What a policy or a guard would change.

    Attributes:
        flips: Entries that come out otherwise.
        n_same: Number of those that do not.
        missing: Number of an entry -> why it could not be judged again.
    """

    flips: tuple[Flip, ...]
    n_same: int
    missing: Mapping[int, str]


def replay(
    path: Path, *, guard: "Guard", policy: Policy | None = None, profiles: Iterable[ValueProfile] = ()
) -> Replay:
    """Judge again what a log holds; the log is not written to.

    Args:
        path: The log.
        guard: What judges.
        policy: A policy to judge by in place of the guard's; a guard with judges is made with it instead.
        profiles: For entries without texts: they are found by their hash.

    Raises:
        DataError: The log cannot be read.
        ConfigurationError: The guard's judges are bound to another policy.
    """
    judging = guard if policy is None else guard.under(policy)
    known = {profile_hash(profile): profile for profile in profiles}
    flips: list[Flip] = []
    missing: dict[int, str] = {}
    n_same = 0
    for entry in read_audit(path):
        event = entry.event
        if event.decision is None:
            continue
        found = event.profiles or tuple(known[each] for each in event.contents if each in known)
        if len(found) != len(event.contents) or (event.kind == "output" and event.text is None):
            what = "answer" if event.kind == "output" and event.text is None else "profile"
            missing[entry.number] = f"the log keeps no texts, and no {what} with its hash was given"
            continue
        role: Role = "output" if event.kind == "output" else "profile"
        after = judging.decide(found, role=role, text=event.text)
        if after.ruling is event.decision.ruling:
            n_same += 1
            continue
        flips.append(
            Flip(
                number=entry.number,
                ids=event.ids,
                before=event.decision.ruling,
                after=after.ruling,
                category=after.category or event.decision.category,
                reason=after.reason,
            )
        )
    return Replay(flips=tuple(flips), n_same=n_same, missing=missing)


def _without_quotes(decision: Decision | None) -> Decision | None:
    """A decision without the reasons of judges, whose words may repeat what they judged."""
    if decision is None:
        return None
    left_out = "Not kept: the log holds no texts."
    return decision.model_copy(
        update={
            "reason": left_out
            if any(each.layer == "judge" for each in decision.verdicts)
            else decision.reason,
            "verdicts": tuple(
                each.model_copy(update={"reason": left_out}) if each.layer == "judge" else each
                for each in decision.verdicts
            ),
        }
    )


def _lock(file: IO[bytes]) -> None:
    """Keep other processes from appending until the file is closed."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _entry(line: bytes, *, where: str) -> Entry:
    try:
        return parse_line(line.decode(), Entry, where=where)
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 text") from error


def _hash(line: bytes) -> str:
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def event_of(
    kind: Literal["admission", "output"],
    *,
    profiles: Iterable[ValueProfile],
    decision: Decision,
    outcome: Outcome,
    policy: Policy,
    configuration: str,
    text: str | None = None,
) -> Event:
    """An event with hashes and texts; `AuditLog` leaves the texts out where it keeps none."""
    given = tuple(profiles)
    fields: dict[str, Any] = {"kind": kind, "decision": decision, "outcome": outcome, "text": text}
    return Event(
        **fields,
        contents=tuple(profile_hash(profile) for profile in given),
        ids=tuple(profile.id for profile in given),
        text_hash=None if text is None else hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(),
        policy=PolicyUsed.of(policy),
        configuration=configuration,
        profiles=given,
    )
