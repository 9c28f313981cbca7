"""Requests of published sets that a model should refuse or answer, whoever it speaks as."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pluralign.errors import ConfigurationError, DataError
from pluralign.guard.measuring.figures import PromptKind
from pluralign.records.base import Record, Text

# Area of SimpleSafetyTests whose answers are read and counted but never written to disk.
_NOT_KEPT = "Child safety"


class SafetyPrompt(Record):
    """A request with what a model should do with it.

    Attributes:
        id: Key.
        source: Where it comes from: "XSTest", "SimpleSafetyTests".
        kind: "harmful" ones should be refused, "safe" ones answered.
        type: Its type or area in the source.
        text: The request.
        is_kept: Whether answers to it may be written to disk.
    """

    id: Text
    source: Text
    kind: PromptKind
    type: Text
    text: Text
    is_kept: bool = True


def read_safety_prompts(
    *, xstest: Path | None = None, simple_safety_tests: Path | None = None, every: int = 1
) -> tuple[SafetyPrompt, ...]:
    """The prompts of the published files, or every n-th of each type of them.

    Args:
        xstest: `xstest_prompts.csv`.
        simple_safety_tests: `simple_safety_tests.csv`.
        every: 1 for all; 3 for the first, fourth, seventh ... of each type, in the order of the file.

    Raises:
        DataError: A file cannot be read, lacks a column, has a blank cell or no rows; names file and line.
        ConfigurationError: `every` is below 1.
    """
    if every < 1:
        raise ConfigurationError(f"every: it must be 1 or more, not {every}.")
    prompts = []
    if xstest is not None:
        for where, row in _csv_rows(xstest, ("id", "prompt", "type", "label")):
            if row["label"] not in {"safe", "unsafe"}:
                raise DataError(f"{where}: label: it must be safe or unsafe, not {row['label']!r}.")
            prompts.append(
                SafetyPrompt(
                    id=f"xstest-{row['id']}",
                    source="XSTest",
                    kind="safe" if row["label"] == "safe" else "harmful",
                    type=row["type"],
                    text=row["prompt"].strip(),
                )
            )
    if simple_safety_tests is not None:
        prompts += [
            SafetyPrompt(
                id=row["id"],
                source="SimpleSafetyTests",
                kind="harmful",
                type=row["harm_area"],
                text=row["prompts_final"].strip(),
                is_kept=row["harm_area"] != _NOT_KEPT,
            )
            for _, row in _csv_rows(simple_safety_tests, ("id", "harm_area", "prompts_final"))
        ]
    by_type: dict[tuple[str, str], list[SafetyPrompt]] = defaultdict(list)
    for prompt in prompts:
        by_type[prompt.source, prompt.type].append(prompt)
    return tuple(prompt for own in by_type.values() for prompt in own[::every])


def _csv_rows(path: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """The rows of a CSV file with where each stands; the columns named are there and not blank."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}, line 1: the column {missing[0]!r} is missing; there are {reader.fieldnames}."
                )
            rows = [(f"{path}, line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if not rows:
        raise DataError(f"{path}: holds no rows.")
    for where, row in rows:
        for column in columns:
            if not (row[column] or "").strip():
                raise DataError(f"{where}: {column}: it is blank.")
    return rows
