"""Questions in a file of the user's own: JSONL, JSON or CSV."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pluralign.data.loaded import Loaded
from pluralign.data.reading import numbered_lines, parse_json, read_text
from pluralign.data.tables import Contents, read_table
from pluralign.errors import ConfigurationError, DataError, did_you_mean
from pluralign.files import write_whole
from pluralign.records import POPULATION, Group, Question, QuestionSet
from pluralign.records.base import Record
from pluralign.records.jsonl import parse_line

# A question has no field of this name, so that a line which begins with it is about a group.
_GROUP_LINE = re.compile(r'\s*\{\s*"group"\s*:')


class GroupLine(Record):
    """A line that gives a group in words."""

    group: Group


def load_file(
    *,
    path: str | Path,
    name: str | None = None,
    group_texts: Mapping[str, str] | None = None,
    source: str = "",
) -> Loaded:
    """Load questions from a file of the user's own.

    The groups are those of the questions' counts and shares: first those that the file gives as such, in its
    order, then the others as they occur.

    Args:
        path: A table (.csv, .tsv; see `read_table`), or `Question` objects, one a line (.jsonl) or in a list
            (.json). Among them, `{"group": {"id": ..., "text": ...}}` gives a group in words.
        name: Id of the set; None for the file's name without its ending.
        group_texts: group id -> the group in words, completing "people who ..."; goes before what the file
            says. Every group but "all", the whole population, needs words from one of the two.
        source: Where the data come from, and under which licence.

    Raises:
        ConfigurationError: A group without words, or words for a group that does not occur.
        DataError: The file cannot be read, is empty, or holds something malformed or an id twice; names
            file, line and field.
    """
    path = Path(path)
    contents = _read(path)
    if not contents.questions:
        raise DataError(f"{path}: holds no questions.")
    return Loaded(
        questions=QuestionSet(
            id=name or path.stem,
            questions=contents.questions,
            groups=_groups(contents, group_texts or {}, path=path),
            source=source,
        ),
        findings=contents.findings,
    )


def write_questions(path: Path, questions: QuestionSet) -> None:
    """Write a set's questions, and its groups in words, to a JSONL file that `load_file` reads.

    Raises:
        StorageError: The file cannot be written.
    """
    lines: list[Record] = [GroupLine(group=group) for group in questions.groups]
    lines.extend(questions.questions)
    text = "".join(f"{line.model_dump_json(exclude_defaults=True)}\n" for line in lines)
    write_whole(path, text.encode())


def _read(path: Path) -> Contents:
    readers = {".csv": read_table, ".tsv": read_table, ".json": _read_records, ".jsonl": _read_records}
    if path.suffix.lower() not in readers:
        raise DataError(
            f"{path}: a file of questions ends in {', '.join(readers)}.{did_you_mean(path.suffix, readers)}"
        )
    return readers[path.suffix.lower()](path)


def _read_records(path: Path) -> Contents:
    texts = _json_items(path) if path.suffix.lower() == ".json" else _json_lines(path)
    questions: dict[str, tuple[str, Question]] = {}
    groups: dict[str, Group] = {}
    for where, text in texts:
        if _GROUP_LINE.match(text):
            group = parse_line(text, GroupLine, where=f"{path}, {where}").group
            groups[group.id] = group
            continue
        question = parse_line(text, Question, where=f"{path}, {where}")
        if question.id in questions:
            first = questions[question.id][0]
            raise DataError(f"{path}: {first} and {where} both have the id {question.id!r}; ids must differ.")
        questions[question.id] = (where, question)
    return Contents(questions=tuple(question for _, question in questions.values()), groups=groups)


def _json_lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in numbered_lines(read_text(path)):
        yield f"line {number}", line


def _json_items(path: Path) -> Iterator[tuple[str, str]]:
    """Place and JSON of each item of a list."""
    items = parse_json(read_text(path), where=str(path))
    if not isinstance(items, list):
        raise DataError(f"{path}: holds {type(items).__name__}, a list of questions is needed.")
    for number, item in enumerate(items, start=1):
        yield f"item {number}", json.dumps(item)


def _groups(contents: Contents, texts: Mapping[str, str], *, path: Path) -> tuple[Group, ...]:
    occurring = dict.fromkeys(group for q in contents.questions for group in (*q.counts, *q.shares))
    ids = [group for group in dict.fromkeys([*contents.groups, *occurring]) if group in occurring]
    if idle := sorted(set(texts) - set(ids)):
        raise ConfigurationError(
            f"group_texts: no question in {path} has counts for {idle}; it has: {', '.join(ids) or 'no groups'}."
        )
    groups = []
    for group in ids:
        known = contents.groups.get(group, Group(id=group))
        groups.append(known.model_copy(update={"text": texts[group]}) if group in texts else known)
    # A group without words would be asked as if it were the whole population.
    wordless = [group.id for group in groups if group.id != POPULATION and not (group.text or "").strip()]
    if wordless:
        raise ConfigurationError(
            f"{path} has counts for {wordless}, of which no words are given. "
            'Give each the words that complete "people who ...": in the column group_text of a CSV, in a line '
            '{"group": {"id": ..., "text": ...}} of JSON, or as the argument group_texts.'
        )
    return tuple(groups)
