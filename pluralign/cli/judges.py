"""`pluralign judge`: how far a judge can be trusted, measured on what people said themselves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import names, print_json, progress_bars, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.judges.agreement import Figure
    from pluralign.judges.ratings import RatingTable
    from pluralign.judges.validation import JudgeValidation, Predictor, SampleValidation

app = typer.Typer(no_args_is_help=True, help="Measure judges on people's own ratings.")

_COSINE = "cosine"


# A group of one command would take the command's place.
@app.callback()
def _group() -> None:
    """Measure judges on people's own ratings."""


@app.command("validate")
def validate(
    data: Annotated[
        Path, typer.Option(help="Folder of the surveys of generative social choice, or one such file.")
    ],
    judge: Annotated[
        str,
        typer.Option(
            "--judge", "-j", help="embedded, nli:NAME, model:NAME, or cosine[:NAME] of a sentence embedder."
        ),
    ] = "embedded",
    survey: Annotated[str | None, typer.Option(help="abortion, chatbot.", show_default="those there")] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and resampling.")] = 0,
    verdicts: Annotated[
        Path | None,
        typer.Option(help="File that keeps an entailment judge's verdicts; a stopped run goes on there."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to keep it in.", show_default="where every result that cites the judge looks"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Hold a judge against people's own ratings of how well statements capture their views.

    Beside it stand what predicts the ratings without reading: the person's other ratings, other people's ratings, and
    the people who rate alike. The exit status is 0 where it was measured, whatever came out.
    """
    from pluralign.judges.ratings import load_rating_tables
    from pluralign.judges.validation import own_folder, save_validation, warning

    tables = load_rating_tables(data, surveys=names(survey))
    found = _validated(judge, tables, seed=seed, verdicts=verdicts, device=device)
    warned = warning(found)
    if json:
        print_json({
            "validation": found.model_dump(mode="json"),
            "verdicts": {
                sample.id: {
                    "orders_within_raters": sample.orders_within_raters,
                    "errs_less_than_blind": sample.errs_less_than_blind,
                    "beats_blind": sample.beats_blind,
                    "beats_statement": sample.beats_statement,
                }
                for sample in found.samples
            },
            "warning": warned,
        })
    else:
        _print(f"judge {found.judge}")
        for sample in found.samples:
            _print_sample(sample)
        _print_legend(found)
        _print(f"Warning: {warned}" if warned else "It beats the response-blind baseline on every sample.")
    progress_console().print(f"validation: {save_validation(out or own_folder(), found)}", soft_wrap=True)


def _validated(
    judge: str, tables: "tuple[RatingTable, ...]", *, seed: int, verdicts: Path | None, device: str
) -> "JudgeValidation":
    from pluralign.errors import ConfigurationError
    from pluralign.judges.measurement import validate_embedder, validate_entailment

    kind, _, name = judge.partition(":")
    if kind == _COSINE:
        from pluralign.models.embedding import load_embedder

        if verdicts is not None:
            raise ConfigurationError("--verdicts: the cosine of an embedder gives none; leave it out.")
        return validate_embedder(load_embedder(name or "embedded", device=device), tables, seed=seed)
    from pluralign.judges import load_entailment

    loaded = load_entailment(judge, device=device, cache=verdicts)
    with progress_bars() as stages:
        return validate_entailment(loaded, tables, seed=seed, progress=stages("pairs judged"))


def _print_sample(sample: "SampleValidation") -> None:
    from rich.table import Table

    console = result_console()
    _print(
        f"\n{sample.id}: {sample.n_people} people, {sample.n_statements} statements, {sample.n_ratings} ratings of "
        f"0 to {sample.n_levels - 1}; own words: {sample.words}"
    )
    unscored = {**sample.n_unscored, "pairs of texts not judged": sample.n_pairs_unjudged}
    if any(unscored.values()):
        _print("not scored: " + ", ".join(f"{n} {reason}" for reason, n in unscored.items() if n))
    heads = ("predictor", "within a person", "single ratings", "error", "raw", "spread", ">= tau")
    table = Table(*heads, box=None, padding=(0, 1, 0, 0))
    for row in (sample.judge, *sample.alternatives, *sample.baselines):
        table.add_row(*_row(row))
    table.add_row("people", *[""] * 4, "1.00", _percent(sample.people_reaching_tau))
    console.print(table, markup=False, highlight=False)
    for stratum in sample.judge.strata:
        words = sorted({stratum.shortest, stratum.longest})
        _print(
            f"  {stratum.n_statements} statement{'s' * (stratum.n_statements > 1)} of "
            f"{' to '.join(map(str, words))} words: single ratings {stratum.correlation.brief}, "
            f"error {stratum.error.brief}, bias {stratum.bias.brief}"
        )
    for sentence in sample.readings:
        _print(f"- {sentence}")


def _print_legend(found: "JudgeValidation") -> None:
    sample = found.samples[0]
    _print("")
    for row in (sample.judge, *sample.alternatives, *sample.baselines):
        _print(f"{row.name}: {row.definition}")
    _print(
        "within a person: mean over people of the rank correlation with their ratings; single ratings: rank "
        "correlation over all ratings; error: mean absolute error in levels, calibrated on other people; raw: the "
        "same of what is on the scale as it is; spread: standard deviation over that of the ratings, calibrated; "
        f">= tau: share at or above {found.tau:g} of the scale, calibrated. Intervals: {found.intervals}."
    )


def _row(row: "Predictor") -> list[str]:
    raw = "" if row.raw_error is None or row.raw_error.value is None else f"{row.raw_error.value:.2f}"
    spread = "-" if row.sd_ratio.value is None else f"{row.sd_ratio.value:.2f}"
    within = "-" if row.within is None else row.within.brief
    figures = (row.correlation.brief, row.error.brief)
    return [row.name, within, *figures, raw, spread, _percent(row.reaching_tau)]


def _percent(share: "Figure") -> str:
    return "-" if share.value is None else f"{100 * share.value:.0f} %"


def _print(text: str) -> None:
    """Print to stdout as it stands."""
    result_console().print(text, markup=False, highlight=False, soft_wrap=True)
