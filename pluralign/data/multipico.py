"""MultiPICo (Casola et al. 2024), as Le-Wi-Di 2025 publishes it: who found which reply ironic, person by person."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from pluralign.data.countries import country_id, country_name
from pluralign.data.loaded import Loaded, unusable
from pluralign.data.people import few_answers, joined
from pluralign.data.reading import parse_json, read_items, read_text, refuse_nothing
from pluralign.data.selection import draw, select
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Finding, Group, Option, Question, QuestionSet
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe

SOURCE = (
    "MultiPICo (Casola et al. 2024) in the form of Le-Wi-Di 2025: github.com/Le-Wi-Di/le-wi-di.github.io. "
    "Licence: none stated."
)
SPLITS = ("train", "dev", "test")
PEOPLE = "MP_annotators_meta.json"

# The published code 1 is ironic: replies that their writers marked with "/s" are rated 1 four times in five.
OPTIONS = (Option(text="Ironic"), Option(text="Not ironic"))
_COUNTS = {"1": (1.0, 0.0), "0": (0.0, 1.0)}

# Lowest age of each band; nobody below 18 was asked.
_AGE_BANDS = ((60, "60 and over"), (45, "45-59"), (30, "30-44"), (18, "18-29"))
_NOUNS = {"Female": "women", "Male": "men"}
# What the platform writes where a fact is not known, or no longer.
_UNKNOWN = frozenset({"", "DATA_EXPIRED", "CONSENT_REVOKED", "Prefer not to say"})

Split = Literal["train", "dev", "test"]


class _Exchange(Record):
    """A post and a reply to it."""

    model_config = ConfigDict(extra="ignore")

    post: Text
    reply: Text


class _Variety(Record):
    model_config = ConfigDict(extra="ignore")

    language_variety: str | None = None


class _Item(Record):
    """One exchange with everybody's rating of it."""

    model_config = ConfigDict(extra="ignore")

    text: _Exchange
    annotations: Mapping[Text, Literal["0", "1"]]
    lang: Text
    other_info: _Variety = _Variety()

    @property
    def languages(self) -> tuple[str, ...]:
        """The names under which the item can be asked for: its language, and that of its country."""
        variety = self.other_info.language_variety
        return (self.lang, f"{self.lang}-{variety}") if variety else (self.lang,)


