"""Polis conversations: what people voted on each other's statements, and the opinion groups that the votes form."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.data.loaded import Loaded, unusable
from pluralign.data.people import few_answers
from pluralign.data.reading import read_rows, read_text
from pluralign.data.selection import draw, select
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import POPULATION, Finding, Group, Option, Question, QuestionSet, Severity

MIN_VOTES = 10  # on both sides, for a statement to tell groups apart: the rule for Polis representativeness
MIN_OWN_VOTES = 10  # of a participant: of fewer, there is little to predict and nothing to predict it from

# A pass is an answer, not a refusal: the statement was read and left undecided. It lies nowhere on the scale, as
# nothing says that it lies half-way between agreeing and disagreeing.
OPTIONS = (Option(text="Agree", value=1), Option(text="Disagree", value=-1), Option(text="Pass"))

_CODES = (1.0, -1.0, 0.0)
_VOTES = {"": np.nan, "1": 1.0, "1.0": 1.0, "0": 0.0, "0.0": 0.0, "-1": -1.0, "-1.0": -1.0}
_ABOUT_PEOPLE = ("participant", "xid", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree")
_NO_GROUP = ""

_CC_BY = (
    "Data was gathered using the Polis software (compdemocracy.org/polis) and is sub-licensed under CC BY 4.0 "
    "with Attribution to The Computational Democracy Project; github.com/compdemocracy/openData."
)
_CCAI = "Collective Constitutional AI, a Polis conversation: github.com/saffronh/ccai. Licence: none stated."
_FOREIGN = "A Polis conversation; licence: as its source states."


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
class _Ballots:
    """The votes: statement ids in order of columns, shape (people, statements) with NaN for none, and groups."""

    people: tuple[str, ...]
    statements: tuple[str, ...]
    votes: NDArray[np.float64]
    labels: NDArray[np.str_]

    def counts(self, group: str) -> NDArray[np.float64]:
        """How often a group agreed, disagreed and passed, shape (statements, 3)."""
        members = slice(None) if group == POPULATION else self.labels == group
        return np.stack([(self.votes[members] == code).sum(axis=0) for code in _CODES], axis=-1).astype(float)

    def person(self, row: int) -> str:
        """Id of a participant as a group of one."""
        return f"participant={self.people[row]}"

    def describing(self, group: str, *, min_votes: int) -> list[str]:
        """Ids of the statements that represent a group, the clearest first."""
        found = representative_statements(self.votes, self.labels, group=group, min_votes=min_votes)
        return [self.statements[representative.statement] for representative in found]


class _Layout(NamedTuple):
    votes: Path
    comments: Path
    source: str


def load_polis(
    *,
    path: str | Path,
    groups: Sequence[str] | None = None,
    min_votes: int = MIN_VOTES,
    n_describing: int = 3,
    votes: str | None = None,
    comments: str | None = None,
) -> Loaded:
    """Load a Polis conversation: each statement is a question, with the votes of everybody and of each group.

    A folder holds `comments.csv` (comment-id, comment-body, moderated, ...), `participants-votes.csv`
    (participant, group-id, ..., one column a comment: 1 agree, -1 disagree, 0 pass, blank for no vote) and, for the
    topic, `summary.csv`; or `clean_comments.csv` and `clean_votes.csv`, as Collective Constitutional AI has them.

    A group is told to a model by the statements that represent it best. Those have no counts for that group, so
    that its description does not hold its own answers. People whom Polis put into no group count in "all" only.

    Args:
        path: The folder.
        groups: Out of "all", "group=0", "group=1", ...; None for all of them.
        min_votes: Fewest votes, in the group and outside, with which a statement may describe a group.
        n_describing: Statements that describe a group, at most.
        votes: Name of the file of votes in the folder, with `comments`; None to look for the known names.
        comments: Name of the file of statements.

    Returns:
        The questions, and findings: unusable are statements that moderators took out, that have no words or no
        votes, and a group that no statement describes; a note tells what was held out for each group.

    Raises:
        ConfigurationError: An unknown group, a number below 1, or one file name without the other.
        DataError: A file is missing or not of this form (names file, line and column), or nothing is left.
    """
    _check_positive(min_votes=min_votes, n_describing=n_describing)
    folder = Path(path)
    layout = _layout(folder, votes=votes, comments=comments)
    ballots, texts, findings = _open_statements(layout)
    labels = sorted(set(ballots.labels.tolist()) - {_NO_GROUP})
    chosen = select(groups, [POPULATION, *labels], default=[POPULATION, *labels], what="Polis group")
    held_out = {
        group: ballots.describing(group, min_votes=min_votes)[:n_describing]
        for group in chosen
        if group != POPULATION
    }
    findings.extend(_group_findings(held_out, min_votes=min_votes, where=str(layout.votes)))
    used = [group for group in chosen if group == POPULATION or held_out[group]]
    questions, silent = _questions(ballots, texts, groups=used, held_out=held_out, topic=_topic(folder))
    findings.extend(_unvoted(silent, detail="no chosen group voted on it", where=str(layout.votes)))
    if not questions:
        raise DataError(f"{folder}: no statement has votes of {', '.join(chosen)} that can be used.")
    return Loaded(
        questions=QuestionSet(
            id=f"polis-{folder.resolve().name}",
            questions=questions,
            groups=tuple(Group(id=group, text=_words(held_out.get(group, ()), texts)) for group in used),
            source=layout.source,
        ),
        findings=tuple(findings),
    )


def load_polis_people(
    *,
    path: str | Path,
    min_votes: int = MIN_OWN_VOTES,
    people: int | None = None,
    seed: int = 0,
    votes: str | None = None,
    comments: str | None = None,
) -> Loaded:
    """Load a Polis conversation person by person: each statement is a question, each participant a group of one.

    A participant is "participant=17", with a count of 1 on each vote given. Nothing is known of the people but
    their votes, so that they have no words; `member_of` names the opinion group, which Polis formed from these
    very votes: results may be cut by it, but a description or a baseline made of it holds a part of the answers.

    Args:
        path: The folder, as `load_polis` takes it.
        min_votes: Fewest votes, on statements left open to vote, with which a participant is kept.
        people: Number of participants kept, at most, drawn with the seed; None for all.
        seed: Seed of that draw.
        votes: As for `load_polis`.
        comments: As for `load_polis`.

    Returns:
        The questions on which the kept people voted, and findings as those of `load_polis` on statements; a note
        tells how many people had too few votes.

    Raises:
        ConfigurationError: A number below 1, or one file name without the other.
        DataError: A file is missing or not of this form, or nobody has that many votes.
    """
    _check_positive(min_votes=min_votes)
    folder = Path(path)
    layout = _layout(folder, votes=votes, comments=comments)
    ballots, texts, findings = _open_statements(layout)
    n_votes = np.count_nonzero(~np.isnan(ballots.votes), axis=1)
    rows = {person: row for row, person in enumerate(ballots.people) if n_votes[row] >= min_votes}
    if not rows:
        raise DataError(
            f"{layout.votes}: nobody voted on {min_votes} statements, the most is {n_votes.max()}."
        )
    findings.extend(few_answers(len(n_votes) - len(rows), fewest=min_votes, where=str(layout.votes)))
    kept = [rows[person] for person in draw(list(rows), people, seed=seed, what="people")]
    questions, silent = _individual_questions(ballots, texts, rows=kept, topic=_topic(folder))
    findings.extend(_unvoted(silent, detail="nobody who is kept voted on it", where=str(layout.votes)))
    return Loaded(
        questions=QuestionSet(
            id=f"polis_people-{folder.resolve().name}",
            questions=questions,
            groups=tuple(
                Group(id=ballots.person(row), member_of=tuple(filter(None, [str(ballots.labels[row])])))
                for row in kept
            ),
            source=layout.source,
        ),
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
    n_others, po = _agreement(matrix[~inside & (names != _NO_GROUP)])
    z = (pa - po) / np.sqrt(pa * (1 - pa) / (n + 3) + po * (1 - po) / (n_others + 3))
    describes = (n >= min_votes) & (n_others >= min_votes) & (pa > 0.5) & (z > 0)
    order = [int(column) for column in np.argsort(-z, kind="stable") if describes[column]]
    return tuple(
        Representative(i, float(pa[i]), float(po[i]), float(pa[i] / po[i]), float(z[i])) for i in order
    )


def _check_positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(f"{name} must be at least 1, not {number}.")


def _layout(folder: Path, *, votes: str | None, comments: str | None) -> _Layout:
    if (votes is None) != (comments is None):
        raise ConfigurationError("Give both file names, votes and comments, or neither.")
    if votes and comments:
        return _Layout(folder / votes, folder / comments, _FOREIGN)
    for layout in (
        _Layout(folder / "participants-votes.csv", folder / "comments.csv", _CC_BY),
        _Layout(folder / "clean_votes.csv", folder / "clean_comments.csv", _CCAI),
    ):
        if layout.votes.is_file():
            return layout
    raise DataError(
        f"{folder}: no Polis conversation; it needs participants-votes.csv and comments.csv. "
        "Where they have other names, give those as votes and comments."
    )


def _topic(folder: Path) -> str:
    """What the conversation is about; empty where the export does not say."""
    summary = folder / "summary.csv"
    if not summary.is_file():
        return ""
    rows = csv.reader(io.StringIO(read_text(summary), newline=""))
    return next((row[1].strip() for row in rows if row[:1] == ["topic"] and len(row) > 1), "")


def _open_statements(layout: _Layout) -> tuple[_Ballots, dict[str, str], list[Finding]]:
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
    findings.extend(_unvoted(missing, detail=detail, where=str(layout.comments)))
    kept = [column for column, statement in enumerate(ballots.statements) if texts.get(statement)]
    usable = tuple(ballots.statements[column] for column in kept)
    return _Ballots(ballots.people, usable, ballots.votes[:, kept], ballots.labels), texts, findings


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


def _read_votes(path: Path) -> _Ballots:
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
    labels = np.array([f"group={row['group-id']}" if row["group-id"] else _NO_GROUP for _, row in rows])
    return _Ballots(tuple(people), statements, votes, labels)


def _agreement(votes: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Number of votes on each statement, and the smoothed share that agrees."""
    n = np.count_nonzero(~np.isnan(votes), axis=0)
    return n, (np.count_nonzero(votes == 1, axis=0) + 1) / (n + 2)


