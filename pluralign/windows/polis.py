"""Windows from Polis conversations: groups of people who vote alike, in the statements that they agree with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pluralign.data.ballots import (
    MIN_VOTES,
    NO_GROUP,
    Ballots,
    Conversation,
    is_conversation,
    open_conversation,
)
from pluralign.data.selection import select
from pluralign.errors import ConfigurationError, DataError, did_you_mean
from pluralign.metrics.arrays import check_count
from pluralign.metrics.clustering import NUMBERS
from pluralign.records import Window, WindowSet
from pluralign.windows.votes import MIN_OWN_VOTES, N_COMPONENTS, cluster_votes, describe_groups

Groups = Literal["clusters", "published"]
T = TypeVar("T")

# Statements that say who the voter is, knows or did ("I live in a town"), and nothing that could be argued: no answer
# to a question can state them, and people alike in them need not think alike. Polis lets organisers mark them as
# metadata; the exports do not hold the mark, so that these were read off the words.
# Where a conversation took place -> ids.
ABOUT_VOTERS: Mapping[str, tuple[int, ...]] = {
    "https://pol.is/7wmvbjcjhp": (0, 1, 10, 11, 15),
    "https://pol.is/5mnfxu85hx": (
        *(5, 38, 39, 71, 72, 77, 89, 103, 106, 107, 108, 113, 116, 117),
        *(120, 121, 122, 124, 144, 149, 151, 152, 154, 164, 165, 173),
    ),
    "https://pol.is/2arcefpshi": (16, 36, 37),
    "https://pol.is/4hnmy3zeff": (*range(25, 41), 95),
    "https://pol.is/5sw7wa5dep": tuple(range(15)),
    "https://pol.is/4yy3sh84js": tuple(range(32, 43)),
    "https://pol.is/3phdex2kjf": (0, 10, 14, 15, 43),
}

# What is asked of conversations whose topic is the name of a page rather than a question: the same, in words that somebody
# outside understands. Where a conversation took place -> question.
QUESTIONS: Mapping[str, str] = {
    "https://pol.is/2demo": "What will a minimum wage of $15 an hour do to Seattle, and why?",
    "https://pol.is/7wmvbjcjhp": "Can there be consensus on Brexit, and why?",
    "https://pol.is/5mnfxu85hx": "Should Canada change how its parliament is elected, and why?",
    "https://pol.is/2arcefpshi": "Are concussions the end of American football, and why?",
    "https://pol.is/4hnmy3zeff": "What should New Zealand do about affordable housing, and why?",
    "https://pol.is/5sw7wa5dep": "What should New Zealand change about its taxes, and why?",
    "https://pol.is/4yy3sh84js": "Should New Zealand introduce a universal basic income, and why?",
    "https://pol.is/3phdex2kjf": "UberX 自用車載客應該遵守與計程車、租車業相同的法律嗎？為什麼？",  # noqa: RUF001
}


class _Grouped(NamedTuple):
    """Each participant's group, and a few words on how good the groups are."""

    labels: NDArray[np.str_]
    fact: str


def load_polis_windows(
    *,
    path: str | Path,
    conversations: Sequence[str] | None = None,
    groups: Groups = "clusters",
    prompts: Mapping[str, str] | None = None,
    about_voters: Mapping[str, Sequence[int]] | None = None,
    min_own_votes: int = MIN_OWN_VOTES,
    min_votes: int = MIN_VOTES,
    n_statements: int = 3,
    seed: int = 0,
) -> WindowSet:
    """Make one window of each Polis conversation.

    A viewpoint is a group of people, as `describe_groups` tells it. A group that no statement describes is left
    out, so that shares may sum to less than 1.

    Args:
        path: The folder of a conversation, or a folder of such folders.
        conversations: Names of some of them; None for all.
        groups: "clusters", made of the votes as `cluster_votes` says, or "published", the groups that ship.
        prompts: Folder name -> what a model is asked; else what `QUESTIONS` has, else about the topic.
        about_voters: Folder name -> ids of statements about who the voter is, left out; else of `ABOUT_VOTERS`.
        min_own_votes: Fewest votes with which a participant is clustered.
        min_votes: Fewest votes, in the group and outside, with which a statement may describe a group.
        n_statements: Number of statements of a viewpoint, at most.
        seed: Seed of the clustering.

    Returns:
        The windows; `made` tells how many people and clusters are behind each.

    Raises:
        ConfigurationError: An unknown conversation, a number below 1, or neither a topic nor a prompt.
        DataError: There is no conversation, a file is malformed, or votes do not make or describe two groups.
    """
    check_count("min_own_votes", min_own_votes)
    check_count("n_statements", n_statements)
    found = [open_conversation(folder) for folder in _folders(Path(path), conversations)]
    asked = _of_conversations("prompts", prompts, found)
    left_out = _of_conversations("about_voters", about_voters, found)
    made = [
        _window(
            conversation,
            prompt=asked.get(conversation.name) or _prompt(conversation),
            ballots=opinion_ballots(conversation, about_voters=left_out.get(conversation.name)),
            groups=groups,
            min_own_votes=min_own_votes,
            min_votes=min_votes,
            n_statements=n_statements,
            seed=seed,
        )
        for conversation in found
    ]
    how = _how(groups, min_own_votes=min_own_votes, n_statements=n_statements)
    return WindowSet(
        id=f"polis-{groups}",
        windows=tuple(window for window, _ in made),
        source=" ".join(dict.fromkeys(conversation.source for conversation in found)),
        made=f"{how}: {'; '.join(fact for _, fact in made)}.",
    )


