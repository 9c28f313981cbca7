"""AmbiEnt: sentence pairs whose entailment is open because a sentence can be read in several ways."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict

from pluralign.records import read_jsonl
from pluralign.records.base import Record, Text
from pluralign.spectrum.suite.blocks import pool, sampled, table
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

_FILE = "ambient/ambient_full.jsonl"
_PAIR = ("premise", "hypothesis")
_NLI = "entailment, neutral or contradiction"


class _Reading(Record):
    model_config = ConfigDict(extra="ignore")

    premise: Text
    hypothesis: Text
    label: Text


class _Item(Record):
    model_config = ConfigDict(extra="ignore")

    premise: Text
    hypothesis: Text
    premise_ambiguous: bool
    hypothesis_ambiguous: bool
    labels: Text
    disambiguations: tuple[_Reading, ...] = ()

    @property
    def ambiguous(self) -> str:
        """Which of the two sentences can be read in several ways."""
        names = {
            (True, True): "both",
            (True, False): "premise",
            (False, True): "hypothesis",
            (False, False): "neither",
        }
        return names[self.premise_ambiguous, self.hypothesis_ambiguous]


def _pairs(path: Path) -> list[dict[str, object]]:
    return [
        {
            "premise": item.premise,
            "hypothesis": item.hypothesis,
            "ambiguous": item.ambiguous,
            "labels": item.labels,
        }
        for item in read_jsonl(path, _Item)
    ]


def _readings(path: Path) -> list[dict[str, object]]:
    return [
        {
            "premise": item.premise,
            "hypothesis": item.hypothesis,
            "read premise": reading.premise,
            "read hypothesis": reading.hypothesis,
            "label": reading.label,
        }
        for item in read_jsonl(path, _Item)
        for reading in item.disambiguations
    ]


def _task(
    name: str,
    what: str,
    *,
    generated: Sequence[str],
    given: Sequence[str],
    wordings: Sequence[str],
    of_readings: bool = False,
) -> Source:
    def opened(start: Opening) -> Opened:
        rows = (_readings if of_readings else _pairs)(start.place.path(_FILE))
        return sampled([pool(table(rows, generated=generated, given=given), wordings)])

    return Source(
        name=name,
        split="train",
        what=what,
        origin="github.com/alisawuffles/ambient",
        licence="CC BY 4.0",
        citation="Liu et al. 2023, arXiv:2304.14399",
        material=("ambient/ambient_full",),
        opened=opened,
        n_rows=50,
        settings=TaskSettings(mean_examples=64, max_examples=128),
        needs=Needs(
            files=(_FILE,),
            how="AmbiEnt/ambient_full.jsonl of github.com/alisawuffles/ambient as DIR/ambient/ambient_full.jsonl",
        ),
    )


SOURCES = (
    _task(
        "ambient_pair",
        "premises and hypotheses",
        generated=_PAIR,
        given=(),
        wordings=("Pairs of sentences", "A premise and a hypothesis as JSON; one or both may be ambiguous."),
    ),
    _task(
        "ambient_ambiguity",
        "which sentence of a pair is ambiguous",
        generated=("ambiguous",),
        given=_PAIR,
        wordings=(
            "Which sentence is ambiguous?",
            "Linguists say which sentence can be read in several ways: premise, hypothesis, both or neither.",
        ),
    ),
    _task(
        "ambient_labels",
        "relations between premise and hypothesis, over all readings",
        generated=("labels",),
        given=_PAIR,
        wordings=(
            "How do the sentences relate?",
            f"Every relation of premise and hypothesis that some reading allows: {_NLI}.",
        ),
    ),
    _task(
        "ambient_disambiguation",
        "one reading of a pair, with the relation under it",
        generated=("read premise", "read hypothesis", "label"),
        given=_PAIR,
        wordings=(
            "Readings of sentences",
            f"One reading of an ambiguous pair, spelled out, and its label ({_NLI}), as JSON",
        ),
        of_readings=True,
    ),
)
