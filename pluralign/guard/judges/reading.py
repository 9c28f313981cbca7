"""What a judge's answer says: anchored parsing of text, and probabilities of two answers. No match, no verdict."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, fsum

from pluralign.guard.judges.recipe import NOT_OURS, HeadReading, LogitReading, TextReading, Thresholds
from pluralign.guard.verdict import Role, Ruling


@dataclass(frozen=True)
class Generation:
    """A generated answer.

    Attributes:
        text: Its text.
        cut: Whether it was cut off before its end.
    """

    text: str
    cut: bool = False


@dataclass(frozen=True)
class Finding:
    """What one answer says.

    Attributes:
        ruling: Serve, refuse or unsure.
        reason: Why, for the operator.
        categories: Ids of the policy's categories that the answer names, the one that counts most first.
        score: Probability of refusal, where there is one.
    """

    ruling: Ruling
    reason: str
    categories: tuple[str, ...] = ()
    score: float | None = None


def no_verdict(reason: str) -> Finding:
    """Unsure, because the answer cannot be read as a verdict."""
    return Finding(Ruling.UNSURE, f"no verdict: {reason}")


def read_text(
    answer: Generation,
    reading: TextReading,
    *,
    role: Role,
    codes: Mapping[str, str],
    categories: Iterable[str],
) -> Finding:
    """Read a generated answer.

    Args:
        answer: The answer.
        reading: How it is read.
        role: What was judged.
        codes: The model's own categories in lower case -> ids of the policy's or "not_ours".
        categories: Ids of the policy's categories; as a code, an id stands for itself.

    Returns:
        Unsure where the answer is not in the form asked for, where its reasoning was cut off, where it serves but was
        cut off, and where all the categories that it names are "not_ours". A refusal with a category that is
        unknown or not in the policy is a refusal still, without a category.
    """
    body, obstacle = _after_reasoning(answer, reading)
    if obstacle is not None:
        return no_verdict(obstacle)
    expression = reading.expression(role)
    found = list(expression.finditer(body))
    if not found or (reading.which == "first" and body[: found[0].start()].strip()):
        return no_verdict(f"the answer is not in the form asked for: {_shown(answer.text)}")
    match = found[0] if reading.which == "first" else found[-1]
    word = " ".join(match["verdict"].lower().split())
    if word in reading.refuse:
        named = match["categories"] if "categories" in expression.groupindex else None
        return _refusal(_listed(named, reading), codes=codes, categories=frozenset(categories))
    if word in reading.serve:
        if answer.cut:
            return no_verdict(f"the answer serves, but was cut off: {_shown(answer.text)}")
        return Finding(Ruling.SERVE, f"it answered {word!r}")
    if word in reading.unsure:
        return Finding(Ruling.UNSURE, f"it answered {word!r}")
    return no_verdict(f"{word!r} is none of its answers")


def read_chances(log_probs: Mapping[str, float], reading: LogitReading) -> Finding:
    """Read the probabilities of the two answers.

    Args:
        log_probs: Spelling -> nats; a spelling that is missing has probability 0.
        reading: How they are read.

    Returns:
        Score P(yes) / (P(yes) + P(no)), each summed over its spellings; unsure and without a score where
        P(yes) + P(no) is below `min_mass`: the model wants to say something else.
    """
    yes, no = (
        fsum(exp(log_probs[word]) for word in words if word in log_probs)
        for words in (reading.yes, reading.no)
    )
    if not yes + no >= reading.min_mass:  # so that NaN gives no verdict either
        return no_verdict(f"P(yes) + P(no) is {yes + no:.3f}, below {reading.min_mass:g}")
    return by_score(yes / (yes + no), reading)


def read_labels(scores: Mapping[str, float], reading: HeadReading) -> Finding:
    """Read a classifier's scores.

    Args:
        scores: Label -> probability.
        reading: How they are read.
    """
    if missing := sorted(set(reading.labels) - set(scores)):
        return no_verdict(f"the classifier has no label {missing}, only {sorted(scores)}")
    label, category = max(reading.labels.items(), key=lambda item: scores[item[0]])
    score = scores[label]
    if score != score:
        return no_verdict("the classifier's score is not a number")
    return by_score(score, reading, categories=(category,))


def by_score(score: float, thresholds: Thresholds, *, categories: tuple[str, ...] = ()) -> Finding:
    """The ruling of a score."""
    score = min(1.0, score)
    if score >= thresholds.refuse_from:
        return Finding(Ruling.REFUSE, "its score is at or above the threshold of refusal", categories, score)
    if score < thresholds.serve_below:
        return Finding(Ruling.SERVE, "its score is below the threshold of serving", (), score)
    return Finding(Ruling.UNSURE, "its score lies between the thresholds", categories, score)


def _after_reasoning(answer: Generation, reading: TextReading) -> tuple[str, str | None]:
    """The answer without its reasoning, or why there is none."""
    start, end = reading.reasoning_start, reading.reasoning_end
    body = answer.text
    if start is not None and end is not None:
        before, ended, after = body.rpartition(end)
        body = after if ended else body
        if start in body:
            return "", f"its reasoning was cut off: {_shown(before + body)}"
    return (body, None) if body.strip() else ("", "the answer is empty")


def _listed(named: str | None, reading: TextReading) -> list[str]:
    """The codes that an answer names, in lower case."""
    codes = [code.strip().lower() for code in re.split(reading.split, named or "")]
    return [code for code in codes if code and code not in reading.none]


def _refusal(named: list[str], *, codes: Mapping[str, str], categories: frozenset[str]) -> Finding:
    """The finding of an answer that refuses and names categories."""
    meant = [codes.get(code, code if code in categories else None) for code in named]
    ours = tuple(meaning for meaning in meant if meaning in categories and meaning is not None)
    if ours:
        return Finding(Ruling.REFUSE, f"it refuses and names {', '.join(named)}", ours)
    if meant and all(meaning == NOT_OURS for meaning in meant):
        return Finding(
            Ruling.UNSURE,
            f"it refuses for {', '.join(named)}, on which it is not asked: what the policy says is open",
        )
    what = (
        f"and names {', '.join(named)}, which the policy does not know" if named else "and names no category"
    )
    return Finding(Ruling.REFUSE, f"it refuses {what}")


def _shown(text: str) -> str:
    """The beginning of an answer, for a message."""
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
