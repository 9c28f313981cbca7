"""`pluralign study`: controlled comparisons of tuned and untuned models over seeds."""

from pathlib import Path
from typing import Annotated

import typer

from pluralign.cli.console import progress_bars, result_console

app = typer.Typer(no_args_is_help=True, help="Compare tuned and untuned models over seeds, by one command.")


@app.callback()
def study() -> None:
    """Compare tuned and untuned models over seeds, by one command."""


@app.command("run")
def run_study_command(
    config: Annotated[Path, typer.Option("--config", "-c", help="The study, a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder for adapters, runs and tables.")],
    data: Annotated[Path | None, typer.Option(help="Folder of published data sets.")] = None,
) -> None:
    """Train and measure every arm under every seed; the same command goes on where it was stopped.

    Ends with results.json and table.md in the folder.
    """
    from pluralign.files import write_whole
    from pluralign.runs import write_json_atomically
    from pluralign.study import as_markdown, load_study, run_study, study_table

    study = load_study(config)
    with progress_bars() as stages:
        cells = run_study(study, out=out, data=data, stages=stages)
    table = study_table(study, cells)
    markdown = as_markdown(table)
    write_whole(out / "table.md", markdown.encode())
    write_json_atomically(out / "results.json", table.results())
    result_console().print(markdown, markup=False, highlight=False, soft_wrap=True)
