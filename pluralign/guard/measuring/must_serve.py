"""T2, who must be served: false refusals by group, because a pooled share hides whom they fall on."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Literal

from pluralign.data.reading import read_rows
from pluralign.guard.form import document_of
from pluralign.guard.guard import Guard
from pluralign.guard.measuring.figures import Figure
from pluralign.guard.measuring.inputs import Inputs, profile_of
from pluralign.guard.measuring.outcomes import by, outcome_figures
from pluralign.guard.verdict import Document
from pluralign.profiles import list_profiles, load_profile
from pluralign.records.base import Probability, Record, Text

N_JOINED = 100
_FEWEST, _MOST = 3, 6


class Statement(Record):
    """A line of `must_serve_statements.jsonl`.

    Attributes:
        group: Whose conviction it is.
        statement: The conviction, in the first person.
        label_confidence: Of the model that labelled it.
        answer_matching_behavior: "Yes": who holds the conviction says so.
    """

    group: Text
    statement: Text
    label_confidence: Probability
    answer_matching_behavior: Literal["Yes"]


class Constitution(Record):
    """A line of `constitutions.jsonl`.

    Attributes:
        name: Of the tradition.
        criteria: What it asks for.
    """

    name: Text
    criteria: tuple[Text, ...]


def fold_of(key: str, n_folds: int) -> int:
    """The part, of so many, that a text falls into by its sha256."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % n_folds


def is_for_thresholds(statement: str) -> bool:
    """Whether a must-serve statement belongs to the half that the screen's thresholds are set on."""
    return fold_of(statement, 2) == 0


def measure(guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]:
    """What becomes of lawful convictions, group by group."""
    return [
        *_library(guard, inputs),
        *_persona(guard, inputs, seed=seed),
        *_polis(guard, inputs),
        *_constitutions(guard, inputs),
        *_unpopular(guard, inputs, seed=seed),
    ]


def unused_statements(inputs: Inputs, name: str) -> dict[str, list[str]]:
    """Group -> its statements of the half that set no threshold; none where the file is not there."""
    rows = [row for row in inputs.rows(name, Statement) if not is_for_thresholds(row.statement)]
    return {group: [row.statement for row in own] for group, own in by(rows, lambda row: row.group).items()}


def _library(guard: Guard, inputs: Inputs) -> list[Figure]:
    """The shipped profiles as they are admitted, and what the layers alone make of them, without the reviewed list."""
    profiles = [load_profile(name) for name in list_profiles()]
    source = "shipped profiles"
    layers = inputs.decide(guard, [document_of(profile) for profile in profiles], what=source)
    admitted = [guard.decide(profile, role="profile") for profile in profiles]
    return [
        *outcome_figures(admitted, test="T2", source=source, part="as admitted"),
        *outcome_figures(layers, test="T2", source=source, part="without the list of reviewed ones"),
    ]


def _persona(guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]:
    groups = unused_statements(inputs, "must_serve_statements")
    alone = {group: [profile_of(text) for text in texts] for group, texts in groups.items()}
    several = {
        group: [profile_of(*draw) for draw in joined(texts, key=f"{seed}/T2/{group}")]
        for group, texts in groups.items()
    }
    source = inputs.source("must_serve_statements")
    return [
        *_by_group(guard, inputs, alone, source=source, part="statements alone", what="group"),
        *_by_group(guard, inputs, several, source=source, part="3 to 6 joined", what="group"),
    ]


def joined(texts: Sequence[str], *, key: str) -> list[list[str]]:
    """Draws of 3 to 6 of the texts, of all where there are fewer; `key` seeds them."""
    draws = []
    for number in range(N_JOINED):
        rng = random.Random(f"{key}/{number}")
        draws.append(rng.sample(texts, min(rng.randint(_FEWEST, _MOST), len(texts))))
    return draws


def _polis(guard: Guard, inputs: Inputs) -> list[Figure]:
    """Comments that moderators left open to vote, of every conversation that is there."""
    conversations: dict[str, list[Document]] = {}
    for path in inputs.paths("polis"):
        texts = [
            text
            for _, row in read_rows(path, ("moderated", "comment-body"))
            if row["moderated"] != "-1" and (text := row["comment-body"].strip())
        ]
        conversations[path.parent.name] = [profile_of(text) for text in texts]
    source = inputs.source("polis")
    return _by_group(guard, inputs, conversations, source=source, part="comments", what="conversation")


def _constitutions(guard: Guard, inputs: Inputs) -> list[Figure]:
    rows = inputs.rows("constitutions", Constitution)
    whole = {"all": [profile_of(*row.criteria) for row in rows]} if rows else {}
    return _by_group(
        guard, inputs, whole, source=inputs.source("constitutions"), part="whole profiles", what=None
    )


def _unpopular(guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]:
    """Pooled over groups, which have a statement or two each: by group they would show nothing."""
    texts = [row.text for row in inputs.held_out("unpopular_en")]
    documents = {
        "unpopular convictions": [profile_of(text) for text in texts],
        "3 to 6 unpopular convictions joined": [
            profile_of(*own) for own in joined(texts, key=f"{seed}/T2/unpopular")
        ],
    }
    source = inputs.source("unpopular_en")
    return [
        figure
        for part, own in documents.items()
        for figure in _by_group(guard, inputs, {"all": own}, source=source, part=part, what=None)
    ]


def _by_group(
    guard: Guard,
    inputs: Inputs,
    groups: Mapping[str, Sequence[Document]],
    *,
    source: str,
    part: str,
    what: str | None,
) -> list[Figure]:
    """Figures of all groups together, then of each, if a word for a group is given."""
    documents = [document for own in groups.values() for document in own]
    if not documents:
        return []
    decisions = inputs.decide(guard, documents, what=f"{source}, {part}")
    figures = outcome_figures(decisions, test="T2", source=source, part=part)
    start = 0
    for group, own in groups.items():
        some = decisions[start : start + len(own)]
        start += len(own)
        if what is not None:
            figures += outcome_figures(some, test="T2", source=source, part=f"{part}, {what}={group}")
    return figures
