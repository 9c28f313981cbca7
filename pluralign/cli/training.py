"""`pluralign train`: check and preview what a recipe trains on, and train."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import print_json, progress_bars, progress_console, result_console

if TYPE_CHECKING:
    from rich.table import Table
    from transformers import PreTrainedTokenizerBase

    from pluralign.spectrum import Preflight

app = typer.Typer(no_args_is_help=True, help="Train a model that keeps the whole distribution.")

Recipe = Annotated[Path, typer.Option("--config", "-c", help="Training recipe, a YAML file.")]


@app.command("run")
def run_training(
    config: Recipe,
    out: Annotated[Path, typer.Option(help="Folder of the adapter or model and the checkpoints.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")
    ] = False,
) -> None:
    """Spectrum-tune a model and save it with its chat template."""
    from pluralign.spectrum import build_sequences, load_recipe, train

    recipe = load_recipe(config)
    sequences = build_sequences(recipe)
    with progress_bars() as stages:
        bar = stages(f"spectrum tuning {recipe.model}")
        result = train(
            recipe,
            sequences=sequences,
            output_dir=out,
            progress=lambda step, n_steps, loss: bar(step, n_steps),
            resume=resume,
        )
    progress_console().print(_preflight_table(result.preflight))
    progress_console().print(
        f"{result.n_steps} steps, loss {result.losses[0]:.3f} to {result.final_loss:.3f} nats a supervised token; "
        "the folder:"
    )
    result_console().print(str(result.path), markup=False, highlight=False, soft_wrap=True)


@app.command("check")
def check_training(
    config: Recipe,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Count what a recipe would train on: rows, tokens, tokens that bear loss."""
    preflight, _ = _check(config)
    if json:
        tasks = {name: asdict(counts) for name, counts in preflight.tasks.items()}
        print_json({"total": asdict(preflight.total), "tasks": tasks})
    else:
        result_console().print(_preflight_table(preflight))


@app.command("preview")
def preview_training(
    config: Recipe, n: Annotated[int, typer.Option(min=1, help="Number of rows to show.")] = 3
) -> None:
    """Show rows as the model is given them, with what bears loss in colour."""
    from pluralign.spectrum import preview

    preflight, tokenizer = _check(config)
    step = max(1, len(preflight.rows) // n)
    console = result_console()
    for text in preview(preflight.rows[::step][:n], tokenizer):
        console.print(text, soft_wrap=True)
        console.rule(style="dim")


def _check(config: Path) -> tuple["Preflight", "PreTrainedTokenizerBase"]:
    """What a recipe would train on, with the tokenizer but without the weights."""
    from pluralign.models.loading import load_tokenizer
    from pluralign.spectrum import SpectrumFormat, build_sequences, check_rows, load_recipe

    recipe = load_recipe(config)
    tokenizer = load_tokenizer(recipe.model, revision=recipe.revision)
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    return check_rows(build_sequences(recipe), spectrum=spectrum, max_length=recipe.max_length), tokenizer


def _preflight_table(preflight: "Preflight") -> "Table":
    from rich.table import Table

    table = Table(
        "task", "rows", "tokens", "bear loss", "described", "cut off", "no loss", "differ", box=None
    )
    for name, counts in [*preflight.tasks.items(), ("total", preflight.total)]:
        table.add_row(
            name,
            str(counts.n_rows),
            str(counts.n_tokens),
            f"{counts.n_supervised} ({counts.n_supervised / max(counts.n_tokens, 1):.0%})",
            f"{counts.n_described / counts.n_rows:.0%}",
            str(counts.n_truncated),
            str(counts.n_without_loss),
            str(counts.n_differing),
        )
    return table
