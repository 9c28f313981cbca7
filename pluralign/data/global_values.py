"""Global Values (Meister et al. 2024): a hundred questions of GlobalOpinionQA by three or four countries each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from pluralign.data.countries import country_group, country_id
from pluralign.data.loaded import Loaded, unusable
from pluralign.data.reading import literal, parse_json, read_text
from pluralign.data.refusals import is_refusal
from pluralign.data.shares import fault_in, is_rounded, normalised, rounding_notes
from pluralign.errors import DataError
from pluralign.records import Finding, Group, Option, Question, QuestionSet
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe

SOURCE = (
    "Global Values: Meister et al. 2024, github.com/nicolemeister/benchmarking-distributional-alignment, from "
    "GlobalOpinionQA (Durmus et al. 2023). Licence: none stated; GlobalOpinionQA: CC BY-NC-SA 4.0."
)


class _Entry(Record):
    """What the file holds for a question: every field beside these two is a country."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any] = Field(init=False)

    options: Annotated[tuple[Text, ...], BeforeValidator(literal)] = Field(alias="MC_options", min_length=1)
    countries: tuple[Text, ...] = Field(min_length=1)

    @property
    def cells(self) -> Mapping[str, Any]:
        """Country -> shares, not yet checked."""
        return self.__pydantic_extra__


def load_global_values(*, path: str | Path) -> Loaded:
    """Load the Global Values set.

    The file is JSON: question -> {"MC_options": "['Good', 'Bad']", "countries": ["Japan", ...]} and for each of
    the countries its shares. The number of people was not published. Countries are groups "country=Japan"; a
    question's id is its place in the file: "global_values-1".

    Args:
        path: The file, `data.json`.

    Returns:
        The questions, and an unusable finding for each country whose shares are no distribution over the options.

    Raises:
        DataError: The file cannot be read, holds no usable question, or has one that is malformed or lists other
            countries than it has shares of; names the question.
    """
    path = Path(path)
    entries = parse_json(read_text(path), where=str(path))
    if not isinstance(entries, dict):
        raise DataError(
            f"{path}: holds {type(entries).__name__}, a mapping from question to shares is needed."
        )
    questions: list[Question] = []
    groups: dict[str, Group] = {}
    findings: list[Finding] = []
    n_rounded = 0
    for number, (text, content) in enumerate(entries.items(), start=1):
        name, where = f"global_values-{number}", f"{path}, question {number}"
        if not text.strip():
            raise DataError(f"{where}: has no words.")
        entry = _entry(content, where=where)
        faults = _faults(entry, name=name, where=where)
        findings.extend(faults.values())
        usable = {country: shares for country, shares in entry.cells.items() if country not in faults}
        if usable:
            n_rounded += sum(map(is_rounded, usable.values()))
            groups.update((country, country_group(country)) for country in usable)
            questions.append(_question(name, text, options=entry.options, shares=usable))
    if not questions:
        first = f" The first fault: {findings[0].where}: {findings[0].detail}" if findings else ""
        raise DataError(f"{path}: holds no usable question.{first}")
    return Loaded(
        questions=QuestionSet(
            id="global_values",
            questions=tuple(questions),
            groups=tuple(groups.values()),
            source=SOURCE,
        ),
        findings=(*findings, *rounding_notes(n_rounded, what="shares of a country", where=str(path))),
    )


def _entry(content: object, *, where: str) -> _Entry:
    try:
        entry = _Entry.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{where}: {describe(error)}") from error
    if odd := sorted(entry.cells.keys() ^ set(entry.countries)):
        raise DataError(f"{where}: {odd} either lack shares or do not stand in the list of countries.")
    return entry


def _faults(entry: _Entry, *, name: str, where: str) -> dict[str, Finding]:
    """Why the shares of a country are not usable, by country."""
    return {
        country: unusable(*fault, question_id=name, group=country_id(country), where=where)
        for country, shares in entry.cells.items()
        if (fault := fault_in(shares, n_options=len(entry.options)))
    }


def _question(name: str, text: str, *, options: tuple[str, ...], shares: Mapping[str, Any]) -> Question:
    return Question(
        id=name,
        text=text.strip(),
        options=tuple(Option(text=option, refusal=is_refusal(option)) for option in options),
        shares={country_id(country): normalised(values) for country, values in shares.items()},
    )
