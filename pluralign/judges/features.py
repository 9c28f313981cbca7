"""What the embedded judge reads off a pair: how near the texts are, whether both take a stand, which way each turns.

Similarities are cosines of all-MiniLM-L6-v2's states. They hardly tell opposite views apart, so which way a text turns
is read from words.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pluralign.judges.polarity import Clause, Parsed, n_opposites
from pluralign.judges.sentences import has_figure, has_stance

Array = NDArray[np.float32]

NEARNESS = (
    "cosine",
    "words_covered_mean",
    "words_covered_least",
    "premise_words_covered_mean",
    "premise_asks",
    "only_hypothesis_takes_a_stand",
    "only_hypothesis_demands",
    "demand_met_by_bare_statement",
    "only_premise_has_figures",
    "bare_figures",
)
DIRECTION = (
    "negations",
    "words_of_harm",
    "denials",
    "opposites",
    "all",
    "all_but_harm",
    "negations_and_denials",
    "harm_and_opposites",
)

_DEMAND = re.compile(
    r"\b(should(n['’]t)?|ought|must(n['’]t)?|deserves?|rights?|need(s|ed)? to|has to|have to|had better)\b",  # noqa: RUF001
    re.IGNORECASE,
)
# A clause that is named to be set aside is the one that speaks only where it is nearer by this much.
_SET_ASIDE_PENALTY = 0.3
# Another clause denies what the nearest one says only if it hardly speaks of the matter itself.
_ASIDE_SHARE = 0.8


@dataclass(frozen=True)
class Encoded:
    """A text as the judge holds it: encoded once, however many pairs it stands in.

    Attributes:
        parsed: Its words and clauses.
        vector: Of the whole text, unit length, shape (n_dimensions,).
        words: Of its content words in their context, unit length or zero, shape (n_content, n_dimensions).
        has_stance: Words that take a stand.
        demands: Says what should be.
        has_figure: Numbers.
    """

    parsed: Parsed
    vector: Array
    words: Array
    has_stance: bool
    demands: bool
    has_figure: bool


def encoded(text: str, parsed: Parsed, *, vector: Array, words: Array) -> Encoded:
    """A text with its vectors."""
    negative = any(clause.negative for clause in parsed.clauses)
    return Encoded(
        parsed=parsed,
        vector=vector,
        words=words,
        has_stance=has_stance(text) or negative,
        demands=_DEMAND.search(text) is not None,
        has_figure=has_figure(text),
    )


def read_pair(premise: Encoded, hypothesis: Encoded) -> tuple[list[float], list[float]]:
    """The features of a pair.

    Returns:
        Values of NEARNESS, and of DIRECTION: of those each is +1 where both texts turn the same way by that sign and
        -1 where they turn opposite ways.
    """
    if not len(premise.words) or not len(hypothesis.words):
        return [0.0] * len(NEARNESS), [0.0] * len(DIRECTION)
    near = hypothesis.words @ premise.words.T  # (n_hypothesis_words, n_premise_words)
    covered = near.max(1)
    alone = hypothesis.has_stance and not premise.has_stance
    demanded = hypothesis.demands and not premise.demands
    figures = premise.has_figure and not hypothesis.has_figure
    nearness = [
        float(premise.vector @ hypothesis.vector),
        float(covered.mean()),
        float(covered.min()),
        float(near.max(0).mean()),
        float(premise.parsed.is_question),
        float(alone),
        float(demanded),
        float(demanded and not premise.has_stance),
        float(figures),
        float(figures and not premise.has_stance),
    ]
    return nearness, _direction(premise.parsed, hypothesis.parsed, near)


def _direction(premise: Parsed, hypothesis: Parsed, near: Array) -> list[float]:
    clause_of = np.array([premise.words[place].clause for place in premise.content])
    shares = [
        float(near[:, clause_of == number].max(1).mean()) if (clause_of == number).any() else -1.0
        for number in range(len(premise.clauses))
    ]
    penalised = [
        share - _SET_ASIDE_PENALTY * clause.set_aside
        for share, clause in zip(shares, premise.clauses, strict=True)
    ]
    speaks = int(np.argmax(penalised))
    own = premise.clauses[speaks]
    denied_aside = any(
        (clause.denials or clause.n_negators) and share < _ASIDE_SHARE * shares[speaks]
        for number, (clause, share) in enumerate(zip(premise.clauses, shares, strict=True))
        if number != speaks and not clause.of_others and not clause.set_aside
    )
    return _signs(own, _whole(hypothesis), denied_aside=denied_aside)


def _signs(premise: Clause, hypothesis: Clause, *, denied_aside: bool) -> list[float]:
    """Each sign of DIRECTION."""
    denials = premise.denials - hypothesis.stems
    # A word of denial such as "wrong" is a word of harm too, and turns once.
    harm = len(premise.negative - denials - hypothesis.stems) + len(hypothesis.negative - premise.stems)
    negations = _sign(premise.n_negators + hypothesis.n_negators)
    harms = _sign(harm)
    denied = _sign(int(bool(denials)) + int(denied_aside))
    opposites = -1.0 if n_opposites(premise.stems, hypothesis.stems) else 1.0
    return [
        negations,
        harms,
        denied,
        opposites,
        negations * harms * denied * opposites,
        negations * denied * opposites,
        negations * denied,
        harms * opposites,
    ]


def _whole(parsed: Parsed) -> Clause:
    """All clauses of a text as one."""
    return Clause(
        n_negators=sum(clause.n_negators for clause in parsed.clauses),
        denials=frozenset().union(*(clause.denials for clause in parsed.clauses)),
        negative=frozenset().union(*(clause.negative for clause in parsed.clauses)),
        stems=frozenset().union(*(clause.stems for clause in parsed.clauses)),
        set_aside=False,
        of_others=False,
    )


def _sign(n_turns: int) -> float:
    return -1.0 if n_turns % 2 else 1.0
