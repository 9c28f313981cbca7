"""Windows from lists of values: what bears on a situation, by the Overton test set of Modular Pluralism."""

from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pluralign.data.modular_pluralism import SOURCE
from pluralign.data.reading import parse_json, read_text
from pluralign.errors import DataError
from pluralign.records import Viewpoint, Window, WindowSet, content_hash
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe


class _Row(Record):
    """One row as published; fields that are not named here are passed over."""

    model_config = ConfigDict(extra="ignore")

    situation: Text
    vrd: tuple[Text, ...]
    explanation: tuple[Text, ...]
    input: Text


def load_value_windows(*, path: str | Path) -> WindowSet:
    """Make a window of each situation of the Overton test set of Modular Pluralism (Feng et al. 2024).

    The file is a JSON list of {"situation", "vrd": [...], "explanation": [...], "input"}: a viewpoint is a value,
    right or duty, in the sentence that says how it bears on the situation; the prompt is the published one. Nobody
    was counted, so that viewpoints have no share. A window's id is a hash of its situation; a value that is listed
    twice for a situation is two viewpoints, the second with "#2" behind its name.

    Args:
        path: `overton_test_valuekaleidoscope_small.json`, or another file of the form.

    Raises:
        DataError: The file cannot be read, or holds a malformed row (names it).
    """
    path = Path(path)
    content = parse_json(read_text(path), where=str(path))
    if not isinstance(content, list) or not content:
        raise DataError(f"{path}: holds no list of rows.")
    reader = TypeAdapter(_Row)
    windows: dict[str, Window] = {}
    for number, value in enumerate(content, start=1):
        where = f"{path}, row {number}"
        try:
            row = reader.validate_python(value)
        except ValidationError as error:
            raise DataError(f"{where}: {describe(error)}") from error
        if not row.vrd or len(row.vrd) != len(row.explanation):
            raise DataError(
                f"{where}: one explanation for each value is needed, and at least one; there are {len(row.vrd)} "
                f"values in vrd and {len(row.explanation)} in explanation."
            )
        window = _window(row)
        if window.id in windows:
            raise DataError(f"{where}: the situation {row.situation!r} stands in an earlier row.")
        windows[window.id] = window
    return WindowSet(
        id="value_kaleidoscope",
        windows=tuple(windows.values()),
        source=SOURCE,
        made=(
            "Values, rights and duties with an explanation each, written by GPT-4 for ValuePrism (Sorensen et al. "
            "2024, arXiv:2309.00779): a model's window, not people's."
        ),
    )


def _window(row: _Row) -> Window:
    seen: dict[str, int] = {}
    viewpoints = []
    for value, explanation in zip(row.vrd, row.explanation, strict=True):
        seen[value] = seen.get(value, 0) + 1
        name = value if seen[value] == 1 else f"{value}#{seen[value]}"
        viewpoints.append(Viewpoint(id=name, statements=(explanation.strip(),)))
    return Window(
        id=f"valuekaleidoscope/{content_hash(row.situation)[:12]}",
        prompt=row.input,
        viewpoints=tuple(viewpoints),
    )
