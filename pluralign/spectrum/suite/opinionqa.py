"""OpinionQA: how one respondent of a Pew survey answered its questions."""

import string
from collections.abc import Iterator, Mapping
from pathlib import Path

from pluralign.data.reading import literal, read_rows
from pluralign.data.selection import draw
from pluralign.errors import DataError
from pluralign.spectrum.format import Example
from pluralign.spectrum.suite.blocks import Person, individuals
from pluralign.spectrum.suite.source import Needs, Opened, Opening, Source
from pluralign.spectrum.tasks import TaskSettings

MAX_RESPONDENTS = 200  # of each survey: arXiv 2510.06084

_FOLDER = "human_resp"
_REFUSED = "Refused"
_FACTS = {
    "CREGION": "region",
    "AGE": "age",
    "SEX": "sex",
    "EDUCATION": "education",
    "CITIZEN": "citizen of the United States",
    "MARITAL": "marital status",
    "RELIG": "religion",
    "RELIGATTEND": "religious attendance",
    "POLPARTY": "party",
    "INCOME": "income",
    "POLIDEOLOGY": "ideology",
    "RACE": "race",
}
_WORDINGS = (
    "One person answers the questions of a survey with a letter.",
    "Answers of one respondent of the American Trends Panel; each is the letter of an option.",
)


def _questions(path: Path) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Key of a question -> its text with lettered options, and option -> letter."""
    questions: dict[str, tuple[str, Mapping[str, str]]] = {}
    for line, row in read_rows(path, ("key", "question", "references")):
        try:
            options = literal(row["references"])
        except ValueError:
            options = None
        if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
            raise DataError(f"{path}, line {line}, column references: a list of options is needed.")
        offered = [option for option in options if option != _REFUSED]
        if 2 <= len(offered) <= len(string.ascii_uppercase):
            letters = dict(zip(offered, string.ascii_uppercase, strict=False))
            listed = "\n".join(f"{letter}. {option}" for option, letter in letters.items())
            questions[row["key"]] = (f"{row['question'].strip()}\n{listed}", letters)
    return questions


def _respondents(folder: Path, *, seed: int) -> Iterator[Person]:
    questions = _questions(folder / "info.csv")
    rows = {str(line): row for line, row in read_rows(folder / "responses.csv", ())}
    for line in draw(list(rows), MAX_RESPONDENTS, seed=seed, what="respondents"):
        row = rows[line]
        # A refusal, or a question that was not put to this person, is no answer.
        answered = (
            (text, letters[row[key]]) for key, (text, letters) in questions.items() if row.get(key) in letters
        )
        yield Person(
            examples=tuple(Example(input=text, output=letter) for text, letter in answered),
            wordings=_WORDINGS,
            facts={
                name: row[column]
                for column, name in _FACTS.items()
                if row.get(column, "") not in {"", _REFUSED, "nan"}
            },
        )


def _opened(start: Opening) -> Opened:
    folder = start.place.path(_FOLDER)
    surveys = sorted(path.parent for path in folder.glob("*/info.csv"))
    if not surveys:
        raise DataError(f"{folder}: holds no survey, a folder with info.csv and responses.csv.")
    people = [person for survey in surveys for person in _respondents(survey, seed=start.seed)]
    return individuals(people, name="opinionqa_individual", seed=start.seed)


SOURCES = (
    Source(
        name="opinionqa_individual",
        split="train",
        what="one respondent of a Pew survey; leave it out where Pew questions are measured",
        origin="the OpinionQA bundle on CodaLab, see github.com/tatsu-lab/opinions_qa",
        licence="terms of the Pew Research Center",
        citation="Santurkar et al. 2023, arXiv:2303.17548",
        material=("opinionqa, individual answers",),
        opened=_opened,
        n_rows=3000,
        settings=TaskSettings(mean_examples=None, max_examples=64),
        needs=Needs(
            files=(_FOLDER,),
            how="human_resp of the bundle named in github.com/tatsu-lab/opinions_qa as DIR/human_resp",
        ),
    ),
)
