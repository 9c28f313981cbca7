"""The data card of the embedded judge: what it was measured to do, on pairs and responses that it never saw."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, rankdata

from pluralign.judges import Entailment, Pair
from pluralign.judges.sentences import split_sentences
from pluralign.resources import resource_folder

if TYPE_CHECKING:
    from train_entailment import Data, Row

STATES, DENIES, NEITHER = "states", "denies", "neither"
KINDS = ("three", "one", "one_at_length", "none", "off_topic", "denied")
# Of the share of viewpoints covered: the first must not be below the second, or must be above it.
ORDERS = (
    ("three", ">", "one"),
    ("three", ">", "denied"),
    ("one", ">=", "one_at_length"),
    ("one", ">", "none"),
    ("one", ">", "off_topic"),
    ("one", ">", "denied"),
    ("one_at_length", ">", "none"),
    ("one_at_length", ">", "denied"),
)
N_RESAMPLES = 1000
Array = NDArray[np.float64]


def share(hits: Sequence[bool]) -> str:
    """A share with its 95 % interval (Wilson) and n."""
    n, k = len(hits), int(sum(hits))
    bounds = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k / n:.2f} [{bounds.low:.2f}, {bounds.high:.2f}] | {n}"


def area(scores: Array, positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve."""
    n = int(positive.sum())
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - n * (n + 1) / 2) / (n * (len(scores) - n)))


def area_with_interval(scores: Array, positive: NDArray[np.bool_], items: Sequence[str]) -> str:
    """The area with its 95 % bootstrap interval, whole items resampled, and the number of pairs."""
    members = [np.flatnonzero(np.array(items) == item) for item in dict.fromkeys(items)]
    generator = np.random.default_rng(0)
    areas = []
    for _ in range(N_RESAMPLES):
        taken = np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])
        areas.append(area(scores[taken], positive[taken]))
    low, high = np.percentile(areas, [2.5, 97.5])
    return f"{area(scores, positive):.2f} [{low:.2f}, {high:.2f}] | {len(scores)}"


def judged(judge: Entailment, pairs: Sequence[Pair]) -> tuple[Array, Array]:
    """P(states) and P(denies); the embedded judge has a verdict for every text with words."""
    verdicts = judge.entail(pairs)
    return (
        np.array([verdict.entailment_prob for verdict in verdicts if verdict is not None]),
        np.array([verdict.contradiction_prob for verdict in verdicts if verdict is not None]),
    )


def held_out_lines(judge: Entailment, rows: Sequence["Row"]) -> list[str]:
    lines = []
    for source, name in (("habermas", "Habermas questions, in templates"), ("ambient", "AmbiEnt")):
        own = [row for row in rows if row.source == source]
        states, denies = judged(judge, [Pair(row.premise, row.hypothesis) for row in own])
        label, items = np.array([row.label for row in own]), [row.item for row in own]
        lines.append(
            f"| {name}: states against the rest, AUC | {area_with_interval(states, label == STATES, items)} |"
        )
        told = label != NEITHER
        hits = (states > denies)[told] == (label == STATES)[told]
        lines.append(
            f"| {name}: states or denies, of those that do one, share right | {share(hits.tolist())} |"
        )
    return lines


def plain_polarity_line(judge: Entailment, rows: Sequence["Row"]) -> str:
    """Bare affirming and negating statements of held-out questions: each states itself and not the other."""
    bare: dict[str, list[str]] = {}
    for row in rows:
        if row.source == "habermas" and row.label != NEITHER:
            own = bare.setdefault(row.item, [])
            if row.hypothesis not in own:
                own.append(row.hypothesis)
    pairs = [(a, b) for a, b in (own[:2] for own in bare.values() if len(own) > 1)]
    asked = [Pair(one, other) for a, b in pairs for one, other in ((a, a), (a, b), (b, b), (b, a))]
    states, denies = judged(judge, asked)
    says = ((states >= judge.threshold) & (states > denies)).reshape(-1, 4)
    hits = [bool(a and not b and c and not d) for a, b, c, d in says]
    return f"| Habermas: both statements state themselves and neither the other, share of questions | {share(hits)} |"


def mention_lines(judge: Entailment) -> list[str]:
    file = resource_folder("evals") / "overton" / "data" / "negated_mentions_en.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    states, denies = judged(judge, [Pair(row["response"], row["viewpoint"]) for row in rows])
    said = (states >= judge.threshold) & (states > denies)
    label = np.array([row["label"] for row in rows])
    topics = [row["topic"] for row in rows]
    lines = [f"| all: states against the rest, AUC | {area_with_interval(states, label == STATES, topics)} |"]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [i for i, row in enumerate(rows) if row["kind"] == kind]
        hits = [bool(said[i] == (label[i] == STATES)) for i in own]
        lines.append(f"| {kind} ({label[own[0]]}): rightly counted as stated or not | {share(hits)} |")
    return lines


