"""Train the embedded judge's head, set its threshold, and write the data card with what it was measured to do.

Trained on AmbiEnt (CC BY 4.0), the Habermas policy questions (Apache-2.0) and the texts of entailment_texts.yaml. Items
whose view is close to one of the test sets in evals/overton/data are left out, and nothing is set on those sets.

    python scripts/train_entailment.py FOLDER   # holds ambient/ and habermas/
"""

import argparse
import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize

from pluralign.files import write_whole
from pluralign.judges.embedded import WEIGHTS, EmbeddedEntailment, encode, words_sha256
from pluralign.judges.features import DIRECTION, NEARNESS, read_pair
from pluralign.models.embedding import TransformersEmbedder, load_embedder
from pluralign.resources import resource_folder

TEXTS = Path(__file__).with_name("entailment_texts.yaml")
STATES, DENIES, NEITHER = "states", "denies", "neither"
LABELS = {"entailment": STATES, "contradiction": DENIES, "neutral": NEITHER}
N_QUESTIONS = {"train": 240, "held_out": 120}
# AmbiEnt's neutral pairs are near-paraphrases that no similarity tells apart: it says little of nearness.
SOURCE_WEIGHTS = {"habermas": 1.0, "views": 1.5, "ambient": 0.2}
PENALTY = 0.01
TOO_CLOSE = 0.7
RELATED = (0.4, 0.7)
N_RELATED = 3
N_FOLDS = 5
# As in use, where most sentences say nothing of most viewpoints; of many sentences the highest score counts.
LABEL_SHARES = {STATES: 1 / 6, DENIES: 1 / 6, NEITHER: 4 / 6}


@dataclass(frozen=True)
class Row:
    """A pair with its label; rows of one `item` are held out together."""

    source: str
    item: str
    premise: str
    hypothesis: str
    label: str


@dataclass(frozen=True)
class Data:
    """Rows to train on and rows held out."""

    train: list[Row]
    held_out: list[Row]
    n_too_close: int


def texts() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return content


def drawn(key: str) -> random.Random:
    return random.Random(hashlib.sha256(key.encode()).hexdigest())


def inside(template: str, statement: str) -> str:
    """A statement in a template."""
    bare = statement.rstrip(".")
    small = bare if bare.split()[0].isupper() else bare[0].lower() + bare[1:]
    filled = template.replace("{P}", f"{bare[0].upper()}{bare[1:]}.").replace("{p}", small)
    filled = filled[0].upper() + filled[1:]
    return filled if filled.endswith((".", "?")) else f"{filled}."


def ambient(folder: Path) -> list[Row]:
    """Unambiguous pairs and all disambiguations."""
    rows = []
    file = folder / "ambient" / "ambient_full.jsonl"
    for item in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        plain = [{**item, "label": item["labels"]}] if item["labels"] in LABELS else []
        for each in [*plain, *item["disambiguations"]]:
            label = LABELS[each["label"]]
            rows.append(Row("ambient", str(item["id"]), each["premise"], each["hypothesis"], label))
    return rows


def statements(question: dict[str, str]) -> tuple[str, str]:
    """The affirming and the negating statement, "NOT" in small letters."""
    both = (question["affirming_statement"], question["negating_statement"])
    return tuple(re.sub(r"\bNOT\b", "not", each) for each in both)  # type: ignore[return-value]


def habermas_rows(question: dict[str, str], related: Sequence[dict[str, str]]) -> Iterator[Row]:
    """A question's statements, presented, denied, reworded and turned round; and other questions' statements."""
    given, chance = texts(), drawn(question["id"])
    present, deny = given["presenting"], given["denying"]

    def row(premise: str, hypothesis: str, label: str) -> Row:
        return Row("habermas", question["id"], premise, hypothesis, label)

    affirming, negating = statements(question)
    for view, other in ((affirming, negating), (negating, affirming)):
        yield row(inside(chance.choice(present), view), view, STATES)
        yield row(inside(chance.choice([*present, *given["presenting_against_doubt"]]), view), view, STATES)
        yield row(inside(chance.choice(present), other), view, DENIES)
        yield row(inside(chance.choice(deny), view), view, DENIES)
        if chance.random() < 0.5:
            yield row(inside(chance.choice(deny), other), view, STATES)
        if chance.random() < 0.4:
            yield row(inside(chance.choice(given["asking"]), view), view, NEITHER)
        for kind, label in (("synonyms", STATES), ("opposites", DENIES)):
            known = [(old, new) for old, new in given[kind] if old in view]
            if known:
                reworded = view.replace(*chance.choice(known), 1)
                yield row(inside(chance.choice(present), reworded), view, label)
    yield row(question["question"], affirming, NEITHER)
    for near in related:
        premise = inside(chance.choice([*present, *deny]), chance.choice(statements(near)))
        yield row(premise, chance.choice([affirming, negating]), NEITHER)


