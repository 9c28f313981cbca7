"""What is wrong with a data file, item by item."""

from enum import StrEnum

from pydantic import Field

from pluralign.records.base import Record, Text


class Severity(StrEnum):
    """What becomes of an item with a fault.

    `unusable`: it cannot be read as a question and is always left out. `faulty`: it is used unless faulty items
    are dropped. `note`: worth knowing; it is used.
    """

    UNUSABLE = "unusable"
    FAULTY = "faulty"
    NOTE = "note"


class Finding(Record):
    """One fault of one item.

    Attributes:
        fault: Name of the fault, for example "broken_options".
        severity: What becomes of the item.
        question_id: Id of the question, or None where the fault is one of the whole set.
        group: Id of the group whose answers are at fault; None where the whole question is.
        detail: What is wrong, with the values.
        where: File and row, where known.
        n_items: Number of items, cells of question and group, that it stands for.
    """

    fault: Text
    severity: Severity
    question_id: Text | None = None
    group: Text | None = None
    detail: Text
    where: str = ""
    n_items: int = Field(default=1, ge=1)
