"""Start-up budgets: importing the package and asking for help cost next to nothing."""

import subprocess
import sys
import time

import pytest

ATTEMPTS = 5
HEAVY = {"torch", "transformers", "scipy", "pandas", "statsmodels", "matplotlib", "trl", "peft", "datasets"}


def run(*arguments: str) -> str:
    completed = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def loaded_after(statement: str) -> set[str]:
    return set(run("-c", f"{statement}; import sys; print(*sys.modules)").split())


def test_importing_the_package_takes_less_than_a_fifth_of_a_second():
    clock = "import time; start = time.perf_counter(); import pluralign; print(time.perf_counter() - start)"

    assert min(float(run("-c", clock)) for _ in range(ATTEMPTS)) < 0.2


def test_help_takes_less_than_half_a_second():
    def seconds() -> float:
        start = time.perf_counter()
        run("-m", "pluralign", "--help")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(ATTEMPTS)) < 0.5


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_after("import pluralign") & (HEAVY | {"numpy", "pydantic"})


@pytest.mark.parametrize("room", ["models", "metrics", "data", "spectrum", "guard", "cli"])
def test_importing_a_room_loads_nothing_heavy(room: str):
    assert not loaded_after(f"import pluralign.{room}") & HEAVY


def test_every_public_name_is_there_and_no_module_hides_it():
    import pluralign

    assert sorted(pluralign._EXPORTS) == sorted(set(pluralign.__all__) - {"__version__"})
    for name in pluralign.__all__:
        assert getattr(pluralign, name)
    assert callable(pluralign.evaluate)
