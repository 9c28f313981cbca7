"""Jeopardy: clues and answers of the quiz show."""

from collections.abc import Sequence

from pluralign.spectrum.suite.blocks import pool, sampled, table
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source, read_columns
from pluralign.spectrum.tasks import TaskSettings

_TABLE = "jeopardy"
_COLUMNS = ("category", "question", "answer")


def _source(
    name: str, what: str, *, generated: Sequence[str], given: Sequence[str], wordings: Sequence[str]
) -> Source:
    def opened(start: Opening) -> Opened:
        found = read_columns(start.place, _TABLE, hub_id="", columns=_COLUMNS, source=name)
        rows = [
            {"category": row["category"], "clue": row["question"], "answer": row["answer"]}
            for row in found
            if all(row[column] for column in _COLUMNS)
        ]
        return sampled([pool(table(rows, generated=generated, given=given), wordings)])

    return Source(
        name=name,
        split="train",
        what=what,
        origin="JEOPARDY_QUESTIONS1.json, 216,930 clues, as it circulates",
        licence="none stated",
        citation="j-archive.com",
        material=("jeopardy",),
        opened=opened,
        n_rows=100,
        settings=TaskSettings(mean_examples=64, max_examples=128),
        needs=Needs(
            files=(_TABLE,),
            how="JEOPARDY_QUESTIONS1.json (columns category, question, answer) as DIR/jeopardy.json",
        ),
    )


SOURCES = (
    _source(
        "jeopardy_answer",
        "answers to clues of a quiz show",
        generated=("answer",),
        given=("category", "clue"),
        wordings=("Answers", "Jeopardy: the answer to a clue"),
    ),
    _source(
        "jeopardy_clue",
        "clues with categories and answers",
        generated=("category", "clue", "answer"),
        given=(),
        wordings=("Quiz questions", "Jeopardy as JSON: category, clue and answer"),
    ),
)
