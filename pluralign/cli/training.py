"""`pluralign train`: check and preview what a recipe trains on, and train."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import print_json, progress_bars, progress_console, result_console

if TYPE_CHECKING:
    from rich.table import Table
    from transformers import PreTrainedTokenizerBase

    from pluralign.spectrum import Preflight, TrainingRecipe

app = typer.Typer(no_args_is_help=True, help="Train a model that keeps the whole distribution.")


class LossOn(StrEnum):
    """Where the loss falls; as `pluralign.spectrum.ablations.LossOn`."""

    outputs = "outputs"
    all_tokens = "all_tokens"
    first_output = "first_output"
    last_output = "last_output"


class Loss(StrEnum):
    """What a token costs; as the recipe's field."""

    cross_entropy = "cross_entropy"
    gem = "gem"
    soft_targets = "soft_targets"


Recipe = Annotated[Path, typer.Option("--config", "-c", help="Training recipe, a YAML file.")]
_PANEL = "Instead of what the recipe says"
On = Annotated[
    LossOn | None, typer.Option("--loss-on", help="Tokens that bear loss.", rich_help_panel=_PANEL)
]
Costs = Annotated[Loss | None, typer.Option("--loss", help="The loss.", rich_help_panel=_PANEL)]
Single = Annotated[
    bool | None,
    typer.Option(
        "--single-example/--sequences",
        help="Every draw as a row of its own: the n = 1 control.",
        rich_help_panel=_PANEL,
    ),
]
Keep = Annotated[
    float | None,
    typer.Option(
        "--description-keep-prob",
        help="Probability that a row shows its description; 1 for no description dropout.",
        rich_help_panel=_PANEL,
    ),
]
Instruct = Annotated[
    bool,
    typer.Option(
        "--from-instruct", help="Begin from the weights of `model`, not of `base`.", rich_help_panel=_PANEL
    ),
]


@app.command("run")
def run_training(
    config: Recipe,
    out: Annotated[Path, typer.Option(help="Folder of the adapter or model and the checkpoints.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")
    ] = False,
    loss_on: On = None,
    loss: Costs = None,
    single_example: Single = None,
    description_keep_prob: Keep = None,
    from_instruct: Instruct = False,
) -> None:
    """Spectrum-tune a model and save it with its chat template."""
    from pluralign.spectrum import build_sequences, train
    from pluralign.spectrum.arguments import is_first_process

    recipe = _read(
        config,
        loss_on=loss_on,
        loss=loss,
        single_example=single_example,
        description_keep_prob=description_keep_prob,
        from_instruct=from_instruct,
    )
    sequences = build_sequences(recipe)
    if not is_first_process():
        train(recipe, sequences=sequences, output_dir=out, resume=resume)
        return
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
    unit = "" if recipe.loss == "gem" else " nats a supervised token"
    stopped = "" if result.saved_step == result.n_steps else f" (those of step {result.saved_step} are saved)"
    progress_console().print(
        f"{result.n_steps} steps{stopped}, loss {result.losses[0]:.3f} to {result.final_loss:.3f}{unit}; the folder:"
    )
    result_console().print(str(result.path), markup=False, highlight=False, soft_wrap=True)


@app.command("check")
def check_training(
    config: Recipe,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    loss_on: On = None,
    loss: Costs = None,
    single_example: Single = None,
    description_keep_prob: Keep = None,
    from_instruct: Instruct = False,
) -> None:
    """Count what a recipe would train on: rows, tokens, tokens that bear loss."""
    recipe = _read(
        config,
        loss_on=loss_on,
        loss=loss,
        single_example=single_example,
        description_keep_prob=description_keep_prob,
        from_instruct=from_instruct,
    )
    preflight, _ = _check(recipe)
    if json:
        tasks = {name: asdict(counts) for name, counts in preflight.tasks.items()}
        print_json({
            "total": asdict(preflight.total),
            "tasks": tasks,
            "loss_on": preflight.loss_on,
            "rows_per_step": preflight.rows_per_step,
        })
    else:
        result_console().print(_preflight_table(preflight))


@app.command("preview")
def preview_training(
    config: Recipe,
    n: Annotated[int, typer.Option(min=1, help="Number of rows to show.")] = 3,
    loss_on: On = None,
    loss: Costs = None,
    single_example: Single = None,
    description_keep_prob: Keep = None,
    from_instruct: Instruct = False,
) -> None:
    """Show rows as the model is given them, with what bears loss in colour."""
    from pluralign.spectrum import preview

    recipe = _read(
        config,
        loss_on=loss_on,
        loss=loss,
        single_example=single_example,
        description_keep_prob=description_keep_prob,
        from_instruct=from_instruct,
    )
    preflight, tokenizer = _check(recipe)
    step = max(1, len(preflight.rows) // n)
    console = result_console()
    for text in preview(preflight.rows[::step][:n], tokenizer):
        console.print(text, soft_wrap=True)
        console.rule(style="dim")


def _read(
    config: Path,
    *,
    loss_on: LossOn | None,
    loss: Loss | None,
    single_example: bool | None,
    description_keep_prob: float | None,
    from_instruct: bool,
) -> "TrainingRecipe":
    """The recipe of a file, with what the command line changes."""
    from pluralign.spectrum import load_recipe
    from pluralign.spectrum.recipe import with_changes

    changes = {
        "loss_on": loss_on and loss_on.value,
        "loss": loss and loss.value,
        "single_example": single_example,
        "description_keep_prob": description_keep_prob,
    }
    given: dict[str, object] = {name: value for name, value in changes.items() if value is not None}
    if from_instruct:
        given |= {"base": None, "base_revision": None}
    return with_changes(load_recipe(config), given)


def _check(recipe: "TrainingRecipe") -> tuple["Preflight", "PreTrainedTokenizerBase"]:
    """What a recipe would train on, with the tokenizer but without the weights."""
    from pluralign.models.loading import load_tokenizer
    from pluralign.spectrum import SpectrumFormat, build_sequences, check_recipe

    tokenizer = load_tokenizer(recipe.model, revision=recipe.revision)
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    return check_recipe(recipe, sequences=build_sequences(recipe), spectrum=spectrum), tokenizer


def _preflight_table(preflight: "Preflight") -> "Table":
    from rich.table import Table

    table = Table(
        "task", "rows", "tokens", "bear loss", "described", "cut off", "no loss", "differ", box=None
    )
    table.caption = f"Loss on: {preflight.loss_on}; {preflight.rows_per_step} rows a step."
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
