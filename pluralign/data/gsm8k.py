"""GSM8K (Cobbe et al. 2021): grade-school problems with worked solutions, and the part of them that is never trained on."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pluralign.data.hub import load_rows
from pluralign.data.reading import numbered_lines, parse_json, read_text
from pluralign.errors import DataError

HUB_ID, CONFIG = "openai/gsm8k", "main"
SOURCE = "GSM8K (Cobbe et al. 2021, arXiv:2110.14168): github.com/openai/grade-school-math. Licence: MIT."
Part = Literal["held_out", "train", "test"]

# Of every 15 problems of the training split 2 are held out: 940 of 7,473.
_HELD_OUT, _OF = 2, 15
_COLUMNS = ("question", "answer")

MARK = "####"
# What solutions are called where a spectrum-tuned model is trained on them and where it is asked for one.
ABOUT = "grade-school mathematics word problems"
DESCRIPTION = f"Solutions of {ABOUT}, step by step; the last line is {MARK} and the result."
# What a calculator computed, as the solutions are published: "48/2 = <<48/2=24>>24".
_CALCULATOR = re.compile(r"<<[^<>]*>>")
# A sign belongs to a number where nothing stands before it that it could be taken from: "20-5" ends with 5.
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-\u2212+](?=[$€£]?\.?\d))?[$€£]?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
)


@dataclass(frozen=True)
class Problem:
    """A problem as it is published.

    Attributes:
        id: Split and line or row, for example "train/17".
        question: The problem.
        answer: Its solution, whose last line is "#### " and the result.
        where: Where it stands, for messages.
    """

    id: str
    question: str
    answer: str
    where: str

    @property
    def is_held_out(self) -> bool:
        """Whether a problem of the training split is kept for evaluation, by a hash of its words alone."""
        return is_held_out(self.question)


def is_held_out(question: str) -> bool:
    """Whether a problem with these words is kept for evaluation; case and spacing do not matter."""
    words = " ".join(question.casefold().split())
    return int(hashlib.sha256(words.encode()).hexdigest(), 16) % _OF < _HELD_OUT


def load_problems(
    path: str | Path = HUB_ID, *, part: Part = "held_out", revision: str | None = None
) -> tuple[Problem, ...]:
    """Load the problems of one part.

    Args:
        path: Id on the hub, or a folder laid out as there; or a file: train.jsonl of the authors for the parts
            "held_out" and "train", test.jsonl for "test". Parquet and CSV files of the same columns are read too.
        part: "held_out", the part of the training split that no task of the suite shows; "train", the rest of it;
            "test", the official test split, every problem of it.
        revision: Commit, tag or branch on the hub; None for the newest.

    Raises:
        DataError: The data cannot be had, lack a column, or hold no problem of that part; or a problem or its solution
            is missing.
        MissingExtraError: The library `datasets` is needed and not installed.
    """
    split = "test" if part == "test" else "train"
    problems = tuple(_problems(path, split=split, revision=revision))
    found = (
        problems
        if part == "test"
        else tuple(each for each in problems if each.is_held_out == (part == "held_out"))
    )
    if not found:
        raise DataError(f"{path}: holds no problem of the part {part!r}, but {len(problems)} others.")
    return found


def final_result(answer: str, *, where: str) -> Decimal:
    """The result of a published solution.

    Raises:
        DataError: Its last line is not "#### " and a number.
    """
    last = answer.strip().rpartition("\n")[2]
    number = marked_number(last) if last.startswith(MARK) else None
    if number is None:
        raise DataError(f"{where}: a solution ends with the line '{MARK} ' and a number, not with {last!r}.")
    return number


def reasoning(answer: str) -> str:
    """A published solution without its last line and without what a calculator wrote in."""
    return _CALCULATOR.sub("", answer.strip().rpartition("\n")[0]).strip()


def plain_number(number: Decimal) -> str:
    """A number in digits, without commas and closing zeros: "1450", "-3", "0.25"."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def numbers_in(text: str) -> list[Decimal]:
    """All numbers in a text, in order: digits with thousands commas, decimals, sign and currency."""
    return [_value(found) for found in _NUMBER.finditer(text)]


def marked_number(text: str, *, cut: bool = False) -> Decimal | None:
    """The number behind the first "####"; None where there is none, or where its line holds another one.

    Args:
        text: A solution.
        cut: Whether more would have come: a number with which the text ends is then perhaps half a number.
    """
    _, mark, behind = text.partition(MARK)
    if not mark:
        return None
    line, newline, _ = behind.lstrip(" \t").partition("\n")
    found = _NUMBER.match(line)
    if not found or _NUMBER.search(line, found.end()) or (cut and not newline and found.end() == len(line)):
        return None
    return _value(found)


def _value(found: re.Match[str]) -> Decimal:
    number = Decimal(found["digits"].replace(",", ""))
    return -number if found["sign"] in {"-", "\u2212"} else number


def _problems(path: str | Path, *, split: str, revision: str | None) -> Iterator[Problem]:
    for place, where, row in _rows(path, split=split, revision=revision):
        texts = [row.get(column) for column in _COLUMNS] if isinstance(row, dict) else []
        question, answer = texts if len(texts) == len(_COLUMNS) else (None, None)
        if not isinstance(question, str) or not isinstance(answer, str) or not question.strip():
            raise DataError(f"{where}: an object with the texts 'question' and 'answer' is needed.")
        yield Problem(f"{split}/{place}", question, answer, where)


def _rows(path: str | Path, *, split: str, revision: str | None) -> Iterator[tuple[int, str, object]]:
    """Number, place in words and content of each row; a JSONL file is read without the library `datasets`."""
    if Path(path).suffix.lower() == ".jsonl":
        for number, line in numbered_lines(read_text(Path(path))):
            where = f"{path}, line {number}"
            yield number, where, parse_json(line, where=where)
        return
    rows = load_rows(path, hub_id=HUB_ID, config=CONFIG, columns=_COLUMNS, revision=revision, split=split)
    for number, row in enumerate(rows, start=1):
        yield number, f"{path}, {split}, row {number}", row