class _Facts(Record):
    """What is known of a person; anything but text and numbers is as good as unknown."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=True)

    age: Any = Field(None, alias="Age")
    gender: Any = Field(None, alias="Gender")
    nationality: Any = Field(None, alias="Nationality")
    residence: Any = Field(None, alias="Country of residence")


@dataclass(frozen=True)
class _Person:
    """A person as far as known."""

    age: int | None = None
    gender: str | None = None
    nationality: str | None = None
    residence: str | None = None

    @classmethod
    def of(cls, facts: _Facts) -> "_Person":
        age = facts.age
        return cls(
            # NaN, which stands for an unknown age, is not above 0.
            age=int(age) if isinstance(age, int | float) and age > 0 else None,
            gender=facts.gender if facts.gender in _NOUNS else None,
            nationality=_known(facts.nationality),
            residence=_known(facts.residence),
        )

    @property
    def member_of(self) -> tuple[str, ...]:
        """Gender, age and country, the nationality before the residence."""
        band = next(
            (name for lowest, name in _AGE_BANDS if self.age is not None and self.age >= lowest), None
        )
        country = self.nationality or self.residence
        return (
            *([f"gender={self.gender}"] if self.gender else []),
            *([f"age={band}"] if band else []),
            *([country_id(country)] if country else []),
        )

    @property
    def text(self) -> str | None:
        """What completes "people who ..."; None where nothing is known."""
        clauses = []
        if self.gender:
            noun = _NOUNS[self.gender]
            clauses.append(f"are {noun} of {self.age}" if self.age else f"are {noun}")
        elif self.age:
            clauses.append(f"are {self.age} years old")
        if self.nationality:
            clauses.append(f"come from {country_name(self.nationality)}")
        if self.residence and self.residence != self.nationality:
            clauses.append(f"live in {country_name(self.residence)}")
        return joined(clauses)


def load_multipico(
    *,
    path: str | Path,
    split: Split | None = None,
    languages: Sequence[str] | None = None,
    min_ratings: int = 1,
    annotators: int | None = None,
    seed: int = 0,
) -> Loaded:
    """Load MultiPICo: each post with its reply is a question, each rater a group of one.

    A folder holds `MP_dev.json`, `MP_test.json` or `MP_train.json`, item -> {"text": {"post", "reply"}, "lang",
    "annotations": {"Ann17": "1", ...}, "other_info": {"language_variety"}} with "1" for ironic, and
    `MP_annotators_meta.json`, number -> facts about the person. A rater is the group "annotator=Ann17", a count
    of 1 on each of the answers given, `member_of` gender, age band and country (nationality, or else residence),
    and told as "people who are women of 34 and come from India". What is not known is left out: "DATA_EXPIRED",
    a missing age, a gender that was not said. A question's topic is its language.

    Args:
        path: The folder.
        split: "train", "dev" or "test"; None for all that are there.
        languages: "en", or "en-in" for the English of India; None for all.
        min_ratings: Fewest ratings, of what is chosen by split and language, with which a rater is kept.
        annotators: Number of raters kept, at most, drawn with the seed; None for all.
        seed: Seed of that draw.

    Returns:
        The questions that the kept raters rated, and findings: unusable is an item without the fields or with an
        id that an earlier file has; a note tells how many raters had too few ratings.

    Raises:
        ConfigurationError: An unknown language, or a number below 1.
        DataError: A file is missing or not of this form, or nothing is left.
    """
    if min_ratings < 1:
        raise ConfigurationError(f"min_ratings must be at least 1, not {min_ratings}.")
    folder = Path(path)
    items, findings = _read(folder, split=split)
    known = sorted({name for item in items.values() for name in item.languages})
    chosen = set(select(languages, known, default=known, what="MultiPICo language"))
    items = {name: item for name, item in items.items() if not chosen.isdisjoint(item.languages)}
    raters, left_out = _raters(items, min_ratings=min_ratings, where=str(folder))
    findings.extend(left_out)
    kept = draw(raters, annotators, seed=seed, what="annotators")
    questions = _questions(items, kept)
    refuse_nothing(questions, findings, path=folder)
    people = _read_people(folder / PEOPLE)
    return Loaded(
        questions=QuestionSet(
            id=f"multipico-{split}" if split else "multipico",
            questions=questions,
            groups=tuple(_group(rater, people.get(rater, _Person())) for rater in kept),
            source=SOURCE,
        ),
        findings=tuple(findings),
    )


def _read(folder: Path, *, split: Split | None) -> tuple[dict[str, _Item], list[Finding]]:
    """Every item of the splits asked for, and what is wrong with others."""
    files = [folder / f"MP_{name}.json" for name in ([split] if split else SPLITS)]
    present = [file for file in files if split or file.is_file()]
    if not present:
        raise DataError(f"{folder}: no MultiPICo; it needs MP_dev.json or MP_test.json, and {PEOPLE}.")
    items: dict[str, _Item] = {}
    findings: list[Finding] = []
    for file in present:
        read, faults = read_items(file, _Item)
        findings.extend(faults)
        for name, item in read.items():
            if name in items:
                detail = "an earlier file has an item of this id"
                findings.append(unusable("duplicate_id", detail, question_id=name, where=str(file)))
            else:
                items[name] = item
    return items, findings


def _raters(items: Mapping[str, _Item], *, min_ratings: int, where: str) -> tuple[list[str], list[Finding]]:
    """Who rated so many of the items, and a note on the others."""
    n_ratings = Counter(rater for item in items.values() for rater in item.annotations)
    raters = sorted((rater for rater, n in n_ratings.items() if n >= min_ratings), key=_number)
    if n_ratings and not raters:
        raise DataError(
            f"{where}: nobody rated {min_ratings} of these items; the most is {max(n_ratings.values())}."
        )
    return raters, few_answers(len(n_ratings) - len(raters), fewest=min_ratings, where=where)


def _read_people(path: Path) -> dict[str, _Person]:
    """Rater -> what is known of the person."""
    content = parse_json(read_text(path), where=str(path))
    try:
        facts = TypeAdapter(dict[str, _Facts]).validate_python(content)
    except ValidationError as error:
        raise DataError(f"{path}: not an object of facts by person: {describe(error)}") from error
    return {f"Ann{number}": _Person.of(each) for number, each in facts.items()}


def _questions(items: Mapping[str, _Item], raters: Sequence[str]) -> tuple[Question, ...]:
    """The items that one of these raters rated."""
    kept = set(raters)
    questions = []
    for name, item in items.items():
        counts = {
            f"annotator={rater}": _COUNTS[code] for rater, code in item.annotations.items() if rater in kept
        }
        if counts:
            text = (
                f"Post: {item.text.post.strip()}\n\nReply: {item.text.reply.strip()}\n\nIs the reply ironic?"
            )
            questions.append(
                Question(id=name, text=text, options=OPTIONS, counts=counts, topic=item.languages[0])
            )
    return tuple(questions)


def _group(rater: str, person: _Person) -> Group:
    return Group(id=f"annotator={rater}", text=person.text, member_of=person.member_of)


def _number(rater: str) -> tuple[int, str]:
    """Key that puts Ann9 before Ann10."""
    digits = rater.removeprefix("Ann")
    return (int(digits) if digits.isdecimal() else 0, rater)


def _known(value: object) -> str | None:
    return value if isinstance(value, str) and value not in _UNKNOWN else None
