"""Decisions as figures: how many texts were refused, left unsure and served."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pluralign.guard.combining import Decision
from pluralign.guard.measuring.figures import Figure, Test
from pluralign.guard.rates import share
from pluralign.guard.verdict import Ruling, Verdict

T = TypeVar("T")
NAMES: Mapping[str, Ruling] = {
    "refused": Ruling.REFUSE,
    "unsure": Ruling.UNSURE,
    "served": Ruling.SERVE,
}
_HEIGHT = {Ruling.SERVE: 0, Ruling.UNSURE: 1, Ruling.REFUSE: 2}


def outcome_figures(decisions: Sequence[Decision], *, test: Test, source: str, part: str) -> list[Figure]:
    """Shares refused, unsure and served; and refused for length alone, where there are such."""
    hits = {name: [decision.ruling is ruling for decision in decisions] for name, ruling in NAMES.items()}
    too_long = [is_too_long(decision.verdicts[0]) for decision in decisions]
    if any(too_long):
        hits["refused_for_length"] = too_long
    return [
        Figure(test=test, source=source, part=part, name=name, rate=share(own)) for name, own in hits.items()
    ]


def is_too_long(form: Verdict) -> bool:
    """Whether the form refuses for length, and says nothing of the content: it names no category then."""
    return form.layer == "form" and form.ruling is Ruling.REFUSE and form.category is None


def height(decision: Decision) -> float:
    """Where a decision stands between served, 0 and above, and refused, up to 1: for ranking texts.

    The outcome counts first; within an outcome, the highest score of any verdict, or one half where none has one.
    """
    scores = [verdict.score for verdict in decision.verdicts if verdict.score is not None]
    return (_HEIGHT[decision.ruling] + max(scores, default=0.5)) / 3


def by(rows: Sequence[T], key: Callable[[T], str | None]) -> dict[str, list[T]]:
    """Key -> rows, sorted by key; rows without one are left out."""
    found: dict[str, list[T]] = defaultdict(list)
    for row in rows:
        if (name := key(row)) is not None:
            found[name].append(row)
    return dict(sorted(found.items()))
