"""`pluralign eval` on sequences/: how well a model foretells outputs from those before them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pluralign.cli.console import progress_bars, result_console
from pluralign.cli.options import settings_of
from pluralign.cli.scores import print_comparisons, print_run

if TYPE_CHECKING:
    from rich.table import Table

    from pluralign.evals.sequences import Calibration
    from pluralign.evaluation.sequences import PreparedSequences, SequencesRun, SequencesSettings
    from pluralign.evaluation.spec import SequencesSpec

Layout = Annotated[
    Literal["spectrum", "chat", "chat_simple", "colon"] | None,
    typer.Option(
        help="sequences/: how sequences are laid out; by default spectrum, chat or colon, as the model was made for."
    ),
]
Sequences = Annotated[
    int | None, typer.Option(min=1, help="sequences/: so many sequences, drawn with the seed.")
]
MaxWords = Annotated[
    int | None,
    typer.Option(min=1, help="sequences/: words of a sequence at most, from which its length follows."),
]
Bfloat16 = Annotated[
    bool, typer.Option("--bfloat16", help="sequences/: faster products, losses differ in the third digit.")
]


def settings(**given: Any) -> "SequencesSettings":
    """The settings, or an error that names the option that is wrong."""
    from pluralign.evaluation.sequences import SequencesSettings

    return settings_of(SequencesSettings, given)


def run(
    spec: "SequencesSpec",
    *,
    model: str,
    given: "SequencesSettings",
    out: Path | None,
    fresh: bool,
    dry_run: bool,
    every: bool,
    as_json: bool,
) -> None:
    """Let a model read sequences, or print the plan."""
    from pluralign.evaluation.sequences import prepare_sequences, run_sequences

    prepared = prepare_sequences(spec, model=model, settings=given)
    if dry_run:
        _print_plan(prepared)
        return
    with progress_bars() as start:
        finished = run_sequences(prepared, out=out, fresh=fresh, progress=start(spec.id))
    _print_run(finished, as_json=as_json, every=every)


def resume(folder: Path, *, as_json: bool) -> None:
    """Go on with a run that was stopped."""
    from pluralign.evaluation.sequences import resume_sequences

    with progress_bars() as start:
        finished = resume_sequences(folder, progress=start(str(folder)))
    _print_run(finished, as_json=as_json)


def show(folder: Path, *, as_json: bool, every: bool, markdown: bool) -> None:
    """Show a run's results again, from its scores."""
    from pluralign.evaluation.sequences import load_sequences_run

    _print_run(load_sequences_run(folder), as_json=as_json, every=every, markdown=markdown)


def show_spec(spec: "SequencesSpec") -> None:
    """What an evaluation has read."""
    console = result_console()
    made = "your own, --data path=FOLDER" if spec.task is None else f"{spec.task} of the spectrum suite"
    drawn = "all" if spec.sequences is None else f"{spec.sequences} drawn with the seed"
    console.print(f"sequences: {made}; {drawn}, of at most {spec.max_words} words")
    console.print(f"run it: pluralign eval run {spec.id} --model embedded")


def compare(first: Path, second: Path, *, out: Path | None, every: bool, as_json: bool) -> None:
    """Paired differences of two runs on the same sequences, first minus second."""
    from pluralign.evaluation.sequences import (
        compare_sequences_runs,
        load_sequences_run,
        sequences_comparison_report,
    )

    runs = load_sequences_run(first), load_sequences_run(second)
    print_comparisons(
        compare_sequences_runs(*runs),
        page=lambda: sequences_comparison_report(*runs),
        out=out,
        every=every,
        as_json=as_json,
    )


def _print_run(
    finished: "SequencesRun", *, as_json: bool, every: bool = False, markdown: bool = False
) -> None:
    """The results of a run, with every metric its reliability table too."""
    more = _reliability(finished.scored.calibration) if every else None
    print_run(finished, as_json=as_json, every=every, markdown=markdown, more=more)


def _reliability(found: "Calibration") -> "Table":
    """What the probabilities of each bin came to."""
    from rich.table import Column, Table

    table = Table(
        "token probability",
        Column("tokens", justify="right"),
        Column("mean", justify="right"),
        Column("came", justify="right"),
        box=None,
    )
    for each in found.bins:
        span = f"{each.low_prob:.3f} to {each.high_prob:.3f}"
        table.add_row(span, f"{each.n:,}", f"{each.mean_prob:.3f}", f"{each.correct_share:.3f}")
    return table


def _print_plan(prepared: "PreparedSequences") -> None:
    from pluralign.spectrum.baseline_formats import lay_out

    console, made = result_console(), prepared.sequences
    console.print(
        f"{prepared.config.spec.id}: {len(made.sequences)} of {made.n_long_enough} sequences with {made.n_examples} "
        f"examples ({made.n_available} there are), read by {prepared.model.id} in the layout {prepared.layout.name}"
    )
    console.print("first sequence, exactly as the model is given it:")
    laid_out = lay_out(made.sequences[0].sequence, layout=prepared.layout)
    text = prepared.model.tokenizer.decode(list(laid_out.token_ids), clean_up_tokenization_spaces=False)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