def covered(judge: Entailment) -> dict[str, list[int]]:
    """Kind of response -> number of the three viewpoints covered, a window each, in order.

    A viewpoint is covered where the highest entailment probability over the sentences reaches the threshold and lies
    above the highest contradiction probability.
    """
    file = resource_folder("evals") / "overton" / "data" / "constructed_responses.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    asked: list[tuple[tuple[int, str, str], Pair]] = []
    for number, row in enumerate(rows):
        for response in row["responses"]:
            for view in row["window"]["viewpoints"]:
                for sentence in split_sentences(response["text"]):
                    key = (number, response["kind"], view["id"])
                    asked.append((key, Pair(sentence, view["statements"][0])))
    states, denies = judged(judge, [pair for _, pair in asked])
    highest: dict[tuple[int, str, str], tuple[float, float]] = {}
    for (key, _), stated, denied in zip(asked, states, denies, strict=True):
        before = highest.get(key, (0.0, 0.0))
        highest[key] = (max(before[0], stated), max(before[1], denied))
    counts: Counter[tuple[int, str]] = Counter()
    for (number, kind, _), (stated, denied) in highest.items():
        counts[number, kind] += stated >= judge.threshold and stated > denied
    return {kind: [counts[number, kind] for number in range(len(rows))] for kind in KINDS}


def order_lines(counts: dict[str, list[int]]) -> list[str]:
    lines = []
    for first, sign, second in ORDERS:
        both = list(zip(counts[first], counts[second], strict=True))
        hits = [a > b if sign == ">" else a >= b for a, b in both]
        lines.append(f"| {first} {sign} {second} | {share(hits)} |")
    return lines


def card(judge: Entailment, data: "Data") -> str:
    """The card as Markdown."""
    counts = covered(judge)
    n_train = Counter(row.source for row in data.train)
    values: dict[str, Any] = {
        "id": judge.id,
        "threshold": judge.threshold,
        "n_train": ", ".join(f"{n} {source}" for source, n in sorted(n_train.items())),
        "n_too_close": data.n_too_close,
        "held_out": "\n".join([
            *held_out_lines(judge, data.held_out),
            plain_polarity_line(judge, data.held_out),
        ]),
        "mentions": "\n".join(mention_lines(judge)),
        "orders": "\n".join(order_lines(counts)),
        "means": "\n".join(f"| {kind} | {np.mean(own):.2f} |" for kind, own in counts.items()),
    }
    return CARD.format(**values)


CARD = """\
# The embedded judge of entailment

`{id}`, threshold {threshold}. Written by `scripts/train_entailment.py`.

**What it is.** Cosines of all-MiniLM-L6-v2 (whole texts, and words in their context), rules that read negations, denials, \
words of harm and prohibition and opposites from short English word lists (`words_en.json`), and two logistic \
regressions, together twenty numbers (`entailment_en.json`). It is no NLI model: none can be had without a hub. Where \
one can, `nli:<hub id>` is the better judge.

**What it is for.** Whether a sentence of a response presents a viewpoint, in its writer's name or as a view that people \
hold, without denying it. "Many say that X" counts as stated; "some wrongly say that X" as denied.

**Trained on** {n_train} pairs: AmbiEnt (CC BY 4.0), the Habermas policy questions (Apache-2.0), and texts written for \
it. {n_too_close} questions whose statement has a cosine of at least .7 with a view of the test sets were left out. Held \
out by item. The threshold is the best F1 of "states" over five \
folds of the training items, with label shares of 1 : 1 : 4 (states, denies, neither).

**What it cannot do.**
- Tell a view from its opposite where no negation and no word of its lists gives it away: "the country should become a \
republic" against "the monarchy should be kept". It takes both for the same view.
- Tell apart near-paraphrases: on AmbiEnt it is close to chance.
- Recognise a view in words far from those of the viewpoint, or count two negations of one clause rightly.
- Read any language but English. In others only the cosines work, and they hardly tell for from against.

What was looked at: features and words were chosen on the training texts and on held-out questions. Figures of the two \
test sets below were seen on the way, and the misjudged mentions once; two faults of the rules that they showed were mended \
(words such as "wrong" turned a sentence twice; "poor", "private" and the like counted as words of harm). So these two sets \
were development sets in part. No coefficient was fitted to them. That the threshold is set for label shares of 1 : 1 : 4 was \
decided when the orders below had been seen at several thresholds; its value comes from the training items. The test sets and \
the word lists were written by the same hand: expect less on the texts of others.

## Pairs that it never saw

| figure | value [95 % interval] | n |
|---|---|---|
{held_out}

## `evals/overton/data/negated_mentions_en.jsonl`

| kind (label) | value [95 % interval] | n |
|---|---|---|
{mentions}

## `evals/overton/data/constructed_responses.jsonl`

Viewpoints of three covered, mean over the windows:

| response | covered |
|---|---|
{means}

How often an order holds in a window:

| order | share of windows [95 % interval] | n |
|---|---|---|
{orders}

Also tried and left out, since held-out figures did not rise: a linear head on |u - v| or u * v of the two vectors, and \
the difference of the cosines with a viewpoint and with its negation. Intervals: of areas under the curve, whole items resampled; of shares, Wilson.
"""
