"""OpinionQA's contentious Pew questions: counts by party, sex and race, with the ordinal value of each option."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from pluralign.data.loaded import Loaded, unusable
from pluralign.data.reading import literal, parse_json, read_items, read_text, refuse_nothing
from pluralign.data.refusals import is_refusal
from pluralign.data.selection import select
from pluralign.errors import DataError
from pluralign.records import Finding, Group, Option, Question, QuestionSet, Severity
from pluralign.records.base import Count, Record, Text, duplicates
from pluralign.records.jsonl import describe

SOURCE = (
    "Pew Research Center, American Trends Panel. Counts by group: Meister et al. 2024, "
    "github.com/nicolemeister/benchmarking-distributional-alignment. Licence: none stated. Options, ordinals and "
    "persona prompts: SubPOP, github.com/JosephJeesungSuh/subpop. Licence: BSD-3."
)
ORDINALS, PERSONAS = "question_ordinals.json", "steering_prompts.json"

# Name of an attribute's file -> prefix of its groups' ids; an attribute not named here keeps its own name.
_GROUPINGS = {"POLPARTY": "party", "SEX": "sex", "RACE": "race"}
_TEXTS = {
    "party=Democrat": "identify as Democrats",
    "party=Republican": "identify as Republicans",
    "party=Independent": "identify as Independents",
    "party=Other": "identify as neither Democrats, Republicans nor Independents",
    "party=Refused": "refused to say which party they identify with",
    "sex=Female": "are female",
    "sex=Male": "are male",
    "race=Asian": "are Asian",
    "race=Black": "are Black",
    "race=Hispanic": "are Hispanic",
    "race=Mixed Race": "are of mixed race",
    "race=Other": "are of a race other than White, Black, Asian or Hispanic",
    "race=Refused": "refused to say which race they are",
    "race=White": "are White",
}

# A question's id ends in the survey it was part of: "GAP21Q33_g_W82".
_WAVE = re.compile(r"_W(\d+)$")

M = TypeVar("M", bound=BaseModel)


class _Item(Record):
    """A question in an attribute's file: every field beside these two is a group, option -> count."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Count]] = Field(init=False)

    text: Text = Field(alias="question_text")
    listed: tuple[Text, ...] = Field(alias="MC_options")

    @property
    def cells(self) -> Mapping[str, Mapping[str, float]]:
        return self.__pydantic_extra__


class _Scale(Record):
    """The options of a question; the first ones have an ordinal value."""

    model_config = ConfigDict(extra="ignore")

    options: tuple[Text, ...] = Field(min_length=1)
    ordinal: tuple[float, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.ordinal) > len(self.options):
            raise ValueError(f"ordinal: {len(self.ordinal)} values for {len(self.options)} options")
        if repeated := duplicates(self.options):
            raise ValueError(f"options: {repeated} occur more than once, so that counts have no place")
        return self


class _Prompts(Record):
    """How an attribute is told to a model, as SubPOP publishes it."""

    model_config = ConfigDict(extra="ignore")

    attribute: Text
    qa: Text = Field(alias="qa_prompt")
    bio: Text = Field(alias="bio_prompt")
    portray: Text = Field(alias="portray_prompt")
    options: Annotated[tuple[Text, ...], BeforeValidator(literal), Field(max_length=len(ascii_uppercase))]

    def personas(self, value: str) -> dict[str, str]:
        """The three wordings of Santurkar et al. 2023 for a value; none where the prompts do not list it."""
        if value not in self.options:
            return {}
        letters = dict(zip(self.options, ascii_uppercase, strict=False))
        listed = [f"{letter}. {option}" for option, letter in letters.items()]
        return {
            "qa": "\n".join((f"Question: {self.qa}", *listed, f"Answer: {letters[value]}")),
            "bio": f"{self.bio} {value}.",
            "portray": f"{self.portray} {value}.",
        }


@dataclass(frozen=True)
class _Sheet:
    """An attribute's file."""

    path: Path
    items: Mapping[str, _Item]
    findings: tuple[Finding, ...]

    @property
    def attribute(self) -> str:
        return self.path.stem

    def group(self, value: str) -> str:
        return f"{_GROUPINGS.get(self.attribute, self.attribute.lower())}={value}"

    def cells(self, question_id: str) -> dict[str, Mapping[str, float]]:
        """Group id -> option -> count of a question that the file holds."""
        return {self.group(value): counts for value, counts in self.items[question_id].cells.items()}


