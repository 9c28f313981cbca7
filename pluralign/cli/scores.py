"""Scores on the terminal, of whatever evaluation."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pluralign.cli.console import print_json, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.evals import Scores
    from pluralign.evaluation.finished import Finished
    from pluralign.records import Comparison
    from pluralign.reports import Report


def print_estimates(label: str, scores: "Scores", *, every: bool, markdown: bool) -> None:
    """The table of estimates, and what they say."""
    from pluralign.reports import Series, as_markdown, estimate_rows, estimates_table

    console = result_console()
    series = [Series(label=label, estimates=scores.estimates)]
    if markdown:
        rows = estimate_rows(series, every=every)
        console.print(as_markdown(rows), markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(estimates_table(series, width=console.width, every=every))
    print_sentences(scores.readings)


def print_sentences(sentences: Sequence[str]) -> None:
    """Sentences as a list."""
    for sentence in sentences:
        result_console().print(f"- {sentence}", markup=False, highlight=False, soft_wrap=True)


def print_comparisons(
    comparisons: "Sequence[Comparison]",
    *,
    readings: Sequence[str] = (),
    page: "Callable[[], Report]",
    out: Path | None,
    every: bool,
    as_json: bool,
) -> None:
    """Paired differences of two runs and what they say; the page of both is made where a file is named for it."""
    from pluralign.reports import comparisons_table, write_page

    if as_json:
        print_json([comparison.model_dump(mode="json") for comparison in comparisons])
    else:
        result_console().print(comparisons_table(comparisons, every=every))
        print_sentences(readings)
    if out:
        write_page(page(), out)
        progress_console().print(f"page: {out}")


def print_run(
    finished: "Finished", *, as_json: bool, every: bool = False, markdown: bool = False, more: object = None
) -> None:
    """The results of a run, what else there is to its table, and where they lie."""
    if as_json:
        print_json(finished.results())
    else:
        print_estimates(finished.label, finished.scores, every=every, markdown=markdown)
        if more is not None and not markdown:
            result_console().print(more)
    print_losses(finished.scores, what=finished.counted)
    print_end(finished.folder, complete=finished.complete, what=finished.counted)


def print_losses(scores: "Scores", *, what: str = "cells") -> None:
    """How much could not be scored, and why."""
    lost = ", ".join(f"{reason} {count}" for reason, count in scores.n_unscored.items())
    progress_console().print(f"not scored: {lost or 'none'} of {len(scores.cells)} {what}")


def print_end(folder: Path, *, complete: bool, what: str = "cells") -> None:
    """Where the results lie; the exit status is 1 where more is unscored than the evaluation allows."""
    console = progress_console()
    console.print(f"results: {folder}  (look at {folder / 'report.html'})", soft_wrap=True)
    if not complete:
        console.print(f"[bold red]incomplete:[/] more {what} are unscored than the evaluation allows")
        raise typer.Exit(1)
