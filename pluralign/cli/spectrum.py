"""`pluralign spectrum`: list the sources of the spectrum suite, look at their rows, and build a training set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import names, print_json, progress_bars, progress_console, result_console

if TYPE_CHECKING:
    from rich.table import Table

    from pluralign.spectrum.suite import Built, DataPlace, SuiteRecipe

app = typer.Typer(no_args_is_help=True, help="The spectrum suite: what models are tuned on.")

Data = Annotated[Path | None, typer.Option("--data", help="Folder of published data sets.")]
Hub = Annotated[bool, typer.Option("--hub", help="Load what is not there from the Hugging Face hub.")]
Revision = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SOURCE=COMMIT", help="Revision of a source's data on the hub; give it as often as needed."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all rows.")]


@app.command("list")
def list_sources(data: Data = None, hub: Hub = False, json: AsJson = False) -> None:
    """List the sources: their side of the split, rows, licence, and whether their data are there."""
    from rich.table import Table

    from pluralign.spectrum.suite import SUITE

    place = _place(data, hub=hub)
    missing = {name: source.needs.missing(place) for name, source in SUITE.items()}
    if json:
        print_json([
            {
                "name": source.name,
                "split": source.split,
                "what": source.what,
                "rows": source.n_rows,
                "licence": source.licence,
                "origin": source.origin,
                "citation": source.citation,
                "missing": missing[name],
            }
            for name, source in SUITE.items()
        ])
        return
    console = result_console()
    table = Table("source", "split", "rows", "licence", "data", box=None)
    for name, source in SUITE.items():
        there = "missing" if missing[name] else "there" if source.needs.files else "made"
        table.add_row(name, source.split.replace("_", " "), str(source.n_rows), source.licence, there)
    console.print(table)
    for name, line in missing.items():
        if line:
            console.print(f"{name}: {line}", markup=False, highlight=False, soft_wrap=True)


@app.command("preview")
def preview_source(
    source: Annotated[str, typer.Argument(help="A source, or the YAML or CSV file of a task of your own.")],
    data: Data = None,
    hub: Hub = False,
    revision: Revision = None,
    row: Annotated[int, typer.Option(min=0, help="Index of the row.")] = 0,
    model: Annotated[str, typer.Option(help="Model whose tokenizer writes the row.")] = "embedded",
    max_length: Annotated[int, typer.Option(min=8, help="Longest row in tokens.")] = 1024,
    seed: Seed = 0,
    json: AsJson = False,
) -> None:
    """Show one row as a model is given it, with what bears loss in colour."""
    from pluralign.spectrum import SpectrumFormat, preview
    from pluralign.spectrum.suite import Share, SuiteRecipe, open_part, plan_suite

    recipe = SuiteRecipe(sources={source: Share()}, seed=seed)
    rows = open_part(plan_suite(recipe, place=_place(data, hub=hub, revisions=revision)), 0)
    sequence = rows.row(row)
    if json:
        turns = [{"role": message.role, "content": message.content} for message in sequence.messages()]
        print_json({"task": sequence.task, "messages": turns})
        return
    from pluralign.models.loading import load_tokenizer

    tokenizer = load_tokenizer(model)
    encoded = SpectrumFormat.from_tokenizer(tokenizer).encode(sequence, max_length=max_length)
    (text,) = preview([encoded], tokenizer)
    console = result_console()
    console.print(text, soft_wrap=True)
    progress_console().print(
        f"{len(sequence.examples)} examples, {len(encoded.input_ids)} tokens, {encoded.n_supervised} bear loss"
        + (f"; cut off at {max_length}" if encoded.truncated else "")
    )


@app.command("build")
def build(
    out: Annotated[Path, typer.Option(help="New folder of the data set.")],
    data: Data = None,
    hub: Hub = False,
    revision: Revision = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Which sources and how much of each, a YAML file.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Sources or files of your own, separated by commas; else all to train on."),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Most rows of any source.")] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="The held-out sources, to evaluate on.")
    ] = False,
    tokenizer: Annotated[
        str | None, typer.Option(help="Model whose tokenizer counts tokens, for example embedded.")
    ] = None,
    max_length: Annotated[int, typer.Option(min=8, help="Longest row in tokens, for the count.")] = 1024,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make rows.")] = 1,
    seed: Seed = 0,
    json: AsJson = False,
) -> None:
    """Build a data set of conversations in Parquet files, and print what went in."""
    from pluralign.spectrum.suite import Tokens, build_suite, plan_suite

    recipe = _recipe(config, source=source, rows=rows, held_out=held_out, seed=seed)
    plan = plan_suite(recipe, place=_place(data, hub=hub, revisions=revision))
    for name, line in plan.skipped:
        progress_console().print(f"left out: {name}: {line}", markup=False, highlight=False, soft_wrap=True)
    tokens = Tokens(model=tokenizer, max_length=max_length) if tokenizer else None
    with progress_bars() as stages:
        built = build_suite(plan, out=out, workers=workers, tokens=tokens, progress=stages("rows"))
    if json:
        print_json({
            "path": str(built.path),
            "sources": {name: vars(counts) for name, counts in built.parts.items()},
            "skipped": dict(built.skipped),
        })
        return
    result_console().print(_built_table(built))
    progress_console().print(
        "Train on it with `built: [FOLDER]` in a recipe of `pluralign train`; the folder:"
    )
    result_console().print(str(built.path), markup=False, highlight=False, soft_wrap=True)


def _place(data: Path | None, *, hub: bool, revisions: list[str] | None = None) -> "DataPlace":
    from pluralign.errors import ConfigurationError
    from pluralign.spectrum.suite import DataPlace, get_source

    if data is not None and not data.is_dir():
        raise ConfigurationError(f"--data: {data} is no folder.")
    pairs = []
    for text in revisions or []:
        name, separator, commit = text.partition("=")
        if not separator or not commit:
            raise ConfigurationError(f"--revision: SOURCE=COMMIT is needed, not {text!r}.")
        pairs.append((get_source(name).name, commit))
    return DataPlace(folder=data, hub=hub, revisions=tuple(pairs))


def _recipe(
    config: Path | None, *, source: str | None, rows: int | None, held_out: bool, seed: int
) -> "SuiteRecipe":
    from pluralign.errors import ConfigurationError
    from pluralign.spectrum.suite import Share, SuiteRecipe, load_suite_recipe

    if config is not None:
        if source or rows or held_out or seed:
            raise ConfigurationError(
                "--config says what is built: leave --source, --rows, --held-out, --seed out."
            )
        return load_suite_recipe(config)
    return SuiteRecipe(
        sources={name: Share() for name in names(source) or ()},
        split="held_out" if held_out else "train",
        max_rows=rows,
        seed=seed,
    )


def _built_table(built: "Built") -> "Table":
    from rich.table import Column, Table

    parts = built.parts
    n_tokens = sum(counts.n_tokens or 0 for counts in parts.values())
    n_supervised = sum(counts.n_supervised or 0 for counts in parts.values())
    counted = all(counts.n_tokens is not None for counts in parts.values())
    columns = ("tokens", "bear loss", "of all loss") if counted else ()
    # Numbers may be squeezed where lines are short, but a name that is cut names nothing.
    source = Column("source", no_wrap=True, min_width=max(map(len, parts)))
    table = Table(source, "rows", "asked", "repeats", "examples", "described", *columns, box=None)
    for name, counts in parts.items():
        table.add_row(
            name,
            str(counts.n_rows),
            str(counts.n_asked),
            str(counts.n_repeats),
            str(counts.n_examples),
            f"{counts.described_share:.0%}",
            *(
                (
                    str(counts.n_tokens),
                    str(counts.n_supervised),
                    f"{(counts.n_supervised or 0) / max(n_supervised, 1):.1%}",
                )
                if counted
                else ()
            ),
        )
    n_rows = sum(counts.n_rows for counts in parts.values())
    table.add_row(
        "total",
        str(n_rows),
        str(sum(counts.n_asked for counts in parts.values())),
        str(sum(counts.n_repeats for counts in parts.values())),
        str(sum(counts.n_examples for counts in parts.values())),
        f"{sum(counts.n_described for counts in parts.values()) / n_rows:.0%}",
        *((str(n_tokens), str(n_supervised), "100%") if counted else ()),
    )
    return table
