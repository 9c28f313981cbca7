"""`pluralign eval`: run, resume, score, list and show evaluations; `pluralign compare`."""

import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli import overton, repeated, sequences
from pluralign.cli.console import (
    names,
    print_json,
    progress_bars,
    progress_console,
    result_console,
)
from pluralign.cli.options import (
    Condition,
    Data,
    Draws,
    DropFaulty,
    DryRun,
    Elicit,
    Evaluator,
    Every,
    Examples,
    Fresh,
    Groups,
    Json,
    Limit,
    Markdown,
    MaxOrders,
    Model,
    Name,
    Out,
    People,
    Preset,
    Profile,
    Profiles,
    Seed,
    WayName,
    refuse,
    settings_of,
)
from pluralign.cli.overton import AskForViews, Judge, MaxNewTokens, Samples, Temperature
from pluralign.cli.repeated import EmbedderName, MinP, Mode, Shots, Tasks, Threshold, TopP
from pluralign.cli.scores import print_comparisons, print_estimates, print_losses, print_run
from pluralign.cli.sequences import Bfloat16, Layout, MaxWords, Sequences
from pluralign.errors import ConfigurationError

if TYPE_CHECKING:
    from pluralign.data.loaded import Loaded
    from pluralign.evaluation import EvalRun, EvalSpec, Prepared, Settings

app = typer.Typer(no_args_is_help=True, help="Measure how pluralistic a model is.")


@app.command("run")
def run_evaluation(
    name: Name,
    model: Model = "embedded",
    out: Out = None,
    elicit: Elicit = None,
    draws: Draws = None,
    condition: Condition = None,
    profile: Profile = None,
    profiles: Profiles = None,
    examples: Examples = None,
    people: People = None,
    groups: Groups = None,
    limit: Limit = None,
    max_orders: MaxOrders = None,
    data: Data = None,
    preset: Preset = None,
    drop_faulty: DropFaulty = False,
    judge: Judge = None,
    way: WayName = None,
    samples: Samples = None,
    ask_for_views: AskForViews = False,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    mode: Mode = None,
    tasks: Tasks = None,
    shots: Shots = None,
    top_p: TopP = None,
    min_p: MinP = None,
    embedder: EmbedderName = None,
    threshold: Threshold = None,
    sequences: Sequences = None,
    layout: Layout = None,
    max_words: MaxWords = None,
    bfloat16: Bfloat16 = False,
    seed: Seed = 0,
    fresh: Fresh = False,
    dry_run: DryRun = False,
    every: Every = False,
    json: Json = False,
) -> None:
    """Run an evaluation; the same command again goes on where it was stopped."""
    # Every option by its name: which of them mean something depends on the evaluation.
    given = dict(locals())
    _run(given)


# Options by the evaluations that take them.
_CLOSED = ("elicit", "condition", "examples", "people", "max_orders", "groups", "drop_faulty")
_DRAWN = ("samples", "temperature", "max_new_tokens")
_REPEATED = ("mode", "tasks", "shots", "top_p", "min_p", "embedder", "threshold")
_READ = ("sequences", "layout", "max_words", "bfloat16")


