"""`pluralign eval` on overton/: free responses that a judge reads; called by the commands in `evaluation.py`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.console import names, print_json, progress_bars, progress_console, result_console
from pluralign.cli.options import refuse, settings_of
from pluralign.cli.scores import print_comparisons, print_estimates, print_losses, print_run
from pluralign.errors import ConfigurationError

if TYPE_CHECKING:
    from pluralign.evaluation.overton import OvertonSettings, PreparedOverton
    from pluralign.evaluation.spec import OvertonSpec

Judge = Annotated[
    str | None,
    typer.Option(
        help="overton/: who reads the responses: embedded, nli:HUB-ID, or model:NAME for a prompted model."
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="overton/, way synthesis: plain answers to be put together, where no --profiles; coverage/, homogeneity/, way "
        "verbalized: answers in a reply.",
    ),
]
MaxNewTokens = Annotated[
    int | None,
    typer.Option(min=1, help="overton/, coverage/, homogeneity/: length of a response at most, in tokens."),
]
Temperature = Annotated[
    float | None, typer.Option(min=0, help="overton/, coverage/, homogeneity/: of the draws.")
]
AskForViews = Annotated[
    bool, typer.Option("--ask-for-views", help="overton/: the prompt asks for the different views by name.")
]


def settings(**given: Any) -> "OvertonSettings":
    """The settings, or an error that names the option that is wrong."""
    from pluralign.evaluation.overton import OvertonSettings

    return settings_of(OvertonSettings, given)


def speakers(profile: list[str] | None, profiles: str | None) -> dict[str, Any]:
    """For whom the model speaks, as settings: for one profile, or in turn for those of a synthesis.

    Raises:
        ConfigurationError: Several profiles for one plain answer.
    """
    if profile and len(profile) > 1:
        raise ConfigurationError(
            "--profile: one plain answer speaks for one profile. --way synthesis --profiles A,B answers for each and "
            "puts the answers together."
        )
    return {"profile": profile[0] if profile else None, "profiles": names(profiles)}


def holds_responses(source: Path, questions: str | None) -> bool:
    """Whether what is to be scored are free responses.

    Raises:
        ConfigurationError: A folder with another run.
    """
    from pluralign.evaluation.folders import evaluator_of
    from pluralign.evaluation.spec import OVERTON, REPEATED, SEQUENCES, OvertonSpec, list_specs, load_spec

    if source.is_dir():
        evaluator = evaluator_of(source)
        if evaluator == OVERTON:
            return True
        names = {SEQUENCES: "sequences", **dict.fromkeys(REPEATED, "open prompts")}
        asked = names.get(evaluator, "closed questions")
        raise ConfigurationError(
            f"{source} is a run of {asked}: pluralign eval show {source} scores it again; an answers.jsonl of closed "
            "questions can be scored with --questions."
        )
    return questions in list_specs() and isinstance(load_spec(str(questions)), OvertonSpec)


def run(
    spec: "OvertonSpec",
    *,
    model: str,
    judge: str | None,
    given: "OvertonSettings",
    out: Path | None,
    fresh: bool,
    dry_run: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Run an evaluation of free responses, or print its plan."""
    from pluralign.evaluation.overton import prepare_overton, run_overton

    prepared = prepare_overton(spec, model=model, judge=required(judge), settings=given)
    if dry_run:
        _print_plan(prepared)
        return
    with progress_bars() as stages:
        finished = run_overton(prepared, out=out, fresh=fresh, stages=stages)
    print_run(finished, as_json=as_json, every=every)


def required(judge: str | None) -> str:
    """The judge, who is named by the caller and never falls back to the model under test.

    Raises:
        ConfigurationError: None is named.
    """
    if judge is None:
        raise ConfigurationError(
            "Free responses need a judge, and there is no default: --judge embedded, nli:HUB-ID or model:NAME."
        )
    return judge


def resume(folder: Path, *, as_json: bool) -> None:
    """Go on with a run that was stopped."""
    from pluralign.evaluation.overton import resume_overton

    with progress_bars() as stages:
        finished = resume_overton(folder, stages=stages)
    print_run(finished, as_json=as_json)


