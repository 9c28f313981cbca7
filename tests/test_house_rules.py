"""Rules of the house that no linter holds: sizes, positional parameters, and nothing of one machine in the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_POSITIONAL = 2
THREE_ALIKE = {"wasserstein_ordinal"}  # two distributions and their positions: a formula's own arguments
FOLDERS = [
    ".ci",
    "benchmarks",
    "docs",
    "evals",
    "examples",
    "pluralign",
    "scripts",
    "tests",
    "value_profiles",
]
TEXT = {"", ".py", ".md", ".yaml", ".toml", ".lock", ".jinja", ".html", ".css", ".js"}
# Folders of one person's or one machine's disk, and package indexes spelled out (pip's own configuration names them).
LOCAL = re.compile(
    r"/(?:home|root|Users|work|opt|mnt)/\w|pypi\.org/simple|download\.pytorch\.org|--(?:extra-)?index-url"
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def text_files() -> list[Path]:
    candidates = [
        *CHECKOUT.glob("*"),
        *(path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*")),
    ]
    return [
        path
        for path in candidates
        if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts
    ]


def python_files() -> list[Path]:
    return [path for path in text_files() if path.suffix == ".py"]


def library_files() -> list[Path]:
    """The package without its commands, to which typer passes every argument by name."""
    package = CHECKOUT / "pluralign"
    return [p for p in python_files() if p.is_relative_to(package) and not p.is_relative_to(package / "cli")]


def functions(source: str) -> Iterator[tuple[Function, bool]]:
    """Each function of a module, and whether it is a method bound to an instance or a class."""
    for node in ast.walk(ast.parse(source)):
        in_class = isinstance(node, ast.ClassDef)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield child, in_class and "staticmethod" not in decorators(child)


def decorators(function: Function) -> set[str]:
    names = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return {ast.unparse(name).rpartition(".")[2] for name in names}


def long_functions(source: str) -> list[str]:
    spans = [(f.name, (f.end_lineno or f.lineno) - f.lineno + 1) for f, _ in functions(source)]
    return [f"{name} has {n} lines" for name, n in spans if n > MAX_FUNCTION_LINES]


def positional_heavy(source: str) -> list[str]:
    """Public functions with too many positional parameters; `@override` takes over another library's signature."""
    counts = [
        (f.name, len(f.args.posonlyargs) + len(f.args.args) - bound)
        for f, bound in functions(source)
        if not f.name.startswith("_") and f.name not in THREE_ALIKE and "override" not in decorators(f)
    ]
    return [f"{name} takes {n} positional parameters" for name, n in counts if n > MAX_POSITIONAL]


def relative(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


@pytest.mark.parametrize("path", python_files(), ids=relative)
def test_sizes(path: Path):
    source = path.read_text(encoding="utf-8")

    assert len(source.splitlines()) <= MAX_FILE_LINES
    assert long_functions(source) == []


@pytest.mark.parametrize("path", library_files(), ids=relative)
def test_public_functions_take_two_positional_parameters_at_most(path: Path):
    assert positional_heavy(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", text_files(), ids=relative)
def test_nothing_belongs_to_one_machine(path: Path):
    assert LOCAL.findall(path.read_text(encoding="utf-8")) == []


def test_the_rules_can_fail():
    lines = "\n".join("    a = 1" for _ in range(MAX_FUNCTION_LINES))
    methods = "class K:\n    def m(self, a, b, c): ...\n    @staticmethod\n    def s(a, b): ...\n"

    assert long_functions(f"def f():\n{lines}\n") == ["f has 61 lines"]
    assert positional_heavy(methods) == ["m takes 3 positional parameters"]
    assert positional_heavy("def _f(a, b, c): ...\ndef g(a, b, *, c): ...\n") == []
    assert positional_heavy("class K:\n    @override\n    def m(self, a, b, c): ...\n") == []
    assert LOCAL.search("cache = '/ho" + "me/someone/models'")
    assert not LOCAL.search("https://example.org/network")
