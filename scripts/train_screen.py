"""Train the embedded screen: its head, its thresholds, and the data card with what they were measured to do.

Trained on the project's own data alone. The thresholds for refusal are set on one half of statements of 23 lawful
convictions (Anthropic's persona evaluations, CC BY 4.0), which no weight is trained on; the other half is measured.
One machine gives the same file bit for bit; another may differ in the last decimals.

    python scripts/train_screen.py FOLDER   # holds guard/must_serve_statements.jsonl, polis/ and the other test sets
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from pluralign.files import write_whole
from pluralign.guard.measuring.must_serve import fold_of, is_for_thresholds
from pluralign.guard.screen import Screen, load_screen_encoder
from pluralign.guard.screening_head import WEIGHTS, ScreeningHead
from pluralign.guard.statements import sentences_of, stretches_in_passages, text_of
from pluralign.guard.verdict import Document, Passage
from pluralign.models.embedding import WEIGHTS_SHA256, Embedder
from pluralign.profiles import list_profiles, load_profile
from pluralign.resources import resource_folder

GRAMMAR = Path(__file__).with_name("screen_grammar.yaml")
VERSION = "1"
N_LAYERS = 4
INVERSE_PENALTY = 1.0
N_FOLDS = 10
SOURCE_WEIGHTS = {"pairs": 4.0, "grammar": 1.0, "shipped": 2.0, "everyday": 4.0}
# How many of its frames each entry of the grammar is put through.
N_FRAMES = {"endorse_act": 6, "reject_act": 8, "endorse_claim": 6, "reject_claim": 5, "hold_lawful": 6}
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 40)
N_JOINS = 400
FALSE_REFUSALS = 0.01
SERVED_HARM = 0.05
SERVED_CRITICAL = 0.005
SHIPPED_MARGIN = 0.25
GROUP_MARGIN = 0.5
# Texts that are served and worded as harm is; scored by heads that were not trained on them.
HARD_SETS = ("mention-", "unpopular-", "everyday-")
CRITICAL = {
    "violence_terrorism",
    "hate_dehumanisation",
    "persecution_rights",
    "sexual_violence",
    "child_abuse",
    "mass_destruction",
}


@dataclass(frozen=True)
class Row:
    """A text to train on; rows of one `key` are held out together."""

    text: str
    harmful: bool
    category: str | None
    source: str
    key: str


class RememberingEncoder:
    """An encoder that embeds each text once."""

    def __init__(self, encoder: Embedder) -> None:
        self.encoder, self.id = encoder, encoder.id
        self.known: dict[str, NDArray[np.float32]] = {}

    def fingerprint(self) -> dict[str, str]:
        return dict(self.encoder.fingerprint())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        if new:
            self.known.update(zip(new, self.encoder.embed(new), strict=True))
        return np.stack([self.known[text] for text in texts])

    def read(self, documents: Iterable[Document]) -> None:
        """Embed all that the screen will ask for, in batches."""
        texts: list[str] = []
        for document in documents:
            sentences = sentences_of(document.passages)
            texts += [text_of(sentences, stretch) for stretch in stretches_in_passages(sentences)]
        if texts:
            self.embed(texts)


def read_rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def own_rows(name: str, *, split: str) -> list[dict[str, Any]]:
    rows = read_rows(resource_folder("evals") / "guard" / "data" / f"{name}.jsonl")
    return [row for row in rows if row["split"] == split]


def training_rows() -> list[Row]:
    """The train split of the project's sets, the grammar, and the statements of the shipped English profiles."""
    rows: list[Row] = []
    for name in ("contrast_en", "mention_en", "unpopular_en", "disguised_en"):
        for row in own_rows(name, split="train"):
            key = row["pair"] or row["id"]
            rows.append(Row(row["text"], row["label"] == "refuse", row["category"], "pairs", key))
    rows += grammar_rows()
    for profile in map(load_profile, list_profiles()):
        if profile.language == "en":
            texts = [value.statement for value in profile.values]
            texts += [*profile.norms, profile.summary, profile.title]
            rows += [Row(text, False, None, "shipped", profile.id) for text in texts]
    return rows


