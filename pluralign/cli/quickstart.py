"""`pluralign quickstart`: the main job, end to end."""

from pathlib import Path
from typing import Annotated

import typer

from pluralign.cli.console import progress_bars, progress_console, result_console


def quickstart(
    model: Annotated[
        str, typer.Option("--model", "-m", help="'embedded' (no download), a hub id, or a path.")
    ] = "embedded",
    out: Annotated[Path, typer.Option(help="Folder for the page, the answers and the adapter.")] = Path(
        "runs/quickstart"
    ),
    recipe: Annotated[
        Path | None, typer.Option(help="Training recipe (YAML).", show_default="minutes on two CPU cores")
    ] = None,
    max_orders: Annotated[
        int, typer.Option(min=0, help="Orders of the options a question; 0: all cyclic ones.")
    ] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
) -> None:
    """Measure a model against real people, spectrum-tune it, measure it again.

    Takes about 10 minutes on two CPU cores with the embedded model. The same command goes on where it
    was stopped.
    """
    from pluralign.quickstart import quickstart as run_quickstart
    from pluralign.reports import estimates_table
    from pluralign.spectrum import load_recipe

    with progress_bars() as stages:
        result = run_quickstart(
            stages=stages,
            model=model,
            out=out,
            recipe=load_recipe(recipe) if recipe else None,
            max_orders=max_orders or None,
            seed=seed,
        )
    console = result_console()
    console.print(estimates_table(result.headline, width=console.width))
    for sentence in result.summary:
        console.print(sentence, markup=False, highlight=False)
    progress_console().print(
        f"adapter: {result.adapter}\nanswers: {result.folder / 'answers.jsonl'}", highlight=False
    )
    console.print(f"page: {result.page.resolve()}", markup=False, highlight=False, soft_wrap=True)
    if not result.complete:
        raise typer.Exit(1)