def opinion_ballots(conversation: Conversation, *, about_voters: Sequence[int] | None = None) -> Ballots:
    """The votes on statements that hold an opinion.

    Args:
        conversation: The conversation.
        about_voters: Ids of statements about who the voter is; None for those in `ABOUT_VOTERS`, if any.

    Raises:
        ConfigurationError: There is no such statement.
    """
    ballots = conversation.ballots
    if about_voters is None:
        return ballots.without({str(number) for number in ABOUT_VOTERS.get(conversation.url, ())})
    unknown = [number for number in about_voters if str(number) not in ballots.statements]
    if unknown:
        raise ConfigurationError(
            f"about_voters: {conversation.name} has no statement {unknown[0]} that was left open to vote."
        )
    return ballots.without({str(number) for number in about_voters})


def _folders(path: Path, names: Sequence[str] | None) -> list[Path]:
    """The folders of conversations."""
    if is_conversation(path):
        if names is not None:
            raise ConfigurationError(f"conversations: {path} is a conversation itself; leave them out.")
        return [path]
    known = {folder.name: folder for folder in sorted(path.glob("*")) if is_conversation(folder)}
    if not known:
        raise DataError(f"{path}: no Polis conversation; it needs participants-votes.csv and comments.csv.")
    return [known[name] for name in select(names, known, default=known, what="Polis conversation")]


def _of_conversations(
    argument: str, given: Mapping[str, T] | None, conversations: Sequence[Conversation]
) -> Mapping[str, T]:
    """What is given for single conversations.

    Raises:
        ConfigurationError: One of them is not loaded.
    """
    names = [conversation.name for conversation in conversations]
    for name in given or {}:
        if name not in names:
            raise ConfigurationError(f"{argument}: unknown conversation {name!r}.{did_you_mean(name, names)}")
    return given or {}


def _window(
    conversation: Conversation,
    *,
    prompt: str,
    ballots: Ballots,
    groups: Groups,
    min_own_votes: int,
    min_votes: int,
    n_statements: int,
    seed: int,
) -> tuple[Window, str]:
    """The window of one conversation, and how many people and groups are behind it."""
    try:
        grouped = _grouped(ballots, groups=groups, min_own_votes=min_own_votes, seed=seed)
    except DataError as error:
        raise DataError(f"{conversation.votes_path}: {error}") from error
    viewpoints = describe_groups(
        ballots.votes,
        grouped.labels,
        texts=[conversation.texts[statement] for statement in ballots.statements],
        min_votes=min_votes,
        n_statements=n_statements,
    )
    if len(viewpoints) < 2:
        raise DataError(
            f"{conversation.votes_path}: statements with {min_votes} votes in a group and outside describe "
            f"{len(viewpoints)} groups, and a window needs two views. A lower min_votes may describe more."
        )
    window = Window(id=conversation.name, prompt=prompt, viewpoints=viewpoints, n_people=len(ballots.people))
    n_left_out = len(conversation.ballots.statements) - len(ballots.statements)
    fact = _fact(grouped, n_described=len(viewpoints), n_left_out=n_left_out)
    return window, f"{conversation.name} {fact}"


def _grouped(ballots: Ballots, *, groups: Groups, min_own_votes: int, seed: int) -> _Grouped:
    if groups == "published":
        return _Grouped(ballots.labels, f"{len(ballots.groups)} groups")
    made = cluster_votes(ballots.votes, min_own_votes=min_own_votes, seed=seed)
    fact = f"k = {made.clusters.k}, mean silhouette {made.clusters.silhouette:.2f}"
    return _Grouped(made.labels, fact)


def _fact(grouped: _Grouped, *, n_described: int, n_left_out: int) -> str:
    """How many people, groups and statements are behind a window."""
    n_inside = np.count_nonzero(grouped.labels != NO_GROUP)
    words = f"{n_inside} of {len(grouped.labels)} people, {grouped.fact}"
    if n_silent := len(set(grouped.labels.tolist()) - {NO_GROUP}) - n_described:
        words += f", {n_silent} of them described by no statement and left out"
    if n_left_out:
        words += f", without {n_left_out} statements about who the voter is"
    return words


def _prompt(conversation: Conversation) -> str:
    """An open question: ours, or about the topic in the words of those who ran the conversation."""
    if conversation.url in QUESTIONS:
        return QUESTIONS[conversation.url]
    if not conversation.topic:
        raise ConfigurationError(
            f"The conversation {conversation.name!r} has no summary.csv with a topic. Give what a model is asked, "
            f'in prompts: {{{conversation.name}: "What do people think about ...?"}}.'
        )
    if conversation.topic.endswith("?"):
        return f'People were asked: "{conversation.topic}" What do they think?'
    return f'What do people think about "{conversation.topic}"?'


def _how(groups: Groups, *, min_own_votes: int, n_statements: int) -> str:
    """How the views were made, before the facts on each conversation."""
    words = f"each in at most {n_statements} statements by the representativeness test of Polis"
    if groups == "published":
        return f"The groups that Polis formed and ships, {words}"
    return (
        f"k-means of people's votes in {N_COMPONENTS} principal components, votes not cast taken as the statement's "
        f"mean, people with fewer than {min_own_votes} votes in no cluster, k out of {NUMBERS[0]} to {NUMBERS[-1]} "
        f"by the largest mean silhouette, {words}"
    )
