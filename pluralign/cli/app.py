"""The `pluralign` command: its groups, its global options, and how errors become messages and exit codes."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

# A spinning OpenMP barrier makes two threads on a busy machine many times slower than one; libgomp reads
# these when torch is first imported, which no command has done yet.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import typer
from typer.exceptions import TyperException

from pluralign import __version__
from pluralign.cli import (
    data,
    doctor,
    evaluation,
    guard,
    guard_evaluate,
    judges,
    models,
    profiles,
    quickstart,
    raters,
    serve,
    spectrum,
    steer,
    study,
    training,
)
from pluralign.cli.console import progress_console
from pluralign.errors import PluralignError

INTERRUPTED = 3

app = typer.Typer(
    name="pluralign",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"pluralign {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Measure how much of the human spectrum a language model keeps, and train one that keeps more."""


app.command("quickstart")(quickstart.quickstart)
app.add_typer(evaluation.app, name="eval")
app.command("compare")(evaluation.compare)
app.add_typer(spectrum.app, name="spectrum")
app.add_typer(training.app, name="train")
app.add_typer(study.app, name="study")
app.add_typer(profiles.app, name="profile")
app.command("steer")(steer.steer)
app.command("serve")(serve.serve)
app.add_typer(guard.app, name="guard")
guard.app.command("evaluate")(guard_evaluate.evaluate)
app.add_typer(raters.app, name="raters")
app.add_typer(judges.app, name="judge")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command("doctor")(doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Arguments without the program's name; default: those of the process.

    Returns:
        The exit status: 0 complete, 1 complete with failures above the limit, 2 usage or configuration,
        3 interrupted and resumable.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(given, standalone_mode=False)
    except TyperException as error:
        error.show()  # type: ignore[attr-defined]  # the parser's exceptions have it, their public base does not
        return error.exit_code
    except PluralignError as error:
        if "--debug" in given:
            raise
        progress_console().print(
            f"[bold red]Error:[/] {_escaped(str(error))}", soft_wrap=True, highlight=False
        )
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        progress_console().print("Interrupted. What was finished is on disk.")
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
