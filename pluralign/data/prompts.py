"""Open prompts in a file: JSONL, CSV, or plain text with one prompt a line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from pluralign.data.reading import numbered_lines, parse_json, read_rows, read_text
from pluralign.errors import DataError, did_you_mean
from pluralign.records import content_hash
from pluralign.records.base import Record, Text, duplicates

# Names under which published files keep a prompt: NoveltyBench's, and Infinity-Chat's.
_COLUMNS = ("prompt", "query")


class OpenPrompt(Record):
    """A prompt that can be answered in many ways.

    Attributes:
        id: Unique within a set.
        text: The prompt, word for word.
        answer: The right answer, for prompts that have one.
    """

    id: Text
    text: Text
    answer: Text | None = None


class PromptSet(Record):
    """Prompts that are asked together.

    Attributes:
        id: Name of the set.
        prompts: At least one, no id twice.
        source: Where they come from, with the licence stated there.
    """

    id: Text
    prompts: Annotated[tuple[OpenPrompt, ...], Field(min_length=1)]
    source: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if repeated := duplicates(tuple(prompt.id for prompt in self.prompts)):
            raise ValueError(f"prompts: ids {repeated} occur more than once in {self.id!r}")
        return self

    @property
    def digest(self) -> str:
        """sha256 of the content."""
        return content_hash(self.model_dump(mode="json", exclude_none=True))


def load_prompts(path: str | Path, *, source: str = "") -> PromptSet:
    """Read open prompts.

    Args:
        path: .jsonl, objects with `prompt` (or `query`) and, if there is one, `id`; .csv with these columns; .txt,
            a prompt a line. Other fields are passed over. A prompt without an id is called by its line.
        source: Where they come from, and under which licence.

    Raises:
        DataError: The file cannot be read, is empty, or holds something malformed or an id twice; names file and line.
    """
    path = Path(path)
    readers = {".jsonl": _from_jsonl, ".csv": _from_csv, ".txt": _from_text}
    if path.suffix.lower() not in readers:
        raise DataError(
            f"{path}: a file of prompts ends in {', '.join(readers)}.{did_you_mean(path.suffix, readers)}"
        )
    prompts = readers[path.suffix.lower()](path)
    if not prompts:
        raise DataError(f"{path}: holds no prompt.")
    if twice := duplicates(tuple(prompt.id for prompt in prompts)):
        raise DataError(f"{path}: the id {twice[0]!r} stands there twice; ids must differ.")
    return PromptSet(id=path.stem, prompts=tuple(prompts), source=source)


def _from_jsonl(path: Path) -> list[OpenPrompt]:
    found = []
    for number, line in numbered_lines(read_text(path)):
        where = f"{path}, line {number}"
        row = parse_json(line, where=where)
        if not isinstance(row, dict):
            raise DataError(f"{where}: an object with the field 'prompt' is needed.")
        found.append(_prompt(row, number, where=where))
    return found


def _from_csv(path: Path) -> list[OpenPrompt]:
    return [_prompt(row, number, where=f"{path}, line {number}") for number, row in read_rows(path, ())]


def _from_text(path: Path) -> list[OpenPrompt]:
    lines = numbered_lines(read_text(path))
    return [OpenPrompt(id=f"line {number}", text=line.strip()) for number, line in lines]


def _prompt(row: Mapping[str, object], number: int, *, where: str) -> OpenPrompt:
    text = next((row[column] for column in _COLUMNS if column in row), None)
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: 'prompt' must be words, not {text!r}.")
    name = row.get("id") or f"line {number}"
    if not isinstance(name, str | int) or not str(name).strip():
        raise DataError(f"{where}: 'id' must be a name, not {name!r}.")
    return OpenPrompt(id=str(name), text=text)
