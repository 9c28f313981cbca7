"""Recorded outputs: a published system's distributions beside people's, and answers written before."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from pluralign.data.countries import country_group, country_id
from pluralign.data.files import write_questions
from pluralign.data.loaded import Loaded, unusable
from pluralign.data.reading import numbered_lines, parse_json, read_text
from pluralign.data.refusals import is_refusal
from pluralign.data.shares import ROUNDING_TOLERANCE, fault_in, is_rounded, normalised, rounding_notes
from pluralign.errors import DataError, StorageError
from pluralign.files import write_whole, writing
from pluralign.records import (
    POPULATION,
    Answer,
    Condition,
    Finding,
    Group,
    Option,
    Outcome,
    Question,
    QuestionSet,
    content_hash,
)
from pluralign.records.base import PROBABILITY_TOLERANCE, Count, Record, Text
from pluralign.records.jsonl import describe, parse_line

ELICITATION = "recorded"


@dataclass(frozen=True)
class Recorded:
    """A published system's outputs.

    Attributes:
        questions: What was asked, what people answered, and the rows that could not be used.
        answers: One a usable row.
    """

    questions: Loaded
    answers: tuple[Answer, ...]


class _Row(Record):
    """One row as published; fields that are not named here are passed over."""

    model_config = ConfigDict(extra="ignore")

    where: str
    gold_distribution: Any
    pred_distribution: Any
    id: int | str | None = None
    question: Text | None = None
    options: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    group: Text | None = None
    country: Text | None = None
    attribute: Text | None = None
    group_text: Text | None = None
    model: Text | None = None
    n: Annotated[float, Field(gt=0)] | None = None
    gold_counts: tuple[Count, ...] | None = None
    n_draws: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(name is not None for name in (self.group, self.country, self.attribute)) > 1:
            raise ValueError("group, country, attribute: a row is about one group; give one of them")
        if self.n is not None and self.gold_counts is not None:
            raise ValueError("n, gold_counts: the counts say how many people there were; give one of them")
        return self

    @property
    def option_texts(self) -> tuple[str, ...]:
        """The options; numbered where the file does not name them."""
        n_options = len(self.gold_distribution) if isinstance(self.gold_distribution, list) else 0
        return self.options or tuple(f"option {number}" for number in range(1, n_options + 1))

    @property
    def group_id(self) -> str:
        """Whose answers they are."""
        if self.country is not None:
            return country_id(self.country)
        return self.group or self.attribute or POPULATION

    @property
    def identity(self) -> tuple[object, ...]:
        """What rows of one question have in common: text and options, or else the id, or else nothing."""
        name = self.question or (self.where if self.id is None else self.id)
        return (name, self.option_texts)

    @property
    def people(self) -> tuple[float, ...]:
        """People's answers: counts where their number is known, else shares."""
        if self.gold_counts is not None:
            return self.gold_counts
        shares = normalised(self.gold_distribution)
        return shares if self.n is None else tuple(self.n * share for share in shares)

    @property
    def counted(self) -> bool:
        """Whether `people` holds counts."""
        return self.n is not None or self.gold_counts is not None


def read_recorded(path: str | Path) -> Recorded:
    """Read the outputs of a published system.

    Rows with the same question and options are one question with several groups of people; a row that names
    no group is about everybody. Nothing is made up for a prediction that is not there: null, the wrong number
    of shares, or nothing but zeros give an answer `unparsed`.

    Args:
        path: A list of rows (.json), or one row a line (.jsonl). Each has `gold_distribution` (people's
            shares) and `pred_distribution` (the system's). It may have `question`, `options`, `id`; one of
            `group`, `country` and `attribute`; `group_text`, completing "people who ..."; `model`; `n` or
            `gold_counts`, the people in all or by option; `n_draws`, the replies that the prediction tallies.

    Raises:
        DataError: The file cannot be read or holds no usable row, or a row is malformed or predicts what is
            no distribution; names the row.
    """
    path = Path(path)
    rows, findings = _usable(_rows(path))
    if not rows:
        first = f" The first fault: {findings[0].where}: {findings[0].detail}." if findings else ""
        raise DataError(f"{path}: holds no usable row.{first}")
    groups = _groups(rows)
    questions = _questions(rows)
    answers = tuple(
        _answer(row, questions[row.identity], group=groups[row.group_id], model=row.model or path.stem)
        for row in rows
    )
    predictions = [prediction for row in rows if (prediction := _prediction(row))]
    for what, values in (
        ("gold_distribution", [row.gold_distribution for row in rows]),
        ("pred_distribution", predictions),
    ):
        findings += rounding_notes(sum(map(is_rounded, values)), what=what, where=str(path))
    question_set = QuestionSet(
        id=path.stem, questions=tuple(questions.values()), groups=tuple(groups.values())
    )
    return Recorded(questions=Loaded(questions=question_set, findings=tuple(findings)), answers=answers)


