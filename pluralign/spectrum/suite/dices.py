"""DICES: whether one rater finds replies of a chatbot safe."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pluralign.data.reading import read_rows
from pluralign.data.selection import draw
from pluralign.errors import DataError
from pluralign.spectrum.format import Example
from pluralign.spectrum.suite.blocks import Person, individuals
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

MAX_RATERS = 500  # of each of the two sets: arXiv 2510.06084

# The overall question asks whether the reply is unsafe in any way.
_ANSWERS = {"Yes": "unsafe", "No": "safe", "Unsure": "unsure"}
_NEEDED = ("rater_id", "context", "response", "Q_overall")
_FACTS = {
    "rater_gender": "gender",
    "rater_race": "race",
    "rater_age": "age",
    "rater_education": "education",
    "rater_locale": "country",
}
_WORDINGS = (
    "One rater says whether the last reply of a chatbot is safe.",
    "The same person judges the last turn of a conversation each time: safe, unsafe or unsure.",
)


def _people(path: Path) -> Iterator[tuple[str, Person]]:
    examples: dict[str, list[Example]] = {}
    facts: dict[str, Mapping[str, str]] = {}
    for line, row in read_rows(path, _NEEDED):
        if row["Q_overall"] not in _ANSWERS:
            raise DataError(
                f"{path}, line {line}, column Q_overall: {', '.join(_ANSWERS)} is needed, not {row['Q_overall']!r}."
            )
        rater = row["rater_id"]
        shown = f"{row['context'].strip()}\n\nReply: {row['response'].strip()}"
        examples.setdefault(rater, []).append(Example(input=shown, output=_ANSWERS[row["Q_overall"]]))
        facts[rater] = {name: row[column] for column, name in _FACTS.items() if row.get(column, "").strip()}
    for rater, given in examples.items():
        yield rater, Person(examples=tuple(given), wordings=_WORDINGS, facts=facts[rater])


def _source(size: str) -> Source:
    file = f"dices/{size}/diverse_safety_adversarial_dialog_{size}.csv"
    name = f"dices_{size}"

    def opened(start: Opening) -> Opened:
        people = dict(_people(start.place.path(file)))
        kept = draw(list(people), MAX_RATERS, seed=start.seed, what="raters")
        return individuals([people[rater] for rater in kept], name=name, seed=start.seed)

    return Source(
        name=name,
        split="train",
        what="one rater's judgements of safety, with demographics",
        origin="github.com/google-research-datasets/dices-dataset",
        licence="CC BY 4.0",
        citation="Aroyo et al. 2023, arXiv:2306.11247",
        material=(f"dices/{size}",),
        opened=opened,
        n_rows=MAX_RATERS,
        settings=TaskSettings(mean_examples=100, max_examples=200),
        needs=Needs(
            files=(file,), how="git clone https://github.com/google-research-datasets/dices-dataset DIR/dices"
        ),
    )


SOURCES = (_source("350"), _source("990"))
