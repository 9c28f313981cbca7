"""`pluralign profile`: the shipped value profiles, rendering them, and writing and checking your own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pluralign.cli.console import print_json, progress_console, result_console

if TYPE_CHECKING:
    from pluralign.profiles import ProfileDifference

app = typer.Typer(no_args_is_help=True, help="Look at value profiles, render them, write and check your own.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Name = Annotated[str, typer.Argument(help="A shipped profile (pluralign profile ls) or a YAML file.")]


@app.command("ls")
def list_all(
    family: Annotated[str | None, typer.Option(help="Only this family, for example political.")] = None,
    json: Json = False,
) -> None:
    """List the shipped profiles."""
    from rich.table import Table

    from pluralign.errors import ConfigurationError, did_you_mean
    from pluralign.profiles import list_profiles, load_profile

    shipped = {id: path.parent.name for id, path in list_profiles().items()}
    families = set(shipped.values())
    if family is not None and family not in families:
        raise ConfigurationError(f"--family: unknown family {family!r}.{did_you_mean(family, families)}")
    profiles = [(f, load_profile(id)) for id, f in shipped.items() if family in {None, f}]
    if json:
        print_json([
            {"id": p.id, "family": f, "title": p.title, "contrast": p.contrast, "summary": p.summary}
            for f, p in profiles
        ])
        return
    table = Table("profile", "family", "title", "contrast", box=None)
    for f, profile in profiles:
        table.add_row(profile.id, f, profile.title, profile.contrast or "-")
    result_console().print(table)


@app.command("show")
def show(name: Name, json: Json = False) -> None:
    """Show everything a profile holds."""
    from pluralign.profiles import load_profile
    from pluralign.profiles.library import profile_yaml

    profile = load_profile(name)
    if json:
        print_json(profile.model_dump(mode="json"))
    else:
        _print(profile_yaml(profile).rstrip("\n"))


@app.command("render")
def render(
    name: Name,
    style: Annotated[str, typer.Option(help="first_person, portrait or data.")] = "first_person",
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Leave out statements so that it is no longer than this.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="Count tokens with this model's tokenizer rather than estimate them."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Print the system prompt that puts a profile to a chat model."""
    from pluralign.profiles import load_profile, render_profile

    rendered = render_profile(
        load_profile(name),
        style=style,
        max_tokens=max_tokens,
        count_tokens=None if model is None else _counter(model),
    )
    if json:
        print_json({
            "text": rendered.text,
            "n_tokens": rendered.n_tokens,
            "counted_with": model,
            "dropped": list(rendered.dropped),
        })
        return
    _print(rendered.text)
    how = "by an estimate that errs on the long side" if model is None else f"with the tokenizer of {model}"
    _note(f"{rendered.n_tokens} tokens, {how}")
    for statement in rendered.dropped:
        _note(f"left out: {statement}")


@app.command("check")
def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="Shipped profiles or YAML files.", show_default="all shipped")
    ] = None,
    json: Json = False,
) -> None:
    """Check profiles: who speaks, how much is said, sources, contrast, length, repetitions.

    The exit status is 0 where all is well, 1 where there are faults, 2 where a profile cannot be read.
    """
    from pluralign.profiles import check_profiles

    checked = check_profiles(names or ())
    n_faults = sum(finding.severity == "fault" for finding in checked.findings)
    if json:
        print_json({
            "n_profiles": checked.n_profiles,
            "findings": [finding.model_dump(mode="json") for finding in checked.findings],
            "unreadable": dict(checked.unreadable),
        })
    else:
        for finding in checked.findings:
            _print(f"{finding.profile}: {finding.severity}: {finding.field}: {finding.message}")
    for message in checked.unreadable.values():
        _note(f"Error: {message}")
    _note(
        f"{checked.n_profiles} profiles checked: {n_faults} faults, {len(checked.findings) - n_faults} notes, "
        f"{len(checked.unreadable)} unreadable"
    )
    if checked.unreadable or n_faults:
        raise typer.Exit(2 if checked.unreadable else 1)


@app.command("new")
def new(
    id: Annotated[str, typer.Argument(metavar="ID", help="Id of the profile, for example my-guild.")],
    title: Annotated[str, typer.Option(help="Its name for people.")],
    out: Annotated[Path | None, typer.Option(help="The file.", show_default="ID.yaml")] = None,
) -> None:
    """Write a commented YAML file to fill in; a file that is there is not overwritten."""
    from pluralign.errors import ConfigurationError
    from pluralign.files import writing
    from pluralign.profiles import profile_template

    template = profile_template(id, title=title)
    path = out or Path(f"{id}.yaml")
    with writing(path):
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(template)
        except FileExistsError as error:
            raise ConfigurationError(
                f"{path} is there already and is not overwritten: give --out."
            ) from error
    _print(str(path))
    _note(f"Fill it in, then: pluralign profile check {path}")


@app.command("diff")
def diff(first: Name, second: Name, json: Json = False) -> None:
    """Compare two profiles: statements, weights and hedges, other fields."""
    from pluralign.profiles import diff_profiles, load_profile

    difference = diff_profiles(load_profile(first), load_profile(second))
    if json:
        print_json(difference.model_dump(mode="json"))
    else:
        _print_difference(difference)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of a profile, for editors and other programs."""
    from pluralign.profiles import profile_schema

    print_json(profile_schema())


def _counter(model: str) -> Callable[[str], int]:
    """Counts a text's tokens as the model reads it; loads the tokenizer, no weights."""
    from pluralign.models.loading import load_tokenizer

    tokenizer = load_tokenizer(model)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _print(text: str) -> None:
    """Print to stdout as it stands: brackets and colons are no markup in a profile, and no line is broken."""
    result_console().print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _note(text: str) -> None:
    """The same to stderr."""
    progress_console().print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _print_difference(difference: "ProfileDifference") -> None:
    if difference.empty:
        _print("no difference")
    for change in difference.fields:
        _print(f"{change.field}: {_shown(change.first)} -> {_shown(change.second)}")
    for strength in difference.strengths:
        _print(f"values: {strength.statement}: {strength.first} -> {strength.second}")
    for sign, statements in (("-", difference.only_first), ("+", difference.only_second)):
        for statement in statements:
            _print(f"{sign} {statement.section}: {statement.statement}")
    for section in difference.reordered:
        _print(f"{section}: in another order")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return "-" if value is None else str(value)