def write_recorded(recorded: Recorded, folder: Path) -> tuple[Path, Path]:
    """Write questions.jsonl, which `load_file` reads, and answers.jsonl, which `read_answers` reads.

    Raises:
        StorageError: One of them is there already, or cannot be written.
    """
    questions, answers = folder / "questions.jsonl", folder / "answers.jsonl"
    for path in (questions, answers):
        if path.exists():
            raise StorageError(f"{path} is there already and is not overwritten; choose another folder.")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_questions(questions, recorded.questions.questions)
    write_whole(answers, "".join(f"{answer.model_dump_json()}\n" for answer in recorded.answers).encode())
    return questions, answers


def read_answers(path: str | Path) -> tuple[Answer, ...]:
    """Read `Answer` records from JSONL, as a run's folder holds them.

    Of rows with one key the last counts. A last line that was torn off while it was written is passed over.

    Raises:
        DataError: The file cannot be read or holds no answers, or a line is not one; names file and line.
    """
    path = Path(path)
    text = read_text(path, torn=True)
    n_ended = text.count("\n")
    answers: dict[str, Answer] = {}
    for number, line in numbered_lines(text):
        if number > n_ended and not _is_json(line):
            continue
        answer = parse_line(line, Answer, where=f"{path}, line {number}")
        answers[answer.key] = answer
    if not answers:
        raise DataError(f"{path}: holds no answers; one JSON object a line is needed.")
    return tuple(answers.values())


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True


def _rows(path: Path) -> Iterator[_Row]:
    for where, item in _items(path):
        if not isinstance(item, dict):
            raise DataError(f"{where}: holds {type(item).__name__}, a row with gold_distribution is needed.")
        try:
            yield _Row.model_validate({**item, "where": where})
        except ValidationError as error:
            raise DataError(f"{where}: {describe(error)}") from error


def _items(path: Path) -> Iterator[tuple[str, object]]:
    """Place and value of every row."""
    text = read_text(path)
    if path.suffix.lower() == ".jsonl":
        for number, line in numbered_lines(text):
            where = f"{path}, line {number}"
            yield where, parse_json(line, where=where)
        return
    items = parse_json(text, where=str(path))
    if not isinstance(items, list):
        raise DataError(f"{path}: holds {type(items).__name__}, a list of rows is needed.")
    for number, item in enumerate(items, start=1):
        yield f"{path}, item {number}", item


def _usable(rows: Iterable[_Row]) -> tuple[list[_Row], list[Finding]]:
    """The rows that can be scored, and why the others cannot."""
    kept: list[_Row] = []
    findings: list[Finding] = []
    seen: dict[tuple[object, ...], _Row] = {}
    for row in rows:
        cell = (row.identity, row.group_id)
        first, again = seen.get(cell), seen.get((*cell, row.model))
        if fault := _fault_in_gold(row):
            name, detail = fault
        elif again:
            name, detail = "repeated_row", f"question, group and model are those of {again.where}"
        elif first and not _same_people(first, row):
            name, detail = "gold_differs", f"gold_distribution is not that of {first.where}"
        else:
            seen.setdefault(cell, row)
            seen[*cell, row.model] = row
            kept.append(row)
            continue
        question_id = None if row.id is None else str(row.id)
        findings.append(unusable(name, detail, question_id=question_id, group=row.group_id, where=row.where))
    return kept, findings


