"""`pluralign guard evaluate` as a command; the guard's layers are scripted but for the slow test."""

import json

import pytest

from pluralign.cli import main
from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.measuring import suite
from pluralign.guard.measuring.figures import Measurement
from pluralign.guard.measuring.spec import load_guard_specs
from pluralign.guard.measuring.table import markdown
from pluralign.models.embedding import is_present


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command with a guard of the form alone: (exit status, stdout, stderr with spaces folded)."""
    monkeypatch.setattr(suite, "list_profiles", lambda: ["taoism"])
    monkeypatch.setattr("pluralign.models.embedded.is_present", lambda: False)
    monkeypatch.setattr(
        Guard,
        "default",
        classmethod(
            lambda cls, policy, **fields: cls(policy=policy, form=FormLayer(), screen=None, **fields)
        ),
    )

    def command(*arguments):
        status = main(["guard", "evaluate", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


def test_a_table_files_and_what_is_measured(run, tmp_path):
    out = tmp_path / "made" / "here"
    status, shown, told = run("guard/mention", "--out", out)
    assert status == 0, "a guard that is unsure of everything refuses nobody"
    assert "mentions" in shown
    assert "a shipped profile, median" in shown
    assert "T3, project, held-out half, English: 44" in told
    measurement = Measurement.model_validate_json((out / "figures.json").read_text(encoding="utf-8"))
    assert (out / "table.md").read_text(encoding="utf-8") == markdown(
        measurement, load_guard_specs(["mention"])
    )


def test_a_missed_target_is_the_exit_status_and_json_is_all_of_stdout(run):
    status, shown, _ = run("contrast", "--json", "--seed", 7)
    assert status == 1
    found = Measurement.model_validate(json.loads(shown))
    assert found.seed == 7
    assert found.guard["screen"] is None


def test_what_is_skipped_is_told_on_both_channels(run, tmp_path):
    _, shown, told = run("contrast", "--data", tmp_path)
    assert (
        "not measured: T1, other author, English (contrast_dev): guard/contrast_dev.jsonl is not in" in shown
    )
    assert "skipped" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["guard/contrst"], "Did you mean 'guard/contrast'"),
        (["mention", "--tokenizer", "nowhere"], "there is no folder 'nowhere'"),
        (["mention", "mention"], "named twice"),
        (["mention", "--judge", "wildguard"], "must be named as RECIPE=MODEL"),
        (["mention", "--combine", "2-of-3"], "combine"),
    ],
)
def test_wrong_arguments(run, arguments, message):
    status, _, told = run(*arguments)
    assert status == 2
    assert message in told


def test_tokenizers_need_names_of_their_own(run, tiny_folder):
    status, _, told = run("mention", "--tokenizer", tiny_folder, "--tokenizer", tiny_folder)
    assert status == 2
    assert "different names" in told


def test_control_ids_under_a_tokenizer_of_ones_own(run, tiny_folder):
    _, shown, _ = run("attacks", "--json", "--tokenizer", tiny_folder)
    figures = {(each["part"], each["name"]): each for each in json.loads(shown)["figures"]}
    assert figures["control ids, tiny tokenizer", "leaked"]["rate"]["value"] == 0.0


@pytest.mark.slow
@pytest.mark.skipif(not is_present(), reason="the embedded sentence encoder is not installed")
def test_the_embedded_guard(capsys, tmp_path):
    assert main(["guard", "evaluate", "contrast", "paraphrases", "--out", str(tmp_path)]) == 1
    capsys.readouterr()
    found = Measurement.model_validate_json((tmp_path / "figures.json").read_text(encoding="utf-8"))
    rates = {(each.test, each.source, each.part, each.name): each.rate.value for each in found.figures}
    languages = ("T1", "project, five other languages", "to serve")
    assert rates[*languages, "refused"] == 0.0, "the screen abstains where it cannot read"
    assert rates["T1", "project, held-out half, English", "pairs", "auc"] > 0.7
