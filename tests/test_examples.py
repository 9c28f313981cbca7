"""The examples and the README's code run as they stand."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from pluralign.quickstart import default_recipe
from pluralign.spectrum import load_recipe

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
MAX_LINES = 120
# What an example prints, among other things.
PRINTED = {
    "guarded_profile.py": (
        "schwartz-tradition: served",
        "beekeepers: unsure",
        "warband: refused",
        "3 entries, 0 faults",
    ),
    "gateway_openai_client.py": (
        "whole: I was told who I am in 1 system message.",
        "ethics-of-care, verdict serve",
        "stream: I was told who I am in 1 system message.",
        "warband: status 403.",
        "kantian-ethic: status 404.",
        "kantian-ethics",
    ),
    "own_questions.py": ("js_divergence_bits",),
    "steer_application.py": (
        "ethics-of-care",
        "one answer for each profile",
        "a population of three profiles",
        "refused before anything was asked",
    ),
    "steer_spectrum_tuned.py": (
        "steered by way of: spectrum",
        "and 3 known answers: Agree 1.00, Neither 0.00, Disagree 0.00 (n = 40; 0 draws name none)",
    ),
    "steering_of_any_system.py": ("Differences between groups are caricatured",),
    "survey_batch.py": (
        "Interrupted after 40 of 160 units",
        "80 of 160 answered",
        "160 answers: ethics-of-care 73, schwartz-tradition 57, utilitarianism 30",
        "May a doctor lie to spare a patient? n = 35 of 40",
        "not counted: {'refused': 8}",
    ),
    "three_profiles.py": (
        "steered by way of: system",
        "kantian-ethics            0.33          0.33          0.33          1.00",
        "ethics-of-care and utilitarianism: 0.000",
        "all three: Yes 0.33, No 0.33, It depends 0.33",
    ),
}


@pytest.mark.parametrize("path", sorted((CHECKOUT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_examples_run(path, tmp_path, monkeypatch, capsys):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", [path.name, "--model", "scripted:uniform", "--out", str(tmp_path / "out.jsonl")]
    )
    runpy.run_path(str(path), run_name="__main__")
    out = capsys.readouterr().out
    assert [text for text in PRINTED[path.name] if text not in out] == []


@pytest.mark.slow
def test_a_spectrum_tuned_model_is_steered(tmp_path, monkeypatch, capsys, embedded_model):
    monkeypatch.setattr(sys, "argv", ["steer_spectrum_tuned.py", "--steps", "2", "--draws", "4"])
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(CHECKOUT / "examples" / "steer_spectrum_tuned.py"), run_name="__main__")
    out = capsys.readouterr().out

    assert "step 2 of 2" in out
    assert "steered by way of: spectrum" in out
    assert out.count("draws name none") == 2


@pytest.mark.parametrize(
    "path", sorted((CHECKOUT / "examples" / "recipes").glob("*.yaml")), ids=lambda path: path.name
)
def test_recipes_are_valid(path):
    recipe = load_recipe(path)

    assert recipe.tasks or recipe.built


def test_the_quickstart_recipe_is_the_one_that_is_run():
    assert load_recipe(CHECKOUT / "examples" / "recipes" / "quickstart.yaml") == default_recipe()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_the_readme_s_code_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})


def test_every_command_in_the_readme_exists():
    from typer.testing import CliRunner

    from pluralign.cli.app import app

    commands = re.findall(r"^(?:\.venv/bin/)?pluralign ([a-z]+(?: [a-z]+)?)", README, flags=re.MULTILINE)
    assert commands
    for command in commands:
        words = command.split()
        shown = CliRunner().invoke(app, [*words, "--help"])
        if shown.exit_code != 0:  # the second word was an argument
            shown = CliRunner().invoke(app, [words[0], "--help"])
        assert shown.exit_code == 0, command


def test_the_command_line_page_is_what_the_commands_say(tmp_path):
    from typer.cli import app as typer_app
    from typer.testing import CliRunner

    page = tmp_path / "cli.md"
    arguments = ["pluralign.cli.app", "utils", "docs", "--name", "pluralign", "--title", "The command line"]
    result = CliRunner().invoke(typer_app, [*arguments, "--output", str(page)])
    assert result.exit_code == 0, result.output
    assert page.read_text() == (CHECKOUT / "docs" / "cli.md").read_text(), "run: make docs"
