"""ARC (Clark et al. 2018): questions of school science with one right option."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pluralign.data.hub import load_rows
from pluralign.data.loaded import Loaded, unusable
from pluralign.errors import DataError
from pluralign.records import Finding, Option, Question, QuestionSet

HUB_ID = "allenai/ai2_arc"
SOURCE = "ARC (Clark et al. 2018, arXiv:1803.05457): https://huggingface.co/datasets/allenai/ai2_arc. Licence: CC BY-SA 4.0."
Subset = Literal["easy", "challenge"]

_COLUMNS = ("id", "question", "choices", "answerKey")
_CONFIGS = dict(zip(get_args(Subset), ("ARC-Easy", "ARC-Challenge"), strict=True))


def load_arc(
    *,
    path: str | Path = HUB_ID,
    subset: Subset = "easy",
    split: str = "test",
    revision: str | None = None,
    listed: bool = True,
) -> Loaded:
    """Load one of the two subsets of ARC.

    A row has `id`, `question`, `choices` with the lists `text` and `label`, and `answerKey`, one of the labels ("A" to
    "E", or "1" to "5"). Options stay in their published order. Questions are "easy/Mercury_7175875".

    Args:
        path: Id on the hub, or a folder laid out as there; or a Parquet, JSON or JSONL file of one subset.
        subset: "easy" or "challenge"; of a file, what it holds.
        split: Split on the hub; of no meaning for a file.
        revision: Commit, tag or branch on the hub; None for the newest.
        listed: Whether the options are listed behind the question; else they are scored as answers to it.

    Returns:
        The questions, and an unusable finding for each row with a blank text, an id that has been used, options
        without labels, or a key that is not one of its labels.

    Raises:
        DataError: The data cannot be had, lack a column, or hold no usable question.
        MissingExtraError: `datasets` is not installed.
    """
    rows = load_rows(
        path, hub_id=HUB_ID, config=_CONFIGS[subset], columns=_COLUMNS, revision=revision, split=split
    )
    questions: dict[str, Question] = {}
    findings: list[Finding] = []
    for number, row in enumerate(rows, start=1):
        name = f"{subset}/{row['id']}"
        if fault := _fault(row, is_known=name in questions):
            findings.append(unusable(*fault, question_id=name, where=f"{path}, row {number}"))
        else:
            questions[name] = _question(name, row, listed=listed)
    if not questions:
        raise DataError(f"{path}: holds no usable question. {findings[0].detail if findings else ''}".strip())
    return Loaded(
        questions=QuestionSet(id=f"arc_{subset}", questions=tuple(questions.values()), source=SOURCE),
        findings=tuple(findings),
    )


def _fault(row: Mapping[str, Any], *, is_known: bool) -> tuple[str, str] | None:
    """Name of a row's fault and detail, or None."""
    texts, labels = _options(row)
    if is_known:
        return "duplicate_id", f"another question has the id {row['id']!r}"
    if not all(isinstance(text, str) and text.strip() for text in (row["question"], *texts)):
        return "no_text", "the question or an option is blank"
    if len(texts) < 2 or len(texts) != len(labels):
        return "options_mismatch", f"{len(texts)} options have {len(labels)} labels"
    if labels.count(row["answerKey"]) != 1:
        return "ambiguous_key", f"answerKey {row['answerKey']!r}, labels {', '.join(map(str, labels))}"
    return None


def _options(row: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Texts and labels of a row's options; empty where the row has none."""
    choices = row["choices"] if isinstance(row["choices"], Mapping) else {}
    return list(choices.get("text") or ()), list(choices.get("label") or ())


def _question(name: str, row: Mapping[str, Any], *, listed: bool) -> Question:
    texts, labels = _options(row)
    return Question(
        id=name,
        text=row["question"].strip(),
        options=tuple(Option(text=text.strip()) for text in texts),
        truth=tuple(float(label == row["answerKey"]) for label in labels),
        options_listed=listed,
    )
