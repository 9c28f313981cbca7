"""`pluralign raters`: infer value profiles from people's ratings, and measure what they are worth."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pluralign.cli.console import print_json, progress_bars, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.evaluation.rater_plan import PreparedStudy, RaterSettings
    from pluralign.evaluation.rater_results import StudyRun

app = typer.Typer(no_args_is_help=True, help="Infer value profiles from people's ratings.")

Source = Annotated[
    str,
    typer.Argument(help="Data adapter, evaluation or file with single people, for example multipico."),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data", metavar="KEY=VALUE", help="Argument of the data adapter, for example path=FOLDER."
    ),
]
Raters = Annotated[int, typer.Option(min=0, help="Number of raters, chosen by the seed; 0: all.")]
Fit = Annotated[
    int, typer.Option(min=0, help="Ratings a profile is inferred from; 0: 2 to N - 2, drawn by rater.")
]
HeldOut = Annotated[int, typer.Option(min=2, help="Held-out ratings of each rater at most.")]
Draws = Annotated[int, typer.Option(min=1, help="Replies drawn of the encoder for one rater at most.")]
Temperature = Annotated[float, typer.Option(min=0, help="Temperature of these draws.")]
MaxNewTokens = Annotated[int, typer.Option(min=1, help="Length of such a reply at most, in tokens.")]
TrainShare = Annotated[float, typer.Option(help="Share of raters for calibration and clusters.")]
Splits = Annotated[int, typer.Option(min=1, help="Number of divisions of the raters.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


Decoder = Annotated[
    str, typer.Option("--model", "-m", help="Decoder: 'embedded', a hub id or a path; may be tuned.")
]
Encoder = Annotated[str | None, typer.Option(help="Who writes the profiles.", show_default="the decoder")]
Judge = Annotated[
    str | None, typer.Option(help="Who matches profiles with answers.", show_default="not judged")
]
Out = Annotated[Path | None, typer.Option(help="Folder of the study.", show_default="one under runs/")]
Examples = Annotated[
    int, typer.Option(min=0, help="Ratings shown in context at most; 0: all that a profile is inferred from.")
]
Candidates = Annotated[int, typer.Option(min=1, help="Profiles among which clusters are chosen.")]
Clusters = Annotated[int, typer.Option(min=0, help="Profiles chosen for groups of raters; 0: none.")]
Calibration = Annotated[str, typer.Option(help="temperature, bias (with an offset for each option) or none.")]
MaxOrders = Annotated[int, typer.Option(min=0, help="Orders of the options asked at most; 0: all.")]
Trials = Annotated[int, typer.Option(min=1, help="Pairs of profiles put to the judge.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print counts and the first prompts; ask nothing.")]


@app.command("run")
def run_raters(
    source: Source,
    model: Decoder = "embedded",
    encoder: Encoder = None,
    judge: Judge = None,
    data: Data = None,
    out: Out = None,
    raters: Raters = 20,
    fit: Fit = 6,
    held_out: HeldOut = 6,
    examples: Examples = 0,
    candidates: Candidates = 4,
    clusters: Clusters = 2,
    splits: Splits = 1,
    train_share: TrainShare = 0.5,
    calibration: Calibration = "temperature",
    max_orders: MaxOrders = 0,
    draws: Draws = 3,
    temperature: Temperature = 0.7,
    max_new_tokens: MaxNewTokens = 160,
    trials: Trials = 40,
    seed: Seed = 0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Measure what profiles, examples and demographics tell of held-out ratings; the same command goes on."""
    from pluralign.evaluation.rater_plan import prepare_study
    from pluralign.evaluation.rater_study import run_study

    settings = _settings(
        data,
        n_raters=raters or None,
        n_fit=fit or None,
        n_held_out=held_out,
        n_examples=examples or None,
        n_candidates=candidates,
        n_clusters=clusters,
        n_splits=splits,
        train_share=train_share,
        calibration=calibration,
        max_orders=max_orders or None,
        max_draws=draws,
        encoder_temperature=temperature,
        max_new_tokens=max_new_tokens,
        n_trials=trials,
        seed=seed,
    )
    prepared = prepare_study(source, model=model, encoder=encoder, judge=judge, settings=settings)
    if dry_run:
        _print_plan(prepared)
        return
    with progress_bars() as stages:
        study = run_study(prepared, out=out, stages=stages)
    _print_study(study, as_json=json)