def _run(given: Mapping[str, Any]) -> None:
    """Run the evaluation that the options name with those that it takes; the others are refused.

    Raises:
        ConfigurationError: An option that means nothing for this evaluation, or is wrong.
    """
    from pluralign.data import read_arguments
    from pluralign.evaluation import load_spec, profile_settings, read_profiles
    from pluralign.evaluation.spec import OvertonSpec, RepeatedSpec, SequencesSpec
    from pluralign.steering import Way

    spec, model = load_spec(given["name"]), given["model"]
    closed, drawn, again = ({name: given[name] for name in part} for part in (_CLOSED, _DRAWN, _REPEATED))
    judged = {"judge": given["judge"], "ask_for_views": given["ask_for_views"]}
    steered = {"profile": given["profile"], "profiles": given["profiles"]}
    closed["groups"], again["tasks"] = names(given["groups"]), names(given["tasks"])
    both = {name: given[name] for name in ("limit", "draws", "seed")}
    both |= {"data": read_arguments(given["data"] or ())}
    preset = {"preset": given["preset"]}
    read = {name: given[name] for name in _READ}
    way = {"way": given["way"]}
    how = {name: given[name] for name in ("out", "fresh", "dry_run", "every")} | {"as_json": given["json"]}
    if isinstance(spec, SequencesSpec):
        asking = {"limit": both.pop("limit"), "draws": both.pop("draws")}
        refuse(
            {**closed, **judged, **steered, **preset, **way, **drawn, **again, **asking},
            why="nothing is asked.",
        )
        sequences.run(spec, model=model, given=sequences.settings(**both, **read), **how)
        return
    if isinstance(spec, RepeatedSpec):
        refuse({**closed, **judged, **steered, **preset, **read}, why=f"{spec.id} asks open prompts.")
        repeated.run(spec, model=model, given=repeated.settings(**both, **way, **drawn, **again), **how)
        return
    if isinstance(spec, OvertonSpec):
        refuse(
            {**closed, **again, **read},
            why=f"{spec.id} asks no closed questions, and each prompt for a whole answer.",
        )
        free = {**way, **drawn, "ask_for_views": given["ask_for_views"], **overton.speakers(**steered)}
        overton.run(
            spec, model=model, judge=given["judge"], given=overton.settings(**both, **preset, **free), **how
        )
        return
    of_others = {} if given["way"] in tuple(Way) else way
    refuse({**judged, **of_others, **drawn, **again, **read}, why=f"{spec.id} asks closed questions.")
    settings = _settings(
        steered=profile_settings(given["profile"], spec=spec, **way) if given["profile"] else {},
        profiles=read_profiles(Path(given["profiles"])) if given["profiles"] else {},
        **both,
        **preset,
        **way,
        **closed,
    )
    _run_closed(spec, model=model, settings=settings, **how)


