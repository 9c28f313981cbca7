"""`pluralign data`: which data there are, what a file holds, what is wrong with it, and conversion."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import print_json, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.data.loaded import Loaded
    from pluralign.data.overview import FaultRow, Overview

app = typer.Typer(no_args_is_help=True, help="Look at data sets, check your own, convert recorded outputs.")

# Examples of each fault: enough to see the pattern.
EXAMPLES = 3

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("ls")
def list_adapters(json: Json = False) -> None:
    """List the data sets that can be loaded, and where their published files can be had."""
    from rich.table import Table

    from pluralign.data.catalogue import CATALOGUE

    if json:
        print_json([
            {"name": a.name, "what": a.what, "source": a.source, "licence": a.licence} for a in CATALOGUE
        ])
        return
    table = Table("data", "what it holds", "licence", box=None)
    for adapter in CATALOGUE:
        table.add_row(adapter.name, adapter.what, adapter.licence)
    result_console().print(table)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="Your questions: a .csv, .tsv, .jsonl or .json file.")],
    json: Json = False,
) -> None:
    """Read a file of your own and say what it holds and what is wrong with it.

    The exit status is 0 where it is fine, 1 where items are faulty, 2 where it cannot be read.
    """
    from pluralign.data import load_data
    from pluralign.data.overview import by_fault, overview

    loaded = load_data("file", {"path": file})
    rows = by_fault(loaded.findings)
    holds = overview(loaded.questions)
    if json:
        print_json({"holds": asdict(holds), "faults": _as_json(rows)})
    else:
        _print_overview(holds)
        _print_faults(rows)
        _print_examples(rows, limit=EXAMPLES)
    if loaded.faulty:
        raise typer.Exit(1)


@app.command("lint")
def lint(
    source: Annotated[
        str, typer.Argument(help="A file of questions, or the name of a data set: pluralign data ls.")
    ],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="An argument of the data set, as in path=FILE; more than once."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="So many examples of each fault.")] = EXAMPLES,
    json: Json = False,
) -> None:
    """Find the faults of a data set: options broken apart, tiny groups, duplicates and more."""
    from pluralign.data import read_arguments, resolve_source
    from pluralign.data.overview import by_fault

    loaded = resolve_source(source, read_arguments(data or ()))
    rows = by_fault(loaded.findings)
    if json:
        print_json({"source": source, "faults": _as_json(rows)})
        return
    _print_faults(rows)
    _print_examples(rows, limit=limit)
    _print_total(loaded)


@app.command("convert")
def convert(
    file: Annotated[
        Path, typer.Argument(help="JSON or JSONL whose rows have gold_distribution and pred_distribution.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for questions.jsonl and answers.jsonl.")],
) -> None:
    """Convert a published system's outputs to questions and answers that can be scored."""
    from pluralign.data.overview import by_fault
    from pluralign.data.recorded import read_recorded, write_recorded

    recorded = read_recorded(file)
    console = progress_console()
    for row in by_fault(recorded.questions.findings):
        first = row.examples[0]
        console.print(
            f"{row.severity.value}: {row.fault}: {row.n_items}; the first: {first.where}: {first.detail}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    written = write_recorded(recorded, out)
    n_unread = sum(answer.probabilities is None for answer in recorded.answers)
    console.print(
        f"{len(recorded.questions.questions.questions)} questions, {len(recorded.answers)} answers, "
        f"{n_unread} of them unparsed"
    )
    for path in written:
        result_console().print(str(path), markup=False, highlight=False, soft_wrap=True)


def _as_json(rows: "Sequence[FaultRow]") -> list[dict[str, object]]:
    return [
        {
            "fault": row.fault,
            "severity": row.severity.value,
            "n_items": row.n_items,
            "n_questions": row.n_questions,
            "what": _description(row),
            "findings": [finding.model_dump(mode="json") for finding in row.examples],
        }
        for row in rows
    ]


def _description(row: "FaultRow") -> str:
    """The fault in a line; of one that only its reader knows, the first example."""
    from pluralign.data.lint import FAULTS
    from pluralign.data.overview import READING_FAULTS

    return {**READING_FAULTS, **FAULTS}.get(row.fault) or row.examples[0].detail


def _print_overview(holds: "Overview") -> None:
    from rich.table import Table

    console = result_console()
    options = f"{holds.fewest_options}"
    if holds.most_options > holds.fewest_options:
        options += f" to {holds.most_options}"
    console.print(f"{holds.id}: {holds.n_questions} questions with {options} options", highlight=False)
    for number, what in (
        (holds.n_unaskable, "can be scored but not asked"),
        (holds.n_unanswered, "without any answers of people"),
    ):
        if number:
            console.print(f"of them {what}: {number}", highlight=False)
    if not holds.groups:
        return
    table = Table("group", "people who ...", "questions", "people (median)", box=None)
    for group in holds.groups:
        people = "not published" if group.n_people is None else f"{group.n_people:g}"
        table.add_row(group.id, group.text or "-", str(group.n_questions), people)
    console.print(table)


def _print_faults(rows: "Sequence[FaultRow]") -> None:
    from rich.table import Table

    console = result_console()
    if not rows:
        console.print("no faults found")
        return
    table = Table("fault", "severity", "items", "questions", "what it is", box=None)
    for row in rows:
        table.add_row(
            row.fault,
            row.severity.value,
            str(row.n_items),
            str(row.n_questions or "-"),
            _description(row),
        )
    console.print(table)


def _print_examples(rows: "Sequence[FaultRow]", *, limit: int) -> None:
    console = result_console()
    for row in rows:
        for finding in row.examples[:limit]:
            item = " ".join(part for part in (finding.question_id, finding.group) if part)
            place = f" ({finding.where})" if finding.where else ""
            console.print(
                f"{row.fault}: {item + ': ' if item else ''}{finding.detail}{place}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _print_total(loaded: "Loaded") -> None:
    console = progress_console()
    console.print(f"{len(loaded.questions.questions)} questions read, {len(loaded.faulty)} faulty items")
