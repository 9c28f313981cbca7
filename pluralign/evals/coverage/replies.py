"""From replies to answers: what a model said, or what became of it. Nothing is guessed from a broken reply."""

import json
import re
from dataclasses import dataclass
from typing import Literal

from pluralign.records import Outcome, Response

WayName = Literal["plain", "verbalized", "seeded"]

EMPTY, TRUNCATED, UNPARSED = "empty", "truncated", "unparsed"

_FENCED = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)
_ANSWER = re.compile(r"Answer:[ \t]*(.*)")


@dataclass(frozen=True)
class Said:
    """One answer that was asked for.

    Attributes:
        text: The answer, without white space around it; empty where there is none.
        lost: Why there is none: "empty", "truncated", "unparsed"; None where there is one.
    """

    text: str = ""
    lost: str | None = None


def said_in(response: Response, *, way: WayName = "plain", k: int = 1) -> tuple[Said, ...]:
    """The answers in a reply.

    What the token limit cut is no answer: "13" may be the beginning of "1300".

    Args:
        response: The reply; not one of outcome `error`.
        way: How it was asked for. "plain": the reply is the answer. "seeded": its last line is "Answer: ...".
            "verbalized": it is a JSON object whose `responses` are k objects of `text` and `probability`.
        k: How many answers a reply was to hold.

    Returns:
        k of them, lost ones among them.
    """
    if response.outcome is Outcome.TRUNCATED:
        return (Said(lost=TRUNCATED),) * k
    text = response.text.strip()
    if not text:
        return (Said(lost=EMPTY),) * k
    if way == "plain":
        return (Said(text),)
    if way == "seeded":
        found = _ANSWER.fullmatch(text.rpartition("\n")[2].strip())
        return (_said(found[1]) if found else Said(lost=UNPARSED),)
    texts = verbalized_texts(text, k=k)
    return tuple(map(_said, texts)) if texts is not None else (Said(lost=UNPARSED),) * k


def verbalized_texts(reply: str, *, k: int) -> tuple[str, ...] | None:
    """The texts of a verbalized reply (Zhang et al. 2025, arXiv:2510.01171); None where it is not as asked for.

    It must be one JSON object, in a code fence or not, whose `responses` are k objects with a `text` and a
    `probability` in [0, 1]. The probabilities are checked and used for nothing: yield counts answers.
    """
    fenced = _FENCED.fullmatch(reply)
    try:
        content = json.loads(fenced[1] if fenced else reply)
    except ValueError:
        return None
    rows = content.get("responses") if isinstance(content, dict) else None
    if not isinstance(rows, list) or len(rows) != k:
        return None
    texts = [_text_of(row) for row in rows]
    return tuple(text for text in texts if text is not None) if None not in texts else None


def _text_of(row: object) -> str | None:
    if not isinstance(row, dict):
        return None
    text, probability = row.get("text"), row.get("probability")
    # bool is a number in Python, but `true` is no probability.
    if not isinstance(text, str) or isinstance(probability, bool) or not isinstance(probability, int | float):
        return None
    return text if 0 <= probability <= 1 else None


def _said(text: str) -> Said:
    return Said(text.strip()) if text.strip() else Said(lost=EMPTY)
