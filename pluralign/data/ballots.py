"""The votes of a Polis conversation: who voted how on which statement, and the groups that Polis put people into."""

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.data.loaded import unusable
from pluralign.data.reading import read_rows, read_text
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import POPULATION, Finding, Severity

MIN_VOTES = 10  # on both sides, for a statement to tell groups apart: the rule for Polis representativeness

CODES = (1.0, -1.0, 0.0)
_VOTES = {"": np.nan, "1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0, "-1": -1.0, "-1.0": -1.0}
_ABOUT_PEOPLE = ("participant", "xid", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree")
NO_GROUP = ""

_CC_BY = (
    "Data was gathered using the Polis software (compdemocracy.org/polis) and is sub-licensed under CC BY 4.0 "
    "with Attribution to The Computational Democracy Project; github.com/compdemocracy/openData."
)
_CCAI = "Collective Constitutional AI, a Polis conversation: github.com/saffronh/ccai. Licence: none stated."
_FOREIGN = "A Polis conversation; licence: as its source states."
# Names of the files of votes and statements, and where such files come from.
_KNOWN_FILES = (
    ("participants-votes.csv", "comments.csv", _CC_BY),
    ("clean_votes.csv", "clean_comments.csv", _CCAI),
)


class Representative(NamedTuple):
    """A statement that a group agrees with more than the others do.

    Attributes:
        statement: Column of the statement in the votes.
        agree_prob: Share of the group that agrees, smoothed: (agree + 1) / (votes + 2).
        others_agree_prob: The same of the other groups.
        repness: agree_prob / others_agree_prob.
        z: Test statistic of the difference between the two.
    """

    statement: int
    agree_prob: float
    others_agree_prob: float
    repness: float
    z: float


@dataclass(frozen=True)
class Ballots:
    """Who voted how.

    Attributes:
        people: Ids of the participants, in order of rows.
        statements: Ids of the statements, in order of columns.
        votes: 1 agree, -1 disagree, 0 pass, NaN for no vote, shape (people, statements).
        labels: "group=0", ... of each participant, shape (people,); `NO_GROUP` where Polis put one into none.
    """

    people: tuple[str, ...]
    statements: tuple[str, ...]
    votes: NDArray[np.float64]
    labels: NDArray[np.str_]

    @property
    def groups(self) -> list[str]:
        """The labels of the groups, sorted."""
        return sorted(set(self.labels.tolist()) - {NO_GROUP})

    def without(self, statements: Collection[str]) -> "Ballots":
        """The same people's votes on the other statements."""
        kept = [column for column, statement in enumerate(self.statements) if statement not in statements]
        names = tuple(self.statements[column] for column in kept)
        return Ballots(self.people, names, self.votes[:, kept], self.labels)

    def counts(self, group: str) -> NDArray[np.float64]:
        """How often a group agreed, disagreed and passed, shape (statements, 3)."""
        members = slice(None) if group == POPULATION else self.labels == group
        return np.stack([(self.votes[members] == code).sum(axis=0) for code in CODES], axis=-1).astype(float)

    def person(self, row: int) -> str:
        """Id of a participant as a group of one."""
        return f"participant={self.people[row]}"


@dataclass(frozen=True)
class Conversation:
    """A conversation as it was left.

    Attributes:
        name: Name of its folder.
        ballots: The votes on the statements that were left open to vote and have words.
        texts: Statement id -> its words in one line.
        topic: What it is about; empty where the export does not say.
        url: Where it took place: "https://pol.is/7wmvbjcjhp"; empty where the export does not say.
        votes_path: The file of votes.
        source: Where it comes from, with the licence.
        findings: Statements that are left out: moderators took them out, or they have no words or no column.
    """

    name: str
    ballots: Ballots
    texts: Mapping[str, str]
    topic: str
    url: str
    votes_path: Path
    source: str
    findings: tuple[Finding, ...]


class _Layout(NamedTuple):
    votes: Path
    comments: Path
    source: str


def is_conversation(folder: Path) -> bool:
    """Whether a folder holds files of votes under one of the known names."""
    return any((folder / name).is_file() for name, _, _ in _KNOWN_FILES)


def open_conversation(
    path: str | Path, *, votes: str | None = None, comments: str | None = None
) -> Conversation:
    """Read a conversation.

    Args:
        path: The folder: `comments.csv` (comment-id, comment-body, moderated, ...), `participants-votes.csv`
            (participant, group-id, ..., one column a comment: 1 agree, -1 disagree, 0 pass, blank for no vote)
            and, for the topic, `summary.csv`; or `clean_comments.csv` and `clean_votes.csv`, as
            Collective Constitutional AI has them.
        votes: Name of the file of votes in the folder, with `comments`; None to look for the known names.
        comments: Name of the file of statements.

    Raises:
        ConfigurationError: One file name without the other.
        DataError: A file is missing or not of this form (names file, line and column).
    """
    folder = Path(path)
    layout = _layout(folder, votes=votes, comments=comments)
    ballots, texts, findings = _open_statements(layout)
    return Conversation(
        name=folder.resolve().name,
        ballots=ballots,
        texts=texts,
        topic=_summary(folder, "topic"),
        url=_summary(folder, "url"),
        votes_path=layout.votes,
        source=layout.source,
        findings=tuple(findings),
    )


def representative_statements(
    votes: ArrayLike, labels: ArrayLike, *, group: str, min_votes: int = MIN_VOTES
) -> tuple[Representative, ...]:
    """The statements that a group agrees with more than the other groups do, the clearest first.

    The representativeness of Polis (Small et al. 2021), for agreement: with pa = (agree + 1) / (n + 2) of the group
    and po of the others, z = (pa - po) / sqrt(pa (1 - pa) / (n + 3) + po (1 - po) / (n_others + 3)).

    Args:
        votes: 1 agree, -1 disagree, 0 pass, NaN for no vote, shape (people, statements).
        labels: Each person's group, shape (people,); people with the empty label belong to none and are left out.
        group: Label of the group.
        min_votes: Fewest votes on a statement, in the group and among the others.

    Returns:
        Those with enough votes, pa above 1/2 and z above 0, by falling z.

    Raises:
        DataError: The shapes do not fit.
    """
    matrix, names = np.asarray(votes, dtype=np.float64), np.asarray(labels)
    if matrix.ndim != 2 or names.shape != matrix.shape[:1]:
        raise DataError(
            f"votes must have shape (people, statements) and labels (people,), not {matrix.shape} and {names.shape}."
        )
    inside = names == group
    n, pa = _agreement(matrix[inside])
    n_others, po = _agreement(matrix[~inside & (names != NO_GROUP)])
    z = (pa - po) / np.sqrt(pa * (1 - pa) / (n + 3) + po * (1 - po) / (n_others + 3))
    describes = (n >= min_votes) & (n_others >= min_votes) & (pa > 0.5) & (z > 0)
    order = [int(column) for column in np.argsort(-z, kind="stable") if describes[column]]
    return tuple(
        Representative(i, float(pa[i]), float(po[i]), float(pa[i] / po[i]), float(z[i])) for i in order
    )


def _layout(folder: Path, *, votes: str | None, comments: str | None) -> _Layout:
    if (votes is None) != (comments is None):
        raise ConfigurationError("Give both file names, votes and comments, or neither.")
    if votes and comments:
        return _Layout(folder / votes, folder / comments, _FOREIGN)
    for known_votes, known_comments, source in _KNOWN_FILES:
        if (folder / known_votes).is_file():
            return _Layout(folder / known_votes, folder / known_comments, source)
    raise DataError(
        f"{folder}: no Polis conversation; it needs participants-votes.csv and comments.csv. "
        "Where they have other names, give those as votes and comments."
    )


def _summary(folder: Path, field: str) -> str:
    """What the export says of the conversation; empty where it does not."""
    summary = folder / "summary.csv"
    if not summary.is_file():
        return ""
    rows = csv.reader(io.StringIO(read_text(summary), newline=""))
    return next((row[1].strip() for row in rows if row[:1] == [field] and len(row) > 1), "")


def _open_statements(layout: _Layout) -> tuple[Ballots, dict[str, str], list[Finding]]:
    """The votes on statements that were left open to vote and have words, those words, and what is left out."""
    ballots = _read_votes(layout.votes)
    texts, moderated_out = _read_comments(layout.comments)
    findings = []
    if moderated_out:
        findings.append(
            Finding(
                fault="moderated_out",
                severity=Severity.UNUSABLE,
                detail=f"statements that moderators took out: {', '.join(sorted(moderated_out, key=int))}",
                where=str(layout.comments),
                n_items=len(moderated_out),
            )
        )
    for statement in ballots.statements:
        if statement not in moderated_out and not texts.get(statement):
            detail = f"{layout.comments.name} has no words for this column"
            findings.append(unusable("no_text", detail, question_id=statement, where=str(layout.votes)))
    missing = [statement for statement in texts if statement not in ballots.statements]
    detail = f"{layout.votes.name} has no column for this statement"
    where = str(layout.comments)
    findings.extend(unusable("no_votes", detail, question_id=statement, where=where) for statement in missing)
    kept = [column for column, statement in enumerate(ballots.statements) if texts.get(statement)]
    usable = tuple(ballots.statements[column] for column in kept)
    return Ballots(ballots.people, usable, ballots.votes[:, kept], ballots.labels), texts, findings


def _read_comments(path: Path) -> tuple[dict[str, str], set[str]]:
    """Statement id -> its words in one line, of those left open to vote; and ids of those taken out."""
    texts: dict[str, str] = {}
    moderated_out: set[str] = set()
    for line, row in read_rows(path, ("comment-id", "comment-body", "moderated")):
        statement, moderated = row["comment-id"], row["moderated"]
        if not statement.isdecimal():
            raise DataError(f"{path}, line {line}, column comment-id: a number is needed, not {statement!r}.")
        if moderated not in {"-1", "0", "1"}:
            raise DataError(
                f"{path}, line {line}, column moderated: -1 (taken out), 0 or 1 is needed, not {moderated!r}."
            )
        if statement in texts or statement in moderated_out:
            raise DataError(f"{path}, line {line}, column comment-id: {statement} stands there twice.")
        if moderated == "-1":
            moderated_out.add(statement)
        else:
            texts[statement] = " ".join(row["comment-body"].split())
    return texts, moderated_out


def _read_votes(path: Path) -> Ballots:
    rows = list(read_rows(path, ("participant", "group-id")))
    if not rows:
        raise DataError(f"{path}: holds nobody's votes.")
    statements = tuple(column for column in rows[0][1] if column not in _ABOUT_PEOPLE)
    if strange := [column for column in statements if not column.isdecimal()]:
        raise DataError(
            f"{path}, line 1: the column {strange[0]!r} is neither the number of a statement nor one of "
            f"{', '.join(_ABOUT_PEOPLE)}."
        )
    people: dict[str, None] = {}
    for line, row in rows:
        if row["participant"] in people:
            raise DataError(
                f"{path}, line {line}, column participant: {row['participant']!r} stands there twice."
            )
        people[row["participant"]] = None
        for statement in statements:
            if row[statement] not in _VOTES:
                raise DataError(
                    f"{path}, line {line}, column {statement}: a vote is 1, 0, -1 or blank, not {row[statement]!r}."
                )
    votes = np.array([[_VOTES[row[statement]] for statement in statements] for _, row in rows])
    labels = np.array([f"group={row['group-id']}" if row["group-id"] else NO_GROUP for _, row in rows])
    return Ballots(tuple(people), statements, votes, labels)


def _agreement(votes: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Number of votes on each statement, and the smoothed share that agrees."""
    n = np.count_nonzero(~np.isnan(votes), axis=0)
    return n, (np.count_nonzero(votes == 1, axis=0) + 1) / (n + 2)