def _group_findings(
    held_out: Mapping[str, Sequence[str]], *, min_votes: int, where: str
) -> Iterator[Finding]:
    for group, statements in held_out.items():
        if statements:
            yield Finding(
                fault="held_out",
                severity=Severity.NOTE,
                group=group,
                detail=f"statements {', '.join(statements)} describe the group and have no counts for it",
                where=where,
                n_items=len(statements),
            )
        else:
            yield Finding(
                fault="undescribed_group",
                severity=Severity.UNUSABLE,
                group=group,
                detail=f"no statement with {min_votes} votes in the group and outside sets it apart",
                where=where,
            )


def _questions(
    ballots: _Ballots,
    texts: Mapping[str, str],
    *,
    groups: Sequence[str],
    held_out: Mapping[str, Sequence[str]],
    topic: str,
) -> tuple[tuple[Question, ...], list[str]]:
    """The statements as questions; and ids of those that none of the groups voted on."""
    tallies = {group: ballots.counts(group) for group in groups}
    questions, silent = [], []
    for column, statement in enumerate(ballots.statements):
        if not any(tally[column].any() for tally in tallies.values()):
            silent.append(statement)
            continue
        counts = {
            group: tuple(tally[column].tolist())
            for group, tally in tallies.items()
            if statement not in held_out.get(group, ())
        }
        if counts:
            questions.append(_question(statement, texts[statement], counts=counts, topic=topic))
    return tuple(questions), silent


