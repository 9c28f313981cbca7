"""ValuePrism: situations of everyday morality, and the values, rights and duties that people may weigh in them."""

from collections.abc import Callable

from pluralign.spectrum.suite.blocks import pool, sampled, strings, table
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source, read_columns
from pluralign.spectrum.tasks import TaskSettings

HUB_ID = "allenai/ValuePrism"

_TABLE = "valueprism"
_COLUMNS = ("situation", "vrd", "text", "explanation")


def _rows(start: Opening) -> list[dict[str, str]]:
    found = read_columns(start.place, _TABLE, hub_id=HUB_ID, columns=_COLUMNS, source=_TABLE)
    return [
        {"situation": row["situation"], "kind": row["vrd"], "name": row["text"], "why": row["explanation"]}
        for row in found
        if all(row[column] for column in _COLUMNS)
    ]


def _situations(start: Opening) -> Opened:
    texts = list(dict.fromkeys(row["situation"] for row in _rows(start)))
    return sampled([pool(strings(texts), ("Situations", "Situations that raise a moral question"))])


def _considerations(start: Opening) -> Opened:
    wordings = (
        "What may be weighed in a situation",
        "One value, right or duty that matters in the situation, by kind and name, and why, as JSON",
    )
    return sampled([
        pool(table(_rows(start), generated=("kind", "name", "why"), given=("situation",)), wordings)
    ])


def _source(name: str, what: str, *, opened: Callable[[Opening], Opened], mean: float) -> Source:
    return Source(
        name=name,
        split="train",
        what=what,
        origin=f"huggingface.co/datasets/{HUB_ID}",
        licence="AI2 ImpACT, medium risk; access is granted on the hub",
        citation="Sorensen et al. 2023, arXiv:2309.00779",
        material=("valueprism",),
        opened=opened,
        n_rows=100,
        settings=TaskSettings(mean_examples=mean, max_examples=128),
        needs=Needs(
            files=(_TABLE,),
            how=f"the table 'full' of huggingface.co/datasets/{HUB_ID} (after its terms are accepted) as DIR/valueprism.csv",
        ),
    )


SOURCES = (
    _source("valueprism_situation", "situations that raise a moral question", opened=_situations, mean=64),
    _source(
        "valueprism_consideration",
        "values, rights and duties in a situation",
        opened=_considerations,
        mean=32,
    ),
)