def show(folder: Path, *, as_json: bool, every: bool, markdown: bool) -> None:
    """Show a run's results again, from its responses and the verdicts in its folder."""
    from pluralign.evaluation.overton import load_overton_run

    print_run(load_overton_run(folder), as_json=as_json, every=every, markdown=markdown)


def score(
    source: Path,
    *,
    questions: str | None,
    judge: str | None,
    given: "OvertonSettings",
    out: Path | None,
    reproduce: str,
    every: bool,
    markdown: bool,
    as_json: bool,
) -> None:
    """Score recorded responses with a judge: those of a run, or of a file that answers an evaluation's windows."""
    from pluralign.evaluation.overton import judged_results, load_overton_run, score_responses, write_judged
    from pluralign.evaluation.spec import load_overton_spec

    with progress_bars() as stages:
        if source.is_dir():
            refuse({"questions": questions, "data": given.data}, why="a run holds its own windows.")
            recorded = load_overton_run(source, judge=judge, preset=given.preset, progress=stages("verdicts"))
            spec, judged, label = recorded.spec, recorded.judged, recorded.label
        else:
            spec = load_overton_spec(questions or "")
            judged = score_responses(
                source, spec=spec, judge=required(judge), settings=given, progress=stages("verdicts")
            )
            label = judged.model_id
    if as_json:
        print_json(judged_results(judged, spec=spec))
    else:
        print_estimates(label, judged.scores, every=every, markdown=markdown)
    print_losses(judged.scores, what="responses")
    if out:
        write_judged(judged, out, spec=spec, label=label, reproduce=reproduce)
        progress_console().print(f"results: {out}  (look at {out / 'report.html'})", soft_wrap=True)
    if judged.scores.estimates[0].value is None:
        raise typer.Exit(1)


def show_spec(spec: "OvertonSpec") -> None:
    """What an evaluation asks, and of what windows."""
    console = result_console()
    console.print(f"windows: {spec.windows.kind} {dict(spec.windows.arguments)}")
    console.print(
        f"{spec.draws} responses a prompt, of at most {spec.max_new_tokens} tokens, at temperature "
        f"{spec.temperature:g}"
    )
    console.print(f"run it: pluralign eval run {spec.id} --model embedded --judge embedded")


def compare(
    first: Path,
    second: Path,
    *,
    judge: str | None,
    preset: str | None,
    out: Path | None,
    every: bool,
    as_json: bool,
) -> None:
    """Paired differences of two runs on the same windows, first minus second."""
    from pluralign.evaluation.overton import (
        compare_overton_runs,
        load_overton_run,
        overton_comparison_report,
    )

    runs = load_overton_run(first, judge=judge), load_overton_run(second, judge=judge)
    comparisons, readings = compare_overton_runs(*runs, preset=preset)
    print_comparisons(
        comparisons,
        readings=readings,
        page=lambda: overton_comparison_report(*runs, preset=preset),
        out=out,
        every=every,
        as_json=as_json,
    )


def _print_plan(prepared: "PreparedOverton") -> None:
    console = result_console()
    windows = prepared.windows.windows
    n_views = sum(len(window.viewpoints) for window in windows)
    n_units, n_calls = len(prepared.plan.units), prepared.way.calls_per_response
    longest = max(sum(len(view.statements) for view in window.viewpoints) for window in windows)
    console.print(
        f"{prepared.config.spec.id}: {len(windows)} windows with {n_views} views; {n_units} responses, at most "
        f"{n_units * n_calls} texts drawn of {prepared.model.id}"
    )
    console.print(
        f"read by {prepared.judge.id}: at most {longest} statements x (sentences + 1) pairs of texts a response, and as "
        "many for the baseline"
    )
    for number, prompt in enumerate(prepared.way.prompts(windows[0]), start=1):
        console.print(f"prompt {number} of the first response, exactly as the model is given it:")
        console.print(prepared.model.render(prompt), markup=False, highlight=False, soft_wrap=True)
