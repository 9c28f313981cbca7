"""Test sets of Modular Pluralism (Feng et al. 2024): OpinionQA, GlobalOpinionQA and MoralChoice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from pluralign.data.countries import country_group
from pluralign.data.loaded import Loaded, unusable
from pluralign.data.reading import parse_json, read_text
from pluralign.data.refusals import is_refusal
from pluralign.data.shares import fault_in, is_rounded, normalised, rounding_notes
from pluralign.errors import DataError
from pluralign.records import (
    POPULATION,
    Finding,
    Group,
    Option,
    Question,
    QuestionSet,
    content_hash,
)
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe

Kind = Literal["globalopinionqa", "moralchoice", "opinionqa"]

SOURCE = (
    "Modular Pluralism (Feng et al. 2024, arXiv:2406.15951): github.com/BunsenFeng/modular_pluralism. "
    "Licence: none stated."
)

_AMBIGUITIES = ("low_ambiguity", "high_ambiguity")

# Attribute of an OpinionQA row -> the group in words, completing "people who ...".
_ATTRIBUTES = {
    "CREGION_Northeast": "live in the Northeast of the United States",
    "CREGION_South": "live in the South of the United States",
    "EDUCATION_College graduate/some postgrad": "are college graduates or have done some postgraduate study",
    "EDUCATION_Less than high school": "did not finish high school",
    "INCOME_$100,000 or more": "have a family income of $100,000 a year or more",
    "INCOME_Less than $30,000": "have a family income of less than $30,000 a year",
    "POLIDEOLOGY_Conservative": "describe their political views as conservative",
    "POLIDEOLOGY_Liberal": "describe their political views as liberal",
    "POLIDEOLOGY_Moderate": "describe their political views as moderate",
    "POLPARTY_Democrat": "identify as Democrats",
    "POLPARTY_Republican": "identify as Republicans",
    "RACE_Asian": "are Asian",
    "RACE_Black": "are Black",
    "RACE_Hispanic": "are Hispanic",
    "RACE_White": "are White",
    "RELIG_Atheist": "are atheists",
    "RELIG_Hindu": "are Hindus",
    "RELIG_Jewish": "are Jewish",
    "RELIG_Muslim": "are Muslims",
    "RELIG_Protestant": "are Protestants",
    "SEX_Female": "are female",
    "SEX_Male": "are male",
}

# A prompt as it is published: the question, the options with their letters, and "Answer:".
_PROMPT = re.compile(
    r"(?:Question: )?+(?P<text>.*\S.*)\n(?:Options: )?(?P<listed>A\. .*)\nAnswer:", re.DOTALL
)


class _Row(Record):
    """One row as published; fields that are not named here are passed over."""

    model_config = ConfigDict(extra="ignore")

    question: Text
    options: tuple[Text, ...] = Field(min_length=1)
    attribute: Text
    gold_distribution: Any


@dataclass(frozen=True)
class _Asked:
    """What was asked of whom, and what came out: the content of a row."""

    id: str
    text: str
    options: tuple[str, ...]
    group: Group
    shares: Sequence[float]


def load_modular_pluralism(*, path: str | Path, kind: Kind | None = None) -> Loaded:
    """Load a test set of Modular Pluralism.

    The file is a JSON list of {"question", "options", "attribute", "gold_distribution"}, where "question" is a
    whole prompt: a question keeps its text without the options. Rows with the same text and options are one
    question with the shares of several groups: "RELIG_Atheist" is the group "RELIG=Atheist", a country
    "country=Japan". A question's id is a hash of text and options; a row of a group that was asked the same
    before (in another wave of the survey) is a question of its own, whose id ends in "#2".

    The golds of MoralChoice are no people's answers: they follow from the scenario's label, (1, 0) for low
    ambiguity and (1/2, 1/2) for high. They are the questions' `truth`, and ids begin with the label. As published,
    the right action always comes first; the adapter `moralchoice` loads the scenarios without that fault.

    Args:
        path: `steerable_test_opinionqa_small.json`, `distributional_test_globalopinionqa_small.json`,
            `distributional_test_moralchoice.json`, or another file of the form.
        kind: What it holds; None to tell from the first row.

    Returns:
        The questions, and an unusable finding for each row whose gold is no distribution, or whose options are
        not those of its prompt.

    Raises:
        DataError: The file cannot be read, holds no usable row, or has a row that is malformed or about a group
            that is not known; names the row.
    """
    path = Path(path)
    rows = _rows(path)
    kind = kind or _kind(rows[0][1].attribute)
    usable: list[_Asked] = []
    findings: list[Finding] = []
    for where, row in rows:
        asked = _asked(row, kind=kind, where=where)
        if isinstance(asked, Finding):
            findings.append(asked)
        else:
            usable.append(asked)
    if not usable:
        first = findings[0]
        raise DataError(f"{path}: holds no usable row. The first fault: {first.where}: {first.detail}")
    questions: dict[str, list[_Asked]] = {}
    for asked in usable:
        questions.setdefault(_free_id(asked, questions), []).append(asked)
    groups = {asked.group.id: asked.group for asked in usable if asked.group.id != POPULATION}
    n_rounded = sum(is_rounded(asked.shares) for asked in usable)
    return Loaded(
        questions=QuestionSet(
            id=f"modular_pluralism_{kind}",
            questions=tuple(_question(name, rows) for name, rows in questions.items()),
            groups=tuple(groups.values()),
            source=SOURCE,
        ),
        findings=(*findings, *rounding_notes(n_rounded, what="golds", where=str(path))),
    )


def _rows(path: Path) -> list[tuple[str, _Row]]:
    items = parse_json(read_text(path), where=str(path))
    if not isinstance(items, list) or not items:
        raise DataError(f"{path}: holds no list of rows.")
    rows = []
    for number, item in enumerate(items, start=1):
        where = f"{path}, row {number}"
        try:
            rows.append((where, _Row.model_validate(item)))
        except ValidationError as error:
            raise DataError(f"{where}: not a row of Modular Pluralism: {describe(error)}") from error
    return rows


def _kind(attribute: str) -> Kind:
    if attribute in _AMBIGUITIES:
        return "moralchoice"
    # No country's name holds an underscore.
    return "opinionqa" if "_" in attribute else "globalopinionqa"


def _asked(row: _Row, *, kind: Kind, where: str) -> _Asked | Finding:
    """The content of a row, or why it is not usable."""
    group = _group(row.attribute, kind=kind, where=where)
    prompt = _PROMPT.fullmatch(row.question)
    options = tuple(option.strip() for option in row.options)
    listed = (f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))
    if prompt is None:
        fault = ("unreadable", f"question: not a prompt with options and 'Answer:': {row.question!r}")
    elif prompt["listed"].split() != " ".join(listed).split():
        fault = (
            "options_mismatch",
            f"the prompt lists {prompt['listed']!r}, but the options are {list(options)}",
        )
    elif (unfit := fault_in(row.gold_distribution, n_options=len(options))) is not None:
        fault = (unfit[0], f"gold_distribution: {unfit[1]}")
    else:
        text = prompt["text"].strip()
        prefix = row.attribute if kind == "moralchoice" else kind
        name = f"{prefix}/{content_hash([text, options])[:12]}"
        return _Asked(name, text, options, group=group, shares=row.gold_distribution)
    return unusable(*fault, question_id=None, where=where)


def _group(attribute: str, *, kind: Kind, where: str) -> Group:
    """Whom a row is about; MoralChoice is about nobody in particular."""
    if kind == "moralchoice" and attribute in _AMBIGUITIES:
        return Group(id=POPULATION)
    if kind == "opinionqa" and attribute in _ATTRIBUTES:
        return Group(id=attribute.replace("_", "=", 1), text=_ATTRIBUTES[attribute])
    if kind == "globalopinionqa" and "_" not in attribute:
        return country_group(attribute)
    known = {
        "moralchoice": ", ".join(_AMBIGUITIES),
        "opinionqa": ", ".join(_ATTRIBUTES),
        "globalopinionqa": "a country",
    }
    raise DataError(f"{where}: attribute {attribute!r} is unknown in {kind}. It would be: {known[kind]}.")


def _free_id(asked: _Asked, questions: dict[str, list[_Asked]]) -> str:
    """The id of the question that does not yet hold the row's group."""
    name, number = asked.id, 1
    while any(other.group.id == asked.group.id for other in questions.get(name, ())):
        number += 1
        name = f"{asked.id}#{number}"
    return name


def _question(name: str, rows: Sequence[_Asked]) -> Question:
    answers = {row.group.id: normalised(row.shares) for row in rows}
    return Question(
        id=name,
        text=rows[0].text,
        options=tuple(Option(text=option, refusal=is_refusal(option)) for option in rows[0].options),
        truth=answers.pop(POPULATION, None),
        shares=answers,
    )
