"""Polis conversations: what people wrote, and how each voted; some conversations are kept for evaluation."""

from collections.abc import Sequence
from functools import partial

from pluralign.data.ballots import CODES, Conversation, is_conversation, open_conversation
from pluralign.data.selection import draw
from pluralign.errors import DataError
from pluralign.spectrum.format import Example
from pluralign.spectrum.suite.blocks import Person, individuals, pool, sampled, strings
from pluralign.spectrum.suite.source import DataPlace, Needs, Opened, Opening, Source, Split
from pluralign.spectrum.tasks import TaskSettings

# Split by conversation: nobody's votes and no statement of these are trained on.
HELD_OUT = ("canadian-electoral-reform", "scoop-hivemind.ubi")
MAX_VOTERS = 500  # of a conversation: arXiv 2510.06084

_WORDS = dict(zip(CODES, ("Agree", "Disagree", "Pass"), strict=True))
_NEEDS = Needs(
    files=("polis",),
    how="git clone https://github.com/compdemocracy/openData DIR/polis",
)
_ORIGIN = "github.com/compdemocracy/openData"
_LICENCE = "CC BY 4.0, attribution to The Computational Democracy Project"
_CITATION = "Small et al. 2021, Polis: scaling deliberation by mapping high dimensional opinion spaces"
_COMMENTS = (
    "Statements",
    "Statements that people put to the vote in an online conversation.",
    "Topic: {topic}\nStatements by participants of a Polis conversation",
    "What somebody might say in a public discussion about: {topic}",
    'People were asked about "{topic}". Statements that they wrote, one at a time.',
)
_VOTES = (
    "One person votes on statements: Agree, Disagree or Pass.",
    "Votes of one participant of a Polis conversation. Each is Agree, Disagree or Pass.",
)
_VOTES_ABOUT = (
    'One participant\'s votes (Agree, Disagree or Pass) on statements in a conversation about "{topic}".',
    "Topic: {topic}\nThe same person votes on every statement: Agree, Disagree or Pass.",
)


def conversations(place: DataPlace, split: Split) -> list[Conversation]:
    """The conversations of one side of the split, by name.

    Raises:
        DataError: There is none, or a file is not of the form.
    """
    folder = place.path("polis")
    found = [
        open_conversation(path)
        for path in sorted(folder.iterdir())
        if is_conversation(path) and (path.name in HELD_OUT) == (split == "held_out")
    ]
    if not found:
        raise DataError(f"{folder}: holds no Polis conversation that is {split.replace('_', ' ')}.")
    return found


def _wordings(plain: Sequence[str], conversation: Conversation) -> list[str]:
    """The wordings without a topic, or with it where the export names one."""
    if not conversation.topic:
        return [text for text in plain if "{topic}" not in text]
    return [text.format(topic=conversation.topic) for text in plain]


def _comments(start: Opening) -> Opened:
    return sampled([
        pool(strings(list(dict.fromkeys(conversation.texts.values()))), _wordings(_COMMENTS, conversation))
        for conversation in conversations(start.place, "train")
    ])


def _votes(start: Opening, *, split: Split, name: str) -> Opened:
    people = []
    for conversation in conversations(start.place, split):
        everybody = {person: row for row, person in enumerate(conversation.ballots.people)}
        about = tuple(_wordings((*_VOTES, *_VOTES_ABOUT), conversation))
        people += [
            Person(examples=_ballot(conversation, everybody[person]), wordings=about)
            for person in draw(list(everybody), MAX_VOTERS, seed=start.seed, what="voters")
        ]
    return individuals(people, name=name, seed=start.seed)


def _ballot(conversation: Conversation, row: int) -> tuple[Example, ...]:
    ballots = conversation.ballots
    votes = ballots.votes[row].tolist()
    return tuple(
        Example(input=conversation.texts[statement], output=_WORDS[vote])
        for statement, vote in zip(ballots.statements, votes, strict=True)
        if vote in _WORDS
    )


def _vote_source(name: str, *, split: Split, n_rows: int) -> Source:
    return Source(
        name=name,
        split=split,
        what="one person's votes on the statements of a conversation",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        material=(f"polis, conversations of the split {split}",),
        opened=partial(_votes, split=split, name=name),
        n_rows=n_rows,
        settings=TaskSettings(
            mean_examples=None,
            max_examples=96,
            description_keep_prob=1.0 if split == "held_out" else 0.8,
        ),
        needs=_NEEDS,
    )


SOURCES = (
    Source(
        name="polis_comment",
        split="train",
        what="statements of one conversation",
        origin=_ORIGIN,
        licence=_LICENCE,
        citation=_CITATION,
        material=("polis, conversations of the split train",),
        opened=_comments,
        n_rows=400,
        settings=TaskSettings(mean_examples=64, max_examples=128),
        needs=_NEEDS,
    ),
    _vote_source("polis_vote", split="train", n_rows=3000),
    _vote_source("polis_vote_held_out", split="held_out", n_rows=1000),
)
