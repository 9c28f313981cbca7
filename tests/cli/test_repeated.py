"""`pluralign eval` on coverage/ and homogeneity/: options, plan, results, comparison, with a scripted model."""

import json

import numpy as np
import pytest

from pluralign.cli import main
from pluralign.models import BACKENDS, ScriptedModel

COVERAGE = ["eval", "run", "coverage/valid-outputs", "--model", "scripted:uniform"]
TWO = ["--tasks", "rng_1_10,weekdays_full", "--draws", "10"]


def load_talker(spec):
    def answer(prompt, number):
        if "integer" in prompt:
            return str(1 + number % 10)
        return ["Monday", "Tuesday", "heads of lettuce"][number % 3]

    return ScriptedModel("talker", draws=answer)


class Letters:
    id = "letters"

    def fingerprint(self):
        return {"embedder": self.id}

    def embed(self, texts):
        rows = np.array([[text.count(letter) + 0.1 for letter in "aehmnrtu0123456789"] for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def scripted(monkeypatch):
    monkeypatch.setitem(BACKENDS._entries, "scripted", f"{__name__}:load_talker")
    monkeypatch.setattr("pluralign.evaluation.repeated.planning.load_embedder", lambda name: Letters())


@pytest.fixture
def ran(tmp_path, capsys):
    def run(name, *options, evaluation="coverage/valid-outputs"):
        folder = tmp_path / name
        words = ["eval", "run", evaluation, "--model", "scripted:uniform", *options, "--out", str(folder)]
        assert main(words) == 0
        capsys.readouterr()
        return folder

    return run


def test_a_run_prints_its_table_and_where_it_lies(tmp_path, capsys):
    assert main([*COVERAGE, *TWO, "--mode", "both", "--out", str(tmp_path / "run")]) == 0
    out, err = capsys.readouterr()
    assert "Yield" in out
    assert "rng_1_10" in out
    assert "not scored: none of 2 prompts" in err
    assert "report.html" in err


def test_json_is_what_stands_on_disk(tmp_path, capsys):
    assert main([*COVERAGE, *TWO, "--out", str(tmp_path / "run"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "run/results.json").read_text(encoding="utf-8"))
    assert printed["settings"]["tasks"] == ["rng_1_10", "weekdays_full"]
    assert printed["estimates"][0]["name"] == "yield"


def test_a_finished_run_is_shown_and_resumed(ran, capsys):
    folder = ran("run", *TWO)
    for command in (["eval", "show", str(folder)], ["eval", "resume", str(folder)]):
        assert main(command) == 0
        assert "Yield" in capsys.readouterr().out
    assert main(["eval", "show", str(folder), "--markdown"]) == 0
    assert "| Yield" in capsys.readouterr().out


def test_a_dry_run_prints_the_first_prompt_and_the_bound(capsys):
    assert main([*COVERAGE, *TWO, "--mode", "description", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "2 prompts, 20 draws of talker, at most 160 tokens" in out
    assert "user: A random integer from 1 to 10." in out
    assert "Examples" not in out


def test_an_evaluation_shows_its_rules(capsys):
    assert main(["eval", "show", "coverage/valid-outputs"]) == 0
    out = capsys.readouterr().out
    assert "claude_gerunds" in out
    assert "the published one looked its verb up in a list" in out
    assert main(["eval", "show", "homogeneity/own-prompts"]) == 0
    assert "--data path=FILE" in capsys.readouterr().out
    assert main(["eval", "ls"]) == 0
    assert "homogeneity/noveltybench" in capsys.readouterr().out


def test_problems_from_a_file(ran, tmp_path, capsys):
    path = tmp_path / "test.jsonl"
    path.write_text('{"question": "Two and three?", "answer": "2+3=5.\\n#### 5"}\n', encoding="utf-8")
    words = ("--data", f"path={path}", "--data", "part=test", "--shots", "1")
    assert main(["eval", "run", "capability/gsm8k", *words, "--model", "scripted:talker", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "1 prompts, 1 draws of talker, at most 256 tokens; 1 texts scored" in out.replace("\n", " ")
    assert "user: Two and three?" in out
    assert "#### 18" in out
    assert main(["eval", "show", "capability/gsm8k"]) == 0
    assert "1 answer a prompt, of at most 256 tokens, at temperature 0" in capsys.readouterr().out
    folder = ran("problems", *words, evaluation="capability/gsm8k")
    assert main(["eval", "show", str(folder)]) == 0
    assert "Replies without a result" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*COVERAGE, "--judge", "embedded"), "--judge: coverage/valid-outputs asks open prompts"),
        ((*COVERAGE, "--elicit", "sample"), "--elicit: coverage/valid-outputs asks open prompts"),
        ((*COVERAGE, "--preset", "spectrum"), "--preset: coverage/valid-outputs asks open prompts"),
        ((*COVERAGE, "--way", "synthesis"), "way: Input should be 'plain', 'verbalized' or 'seeded'"),
        ((*COVERAGE, "--tasks", "rng"), "Unknown task 'rng'"),
        ((*COVERAGE, "--threshold", "0.5"), "threshold: it means nothing"),
        (("eval", "run", "distributional/urn", "--mode", "both"), "--mode: distributional/urn asks closed"),
        (("eval", "run", "distributional/urn", "--min-p", "0.1"), "--min-p: distributional/urn asks closed"),
        (("eval", "run", "overton/own-windows", "--tasks", "a"), "--tasks: overton/own-windows asks"),
    ],
)
def test_options_that_mean_nothing_are_refused(words, message, capsys):
    assert main(list(words)) == 2
    assert message in capsys.readouterr().err


def test_two_runs_are_compared(ran, tmp_path, capsys):
    both, described = ran("both", *TWO), ran("described", *TWO, "--mode", "description")
    page = tmp_path / "page.html"
    assert main(["compare", str(both), str(described), "--out", str(page)]) == 0
    assert "Yield" in capsys.readouterr().out
    assert "by description" in page.read_text(encoding="utf-8")
    assert main(["compare", str(both), str(described), "--preset", "spectrum"]) == 2
    assert "--preset" in capsys.readouterr().err


def test_runs_of_different_kinds_are_not_compared(ran, tmp_path, capsys):
    coverage = ran("coverage", *TWO)
    probes = ran("probes", "--limit", "2", "--draws", "4", evaluation="homogeneity/probes")
    assert main(["compare", str(coverage), str(probes)]) == 2
    assert "different evaluator" in capsys.readouterr().err
    assert main(["eval", "score", str(coverage), "--judge", "embedded"]) == 2
    assert "is a run of open prompts" in capsys.readouterr().err


def test_similarity_between_models_tells_quality_too(ran, capsys):
    folders = [
        ran(name, "--limit", "2", "--draws", "4", "--seed", seed, evaluation="homogeneity/probes")
        for name, seed in (("a", "0"), ("b", "1"))
    ]
    assert main(["eval", "similarity", *map(str, folders)]) == 0
    out = capsys.readouterr().out
    assert "Similarity between models" in out
    assert "of the answers are empty or repeat themselves" in out
    assert main(["eval", "similarity", *map(str, folders), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["embedder"] == "letters"
    assert main(["eval", "similarity", str(folders[0])]) == 2
    assert "at least two" in capsys.readouterr().err
