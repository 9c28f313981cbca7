"""Passengers of the Titanic: who survived, and whole records."""

from collections.abc import Sequence

from pluralign.data.reading import read_rows
from pluralign.spectrum.suite.blocks import pool, sampled, table
from pluralign.spectrum.suite.source import DataPlace, Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

_FILE = "titanic/titanic.csv"
_COLUMNS = {
    "Pclass": "class",
    "Name": "name",
    "Sex": "sex",
    "Age": "age",
    "SibSp": "siblings and spouses aboard",
    "Parch": "parents and children aboard",
    "Fare": "fare",
    "Embarked": "embarked",
    "Survived": "survived",
}
_GIVEN = (
    "class",
    "sex",
    "age",
    "siblings and spouses aboard",
    "parents and children aboard",
    "fare",
    "embarked",
)
_UNKNOWN = "unknown"
_CODES = {"survived": {"0": "no", "1": "yes"}}


def _passengers(place: DataPlace) -> list[dict[str, str]]:
    rows = (row for _, row in read_rows(place.path(_FILE), tuple(_COLUMNS)))
    named = ({name: row[column] or _UNKNOWN for column, name in _COLUMNS.items()} for row in rows)
    return [
        {name: _CODES.get(name, {}).get(value, value) for name, value in passenger.items()}
        for passenger in named
    ]


def _source(
    name: str, what: str, *, generated: Sequence[str], given: Sequence[str], wordings: Sequence[str]
) -> Source:
    def opened(start: Opening) -> Opened:
        return sampled([pool(table(_passengers(start.place), generated=generated, given=given), wordings)])

    return Source(
        name=name,
        split="train",
        what=what,
        origin="github.com/datasciencedojo/datasets",
        licence="none stated",
        citation="Passengers of the Titanic, as Kaggle's competition has them",
        material=("titanic",),
        opened=opened,
        n_rows=100,
        settings=TaskSettings(mean_examples=64, max_examples=128),
        needs=Needs(
            files=(_FILE,),
            how="titanic.csv of github.com/datasciencedojo/datasets as DIR/titanic/titanic.csv",
        ),
    )


SOURCES = (
    _source(
        "titanic_survival",
        "whether a passenger survived",
        generated=("survived",),
        given=_GIVEN,
        wordings=("yes or no", "Passengers of the Titanic. Did the passenger survive? yes or no"),
    ),
    _source(
        "titanic_passenger",
        "records of passengers",
        generated=("name", *_GIVEN, "survived"),
        given=(),
        wordings=("Records", "Passengers of the Titanic as JSON"),
    ),
)
