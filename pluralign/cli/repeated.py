"""`pluralign eval` on coverage/, homogeneity/ and capability/gsm8k: open prompts, each asked many times."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pluralign.cli.console import print_json, progress_bars, result_console
from pluralign.cli.options import settings_of
from pluralign.cli.scores import print_comparisons, print_run

if TYPE_CHECKING:
    from pluralign.evaluation.repeated import PreparedRepeated, RepeatedSettings
    from pluralign.evaluation.spec import RepeatedSpec

Mode = Annotated[
    Literal["description", "examples", "both"] | None,
    typer.Option(help="coverage/: what of a task the model is given; by default both."),
]
Tasks = Annotated[str | None, typer.Option(help="coverage/: only these tasks, comma-separated.")]
TopP = Annotated[
    float | None, typer.Option(min=0, max=1, help="coverage/, homogeneity/: nucleus of the draws.")
]
MinP = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="coverage/, homogeneity/: only tokens at least that fraction as likely as the likeliest.",
    ),
]
EmbedderName = Annotated[
    str | None,
    typer.Option("--embedder", help="homogeneity/: sentence embedder: embedded, a folder or a hub id."),
]
Threshold = Annotated[
    float | None, typer.Option(help="homogeneity/: cosine from which two answers count as the same.")
]

Shots = Annotated[
    int | None,
    typer.Option(help="capability/gsm8k: worked examples before a problem, at most 4; by default all."),
]


def settings(**given: Any) -> "RepeatedSettings":
    """The settings, or an error that names the option that is wrong."""
    from pluralign.evaluation.repeated import RepeatedSettings

    return settings_of(RepeatedSettings, given)


def run(
    spec: "RepeatedSpec",
    *,
    model: str,
    given: "RepeatedSettings",
    out: Path | None,
    fresh: bool,
    dry_run: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Ask open prompts many times, or print the plan."""
    from pluralign.evaluation.repeated import prepare_repeated, run_repeated

    prepared = prepare_repeated(spec, model=model, settings=given)
    if dry_run:
        _print_plan(prepared)
        return
    with progress_bars() as start:
        finished = run_repeated(prepared, out=out, fresh=fresh, progress=start(spec.id))
    print_run(finished, as_json=as_json, every=every)


def resume(folder: Path, *, as_json: bool) -> None:
    """Go on with a run that was stopped."""
    from pluralign.evaluation.repeated import resume_repeated

    with progress_bars() as start:
        finished = resume_repeated(folder, progress=start(str(folder)))
    print_run(finished, as_json=as_json)


def show(folder: Path, *, as_json: bool, every: bool, markdown: bool) -> None:
    """Show a run's results again, from its responses."""
    from pluralign.evaluation.repeated import load_repeated_run

    print_run(load_repeated_run(folder), as_json=as_json, every=every, markdown=markdown)


def show_spec(spec: "RepeatedSpec") -> None:
    """What an evaluation asks; of tasks with their rules."""
    from pluralign.data.verifiable import TASKS

    console = result_console()
    where = {
        "file": "a file, --data path=FILE",
        "gsm8k": "--data path=FILE, or from the hub",
        "probes": "shipped",
        "verifiable": f"{len(TASKS)} tasks",
    }
    console.print(f"prompts: {where[spec.prompts.kind]}")
    length = (
        "of each task's own length"
        if spec.max_new_tokens is None
        else f"of at most {spec.max_new_tokens} tokens"
    )
    console.print(
        f"{spec.draws} answer{'s' if spec.draws > 1 else ''} a prompt, {length}, at temperature "
        f"{spec.temperature:g}, top-p {spec.top_p:g}"
    )
    if spec.prompts.kind == "verifiable":
        for task in TASKS.values():
            size = "" if task.n_answers is None else f", {task.n_answers:,} right answers"
            note = f"; {task.note}" if task.note else ""
            line = f"  {task.id}: {task.description}{size}{note}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"run it: pluralign eval run {spec.id} --model embedded")


def compare(first: Path, second: Path, *, out: Path | None, every: bool, as_json: bool) -> None:
    """Paired differences of two runs on the same prompts, first minus second."""
    from pluralign.evaluation.repeated import (
        compare_repeated_runs,
        load_repeated_run,
        repeated_comparison_report,
    )

    runs = load_repeated_run(first), load_repeated_run(second)
    print_comparisons(
        compare_repeated_runs(*runs),
        page=lambda: repeated_comparison_report(*runs),
        out=out,
        every=every,
        as_json=as_json,
    )


def similarity(folders: Sequence[Path], *, n_nearest: int | None, markdown: bool, as_json: bool) -> None:
    """How alike several models answer the same prompts."""
    from pluralign.evaluation.repeated import load_repeated_run, similarity_of_runs
    from pluralign.reports import Series, as_markdown, estimate_rows, estimates_table

    runs = [load_repeated_run(folder) for folder in folders]
    found = similarity_of_runs(runs, n_nearest=n_nearest)
    if as_json:
        print_json({
            "embedder": found.embedder,
            "prompts": list(found.prompts),
            "n_left_out": found.n_left_out,
            "estimates": [estimate.model_dump(mode="json") for estimate in found.estimates],
        })
        return
    series = [Series(label="similarity", estimates=found.estimates)]
    console = result_console()
    if markdown:
        text = as_markdown(estimate_rows(series, every=True))
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(estimates_table(series, width=console.width, every=True))
    console.print(f"- Cosines are those of {found.embedder}.", markup=False, highlight=False)
    for run_ in runs:
        quality = run_.scores.estimate("degenerate_share").value
        told = "unknown" if quality is None else f"{100 * quality:.0f}%"
        line = f"- {run_.label}: {told} of the answers are empty or repeat themselves."
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_plan(prepared: "PreparedRepeated") -> None:
    console = result_console()
    drawn = [unit for unit in prepared.plan.units if unit.asked.way != "scored"]
    first = drawn[0].asked
    longest = sum(unit.asked.params.max_new_tokens for unit in drawn)
    n_scored = len(prepared.plan.units) - len(drawn)
    console.print(
        f"{prepared.config.spec.id}: {len(prepared.prompts.prompts)} prompts, {len(drawn)} draws of "
        f"{prepared.model.id}, at most {longest:,} tokens{f'; {n_scored} texts scored' if n_scored else ''}"
    )
    console.print("first prompt, exactly as the model is given it:")
    console.print(prepared.model.render(first.prompt), markup=False, highlight=False, soft_wrap=True)
