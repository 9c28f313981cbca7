"""OvertonBench (Poole-Dayan et al. 2026): how well people find their views represented in responses."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pluralign.data.hub import load_rows
from pluralign.data.loaded import unusable
from pluralign.errors import DataError
from pluralign.records import Finding
from pluralign.records.jsonl import describe
from pluralign.records.rating import RepresentationRating

HUB_ID = "elinorpd/overtonbench"
COLUMNS = ("user", "question_id", "model", "representation_rating", "cluster_kmeans", "source")


@dataclass(frozen=True)
class Ratings:
    """A table of ratings.

    Attributes:
        ratings: What can be used.
        findings: Rows that cannot: each with why.
    """

    ratings: tuple[RepresentationRating, ...]
    findings: tuple[Finding, ...] = ()


def load_overtonbench(
    *, path: str | Path = HUB_ID, revision: str | None = None, split: str = "full"
) -> Ratings:
    """Load ratings in OvertonBench's format through the library `datasets`.

    A row with a blank cell, a rating outside 1 to 5 or no cluster is left out, with a finding; the text of
    questions, responses and free answers is passed over.

    Args:
        path: Id on the hub; or a local folder laid out as there; or one CSV, Parquet, JSON or JSONL file with
            the hub's columns user, question_id, model, representation_rating, cluster_kmeans, source.
        revision: Commit, tag or branch on the hub; None for the newest. Name the commit for a result that can
            be repeated.
        split: "full", "prism" or "modelslant"; of no meaning for a single file, which is read whole.

    Raises:
        DataError: The data cannot be had, lack a column, hold no usable rating, or a person's rating of one
        response
            twice.
        MissingExtraError: `datasets` is not installed.
    """
    rows = load_rows(path, hub_id=HUB_ID, columns=COLUMNS, revision=revision, split=split)
    ratings: list[RepresentationRating] = []
    findings: list[Finding] = []
    for number, row in enumerate(rows.select_columns(list(COLUMNS)), start=1):
        read = _parsed(row, where=f"{path}, row {number}")
        if isinstance(read, Finding):
            findings.append(read)
        else:
            ratings.append(read)
    if not ratings:
        first = f" The first fault: {findings[0].where}: {findings[0].detail}." if findings else ""
        raise DataError(f"{path}: holds no usable rating.{first}")
    counts = Counter((each.user, each.question_id, each.model) for each in ratings)
    (user, question, model), n_times = counts.most_common(1)[0]
    if n_times > 1:
        raise DataError(
            f"{path}: {user!r} rates the response of {model!r} to question {question!r} {n_times} times; "
            "once is needed."
        )
    return Ratings(tuple(ratings), tuple(findings))


def _parsed(row: Mapping[str, Any], *, where: str) -> RepresentationRating | Finding:
    """A row as a rating, or why it is none."""
    cells = {column: _cell(row[column]) for column in COLUMNS}
    question = cells["question_id"]
    if blank := [column for column, value in cells.items() if not value]:
        return unusable("blank", f"{', '.join(blank)}: blank", question_id=question or None, where=where)
    try:
        return RepresentationRating.model_validate({
            "user": cells["user"],
            "question_id": question,
            "model": cells["model"],
            "rating": cells["representation_rating"],
            "cluster": cells["cluster_kmeans"],
            "source": cells["source"],
        })
    except ValidationError as error:
        return unusable("no_rating", describe(error), question_id=question, where=where)


def _cell(value: object) -> str:
    """A cell as text: a whole number without decimals, as columns with gaps hold 2 as 2.0; nothing as ""."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
