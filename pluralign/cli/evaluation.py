"""`pluralign eval`: run, resume, list and show evaluations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import print_json, progress_bars, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.evaluation import EvalRun, Prepared

app = typer.Typer(no_args_is_help=True, help="Measure how pluralistic a model is.")

Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help="'embedded', a hub id, a path, or 'scripted:uniform'.", show_default=True
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("run")
def run_evaluation(
    name: Annotated[
        str, typer.Argument(help="Evaluation, for example distributional/anes96, or a YAML file.")
    ],
    model: Model = "embedded",
    out: Annotated[Path | None, typer.Option(help="Folder of the run. [default: one under runs/]")] = None,
    groups: Annotated[
        str | None, typer.Option(help="Only these groups, comma-separated: party or party=Democrat.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many questions.")] = None,
    max_orders: Annotated[
        int | None, typer.Option(min=1, help="At most this many orders of the options a question.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Take a new folder rather than going on.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Print the plan, the first prompt and the number of calls; ask nothing."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Run an evaluation; the same command again goes on where it was stopped."""
    from pluralign.evaluation import Settings, prepare, run

    chosen = tuple(group.strip() for group in groups.split(",")) if groups else None
    settings = Settings(groups=chosen, limit=limit, max_orders=max_orders, seed=seed)
    prepared = prepare(name, model=model, settings=settings)
    if dry_run:
        _print_plan(prepared)
        return
    with progress_bars() as start:
        finished = run(prepared, out=out, fresh=fresh, progress=start(prepared.spec.id))
    _print_run(finished, as_json=json)


@app.command("resume")
def resume_evaluation(
    folder: Annotated[Path, typer.Argument(help="Folder of a run that was stopped.")], json: Json = False
) -> None:
    """Go on with a run that was stopped, with the settings it was started with."""
    from pluralign.evaluation import resume

    with progress_bars() as start:
        finished = resume(folder, progress=start(str(folder)))
    _print_run(finished, as_json=json)


@app.command("ls")
def list_evaluations(json: Json = False) -> None:
    """List the shipped evaluations."""
    from rich.table import Table

    from pluralign.evaluation import list_specs, load_spec

    specs = [load_spec(name) for name in list_specs()]
    if json:
        print_json([spec.model_dump(mode="json") for spec in specs])
        return
    table = Table("evaluation", "version", "what it measures", box=None)
    for spec in specs:
        table.add_row(spec.id, spec.version, spec.title)
    result_console().print(table)


@app.command("show")
def show_evaluation(
    name: Annotated[str, typer.Argument(help="An evaluation, or the folder of a run.")],
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a run's table as Markdown.")] = False,
) -> None:
    """Show what an evaluation asks, or the results of a run."""
    from pluralign.evaluation import load_run, load_spec

    if Path(name).is_dir():
        shown = load_run(Path(name))
        if markdown:
            _print_markdown(shown)
        else:
            _print_run(shown, as_json=json)
        return
    spec = load_spec(name)
    if json:
        print_json(spec.model_dump(mode="json"))
        return
    console = result_console()
    console.print(f"[bold]{spec.id}[/] {spec.version}: {spec.title}")
    console.print(spec.description.strip())
    console.print(f"data: {spec.data.adapter} {dict(spec.data.arguments)}")
    console.print(f"source: {spec.source.name} ({spec.source.licence})")
    console.print(f"asked of: {spec.conditions}; elicitation: {spec.elicitation.name}")
    console.print(f"run it: pluralign eval run {spec.id} --model embedded")


def _print_markdown(run: "EvalRun") -> None:
    from pluralign.reports import Series, as_markdown, estimate_rows

    rows = estimate_rows([Series(label=run.model_id, estimates=run.scores.estimates)])
    result_console().print(as_markdown(rows), markup=False, highlight=False, soft_wrap=True)


def _print_plan(prepared: "Prepared") -> None:
    console = result_console()
    prompts = [
        len(prepared.elicitation.prompts(unit.question, unit.condition)) for unit in prepared.plan.units
    ]
    first = prepared.plan.units[0]
    prompt = prepared.elicitation.prompts(first.question, first.condition)[0]
    console.print(
        f"{prepared.spec.id}: {len(prompts)} work units, {sum(prompts)} prompts to {prepared.model.id}"
    )
    console.print("first prompt, exactly as the model is given it:")
    console.print(prepared.model.render(prompt), markup=False, highlight=False)
    console.print("options scored: " + "; ".join(first.question.option_texts), markup=False, highlight=False)


def _print_run(run: "EvalRun", *, as_json: bool) -> None:
    from pluralign.evaluation import results_of
    from pluralign.reports import Series, estimates_table

    if as_json:
        print_json(results_of(run))
    else:
        console = result_console()
        series = Series(label=run.model_id, estimates=run.scores.estimates)
        console.print(estimates_table([series], width=console.width))
    masses = sorted(a.valid_mass_prob for a in run.answers if a.valid_mass_prob is not None)
    console = progress_console()
    if masses:
        console.print(f"valid mass: median {masses[len(masses) // 2]:.3f}, minimum {masses[0]:.3f}")
    lost = ", ".join(f"{reason} {count}" for reason, count in run.scores.n_unscored.items())
    console.print(f"not scored: {lost or 'none'} of {len(run.answers)}")
    console.print(f"results: {run.folder}  (look at {run.folder / 'report.html'})")
    if not run.complete:
        console.print("[bold red]incomplete:[/] more cells are unscored than the evaluation allows")
        raise typer.Exit(1)