@app.command("encode")
def encode_raters(
    source: Source,
    out: Annotated[Path, typer.Option(help="Folder of encodings.jsonl; the same command goes on in it.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Encoder: an instruct model that writes the profiles.")
    ] = "embedded",
    data: Data = None,
    raters: Raters = 20,
    fit: Fit = 6,
    draws: Draws = 3,
    temperature: Temperature = 0.7,
    max_new_tokens: MaxNewTokens = 160,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Write the value profiles of raters, and nothing else."""
    from pluralign.evaluation.rater_plan import prepare_study
    from pluralign.evaluation.rater_study import ENCODINGS, encode_study

    settings = _settings(
        data,
        n_raters=raters or None,
        n_fit=fit or None,
        max_draws=draws,
        encoder_temperature=temperature,
        max_new_tokens=max_new_tokens,
        seed=seed,
    )
    prepared = prepare_study(source, model=model, settings=settings)
    with progress_bars() as stages:
        encodings = [
            each for own in encode_study(prepared, out=out, stages=stages).values() for each in own.values()
        ]
    console = result_console()
    if json:
        print_json([encoding.model_dump(mode="json") for encoding in encodings])
    else:
        for encoding in encodings:
            console.print(f"[bold]{encoding.rater}[/]: {encoding.outcome.value}")
            for value in encoding.profile.values if encoding.profile else ():
                held = f" ({value.hedge})" if value.hedge else ""
                console.print(f"- {value.statement}{held}", markup=False, highlight=False, soft_wrap=True)
    outcomes = Counter(encoding.outcome.value for encoding in encodings)
    progress_console().print(", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common()))
    progress_console().print(f"profiles: {out / ENCODINGS}")
    if "ok" not in outcomes:
        raise typer.Exit(1)


def _settings(data: list[str] | None, **given: Any) -> "RaterSettings":
    """The settings, or an error that names the one that is wrong."""
    from pydantic import ValidationError

    from pluralign.data import read_arguments
    from pluralign.errors import ConfigurationError
    from pluralign.evaluation.rater_plan import RaterSettings
    from pluralign.records.jsonl import describe

    try:
        return RaterSettings(data=read_arguments(data or ()), **given)
    except ValidationError as error:
        raise ConfigurationError(describe(error)) from error


def _print_plan(prepared: "PreparedStudy") -> None:
    from pluralign.evaluation.rater_plan import bounds, first_prompts

    console = result_console()
    counts = bounds(prepared)
    fold = prepared.folds[0]
    console.print(
        f"{prepared.questions.id}: {len(fold.train)} train and {len(fold.test)} test raters, "
        f"{len(prepared.folds)} division(s), {counts.n_held_out} held-out ratings"
    )
    console.print(
        f"{counts.n_profiles} profiles to be written by {prepared.encoder.id}, each in "
        f"{prepared.settings.max_draws} draws at most; then at most {counts.n_units} units asked of {prepared.model.id}"
    )
    for part, prompt in zip(("encoder", "decoder"), first_prompts(prepared), strict=True):
        console.print(f"first prompt of the {part}, exactly as the model is given it:")
        console.print(prompt, markup=False, highlight=False, soft_wrap=True)


def _print_study(study: "StudyRun", *, as_json: bool) -> None:
    from pluralign.reports import Series, estimates_table

    console = result_console()
    if as_json:
        print_json(study.results)
    else:
        series = [Series(label=study.config.model, estimates=study.scores.estimates)]
        console.print(estimates_table(series, width=console.width, every=True))
        for sentence in study.scores.readings:
            console.print(f"- {sentence}", markup=False, highlight=False, soft_wrap=True)
    progress_console().print(
        f"results: {study.folder}  (look at {study.folder / 'report.html'})", soft_wrap=True
    )
    if study.scores.estimates[0].value is None:
        raise typer.Exit(1)
