"""GlobalOpinionQA (Durmus et al. 2023): survey questions on global issues with each country's shares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pluralign.data.countries import country_group, country_id
from pluralign.data.hub import load_rows
from pluralign.data.loaded import Loaded, unusable
from pluralign.data.reading import literal
from pluralign.data.refusals import is_refusal
from pluralign.data.selection import select
from pluralign.data.shares import fault_in, is_rounded, normalised, rounding_notes
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Finding, Option, Question, QuestionSet

HUB_ID = "Anthropic/llm_global_opinions"
COLUMNS = ("question", "selections", "options", "source")
SOURCE = (
    "GlobalOpinionQA (Durmus et al. 2023, arXiv:2306.16388), from the World Values Survey and the Pew Global "
    f"Attitudes Survey: huggingface.co/datasets/{HUB_ID}. Licence: CC BY-NC-SA 4.0."
)

_DEFAULTDICT = re.compile(r"\s*defaultdict\(\s*<class 'list'>\s*,\s*(\{.*\})\s*\)\s*", re.DOTALL)


def load_global_opinions(
    *,
    path: str | Path = HUB_ID,
    revision: str | None = None,
    split: str = "train",
    countries: Sequence[str] | None = None,
    limit: int | None = None,
) -> Loaded:
    """Load GlobalOpinionQA through the library `datasets`.

    The number of people was not published, so that the questions hold shares and no counts. Countries are
    groups "country=Belgium". A question's id is its source and its row, counted from 1: "GAS-12".

    Args:
        path: Id on the hub; or a local folder laid out as there; or one CSV, Parquet, JSON or JSONL file with
            the hub's columns question, selections, options, source.
        revision: Commit, tag or branch on the hub; None for the newest. Name the commit for a result that
            can be repeated.
        split: Split of the dataset.
        countries: Only these, as the file spells them; None for all.
        limit: Only so many questions, from the first; None for all.

    Raises:
        ConfigurationError: An unknown country, or a limit below 1.
        DataError: The data cannot be had, lack a column, or hold no usable question.
        MissingExtraError: `datasets` is not installed.
    """
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit: {limit} questions cannot be loaded, at least 1 is needed.")
    rows_read = load_rows(path, hub_id=HUB_ID, columns=COLUMNS, revision=revision, split=split)
    rows = [_parsed(row, number=number, path=path) for number, row in enumerate(rows_read, start=1)]
    known = list(dict.fromkeys(country for row in rows if isinstance(row, _Row) for country in row.shares))
    chosen = select(countries, known, default=known, what="GlobalOpinionQA country")
    questions, findings = _usable(rows, chosen, limit=limit)
    if not questions:
        first = f" The first fault: {findings[0].where}: {findings[0].detail}." if findings else ""
        raise DataError(f"{path}: holds no usable question.{first}")
    present = {group for question in questions for group in question.shares}
    groups = [country_group(country) for country in chosen if country_id(country) in present]
    return Loaded(
        questions=QuestionSet(
            id="global_opinions", questions=tuple(questions), groups=tuple(groups), source=SOURCE
        ),
        findings=tuple(findings),
    )


def _usable(
    rows: "Sequence[_Row | Finding]", countries: Sequence[str], *, limit: int | None
) -> tuple[list[Question], list[Finding]]:
    """The first usable questions, and the faults of the rows up to the last of them."""
    questions: list[Question] = []
    findings: list[Finding] = []
    n_rounded = 0
    for row in rows:
        if len(questions) == limit:
            break
        if isinstance(row, Finding):
            findings.append(row)
            continue
        faults = row.faults(countries)
        findings.extend(faults.values())
        usable = {name: row.shares[name] for name in countries if name in row.shares.keys() - faults}
        if usable:
            questions.append(row.question(usable))
            n_rounded += sum(map(is_rounded, usable.values()))
    return questions, [*findings, *rounding_notes(n_rounded, what="shares of a country", where="")]


@dataclass(frozen=True)
class _Row:
    """A row that can be read as a question, its shares not yet checked."""

    id: str
    where: str
    text: str
    options: tuple[str, ...]
    shares: Mapping[str, Any]

    def faults(self, countries: Sequence[str]) -> dict[str, Finding]:
        """Why the shares of a country are not usable, by country."""
        found = {}
        for country in countries:
            if country not in self.shares:
                continue
            if fault := fault_in(self.shares[country], n_options=len(self.options)):
                found[country] = unusable(
                    *fault, question_id=self.id, group=country_id(country), where=self.where
                )
        return found

    def question(self, shares: Mapping[str, Sequence[float]]) -> Question:
        return Question(
            id=self.id,
            text=self.text,
            options=tuple(Option(text=option, refusal=is_refusal(option)) for option in self.options),
            shares={country_id(country): normalised(values) for country, values in shares.items()},
        )


def _parsed(row: Mapping[str, Any], *, number: int, path: str | Path) -> _Row | Finding:
    """A row of the dataset, or why it cannot be read."""
    where, question_id = f"{path}, row {number}", f"{row['source'] or 'row'}-{number}"
    lost = partial(unusable, question_id=question_id, where=where)
    text = str(row["question"] or "").strip()
    if not text:
        return lost("no_text", "the question has no words")
    options = _literal(row["options"])
    if not isinstance(options, list) or not options or not all(str(option).strip() for option in options):
        return lost("unreadable", f"options: no list of answers: {row['options']!r}")
    shares = _literal(_without_nan(row["selections"]))
    if not isinstance(shares, dict):
        return lost("unreadable", f"selections: no mapping: {row['selections']!r}")
    # Columns of JSON and Parquet give every row every country; what a row does not have is None there.
    given = {str(country): values for country, values in shares.items() if values is not None}
    return _Row(text=text, options=tuple(map(str, options)), shares=given, id=question_id, where=where)


def _without_nan(value: object) -> object:
    """Selections whose NaN, which is no literal of Python's, is None: then one country is lost, not the row."""
    return re.sub(r"\bnan\b", "None", value) if isinstance(value, str) else value


def _literal(value: object) -> object:
    """A value that the file holds as Python's own notation; None where it is none. Never evaluated."""
    if isinstance(value, str) and (wrapped := _DEFAULTDICT.fullmatch(value)):
        value = wrapped[1]
    try:
        return literal(value)
    except ValueError:
        return None
