"""Results as they are written and shown, of a run and of recorded answers alike."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pluralign.data.loaded import Loaded
from pluralign.evals import Scores
from pluralign.files import writing
from pluralign.records import Answer, Finding, write_jsonl
from pluralign.reports import Report, Section, Series, write_page
from pluralign.runs import flat_facts, run_facts

RESULTS_SCHEMA = 2


def score_results(scores: Scores, *, model: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """What results.json holds of the scores.

    Args:
        scores: The scores.
        model: Who answered.
        findings: What is wrong with the questions.
    """
    faults = Counter(f"{finding.severity.value}: {finding.fault}" for finding in findings)
    return {
        "schema": RESULTS_SCHEMA,
        "model": model,
        "primary": scores.primary,
        "readings": list(scores.readings),
        "n_unscored": dict(scores.n_unscored),
        "findings": dict(sorted(faults.items())),
        "estimates": [estimate.model_dump(mode="json") for estimate in scores.estimates],
    }


def score_report(
    *,
    title: str,
    label: str,
    summary: str,
    data: Loaded,
    answers: Sequence[Answer],
    scores: Scores,
    reproduce: str,
) -> Report:
    """The page of one set of answers.

    Args:
        title: What was asked.
        label: What the answers are called.
        summary: What that finds out.
        data: The questions.
        answers: What was answered.
        scores: What the answers score.
        reproduce: The command that makes the page again.
    """
    series = Series(label=label, answers=tuple(answers), estimates=scores.estimates)
    section = Section(
        title=title,
        questions=data.questions,
        series=(series,),
        groups=tuple(dict.fromkeys(cell.group for cell in scores.cells)),
        contrasts=scores.contrasts,
        readings=scores.readings,
    )
    return Report(
        title=f"{title}: {label}",
        summary=(summary,) if summary else (),
        sections=(section,),
        run_facts=flat_facts(run_facts()),
        reproduce=reproduce,
    )


def side_by_side(first: str, second: str) -> tuple[str, str]:
    """The labels of two runs in one table, told apart where they are the same."""
    return (first, second) if first != second else (f"first: {first}", f"second: {second}")


def write_scores(folder: Path, *, scores: Scores, report: Report) -> None:
    """Write cells.jsonl, contrasts.jsonl where groups were compared, and report.html.

    results.json, which says that all is done, comes after them.

    Raises:
        StorageError: The folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_jsonl(folder / "cells.jsonl", scores.cells)
        if scores.contrasts:
            write_jsonl(folder / "contrasts.jsonl", scores.contrasts)
    write_page(report, folder / "report.html")
