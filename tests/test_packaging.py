"""The built wheel, and what it does in an empty environment, away from the checkout."""

import os
import subprocess
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pluralign.models import embedded

CHECKOUT = Path(__file__).resolve().parents[1]
CORE = {"pydantic", "numpy", "scipy", "pyyaml", "jinja2", "typer", "rich", "httpx"}

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, cwd=CHECKOUT)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("pluralign-*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    return ZipFile(wheel).namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path, names: list[str]) -> Message:
    entry = next(name for name in names if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(ZipFile(wheel).read(entry).decode())


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a new environment that holds the wheel and what its metadata asks for, nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    made = run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    lock = CHECKOUT / "requirements.lock"
    # One retry is enough to tell a missing network, which pip reports as a broken connection, from a wrong name.
    installed = run(
        python, "-m", "pip", "install", "--quiet", "--retries", "1", "--constraint", lock, wheel, cwd=folder
    )
    if "connection broken" in installed.stderr:
        pytest.skip(
            "the package index cannot be reached, so nothing can be installed into an empty environment"
        )
    assert installed.returncode == 0, installed.stderr
    return folder / "bin"


def test_the_wheel_holds_the_package_and_the_shipped_specs(names: list[str]):
    shipped = {
        f"pluralign/_evals/{path.relative_to(CHECKOUT / 'evals')}"
        for path in (CHECKOUT / "evals").rglob("*.yaml")
    }

    page = {f"pluralign/serve/page/{name}" for name in ("index.html", "page.css", "page.js", "icon.svg")}
    modules = {"pluralign/py.typed", "pluralign/__main__.py", "pluralign/spectrum/__init__.py"}

    assert shipped
    assert shipped | page | modules <= set(names)


def test_the_wheel_holds_nothing_else(names: list[str]):
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"pluralign"}
    assert [name for name in names if "tests/" in name or "__pycache__" in name] == []


def test_the_core_requires_no_heavy_package(metadata: Message):
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]

    assert {r.name.lower() for r in requirements if "extra" not in str(r.marker)} == CORE


def test_each_extra_is_declared(metadata: Message):
    assert {"hf", "train", "data", "plot", "dev"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_lock_pins_every_requirement_to_a_version_it_allows(metadata: Message):
    lines = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    others = [r for r in requirements if r.name != "pluralign"]

    assert pins["torch"] == "2.13.0"
    assert [str(r) for r in others if pins.get(canonicalize_name(r.name), "") not in r.specifier] == []


def test_make_and_the_library_install_the_same_embedded_wheel():
    lock = (CHECKOUT / "embedded.lock").read_text(encoding="utf-8")

    assert f"{embedded.WHEEL} --hash=sha256:{embedded.WHEEL_SHA256}\n" in lock


def test_the_installed_wheel_runs_from_another_folder(environment: Path, metadata: Message, tmp_path: Path):
    version = run(environment / "pluralign", "--version", cwd=tmp_path)
    listing = run(environment / "pluralign", "eval", "ls", cwd=tmp_path)

    assert version.returncode == 0, version.stderr
    assert metadata["Version"] in version.stdout
    assert listing.returncode == 0, listing.stderr
    assert "distributional/anes96" in listing.stdout


def test_every_module_imports_without_the_extras(environment: Path, tmp_path: Path):
    script = """
import importlib.util, pkgutil, sys
import pluralign

assert importlib.util.find_spec("torch") is None
for module in pkgutil.walk_packages(pluralign.__path__, "pluralign."):
    # A subclass of TRL's trainer, a torch module and an application of FastAPI: what imports them has asked for the extra.
    if module.name not in {"pluralign.spectrum.trainer", "pluralign.models.mixture_module", "pluralign.serve.app"}:
        importlib.import_module(module.name)
assert "torch" not in sys.modules
print(pluralign.__file__)
"""
    imported = run(environment / "python", "-c", script, cwd=tmp_path)

    assert imported.returncode == 0, imported.stderr
    assert Path(imported.stdout.strip()).is_relative_to(environment.parent)
