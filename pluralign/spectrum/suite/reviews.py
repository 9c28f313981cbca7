"""IMDB: what people write of films, and whether they liked them."""

from pluralign.errors import DataError
from pluralign.spectrum.suite.blocks import pool, sampled, table
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source, read_columns
from pluralign.spectrum.tasks import TaskSettings

HUB_ID = "stanfordnlp/imdb"
LONGEST = 600  # characters of a review: a row of longer ones would hold a few examples only

_LABELS = ("negative", "positive")
_WORDINGS = (
    "Reviews",
    "Reviews of films: positive or negative?",
    "Did the writer like the film? positive or negative",
)


def _opened(start: Opening) -> Opened:
    rows = []
    found = read_columns(start.place, "imdb", hub_id=HUB_ID, columns=("text", "label"), source="imdb")
    for number, row in enumerate(found, start=1):
        if row["label"] not in {0, 1}:
            raise DataError(f"imdb, row {number}, column label: 0 or 1 is needed, not {row['label']!r}.")
        text = row["text"].replace("<br />", "\n").strip()
        if text and len(text) <= LONGEST:
            rows.append({"review": text, "sentiment": _LABELS[row["label"]]})
    return sampled([pool(table(rows, generated=("sentiment",), given=("review",)), _WORDINGS)])


SOURCES = (
    Source(
        name="imdb",
        split="train",
        what="reviews of films, positive or negative",
        origin=f"huggingface.co/datasets/{HUB_ID}",
        licence="none stated",
        citation="Maas et al. 2011, ACL P11-1015",
        material=("imdb/train",),
        opened=_opened,
        n_rows=100,
        settings=TaskSettings(mean_examples=64, max_examples=128),
        needs=Needs(
            files=("imdb",), hub_id=HUB_ID, how="--hub, or its train split as DIR/imdb.parquet or .jsonl"
        ),
    ),
)