def _fault_in_gold(row: _Row) -> tuple[str, str] | None:
    """Name and detail of what makes a row's account of people unusable."""
    n_options = len(row.option_texts)
    if fault := fault_in(row.gold_distribution, n_options=n_options):
        return fault[0], f"gold_distribution: {fault[1]}"
    counts = row.gold_counts
    if counts is None:
        return None
    if len(counts) != n_options or not sum(counts):
        return "wrong_length", f"gold_counts: {n_options} counts of at least one person are needed: {counts}"
    shares = [count / sum(counts) for count in counts]
    if _distance(shares, row.gold_distribution) > ROUNDING_TOLERANCE:
        return "counts_differ", f"gold_counts {counts} are not those of {row.gold_distribution}"
    return None


def _same_people(first: _Row, second: _Row) -> bool:
    return first.counted == second.counted and _distance(first.people, second.people) <= PROBABILITY_TOLERANCE


def _distance(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest difference of two lists of one length."""
    return max(abs(a - b) for a, b in zip(first, second, strict=True))


def _groups(rows: Sequence[_Row]) -> dict[str, Group]:
    """Group by id; in the words of the file, or else of its name."""
    words: dict[str, _Row] = {}
    for row in rows:
        if row.group_text is None:
            continue
        first = words.setdefault(row.group_id, row)
        if first.group_text != row.group_text:
            raise DataError(
                f"{row.where}: group_text: the group {row.group_id!r} is {row.group_text!r} here but "
                f"{first.group_text!r} in {first.where}."
            )
    return {
        row.group_id: Group(id=row.group_id, text=words[row.group_id].group_text)
        if row.group_id in words
        else _named_group(row)
        for row in rows
    }


def _named_group(row: _Row) -> Group:
    if row.country is not None:
        return country_group(row.country)
    if row.group_id == POPULATION:
        return Group(id=POPULATION)
    return Group(id=row.group_id, text=f'belong to the group "{row.group_id}"')


def _questions(rows: Sequence[_Row]) -> dict[tuple[object, ...], Question]:
    """Question by the identity of its rows."""
    by_identity: dict[tuple[object, ...], list[_Row]] = {}
    for row in rows:
        by_identity.setdefault(row.identity, []).append(row)
    questions: dict[tuple[object, ...], Question] = {}
    taken: set[str] = set()
    for number, (identity, own) in enumerate(by_identity.items(), start=1):
        name = f"q{number}" if own[0].id is None else str(own[0].id)
        name = f"{name}#{number}" if name in taken else name
        taken.add(name)
        questions[identity] = Question(
            id=name,
            text=own[0].question or f"Question {name}, whose words were not recorded",
            options=tuple(Option(text=text, refusal=is_refusal(text)) for text in own[0].option_texts),
            counts={row.group_id: row.people for row in own if row.counted},
            shares={row.group_id: row.people for row in own if not row.counted},
        )
    return questions


def _answer(row: _Row, question: Question, *, group: Group, model: str) -> Answer:
    persona = Condition(kind="persona", id=group.id, text=group.text or group.id)
    condition = Condition() if group.id == POPULATION else persona
    identity = {
        "elicitation": ELICITATION,
        "model": model,
        "question": {"id": question.id, "text": question.text, "options": question.option_texts},
        "condition": condition.model_dump(mode="json"),
    }
    prediction = _prediction(row)
    return Answer(
        key=content_hash(identity),
        question_id=question.id,
        model_id=model,
        condition=condition,
        elicitation=ELICITATION,
        outcome=Outcome.UNPARSED if prediction is None else Outcome.OK,
        probabilities=None if prediction is None else normalised(prediction),
        n_draws=row.n_draws,
        sample_size=0 if prediction is None else row.n_draws,
    )


def _prediction(row: _Row) -> Sequence[float] | None:
    """A row's prediction, not yet normalised; None where there is none.

    Raises:
        DataError: It is there, but no distribution.
    """
    values = row.pred_distribution
    n_options = len(row.option_texts)
    if values is None or (isinstance(values, list) and (len(values) != n_options or not any(values))):
        return None
    if fault := fault_in(values, n_options=n_options):
        raise DataError(
            f"{row.where}: pred_distribution: {fault[1]}. Give shares that sum to 1, or null where the system "
            "gave no readable answer."
        )
    return tuple(values)
