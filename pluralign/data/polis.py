"""Polis conversations: what people voted on each other's statements, and the opinion groups that the votes form."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from pluralign.data.ballots import (
    CODES,
    MIN_VOTES,
    Ballots,
    Conversation,
    open_conversation,
    representative_statements,
)
from pluralign.data.loaded import Loaded, unusable
from pluralign.data.people import few_answers
from pluralign.data.selection import draw, select
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import POPULATION, Finding, Group, Option, Question, QuestionSet, Severity

MIN_OWN_VOTES = 10  # of a participant: of fewer, there is little to predict and nothing to predict it from

# A pass is an answer, not a refusal: the statement was read and left undecided. It lies nowhere on the scale, as
# nothing says that it lies half-way between agreeing and disagreeing.
OPTIONS = (Option(text="Agree", value=1), Option(text="Disagree", value=-1), Option(text="Pass"))


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

    A group is told to a model by the statements that represent it best. Those have no counts for that group, so
    that its description does not hold its own answers. People whom Polis put into no group count in "all" only.

    Args:
        path: The folder, as `open_conversation` takes it.
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
    conversation = open_conversation(path, votes=votes, comments=comments)
    ballots, texts, where = conversation.ballots, conversation.texts, str(conversation.votes_path)
    known = [POPULATION, *ballots.groups]
    chosen = select(groups, known, default=known, what="Polis group")
    held_out = {
        group: _describing(ballots, group, min_votes=min_votes)[:n_describing]
        for group in chosen
        if group != POPULATION
    }
    used = [group for group in chosen if group == POPULATION or held_out[group]]
    questions, silent = _questions(conversation, groups=used, held_out=held_out)
    findings = (
        *conversation.findings,
        *_group_findings(held_out, min_votes=min_votes, where=where),
        *_unvoted(silent, detail="no chosen group voted on it", where=where),
    )
    if not questions:
        raise DataError(f"{path}: no statement has votes of {', '.join(chosen)} that can be used.")
    return Loaded(
        questions=QuestionSet(
            id=f"polis-{conversation.name}",
            questions=questions,
            groups=tuple(Group(id=group, text=_words(held_out.get(group, ()), texts)) for group in used),
            source=conversation.source,
        ),
        findings=findings,
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
    conversation = open_conversation(path, votes=votes, comments=comments)
    ballots, where = conversation.ballots, str(conversation.votes_path)
    n_votes = np.count_nonzero(~np.isnan(ballots.votes), axis=1)
    rows = {person: row for row, person in enumerate(ballots.people) if n_votes[row] >= min_votes}
    if not rows:
        raise DataError(f"{where}: nobody voted on {min_votes} statements, the most is {n_votes.max()}.")
    kept = [rows[person] for person in draw(list(rows), people, seed=seed, what="people")]
    questions, silent = _individual_questions(conversation, rows=kept)
    findings = (
        *conversation.findings,
        *few_answers(len(n_votes) - len(rows), fewest=min_votes, where=where),
        *_unvoted(silent, detail="nobody who is kept voted on it", where=where),
    )
    return Loaded(
        questions=QuestionSet(
            id=f"polis_people-{conversation.name}",
            questions=questions,
            groups=tuple(
                Group(id=ballots.person(row), member_of=tuple(filter(None, [str(ballots.labels[row])])))
                for row in kept
            ),
            source=conversation.source,
        ),
        findings=findings,
    )


def _check_positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ConfigurationError(f"{name} must be at least 1, not {number}.")


def _describing(ballots: Ballots, group: str, *, min_votes: int) -> list[str]:
    """Ids of the statements that represent a group, the clearest first."""
    found = representative_statements(ballots.votes, ballots.labels, group=group, min_votes=min_votes)
    return [ballots.statements[representative.statement] for representative in found]


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
    conversation: Conversation, *, groups: Sequence[str], held_out: Mapping[str, Sequence[str]]
) -> tuple[tuple[Question, ...], list[str]]:
    """The statements as questions; and ids of those that none of the groups voted on."""
    ballots = conversation.ballots
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
            questions.append(_question(conversation, statement, counts=counts))
    return tuple(questions), silent


def _question(
    conversation: Conversation, statement: str, *, counts: Mapping[str, tuple[float, ...]]
) -> Question:
    about = f"Topic: {conversation.topic}\n\n" if conversation.topic else ""
    text = f'{about}Do you agree with this statement?\n"{conversation.texts[statement]}"'
    return Question(id=statement, text=text, options=OPTIONS, counts=counts)


def _individual_questions(
    conversation: Conversation, *, rows: Sequence[int]
) -> tuple[tuple[Question, ...], list[str]]:
    """The statements with single people's votes; and ids of those that none of these people voted on."""
    ballots = conversation.ballots
    one_hot = {code: tuple(float(code == other) for other in CODES) for code in CODES}
    questions, silent = [], []
    for column, statement in enumerate(ballots.statements):
        given = {ballots.person(row): float(ballots.votes[row, column]) for row in rows}
        counts = {person: one_hot[vote] for person, vote in given.items() if vote in one_hot}
        if counts:
            questions.append(_question(conversation, statement, counts=counts))
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