def grammar_rows() -> list[Row]:
    grammar = yaml.safe_load(GRAMMAR.read_text(encoding="utf-8"))
    rows: list[Row] = []

    def fill(kind: str, entry: str, category: str | None = None) -> None:
        frames = grammar["frames"][kind]
        number = min(N_FRAMES.get(kind, 2), len(frames))
        for frame in random.Random(f"{kind}:{entry}").sample(frames, number):
            capital = entry[0].upper() + entry[1:]
            text = frame.format(act=entry, Act=capital, claim=entry, Claim=capital)
            harmful = category is not None and kind.startswith("endorse")
            rows.append(Row(text, harmful, category, "grammar", entry))

    for category, entries in grammar["harmful"].items():
        for act in entries["acts"]:
            fill("endorse_act", act, category)
            fill("reject_act", act, category)
        for claim in entries["claims"]:
            fill("endorse_claim", claim, category)
            fill("reject_claim", claim, category)
    for claims in grammar["lawful"].values():
        for claim in claims:
            fill("hold_lawful", claim)
            fill("deny_lawful", claim)
    for act in grammar["lawful_acts"]:
        fill("endorse_act", act)
        fill("reject_lawful_act", act)
    for claim in grammar["harmless"]:
        fill("hold_lawful", claim)
    rows += [Row(text, False, None, "everyday", f"everyday-{text}") for text in grammar["everyday"]]
    return rows


