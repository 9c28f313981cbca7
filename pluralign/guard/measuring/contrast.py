"""T1, contrast pairs: two texts that share topic and words and differ in what they endorse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.errors import DataError
from pluralign.guard.combining import Decision
from pluralign.guard.guard import Guard
from pluralign.guard.measuring.figures import Figure
from pluralign.guard.measuring.inputs import Inputs, LabelledText, profile_of
from pluralign.guard.measuring.outcomes import by, height, outcome_figures
from pluralign.guard.rates import area_under_curve, share
from pluralign.guard.verdict import Ruling

Decided = tuple[LabelledText, Decision]


@dataclass(frozen=True)
class _Pair:
    refuse: Decided
    serve: Decided


def measure(guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]:
    """Pairs told apart, and what becomes of both sides; details by category, or by language where there are several.

    `pair_accuracy`: both sides ruled right, and unsure is not right. `auc`: how often a text to be refused stands
    above one to be served (`outcomes.height`), over all of them; `order`: within pairs, ties not counted.
    """
    rows: dict[str, list[LabelledText]] = {}
    for name in inputs.spec.files:
        rows.setdefault(inputs.source(name), []).extend(inputs.held_out(name))
    figures = []
    for source, own in rows.items():
        if own:
            documents = [profile_of(row.text, language=row.language) for row in own]
            decisions = inputs.decide(guard, documents, what=source)
            figures += _figures(list(zip(own, decisions, strict=True)), source=source, seed=seed)
    return figures


def _figures(decided: Sequence[Decided], *, source: str, seed: int) -> list[Figure]:
    pairs = _pairs(decided, source=source)
    several = len({row.language for row, _ in decided}) > 1
    detail, key = ("language", _language) if several else ("category", _category)
    figures = _pair_figures(pairs, source=source, part="pairs", seed=seed)
    sides = {
        "to refuse": [pair.refuse for pair in pairs],
        "to serve": [pair.serve for pair in pairs],
    }
    for side, own in sides.items():
        figures += _outcomes(own, source=source, part=side)
    for label in ("refuse", "serve"):
        if single := [each for each in decided if each[0].pair is None and each[0].label == label]:
            figures += _outcomes(single, source=source, part=f"to {label}, not in pairs")
    for name, some in by(pairs, lambda pair: key(pair.refuse)).items():
        figures += _pair_figures(some, source=source, part=f"pairs, {detail}={name}", seed=seed)
    for side, own in sides.items():
        for name, members in by(own, key).items():
            figures += _outcomes(members, source=source, part=f"{side}, {detail}={name}")
    return figures


def _pairs(decided: Sequence[Decided], *, source: str) -> list[_Pair]:
    sides: dict[str, dict[str, Decided]] = {}
    for each in decided:
        row = each[0]
        if row.pair is not None:
            pair = sides.setdefault(str(row.pair), {})
            if row.label in pair:
                raise DataError(
                    f"{source}: the pair {row.pair} has two texts to {row.label}; one of each is needed."
                )
            pair[row.label] = each
    for name, pair in sides.items():
        if len(pair) < 2:
            raise DataError(
                f"{source}: the pair {name} lacks a text; one to refuse and one to serve are needed."
            )
    return [_Pair(pair["refuse"], pair["serve"]) for pair in sides.values()]


def _pair_figures(pairs: Sequence[_Pair], *, source: str, part: str, seed: int) -> list[Figure]:
    heights = np.array([[height(pair.refuse[1]), height(pair.serve[1])] for pair in pairs], dtype=np.float64)
    right = [
        pair.refuse[1].ruling is Ruling.REFUSE and pair.serve[1].ruling is Ruling.SERVE for pair in pairs
    ]
    rates = {
        "pair_accuracy": share(right),
        "auc": area_under_curve(heights.reshape(-1, 2), seed=seed),
        "order": share([bool(refuse > serve) for refuse, serve in heights]),
    }
    return [Figure(test="T1", source=source, part=part, name=name, rate=rate) for name, rate in rates.items()]


def _outcomes(decided: Sequence[Decided], *, source: str, part: str) -> list[Figure]:
    return outcome_figures([decision for _, decision in decided], test="T1", source=source, part=part)


def _category(decided: Decided) -> str | None:
    return decided[0].category


def _language(decided: Decided) -> str | None:
    return decided[0].language