def load_pew(
    *,
    path: str | Path,
    ordinals: str | Path | None = None,
    personas: str | Path | None = None,
    groups: Sequence[str] | None = None,
) -> Loaded:
    """Load the Pew questions of OpinionQA that Meister et al. publish with counts for each group.

    A folder holds one JSON file an attribute (POLPARTY.json, SEX.json, RACE.json, or any other of that form):
    question id -> {"question_text", "MC_options", and for each group {option: count}}. A key that a group lacks
    is a count of 0. Options are those of SubPOP's `question_ordinals.json`, not of MC_options, which were split
    at commas and miss keys of the counts. Its trailing options without an ordinal have no value; "Refused" and
    "Not sure" among them are refusals. The files merge into one question an id, with groups "party=Democrat",
    "sex=Female", "race=Black"; a cell that nobody answered keeps its zeros. A question's topic is the wave of the
    panel that it was asked in, which its id ends with: "wave 82".

    Args:
        path: The folder.
        ordinals: The file of options and ordinals; None for `question_ordinals.json` beside the folder.
        personas: SubPOP's file of persona prompts, from which the groups get the wordings "qa", "bio" and
            "portray" where it lists their value; None for `steering_prompts.json` beside the folder, if any.
        groups: Ids of groups or groupings ("party", "race=Black"); None for all that occur.

    Returns:
        The questions, and findings: unusable are a malformed entry, a question without ordinals, one that
        differs between the files, an option that is in no list; notes are counts with options that MC_options
        lack, and a question that a file lacks.

    Raises:
        ConfigurationError: An unknown group.
        DataError: A file that is missing or not of its form, or no usable question.
    """
    folder = Path(path)
    sheets = [_sheet(file) for file in sorted(folder.glob("*.json"))]
    if not sheets:
        raise DataError(
            f"{folder}: no such folder, or without files such as POLPARTY.json, SEX.json, RACE.json."
        )
    scales, broken_scales = read_items(Path(ordinals or folder.resolve().parent / ORDINALS), _Scale)
    prompts = _read_prompts(personas, beside=folder)
    known = _groups(sheets, prompts)
    chosen = _chosen(groups, known)
    questions, findings = _merged(sheets, scales, broken_scales, groups=chosen, folder=folder)
    refuse_nothing(questions, findings, path=folder)
    present = {group for question in questions for group in question.counts}
    return Loaded(
        questions=QuestionSet(
            id=f"pew-{folder.resolve().name}",
            questions=questions,
            groups=tuple(known[group] for group in chosen if group in present),
            source=SOURCE,
        ),
        findings=findings,
    )


def group_words(group: str) -> str | None:
    """The words that complete "people who ..." for a group of party, sex or race; None for any other."""
    return _TEXTS.get(group)


def _sheet(path: Path) -> _Sheet:
    items, findings = read_items(path, _Item)
    return _Sheet(path, items, findings)


def _read_prompts(path: str | Path | None, *, beside: Path) -> dict[str, _Prompts]:
    """The prompts of each attribute; none where no file was named and none lies beside the folder."""
    file = Path(path or beside.resolve().parent / PERSONAS)
    if path is None and not file.is_file():
        return {}
    content: Any = parse_json(read_text(file), where=str(file))
    try:
        prompts = TypeAdapter(list[_Prompts]).validate_python(content)
    except ValidationError as error:
        raise DataError(f"{file}: not a list of persona prompts: {describe(error)}") from error
    return {prompt.attribute: prompt for prompt in prompts}


def _groups(sheets: Iterable[_Sheet], prompts: Mapping[str, _Prompts]) -> dict[str, Group]:
    """Every group that occurs, in order of first occurrence."""
    known: dict[str, Group] = {}
    for sheet in sheets:
        prompt = prompts.get(sheet.attribute)
        for value in dict.fromkeys(value for item in sheet.items.values() for value in item.cells):
            group = sheet.group(value)
            asked = f'"{prompt.qa}"' if prompt else f"about {sheet.attribute}"
            text = group_words(group) or f'answer "{value}" when asked {asked}'
            known[group] = Group(id=group, text=text, personas=prompt.personas(value) if prompt else {})
    return known