def view_rows() -> list[Row]:
    """The texts written for this: every pair of wordings, of a view and its opposite, of a fact and a view."""
    given, rows = texts(), []
    views = given["views"]
    for number, view in enumerate(views):
        chance = drawn(view["view"])
        alike = [view["view"], *view["same"]]

        def add(premise: str, hypothesis: str, label: str, *, item: str = view["view"]) -> None:
            rows.append(Row("views", item, premise, hypothesis, label))

        for one in alike:
            for other in alike:
                if one != other:
                    add(one, other, STATES)
            add(view["opposite"], one, DENIES)
            add(one, view["opposite"], DENIES)
            add(view["fact"], one, NEITHER)
        add(view["fact"], view["opposite"], NEITHER)
        for one in view["same"]:
            add(inside(chance.choice(given["presenting"]), one), view["view"], STATES)
            add(inside(chance.choice(given["denying"]), one), view["view"], DENIES)
        add(inside(chance.choice(given["presenting"]), view["opposite"]), view["view"], DENIES)
        another = views[(number + 1) % len(views)]
        add(another["view"], view["view"], NEITHER)
        add(another["opposite"], view["same"][0], NEITHER)
    return rows


def gather(folder: Path, embedder: TransformersEmbedder) -> Data:
    """Draw the questions, leave out what is close to the test sets, and split by item."""
    file = folder / "habermas" / "questions.json"
    questions = json.loads(file.read_text(encoding="utf-8"))
    chance = drawn("questions")
    drawn_questions = {
        part: chance.sample([q for q in questions if (q["split"] == "train") == (part == "train")], n)
        for part, n in N_QUESTIONS.items()
    }
    tested = embedder.embed(test_views())
    n_too_close = 0
    rows: dict[str, list[Row]] = {"train": list(view_rows()), "held_out": []}
    for part, own in drawn_questions.items():
        vectors = embedder.embed([statements(question)[0] for question in own])
        apart = (vectors @ tested.T).max(1) < TOO_CLOSE
        if part == "train":
            n_too_close = int((~apart).sum())
        near = vectors @ vectors.T
        for index, question in enumerate(own):
            if part == "train" and not apart[index]:
                continue
            closest = [i for i in np.argsort(-near[index]) if RELATED[0] < near[index, i] < RELATED[1]]
            rows[part] += habermas_rows(question, [own[i] for i in closest[:N_RELATED]])
    for row in ambient(folder):
        rows["held_out" if drawn(f"ambient {row.item}").random() < 1 / 3 else "train"].append(row)
    return Data(rows["train"], rows["held_out"], n_too_close)


def test_views() -> list[str]:
    """The views of the test sets, which nothing here may be trained on."""
    folder = resource_folder("evals") / "overton" / "data"
    mentions = (folder / "negated_mentions_en.jsonl").read_text(encoding="utf-8").splitlines()
    windows = (folder / "constructed_responses.jsonl").read_text(encoding="utf-8").splitlines()
    views = [json.loads(line)["viewpoint"] for line in mentions]
    for line in windows:
        views += [view["statements"][0] for view in json.loads(line)["window"]["viewpoints"]]
    return list(dict.fromkeys(views))


@dataclass(frozen=True)
class Features:
    """Features and labels of rows: shapes (n, 10), (n, 8), (n,), (n,)."""

    near: NDArray[np.float64]
    way: NDArray[np.float64]
    label: NDArray[np.str_]
    weight: NDArray[np.float64]

    def select(self, rows: NDArray[np.bool_]) -> "Features":
        return Features(self.near[rows], self.way[rows], self.label[rows], self.weight[rows])


