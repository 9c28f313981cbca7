"""Consoles, progress bars and JSON output shared by the commands."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# Called with the number finished and the total.
Progress = Callable[[int, int], None]


# Columns where stdout is no terminal: a table of two states with their intervals needs so many.
PIPE_WIDTH = 100


def result_console() -> "Console":
    """Where results go: stdout."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, emoji=False)


def progress_console() -> "Console":
    """Where progress and errors go: stderr."""
    from rich.console import Console

    return Console(stderr=True, emoji=False)


def print_json(value: Any) -> None:
    """Print a value as JSON to stdout, with nothing else around it."""
    result_console().print(
        json.dumps(value, indent=2, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True
    )


def names(text: str | None) -> tuple[str, ...] | None:
    """The names of a comma-separated list; None where none is given."""
    return tuple(name.strip() for name in text.split(",")) if text else None


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Progress]]:
    """Bars on stderr with an estimate of the time left; call the result with a description to get a new one.

    Where stderr is no terminal, each stage writes a line at every tenth of its way instead.
    """
    console = progress_console()
    if not console.is_terminal:
        yield lambda description: _lines(console, description)
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console) as bars:

        def start(description: str) -> Progress:
            task = bars.add_task(description, total=None)
            return lambda finished, total: bars.update(task, completed=finished, total=total)

        yield start


def _lines(console: "Console", description: str) -> Progress:
    """A stage's progress as lines: when it begins, and at every tenth of the way."""
    console.print(f"{description} ...", markup=False, highlight=False)
    tenths = 0

    def progress(finished: int, total: int) -> None:
        nonlocal tenths
        if 10 * finished // total > tenths:
            tenths = 10 * finished // total
            console.print(f"{description}: {finished}/{total}", markup=False, highlight=False)

    return progress
