"""A task of one's own: one YAML file, or one CSV file with the columns output and, if wanted, input and group."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from pluralign.data.reading import read_rows
from pluralign.errors import DataError, did_you_mean
from pluralign.records.base import Probability, Record, Text
from pluralign.records.yaml_file import read_record
from pluralign.spectrum.format import Example
from pluralign.spectrum.suite.blocks import Person, chunks, individuals, pool, sampled
from pluralign.spectrum.suite.source import Opened, Opening, Source, Split
from pluralign.spectrum.tasks import TaskSettings

COLUMNS = ("input", "output", "group")
_YAML = (".yaml", ".yml")


class OwnTask(Record):
    """A task as a person writes it down.

    Attributes:
        name: Name of the task.
        descriptions: Wordings of the process, each true; a row shows one of them.
        examples: Outputs, or objects with `input` and `output`.
        table: In place of examples: a CSV file with the columns output and, if wanted, input and group, beside
            the YAML file.
        split: "train", or "held_out" for what is measured only.
        once: Whether the rows are disjoint and hold every example once; else each row draws anew.
        rows: Number of rows.
        mean_examples: Mean number of examples a row; nothing for as many as there are.
        max_examples: Most examples a row.
        description_keep_prob: Probability that a row shows its description.
    """

    name: Text
    descriptions: tuple[Text, ...] = ()
    examples: tuple[Example, ...] = ()
    table: Text | None = None
    split: Split = "train"
    once: bool = False
    rows: PositiveInt = 100
    mean_examples: Annotated[float, Field(ge=2)] | None = 16.0
    max_examples: Annotated[int, Field(ge=2)] = 64
    description_keep_prob: Probability = 0.8

    @field_validator("examples", mode="before")
    @classmethod
    def _outputs(cls, examples: Any) -> Any:
        """A bare text is an output."""
        if not isinstance(examples, list):
            return examples
        return [{"output": example} if isinstance(example, str) else example for example in examples]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.examples) == (self.table is not None):
            raise ValueError("either examples or a table is needed, and not both")
        if len(self.examples) == 1:
            raise ValueError("examples: one alone says nothing of a distribution, at least 2 are needed")
        return self

    @property
    def settings(self) -> TaskSettings:
        """Number of examples a row, share of descriptions."""
        return TaskSettings(
            mean_examples=self.mean_examples,
            max_examples=self.max_examples,
            description_keep_prob=self.description_keep_prob,
        )


class _Line(Record):
    number: int
    example: Example
    group: str | None = None


def is_own(path: Path) -> bool:
    """Whether a name is that of a file of one's own, by its ending."""
    return path.suffix.lower() in {*_YAML, ".csv"}


def own_source(path: Path) -> Source:
    """Read a task of one's own.

    Args:
        path: A YAML file with the fields of `OwnTask`; or a CSV file, whose groups become the descriptions.

    Raises:
        ConfigurationError: The YAML file is wrong: names file, line and column, or file and field.
        DataError: The CSV file is wrong: names file, line and column.
    """
    task, table = _read(path)
    lines = _lines(table) if table else []
    examples = task.examples or tuple(line.example for line in lines)
    people = _people(lines, task=task, path=table) if table and lines[0].group else []

    def opened(start: Opening) -> Opened:
        if people:
            return individuals(people, name=task.name, seed=start.seed)
        if task.once:
            return chunks(
                examples, task.descriptions, name=task.name, settings=start.settings, seed=start.seed
            )
        return sampled([pool(examples, task.descriptions)])

    return Source(
        name=task.name,
        split=task.split,
        what=f"{len(examples)} examples of {path.name}",
        origin=str(path),
        licence="yours",
        citation="",
        material=(str((table or path).resolve()),),
        opened=opened,
        n_rows=len(people) or task.rows,
        settings=task.settings,
    )


def _read(path: Path) -> tuple[OwnTask, Path | None]:
    """The task, and the table that holds its examples, if any."""
    if path.suffix.lower() == ".csv":
        return OwnTask.model_construct(name=path.stem), path
    task = read_record(path, OwnTask, needed="fields, such as 'name:' and 'examples:'")
    return task, path.parent / task.table if task.table else None


def _lines(path: Path) -> list[_Line]:
    lines = []
    for number, row in read_rows(path, ("output",)):
        if unknown := [column for column in row if column not in COLUMNS]:
            raise DataError(
                f"{path}, line 1: unknown column {unknown[0]!r}.{did_you_mean(unknown[0], COLUMNS)}"
            )
        for column in ("output", "group"):
            if column in row and not row[column].strip():
                raise DataError(f"{path}, line {number}, column {column}: is empty.")
        example = Example(input=row.get("input") or None, output=row["output"])
        lines.append(_Line(number=number, example=example, group=row.get("group")))
    if len(lines) < 2:
        raise DataError(f"{path}: holds {len(lines)} rows below its header, at least 2 are needed.")
    return lines


def _people(lines: list[_Line], *, task: OwnTask, path: Path) -> list[Person]:
    """A group each, told by its name."""
    groups: dict[str, list[_Line]] = {}
    for line in lines:
        groups.setdefault(str(line.group), []).append(line)
    for group, members in groups.items():
        if len(members) < 2:
            raise DataError(
                f"{path}, line {members[0].number}, column group: {group!r} has this line only; "
                "a row of training needs at least 2 examples."
            )
    wordings = {
        group: tuple(f"{text}\n{group}" for text in task.descriptions) or (group,) for group in groups
    }
    return [
        Person(examples=tuple(line.example for line in members), wordings=wordings[group])
        for group, members in groups.items()
    ]
