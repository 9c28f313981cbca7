"""`pluralign guard evaluate`: a whole guard put through the tests of `evals/guard`."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import names, print_json, progress_console, result_console
from pluralign.cli.guard import (
    Combine,
    Json,
    Judges,
    KeyVariable,
    Languages,
    Loosening,
    Overlays,
    PolicyFile,
    Qualifications,
    Unqualified,
    guard_of,
    judge_choices,
    policy_of,
)

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from pluralign.guard.measuring.figures import Measurement
    from pluralign.guard.measuring.served_profiles import Steering

Tests = Annotated[
    list[str] | None, typer.Argument(help="Tests, such as guard/contrast, or YAML files.", show_default="all")
]
Data = Annotated[
    Path | None, typer.Option(help="Folder of the published texts, with guard/ and polis/ in it.")
]
Tokenizer = Annotated[
    list[str] | None,
    typer.Option(help="Folder of a tokenizer to look for leaking control tokens under; may be repeated."),
]
Out = Annotated[Path | None, typer.Option(help="Write figures.json and table.md into this folder.")]
Model = Annotated[
    str | None, typer.Option("--model", "-m", help="Model that profiles are served to, for T6; needs --out.")
]
Profiles = Annotated[
    str | None, typer.Option(help="Profiles served to it, a,b,c.", show_default="the first of each family")
]
Every = Annotated[int, typer.Option(min=1, help="Ask it every so many requests of each type; 1: all.")]


def evaluate(
    tests: Tests = None,
    data: Data = None,
    out: Out = None,
    tokenizer: Tokenizer = None,
    model: Model = None,
    profiles: Profiles = None,
    every: Every = 1,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    policy: PolicyFile = None,
    overlay: Overlays = None,
    allow_loosening: Loosening = False,
    judge: Judges = None,
    combine: Combine = "cascade",
    qualifications: Qualifications = None,
    allow_unqualified: Unqualified = False,
    key_variable: KeyVariable = None,
    languages: Languages = None,
    json: Json = False,
) -> None:
    """Measure the whole guard: whom it refuses, what it misses, and what attacks come to.

    Texts that are not in --data are skipped and named. The exit status is 0 where every target is met, 1 where one is
    missed.
    """
    from pluralign.files import write_whole, writing
    from pluralign.guard.measuring.spec import load_guard_specs
    from pluralign.guard.measuring.suite import measure
    from pluralign.guard.measuring.table import markdown

    specs = load_guard_specs(tests or ())
    guard = guard_of(
        policy_of(policy, overlay, allow_loosening),
        judges=judge_choices(judge, key_variable, languages),
        qualifications=qualifications,
        allow_unqualified=allow_unqualified,
        combine=combine,
    )
    if out is not None:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
    measurement = measure(
        guard,
        specs,
        data=data,
        tokenizers=_tokenizers(tokenizer or ()),
        steering=_steering(model, profiles, every=every, out=out),
        seed=seed,
        tell=_teller(),
    )
    if out is not None:
        write_whole(out / "figures.json", (measurement.model_dump_json(indent=1) + "\n").encode())
        write_whole(out / "table.md", markdown(measurement, specs).encode())
        _note(f"{out / 'figures.json'}, {out / 'table.md'}")
    if json:
        print_json(measurement.model_dump(mode="json"))
    else:
        _print(measurement)
    if any(figure.met is False for figure in measurement.figures):
        raise typer.Exit(1)


def _tokenizers(folders: Sequence[str]) -> dict[str, "PreTrainedTokenizerBase"]:
    """Name -> tokenizer: the embedded model's, if it is installed, and those in the folders."""
    from pluralign.errors import ConfigurationError, MissingExtraError
    from pluralign.guard.measuring.control_ids import EMBEDDED, load_tokenizer
    from pluralign.models.embedded import is_present

    found = {Path(folder).name: load_tokenizer(folder) for folder in folders}
    if len(found) < len(folders) or EMBEDDED in found:
        raise ConfigurationError(
            f"--tokenizer: the folders need different names, none of them {EMBEDDED!r}, since tables name them so."
        )
    if is_present():
        try:
            found = {EMBEDDED: load_tokenizer(EMBEDDED), **found}
        except MissingExtraError as error:
            _note(str(error))
    return found


def _steering(model: str | None, profiles: str | None, *, every: int, out: Path | None) -> "Steering | None":
    from pluralign.errors import ConfigurationError
    from pluralign.guard.measuring.served_profiles import Steering
    from pluralign.guard.measuring.steered import default_profiles
    from pluralign.models import load_model
    from pluralign.profiles import load_profile

    if model is None:
        return None
    if out is None:
        raise ConfigurationError("--model: its answers are kept in the folder --out; name one.")
    chosen = names(profiles) or default_profiles()
    return Steering(
        load_model(model), [load_profile(name) for name in chosen], out / "answers.jsonl", every=every
    )


def _teller() -> Callable[[str], None]:
    """Says on stderr what is measured, with the seconds since the start."""
    began = time.monotonic()
    return lambda what: _note(f"{time.monotonic() - began:5.0f} s  {what}")


def _print(measurement: "Measurement") -> None:
    from rich.table import Table

    from pluralign.guard.measuring.table import COLUMNS, SHIFT_COLUMNS, headlines, shift_cells, timing

    table = Table(*COLUMNS, box=None)
    for line in headlines(measurement):
        table.add_row(*line.cells)
    console = result_console()
    console.print(table, markup=False)
    if measurement.shifts:
        shifts = Table(*SHIFT_COLUMNS, box=None)
        for shift in measurement.shifts:
            shifts.add_row(*shift_cells(shift))
        console.print(shifts, markup=False)
    for what, why in measurement.skipped.items():
        console.print(f"not measured: {what}: {why}", markup=False, highlight=False, soft_wrap=True)
    console.print(timing(measurement), markup=False, highlight=False)


def _note(text: str) -> None:
    progress_console().print(text, markup=False, highlight=False, soft_wrap=True)