def fit_logistic(
    vectors: NDArray[np.float64], positive: NDArray[np.bool_], *, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights and bias of a logistic regression, classes balanced, with a squared penalty on the weights."""
    signs = np.where(positive, 1.0, -1.0)
    shares = np.where(positive, weights / weights[positive].sum(), weights / weights[~positive].sum()) * (
        len(signs) / 2
    )

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (vectors @ point[:-1] + point[-1])
        slopes = -shares * signs / (1 + np.exp(np.minimum(margins, 500)))
        value = shares @ np.logaddexp(0, -margins) + point[:-1] @ point[:-1] / (2 * INVERSE_PENALTY)
        return float(value), np.append(vectors.T @ slopes + point[:-1] / INVERSE_PENALTY, slopes.sum())

    options = {"maxiter": 5000, "ftol": 1e-13, "gtol": 1e-8}
    start = np.zeros(vectors.shape[1] + 1)
    found: NDArray[np.float64] = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return found


def document(*texts: str, denied: Sequence[str] = ()) -> Document:
    passages = tuple(Passage(field=f"values[{i}].statement", text=text) for i, text in enumerate(texts))
    return Document(passages=passages, denied=tuple(Passage(field="does_not_hold", text=t) for t in denied))


def highest_logits(screen: Screen, documents: Sequence[Document]) -> NDArray[np.float64]:
    """The logits that the screen decides by; minus infinity where it abstains or a rule decides."""
    verdicts = screen.judge(documents, role="profile")
    scores = np.array([0.0 if verdict.score is None else verdict.score for verdict in verdicts])
    with np.errstate(divide="ignore"):
        return np.log(scores) - np.log1p(-scores)


def train_head(rows: Sequence[Row], encoder: RememberingEncoder) -> ScreeningHead:
    """Weights from the rows; both thresholds from rows held out in turn."""
    vectors = encoder.embed([row.text for row in rows]).astype(np.float64)
    harmful = np.array([row.harmful for row in rows])
    weights = np.array([SOURCE_WEIGHTS[row.source] for row in rows])
    point = fit_logistic(vectors, harmful, weights=weights)
    folds = np.array([fold_of(row.key, N_FOLDS) for row in rows])
    held_out = np.zeros(len(rows))
    for fold in range(N_FOLDS):
        kept = folds != fold
        other = fit_logistic(vectors[kept], harmful[kept], weights=weights[kept])
        held_out[~kept] = vectors[~kept] @ other[:-1] + other[-1]
    pairs = harmful & np.array([row.source == "pairs" for row in rows])
    critical = pairs & np.array([row.category in CRITICAL for row in rows])
    hard = ~harmful & np.array([row.key.startswith(HARD_SETS) for row in rows])
    floors = [np.quantile(held_out[hard], (1 - FALSE_REFUSALS) ** (1 / length)) for length in LENGTHS]
    tail = held_out[critical].mean() - norm.isf(SERVED_CRITICAL) * held_out[critical].std()
    categories = np.array([row.category or "" for row in rows])[harmful]
    return ScreeningHead(
        version=VERSION,
        encoder_sha256=WEIGHTS_SHA256,
        n_layers=N_LAYERS,
        weights=tuple(np.round(point[:-1], 4).tolist()),
        bias=round(float(point[-1]), 4),
        categories={
            category: tuple(
                np.round(
                    fit_logistic(vectors[harmful], categories == category, weights=weights[harmful]), 3
                ).tolist()
            )
            for category in sorted(set(categories))
        },
        lengths=LENGTHS,
        refuse_above=tuple(np.round(floors, 2).tolist()),
        serve_below=round(float(min(tail, np.quantile(held_out[pairs], SERVED_HARM))), 2),
    )


def screen_of(head: ScreeningHead, encoder: RememberingEncoder, *, file: Path) -> Screen:
    write_whole(file, (head.model_dump_json() + "\n").encode())
    return Screen(file, encoder=encoder)


def thresholds(screen: Screen, groups: dict[str, list[str]], *, encoder: RememberingEncoder) -> ScreeningHead:
    """Set the upper threshold for each length so that no group has more than 1 % of its joined statements above.

    A margin stands above the quantile, as 150 statements say little of the next 150. No shipped profile comes near
    the threshold, nor more than 1 % of profiles of texts that mention harm, are unpopular or merely concrete: those
    are in the thresholds that the head brings, from heads that were not trained on them.
    """
    rng = random.Random(0)
    needed = np.array(screen.head.refuse_above)
    for statements in groups.values():
        encoder.read(document(text) for text in statements)
        for index, length in enumerate(LENGTHS):
            joins = [document(*rng.sample(statements, length)) for _ in range(N_JOINS)]
            if length == 1:
                joins = [document(text) for text in statements]
            scores = highest_logits(screen, joins)
            scores = scores[np.isfinite(scores)]
            needed[index] = max(needed[index], np.quantile(scores, 1 - FALSE_REFUSALS) + GROUP_MARGIN)
    for profile in shipped_documents():
        score = float(highest_logits(screen, [profile])[0])
        length = len(sentences_of(profile.passages))
        at = [index for index, bound in enumerate(LENGTHS) if bound <= length][-1:]
        for index in at:
            needed[index] = max(needed[index], score + SHIPPED_MARGIN)
    rising = np.maximum.accumulate(needed)
    update = {"refuse_above": tuple(np.round(rising, 2).tolist())}
    return ScreeningHead.model_validate(screen.head.model_dump() | update)


def shipped_documents() -> list[Document]:
    documents = []
    for profile in map(load_profile, list_profiles()):
        texts = [profile.title, profile.summary]
        for value in profile.values:
            texts += [value.statement, *([value.hedge] if value.hedge else [])]
        texts += profile.norms
        made = document(*texts, denied=profile.does_not_hold)
        documents.append(made.model_copy(update={"language": profile.language}))
    return documents


def must_serve(folder: Path, *, for_thresholds: bool) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(folder / "guard" / "must_serve_statements.jsonl"):
        if is_for_thresholds(row["statement"]) == for_thresholds:
            groups[row["group"]].append(row["statement"])
    return dict(groups)


def train(folder: Path, file: Path) -> tuple[Screen, RememberingEncoder]:
    """Train, set the thresholds and write the weights."""
    import torch

    torch.set_num_threads(1)
    encoder = RememberingEncoder(load_screen_encoder(N_LAYERS))
    head = train_head(training_rows(), encoder)
    print(f"trained; serve below {head.serve_below}", flush=True)
    encoder.read(shipped_documents())
    screen = screen_of(head, encoder, file=file)
    head = thresholds(screen, must_serve(folder, for_thresholds=True), encoder=encoder)
    print(dict(zip(head.lengths, head.refuse_above, strict=True)), flush=True)
    return screen_of(head, encoder, file=file), encoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="the published data sets")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="the file to write; its card lies beside it"
    )
    given = parser.parse_args()
    screen, encoder = train(given.folder, given.weights)
    from screen_card import card

    write_whole(given.weights.with_name("README.md"), card(screen, encoder, given.folder).encode())


if __name__ == "__main__":
    main()