def _question(statement: str, words: str, *, counts: Mapping[str, tuple[float, ...]], topic: str) -> Question:
    about = f"Topic: {topic}\n\n" if topic else ""
    text = f'{about}Do you agree with this statement?\n"{words}"'
    return Question(id=statement, text=text, options=OPTIONS, counts=counts)


def _individual_questions(
    ballots: _Ballots, texts: Mapping[str, str], *, rows: Sequence[int], topic: str
) -> tuple[tuple[Question, ...], list[str]]:
    """The statements with single people's votes; and ids of those that none of these people voted on."""
    one_hot = {code: tuple(float(code == other) for other in _CODES) for code in _CODES}
    questions, silent = [], []
    for column, statement in enumerate(ballots.statements):
        given = {ballots.person(row): float(ballots.votes[row, column]) for row in rows}
        counts = {person: one_hot[vote] for person, vote in given.items() if vote in one_hot}
        if counts:
            questions.append(_question(statement, texts[statement], counts=counts, topic=topic))
        else:
            silent.append(statement)
    return tuple(questions), silent


def _words(statements: Sequence[str], texts: Mapping[str, str]) -> str | None:
    """What completes "people who ..." for the group that these statements describe; None for everybody."""
    quoted = [f'that "{texts[statement].removesuffix(".")}"' for statement in statements]
    if len(quoted) > 1:
        quoted = [", ".join(quoted[:-1]), quoted[-1]]
    return f"agree {' and '.join(quoted)}" if quoted else None


def _unvoted(statements: Sequence[str], *, detail: str, where: str) -> list[Finding]:
    return [unusable("no_votes", detail, question_id=statement, where=where) for statement in statements]