def features(rows: Sequence[Row], embedder: TransformersEmbedder) -> Features:
    known = encode(embedder, [text for row in rows for text in (row.premise, row.hypothesis)])
    read = [read_pair(known[row.premise], known[row.hypothesis]) for row in rows]
    source = np.array([row.source for row in rows])
    weight = np.zeros(len(rows))
    for name, total in SOURCE_WEIGHTS.items():
        own = source == name
        weight[own] = total / max(1, own.sum())
    near, way = (np.array([each[part] for each in read]) for part in (0, 1))
    return Features(near, way, np.array([row.label for row in rows]), weight)


def logit(x: NDArray[Any], y: NDArray[np.bool_], weight: NDArray[Any]) -> dict[str, Any]:
    """Logistic regression with a ridge on standardised features; coefficients are of the features as they are."""
    mean, spread = x.mean(0), x.std(0) + 1e-9
    scaled, share = (x - mean) / spread, weight / weight.sum()

    def loss(theta: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        scores = scaled @ theta[1:] + theta[0]
        off = share * (1 / (1 + np.exp(-scores)) - y)
        value = float(share @ (np.logaddexp(0, scores) - y * scores)) + PENALTY * float(theta[1:] @ theta[1:])
        return value, np.concatenate([[off.sum()], scaled.T @ off + 2 * PENALTY * theta[1:]])

    theta = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B").x
    coefficients = theta[1:] / spread
    return {
        "intercept": round(float(theta[0] - coefficients @ mean), 5),
        "coefficients": np.round(coefficients, 5).tolist(),
    }


def train_head(data: Features) -> dict[str, Any]:
    """Both parts: near (states or denies, against neither), and the same way (states, against denies)."""
    related = data.label != NEITHER
    near = logit(data.near, related, data.weight)
    own = data.select(related)
    way = logit(own.way, own.label == STATES, own.weight)
    return {
        "near": {"features": list(NEARNESS), **near},
        "same_way": {"features": list(DIRECTION), **way},
    }


def probs(head: dict[str, Any], data: Features) -> tuple[NDArray[Any], NDArray[Any]]:
    """P(states) and P(denies) of rows."""
    near, way = (
        1 / (1 + np.exp(-(x @ np.array(head[part]["coefficients"]) + head[part]["intercept"])))
        for part, x in (("near", data.near), ("same_way", data.way))
    )
    return near * way, near * (1 - way)


def best_threshold(rows: Sequence[Row], data: Features) -> float:
    """Threshold of the best F1 of "states" among the policy statements, each scored by a head that never saw its item."""
    fold = np.array([drawn(f"fold {row.item}").randrange(N_FOLDS) for row in rows])
    states, denies = np.zeros(len(rows)), np.zeros(len(rows))
    for number in range(N_FOLDS):
        out = fold == number
        states[out], denies[out] = probs(train_head(data.select(~out)), data.select(out))
    weight = data.weight * np.array([row.source != "ambient" for row in rows])
    for label, share in LABEL_SHARES.items():
        own = data.label == label
        weight[own] *= share / weight[own].sum()
    true = data.label == STATES

    def f1(threshold: float) -> float:
        said = (states >= threshold) & (states > denies)
        return float(2 * weight[said & true].sum() / (weight[said].sum() + weight[true].sum()))

    return max((round(0.05 * step, 2) for step in range(2, 17)), key=f1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="the published data sets")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="the file to write; its card lies beside it"
    )
    given = parser.parse_args()
    embedder = load_embedder("embedded", device="cpu")
    data = gather(given.folder, embedder)
    print(f"{len(data.train)} rows to train on, {len(data.held_out)} held out", flush=True)
    read = features(data.train, embedder)
    head = {
        "version": "1",
        "embedder": embedder.id,
        "words_sha256": words_sha256(),
        "threshold": best_threshold(data.train, read),
        **train_head(read),
    }
    write_whole(given.weights, (json.dumps(head, indent=1) + "\n").encode())
    print(json.dumps(head), flush=True)
    from entailment_card import card

    judge = EmbeddedEntailment(embedder, weights=given.weights)
    write_whole(given.weights.with_name("README.md"), card(judge, data).encode())


if __name__ == "__main__":
    main()
