"""Which way an English sentence turns what it speaks of: negations, denials, words of harm and prohibition, opposites.

Word lists and clauses, no grammar: a rule of thumb that a head weighs against how near two texts are.
"""

import json
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

WORDS = Path(__file__).parent / "weights" / "words_en.json"

_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_CONTRACTED = re.compile(r"n[’']t\b", re.IGNORECASE)  # noqa: RUF001
# Clauses end at marks, and before words that set one statement against another.
_CUT = re.compile(
    r"[,;:()–—]+|\s-\s|(?=\b(?:but|yet|whereas|although|though|because|since|which|so)\b)", re.IGNORECASE
)
_SET_ASIDE = re.compile(r"\s*(contrary to|unlike|despite|in spite of|against)\b", re.IGNORECASE)
_ENDINGS = ["ations", "ation", "ingly", "ings", "ing", "edly", "ied", "ies", "ed", "es", "ly", "s", "e"]
_SHORTEST_STEM = 3
_QUESTION = ("?", '?"', "?”", "?)")
# A word of somebody else's holding stands among the first of its clause: "while many critics ...".
_OPENING_WORDS = 3


@dataclass(frozen=True)
class Lexicon:
    """Lists of English words.

    Attributes:
        negators: They turn a clause round: "not", "never", "nobody".
        denials: Stems of words that turn round what somebody is said to hold: "myth", "mistaken", "reject".
        negative: Stems of words of less, of harm, and of prohibition.
        opposites: Stem -> stems of words of opposite sense, neither of them negative.
        stopwords: Words that carry no topic.
        others: Words that open what somebody else holds: "while critics ...".
    """

    negators: frozenset[str]
    denials: frozenset[str]
    negative: frozenset[str]
    opposites: dict[str, frozenset[str]]
    stopwords: frozenset[str]
    others: frozenset[str]


@dataclass(frozen=True)
class Word:
    """A word, its stem, where it stands in the text, and the number of its clause."""

    text: str
    stem: str
    start: int
    end: int
    clause: int


@dataclass(frozen=True)
class Clause:
    """What turns a clause's sense.

    Attributes:
        n_negators: Number of negations.
        denials: Stems of its words of denial.
        negative: Stems of its words of less, harm and prohibition.
        stems: Stems of all its words.
        set_aside: It is named to be set aside: "contrary to what some say".
        of_others: It says what somebody else holds.
    """

    n_negators: int
    denials: frozenset[str]
    negative: frozenset[str]
    stems: frozenset[str]
    set_aside: bool
    of_others: bool


@dataclass(frozen=True)
class Parsed:
    """A text in words and clauses.

    Attributes:
        words: All its words.
        clauses: At least one.
        content: Places of the words that carry the topic; of all words where none does.
        is_question: It asks.
    """

    words: tuple[Word, ...]
    clauses: tuple[Clause, ...]
    content: tuple[int, ...]
    is_question: bool


@cache
def lexicon() -> Lexicon:
    """The shipped lists."""
    lists = json.loads(WORDS.read_text(encoding="utf-8"))
    opposites: dict[str, set[str]] = {}
    for one, other in lists["antonyms"]:
        opposites.setdefault(stem(one), set()).add(stem(other))
        opposites.setdefault(stem(other), set()).add(stem(one))
    return Lexicon(
        negators=frozenset(lists["negators"]),
        denials=frozenset(map(stem, lists["denials"])),
        negative=frozenset(map(stem, lists["negative"])),
        opposites={word: frozenset(others) for word, others in opposites.items()},
        stopwords=frozenset(lists["stopwords"]),
        others=frozenset(lists["others"]),
    )


def stem(word: str) -> str:
    """A word without its commonest English endings: rough, and the same for "ban", "bans", "banned", "banning"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            if ending == "s" and word.endswith(("ss", "us", "is")):
                continue
            base = word[: -len(ending)]
            if ending in {"ied", "ies"}:
                return f"{base}y"
            doubled = base[-1] == base[-2] and base[-1] not in "aeiosl"
            return base[:-1] if doubled else base
    return word


@lru_cache(maxsize=65536)
def parse(text: str) -> Parsed:
    """Split a text into words and clauses, and find what turns each clause."""
    known = lexicon()
    starts = [0, *sorted({found.start() for found in _CUT.finditer(text) if found.start()})]
    words: list[Word] = []
    clauses: list[Clause] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        own = [
            Word(found.group().lower(), stem(found.group().lower()), *found.span(), len(clauses))
            for found in _TOKEN.finditer(text, start, end)
        ]
        if own:
            words += own
            clauses.append(_clause(text[start:end], own))
    content = [
        place
        for place, word in enumerate(words)
        if word.text not in known.stopwords and word.text not in known.negators
    ]
    return Parsed(
        words=tuple(words),
        clauses=tuple(clauses) or (_clause("", []),),
        content=tuple(content or range(len(words))),
        is_question=text.rstrip().endswith(_QUESTION),
    )


def n_opposites(premise: AbstractSet[str], hypothesis: AbstractSet[str]) -> int:
    """Number of stems of the hypothesis that the premise does not hold, while it holds their opposite."""
    opposites = lexicon().opposites
    return sum(bool(opposites.get(word, frozenset()) & premise) for word in hypothesis - premise)


def _clause(text: str, words: list[Word]) -> Clause:
    known = lexicon()
    stems = frozenset(word.stem for word in words)
    n_plain = sum(word.text in known.negators for word in words)
    return Clause(
        n_negators=n_plain + len(_CONTRACTED.findall(text)),
        denials=stems & known.denials,
        negative=stems & known.negative,
        stems=stems,
        set_aside=_SET_ASIDE.match(text) is not None,
        of_others=any(word.text in known.others for word in words[:_OPENING_WORDS]),
    )
