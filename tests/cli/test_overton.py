"""`pluralign eval` on overton/: options, listing, plan, results and comparison, with a scripted model and judge."""

import json

import pytest
import yaml

from pluralign.cli import main
from pluralign.judges import JUDGES
from pluralign.judges.entailment import Entailed
from pluralign.models import BACKENDS, ScriptedModel

WINDOWS = {
    "id": "tea",
    "windows": [
        {
            "id": f"tea-{number}",
            "prompt": f"Is tea number {number} good?",
            "viewpoints": [
                {"id": "yes", "statements": ["it is good"], "share": 0.7},
                {"id": "no", "statements": ["it is bad"], "share": 0.3},
            ],
        }
        for number in range(3)
    ],
}
ANSWERS = ["I think it is good.", "I think it is bad.", "It is good and it is bad."]


class ByWords:
    id, threshold = "by-words", 0.5

    def fingerprint(self):
        return {"judge": self.id}

    def entail(self, pairs):
        return [
            Entailed(0.9, 0.0) if p.hypothesis in p.premise.lower() else Entailed(0.1, 0.1) for p in pairs
        ]


def load_judge(name, device):
    return ByWords()


def load_talker(spec):
    def answer(prompt, number):
        return "It is good. It is bad." if "=== view" in prompt else ANSWERS[number % 3]

    return ScriptedModel("talker", draws=answer)


@pytest.fixture(autouse=True)
def scripted(monkeypatch):
    monkeypatch.setitem(JUDGES._entries, "embedded", f"{__name__}:load_judge")
    monkeypatch.setitem(BACKENDS._entries, "scripted", f"{__name__}:load_talker")


@pytest.fixture
def tea(tmp_path):
    path = tmp_path / "tea.yaml"
    path.write_text(yaml.safe_dump(WINDOWS), encoding="utf-8")
    return path


@pytest.fixture
def run(tea, tmp_path):
    def run(folder, *options):
        return main([
            *("eval", "run", "overton/own-windows", "--model", "scripted:tea", "--data", f"path={tea}"),
            *("--out", str(tmp_path / folder), *options),
        ])

    return run


JUDGE = ("--judge", "embedded")


def test_the_listing_holds_free_and_closed_evaluations_and_nothing_else(capsys):
    assert main(["eval", "ls", "--json"]) == 0
    listed = {spec["id"]: spec["evaluator"] for spec in json.loads(capsys.readouterr().out)}
    assert listed["overton/polis"] == "overton"
    assert listed["distributional/anes96"] == "distributional"
    assert not [name for name in listed if name.startswith("guard/")]


def test_an_evaluation_is_shown_with_its_windows(capsys):
    assert main(["eval", "show", "overton/value-kaleidoscope"]) == 0
    shown = capsys.readouterr().out
    assert "windows: value_kaleidoscope" in shown
    assert "4 responses a prompt, of at most 400 tokens" in shown
    assert "--judge embedded" in shown


def test_a_run_and_what_can_be_done_with_it(run, tmp_path, capsys):
    assert run("plain", *JUDGE, "--json") == 0
    results = json.loads(capsys.readouterr().out)
    assert (results["primary"], results["responses"], results["judge"]["id"]) == (
        "coverage",
        {"ok": 12},
        "by-words",
    )

    assert main(["eval", "show", str(tmp_path / "plain"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == results
    assert main(["eval", "resume", str(tmp_path / "plain"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == results

    again = tmp_path / "again"
    assert main(["eval", "score", str(tmp_path / "plain"), *JUDGE, "--out", str(again), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["estimates"] == results["estimates"]
    assert {path.name for path in again.iterdir()} == {"cells.jsonl", "results.json", "report.html"}


def test_recorded_responses_are_scored_against_an_evaluation_s_windows(run, tea, tmp_path, capsys):
    run("plain", *JUDGE)
    capsys.readouterr()
    recorded = tmp_path / "plain" / "responses.jsonl"
    command = ["eval", "score", str(recorded), "--questions", "overton/own-windows", "--data", f"path={tea}"]
    assert main([*command, *JUDGE]) == 0
    assert "Judged by embedded (by-words)." in capsys.readouterr().out
    assert main(command) == 2
    assert "Free responses need a judge" in capsys.readouterr().err


def test_a_synthesis_is_compared_with_the_plain_answers(run, tmp_path, capsys):
    run("plain", *JUDGE)
    assert run("made", *JUDGE, "--way", "synthesis", "--samples", "2") == 0
    capsys.readouterr()
    page = tmp_path / "page.html"
    runs = [str(tmp_path / name) for name in ("made", "plain")]
    assert main(["compare", *runs, "--judge", "embedded", "--out", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "talker, synthesis" in printed
    assert "With each pair of answers cut to the shorter one's length" in " ".join(printed.split())
    assert "talker, synthesis" in page.read_text(encoding="utf-8")


def test_the_plan_shows_counts_and_every_prompt_of_the_first_response(run, tmp_path, capsys):
    assert run("plan", *JUDGE, "--way", "synthesis", "--samples", "2", "--draws", "5", "--dry-run") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "3 windows with 6 views; 15 responses, at most 45 texts drawn of talker" in printed
    assert "user: Is tea number 0 good?" in printed
    assert "=== view 2 " in printed
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Free responses need a judge, and there is no default"),
        ((*JUDGE, "--elicit", "sample"), "--elicit: overton/own-windows asks no closed questions"),
        ((*JUDGE, "--drop-faulty"), "--drop-faulty: overton/own-windows asks no closed questions"),
        ((*JUDGE, "--profiles", "taoism,stoicism"), "put together by the way 'synthesis' only"),
        ((*JUDGE, "--profile", "taoism", "--profile", "stoicism"), "one plain answer speaks for one profile"),
        ((*JUDGE, "--way", "synthesis", "--profiles", "taoim"), "Did you mean 'taoism'"),
        (("--judge", "embeded"), "Unknown judge 'embeded'"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(run, tmp_path, capsys, options, message):
    assert run("wrong", *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("option", [*[("--judge", "embedded")], ("--way", "plain"), ("--temperature", "0")])
def test_what_is_for_free_responses_means_nothing_to_closed_questions(capsys, option):
    assert (
        main(["eval", "run", "distributional/known-processes", "--model", "scripted:uniform", *option]) == 2
    )
    assert f"{option[0]}: distributional/known-processes asks closed questions" in capsys.readouterr().err


def test_a_missing_path_says_where_the_data_are_published(capsys):
    assert main(["eval", "run", "overton/polis", "--model", "scripted:tea", *JUDGE]) == 2
    error = capsys.readouterr().err
    assert "--data path=" in error
    assert "github.com/compdemocracy/openData" in error
    assert len(error.splitlines()) == 1


def test_a_run_of_closed_questions_has_no_responses_to_score(tmp_path, capsys, monkeypatch):
    monkeypatch.undo()
    folder = tmp_path / "closed"
    main([
        *("eval", "run", "distributional/known-processes", "--model", "scripted:uniform"),
        *("--limit", "2", "--out", str(folder)),
    ])
    capsys.readouterr()
    assert main(["eval", "score", str(folder), *JUDGE]) == 2
    assert "is a run of closed questions" in capsys.readouterr().err