def _chosen(groups: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    """Ids of the groups asked for, each once, a grouping standing for all of its groups."""
    members = {group: [group] for group in known}
    for group in list(members):
        members.setdefault(group.partition("=")[0], []).append(group)
    names = select(groups, members, default=known, what="Pew group")
    return list(dict.fromkeys(group for name in names for group in members[name]))


def _merged(
    sheets: Sequence[_Sheet],
    scales: Mapping[str, _Scale],
    broken_scales: Sequence[Finding],
    *,
    groups: Sequence[str],
    folder: Path,
) -> tuple[tuple[Question, ...], tuple[Finding, ...]]:
    """One question for each id that is usable in every file that holds it, and everything that is wrong."""
    ids = list(dict.fromkeys(name for sheet in sheets for name in sheet.items))
    findings = [finding for sheet in sheets for finding in sheet.findings]
    findings.extend(finding for finding in broken_scales if finding.question_id in ids)
    malformed = {finding.question_id for finding in findings}
    questions: list[Question] = []
    for name in ids:
        if name in malformed:
            continue
        holders = [sheet for sheet in sheets if name in sheet.items]
        found = list(_findings(name, holders, sheets=sheets, scale=scales.get(name), where=str(folder)))
        findings.extend(found)
        if not any(finding.severity is Severity.UNUSABLE for finding in found):
            questions.append(_question(name, holders, scale=scales[name], groups=groups))
    return tuple(question for question in questions if question.counts), tuple(findings)


def _findings(
    name: str, holders: Sequence[_Sheet], *, sheets: Sequence[_Sheet], scale: _Scale | None, where: str
) -> Iterable[Finding]:
    """Everything that is wrong with a question, which the holders hold."""
    for sheet in sheets:
        if sheet not in holders:
            yield _note("missing_question", "the file lacks this question", name=name, where=str(sheet.path))
    first = holders[0].items[name]
    for sheet in holders[1:]:
        item = sheet.items[name]
        if (item.text, item.listed) != (first.text, first.listed):
            both = "; ".join(
                f"{held.path.name} has {held.items[name].text!r} {list(held.items[name].listed)}"
                for held in (holders[0], sheet)
            )
            yield unusable("files_differ", f"text or options differ: {both}", question_id=name, where=where)
    if scale is None:
        yield unusable("no_ordinals", f"{ORDINALS} lacks its options", question_id=name, where=where)
        return
    cells = {group: counts for sheet in holders for group, counts in sheet.cells(name).items()}
    for group, counts in cells.items():
        if stray := [option for option in counts if option not in scale.options]:
            detail = f"counts under {stray}, which are not among the options {list(scale.options)}"
            yield unusable("unknown_option", detail, question_id=name, group=group, where=where)
    unlisted = dict.fromkeys(key for counts in cells.values() for key in counts if key not in first.listed)
    if unlisted:
        detail = f"MC_options lack {list(unlisted)}; the options are taken from {ORDINALS}"
        yield _note("options_mismatch", detail, name=name, where=where)


def _note(fault: str, detail: str, *, name: str, where: str) -> Finding:
    return Finding(fault=fault, severity=Severity.NOTE, question_id=name, detail=detail, where=where)


def _question(name: str, holders: Sequence[_Sheet], *, scale: _Scale, groups: Sequence[str]) -> Question:
    cells = {group: counts for sheet in holders for group, counts in sheet.cells(name).items()}
    n_off_scale = len(scale.options) - len(scale.ordinal)
    values = (*scale.ordinal, *[None] * n_off_scale)
    wave = _WAVE.search(name)
    return Question(
        id=name,
        text=holders[0].items[name].text,
        options=tuple(_option(*pair) for pair in zip(scale.options, values, strict=True)),
        counts={
            group: tuple(cells[group].get(option, 0.0) for option in scale.options)
            for group in groups
            if group in cells
        },
        topic=f"wave {wave[1]}" if wave else None,
    )


def _option(text: str, value: float | None) -> Option:
    # "Not sure" on the scale is an answer ("Are you sure ...?"); off the scale it is none.
    refuses = value is None and (is_refusal(text) or text.lower() == "not sure")
    return Option(text=text, value=value, refusal=refuses)