def _run_closed(
    spec: "EvalSpec",
    *,
    model: str,
    settings: "Settings",
    out: Path | None,
    fresh: bool,
    dry_run: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Run an evaluation of closed questions, or print its plan."""
    from pluralign.evaluation import prepare, run

    prepared = prepare(spec, model=model, settings=settings)
    _warn_of_faults(prepared.data, drop_faulty=settings.drop_faulty)
    if dry_run:
        _print_plan(prepared)
        return
    with progress_bars() as start:
        finished = run(prepared, out=out, fresh=fresh, progress=start(prepared.config.spec.id))
    _print_run(finished, as_json=as_json, every=every)


@app.command("score")
def score_recorded(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSONL of answers; without --questions, rows of gold_distribution and pred_distribution. Or, of "
            "overton/, a run's folder or its responses.jsonl."
        ),
    ],
    questions: Annotated[
        str | None,
        typer.Option(
            help="What was asked: an evaluation, a data adapter, or a JSONL or CSV file of questions."
        ),
    ] = None,
    evaluator: Evaluator = None,
    judge: Judge = None,
    data: Data = None,
    groups: Groups = None,
    preset: Preset = None,
    drop_faulty: DropFaulty = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write results.json, cells.jsonl and report.html to this folder.")
    ] = None,
    seed: Seed = 0,
    every: Every = False,
    markdown: Markdown = False,
    json: Json = False,
) -> None:
    """Score answers that were recorded, with no model loaded."""
    from pluralign.data import read_arguments
    from pluralign.evaluation import score_file

    reproduce = f"pluralign {shlex.join(sys.argv[1:])}"
    both: dict[str, Any] = {"data": read_arguments(data or ()), "preset": preset, "seed": seed}
    closed: dict[str, Any] = {"groups": names(groups), "drop_faulty": drop_faulty}
    if overton.holds_responses(file, questions):
        refuse({"evaluator": evaluator, **closed}, why="a judge reads free responses.")
        given, shown = overton.settings(**both), {"every": every, "markdown": markdown, "as_json": json}
        overton.score(
            file, questions=questions, judge=judge, given=given, out=out, reproduce=reproduce, **shown
        )
        return
    refuse({"judge": judge}, why="answers to closed questions are read by no judge.")
    settings = _settings(**both, **closed)
    rescored = score_file(
        file, questions=questions, evaluator=evaluator, settings=settings, reproduce=reproduce
    )
    _warn_of_faults(rescored.data, drop_faulty=drop_faulty)
    if out:
        rescored.write(out)
    if json:
        print_json(rescored.results)
    else:
        print_estimates(rescored.model_id, rescored.scores, every=every, markdown=markdown)
    print_losses(rescored.scores)
    if out:
        progress_console().print(f"results: {out}  (look at {out / 'report.html'})", soft_wrap=True)
    if rescored.scores.estimates[0].value is None:
        raise typer.Exit(1)


@app.command("resume")
def resume_evaluation(
    folder: Annotated[Path, typer.Argument(help="Folder of a run that was stopped.")], json: Json = False
) -> None:
    """Go on with a run that was stopped, with the settings it was started with."""
    from pluralign.evaluation import resume

    if room := _room(folder):
        room.resume(folder, as_json=json)
        return
    with progress_bars() as start:
        finished = resume(folder, progress=start(str(folder)))
    _print_run(finished, as_json=json)


@app.command("ls")
def list_evaluations(json: Json = False) -> None:
    """List the shipped evaluations."""
    from rich.table import Column, Table

    from pluralign.evaluation import list_specs, load_spec

    specs = [load_spec(name) for name in list_specs()]
    if json:
        print_json([spec.model_dump(mode="json") for spec in specs])
        return
    table = Table(Column("evaluation", no_wrap=True), "version", "what it measures", box=None)
    for spec in specs:
        table.add_row(spec.id, spec.version, spec.title)
    result_console().print(table)


@app.command("show")
def show_evaluation(
    name: Annotated[str, typer.Argument(help="An evaluation, or the folder of a run.")],
    json: Json = False,
    markdown: Markdown = False,
    every: Every = False,
) -> None:
    """Show what an evaluation asks, or the results of a run."""
    from pluralign.evaluation import load_run, load_spec
    from pluralign.evaluation.spec import OvertonSpec, RepeatedSpec, SequencesSpec

    if Path(name).is_dir():
        if room := _room(Path(name)):
            room.show(Path(name), as_json=json, every=every, markdown=markdown)
        else:
            _print_run(load_run(Path(name)), as_json=json, every=every, markdown=markdown)
        return
    spec = load_spec(name)
    if json:
        print_json(spec.model_dump(mode="json"))
        return
    console = result_console()
    console.print(f"[bold]{spec.id}[/] {spec.version}: {spec.title}")
    console.print(spec.description.strip())
    console.print(f"source: {spec.source.name} ({spec.source.licence})")
    if isinstance(spec, RepeatedSpec):
        repeated.show_spec(spec)
        return
    if isinstance(spec, SequencesSpec):
        sequences.show_spec(spec)
        return
    if isinstance(spec, OvertonSpec):
        overton.show_spec(spec)
        return
    console.print(f"data: {spec.data.adapter} {dict(spec.data.arguments)}")
    console.print(
        f"asked of: {spec.conditions}; condition: {spec.condition}; elicitation: {spec.elicitation.name}"
    )
    console.print(f"run it: pluralign eval run {spec.id} --model embedded")


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(help="Folder of another run of the same evaluation.")],
    preset: Preset = None,
    judge: Judge = None,
    out: Annotated[Path | None, typer.Option(help="Also write a page of both to this HTML file.")] = None,
    every: Every = False,
    json: Json = False,
) -> None:
    """Compare two runs of one evaluation: paired differences, first minus second."""
    from pluralign.evaluation import compare_runs, comparison_report, load_run

    rooms = _room(first), _room(second)
    if rooms[0] is not rooms[1]:
        raise ConfigurationError(
            f"{first} and {second} are runs of different kinds; compare runs of one evaluation."
        )
    if rooms[0] in (repeated, sequences):
        refuse({"judge": judge, "preset": preset}, why="these runs have neither judge nor preset.")
        rooms[0].compare(first, second, out=out, every=every, as_json=json)
        return
    if rooms == (overton, overton):
        overton.compare(first, second, judge=judge, preset=preset, out=out, every=every, as_json=json)
        return
    refuse({"judge": judge}, why="answers to closed questions are read by no judge.")
    runs = load_run(first), load_run(second)
    print_comparisons(
        compare_runs(*runs, preset=preset),
        page=lambda: comparison_report(*runs, preset=preset),
        out=out,
        every=every,
        as_json=json,
    )


@app.command("similarity")
def similarity(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs of one homogeneity evaluation.")],
    n_nearest: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Neighbours of an answer among which models are counted.",
            show_default="as many as draws",
        ),
    ] = None,
    markdown: Markdown = False,
    json: Json = False,
) -> None:
    """How alike several models answer the same open prompts."""
    repeated.similarity(folders, n_nearest=n_nearest, markdown=markdown, as_json=json)


def _room(folder: Path) -> ModuleType | None:
    """The commands for a run's folder; None where its questions are closed."""
    from pluralign.evaluation.folders import evaluator_of
    from pluralign.evaluation.spec import OVERTON, REPEATED, SEQUENCES

    evaluator = evaluator_of(folder)
    rooms = {OVERTON: overton, SEQUENCES: sequences, **dict.fromkeys(REPEATED, repeated)}
    return rooms.get(evaluator)


def _settings(*, steered: Mapping[str, Any] = MappingProxyType({}), **given: Any) -> "Settings":
    """The settings, those that --profile asks for among them, or an error that names the option that is wrong."""
    from pluralign.evaluation import Settings

    for name in ("groups", "condition", "profiles"):
        if given.get(name) and name in steered:
            raise ConfigurationError(
                f"--{name} and --profile both say whom the model speaks for; give one of them."
            )
    data = given.get("data", {}) | steered.get("data", {})
    return settings_of(Settings, {**given, **steered, "data": data})


def _warn_of_faults(data: "Loaded", *, drop_faulty: bool) -> None:
    """One line a fault on stderr: what is wrong with the data, and what becomes of it."""
    fates = {
        "unusable": "cannot be used",
        "faulty": "left out; results with them are given too"
        if drop_faulty
        else "used (--drop-faulty leaves them out)",
    }
    counts = Counter((each.severity.value, each.fault) for each in data.findings)
    for (severity, fault), count in sorted(counts.items()):
        if severity in fates:
            line = f"data: {fault.replace('_', ' ')}: {count}, {fates[severity]}"
            progress_console().print(line, markup=False, highlight=False, soft_wrap=True, style="yellow")


def _print_plan(prepared: "Prepared") -> None:
    console = result_console()
    prompts = [
        len(prepared.elicitation.prompts(unit.question, unit.condition)) for unit in prepared.plan.units
    ]
    first = prepared.plan.units[0]
    prompt = prepared.elicitation.prompts(first.question, first.condition)[0]
    console.print(
        f"{prepared.config.spec.id}: {len(prompts)} work units, {sum(prompts)} prompts to {prepared.model.id}"
    )
    console.print("first prompt, exactly as the model is given it:")
    console.print(prepared.model.render(prompt), markup=False, highlight=False, soft_wrap=True)
    console.print("options scored: " + "; ".join(first.question.option_texts), markup=False, highlight=False)


def _print_run(run: "EvalRun", *, as_json: bool, every: bool = False, markdown: bool = False) -> None:
    """The results of a run, and how much of the answers the options covered."""
    masses = sorted(a.valid_mass_prob for a in run.answers if a.valid_mass_prob is not None)
    if masses:
        progress_console().print(
            f"valid mass: median {masses[len(masses) // 2]:.3f}, minimum {masses[0]:.3f}"
        )
    print_run(run, as_json=as_json, every=every, markdown=markdown)
