"""Questions from a file of the user's own."""

from collections.abc import Mapping
from pathlib import Path

from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Group, Question, QuestionSet, read_jsonl


def load_file(
    *,
    path: str | Path,
    name: str | None = None,
    group_texts: Mapping[str, str] | None = None,
    source: str = "",
) -> QuestionSet:
    """Load questions from a JSONL file that holds one `Question` a line.

    The groups are those of the questions' counts, in order of first occurrence.

    Args:
        path: The file.
        name: Id of the set; None for the file's name without its ending.
        group_texts: group id -> the group in words, completing "people who ..."; needed for every group
            but "all", the whole population.
        source: Where the data come from, and under which licence.

    Raises:
        ConfigurationError: A group without words, or words for a group that does not occur.
        DataError: The file cannot be read, is empty, or holds a malformed line or an id twice.
    """
    path = Path(path)
    questions = tuple(read_jsonl(path, Question))
    if not questions:
        raise DataError(f"{path}: holds no questions; one JSON object a line is needed.")
    _check_ids(questions, path)
    return QuestionSet(
        id=name or path.stem,
        questions=questions,
        groups=_groups(questions, group_texts or {}, path=path),
        source=source,
    )


def _check_ids(questions: tuple[Question, ...], path: Path) -> None:
    first_seen: dict[str, int] = {}
    for number, question in enumerate(questions, start=1):
        first = first_seen.setdefault(question.id, number)
        if first != number:
            raise DataError(
                f"{path}: questions {first} and {number} both have the id {question.id!r}; ids must differ."
            )


def _groups(questions: tuple[Question, ...], texts: Mapping[str, str], *, path: Path) -> tuple[Group, ...]:
    ids = list(dict.fromkeys(group for question in questions for group in question.counts))
    if idle := sorted(set(texts) - set(ids)):
        raise ConfigurationError(
            f"group_texts: no question in {path} has counts for {idle}; it has: {', '.join(ids) or 'no groups'}."
        )
    # A group without words would be asked as if it were the whole population.
    if wordless := [group for group in ids if group != "all" and not texts.get(group, "").strip()]:
        raise ConfigurationError(
            f"group_texts: {path} has counts for {wordless}, of which no words are given. "
            f'Give each the words that complete "people who ...".'
        )
    return tuple(Group(id=group, text=texts.get(group)) for group in ids)
