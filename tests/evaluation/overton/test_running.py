"""Responses, verdicts and results on disk; runs that are killed, torn, interrupted and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from pluralign.errors import (
    InterruptedRunError,
    StorageError,
)
from pluralign.evaluation.overton import (
    is_overton,
)
from pluralign.models import Draw, ScriptedModel
from pluralign.records import Outcome
from pluralign.runs import read_json


def test_a_run_leaves_everything_on_disk(tmp_path, spec, evaluated):
    run = evaluated(spec, tmp_path / "run")
    assert {path.name for path in run.folder.iterdir()} == {
        "run.json",
        "config.json",
        "windows.json",
        "responses.jsonl",
        "verdicts.jsonl",
        "cells.jsonl",
        "results.json",
        "report.html",
    }
    results = read_json(run.folder / "results.json")
    assert results == json.loads(json.dumps(run.results()))
    assert (results["status"], results["responses"], results["primary"]) == (
        "complete",
        {"ok": 6},
        "coverage",
    )
    assert results["windows"]["n"] == 2
    assert results["judge"]["id"] == "by-words"
    assert results["judge"]["validation"] is None
    assert read_json(run.folder / "run.json")["status"] == "complete"
    assert is_overton(run.folder)


def test_the_score_is_that_of_the_responses_drawn(tmp_path, spec, evaluated, rows_of, windows):
    """Each answer holds as many views as it quotes, so the mean can be had from the words alone."""
    run = evaluated(spec, tmp_path / "run")
    views = {window["id"]: [view["statements"] for view in window["viewpoints"]] for window in windows}
    shares = [
        sum(any(words in row.text.lower() for words in view) for view in views[row.window_id])
        / len(views[row.window_id])
        for row in rows_of(run.folder)
    ]
    assert run.scores.estimate("coverage").value == pytest.approx(sum(shares) / len(shares))
    assert len({row.text for row in rows_of(run.folder)}) > 2


def test_every_result_names_its_judge_and_says_that_it_was_never_measured(tmp_path, spec, evaluated):
    run = evaluated(spec, tmp_path / "run")
    assert run.scores.readings[-2] == "Judged by by-words."
    assert "has not been held against people's ratings" in run.scores.readings[-1]
    assert "by-words" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_a_judge_that_is_the_model_under_test_is_named_as_such(tmp_path, spec, talker, by_words, evaluated):
    run = evaluated(spec, tmp_path / "run", judge=by_words("talker@1"), model=talker("talker@1"))
    assert "The judge is the model under test, talker@1" in run.scores.readings[0]


def test_what_becomes_of_a_response_is_counted_and_never_a_number(tmp_path, spec, evaluated):
    draws = [Draw("I would close it, but", "length", 400), "…", "keep it open", *["dogs belong here"] * 3]
    run = evaluated(spec, tmp_path / "run", model=ScriptedModel("mixed", draws=draws))
    assert [row.outcome for row in run.judged.responses[:3]] == [
        Outcome.TRUNCATED,
        Outcome.REFUSED,
        Outcome.OK,
    ]
    assert run.scores.n_unscored == {"refused": 1}
    assert not run.complete
    assert any("token limit cut 1 of 5" in reading for reading in run.scores.readings)


def test_an_interrupted_run_asks_only_what_is_missing(tmp_path, spec, talker, evaluated, rows_of):
    whole = evaluated(spec, tmp_path / "whole", draws=20)
    with pytest.raises(
        InterruptedRunError, match=r"Interrupted after 16 of 40 units.*run the same command again"
    ):
        evaluated(spec, tmp_path / "parts", draws=20, model=talker(interrupt_after=2))
    kept = (tmp_path / "parts/responses.jsonl").read_bytes()
    assert read_json(tmp_path / "parts/run.json")["status"] == "interrupted"
    resumed = evaluated(spec, tmp_path / "parts", draws=20)
    assert resumed.judged.responses == whole.judged.responses
    assert resumed.scores == whole.scores
    assert (tmp_path / "parts/responses.jsonl").read_bytes().startswith(kept)
    assert len(rows_of(tmp_path / "parts")) == 40


@pytest.mark.parametrize("cut", [1, 9, 200])
def test_a_torn_last_line_is_asked_again_and_the_rest_kept_byte_for_byte(
    tmp_path, spec, cut, talker, evaluated
):
    whole = evaluated(spec, tmp_path / "run")
    path = whole.folder / "responses.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    model = talker()
    again = evaluated(spec, tmp_path / "run", model=model)
    assert path.read_bytes() == content
    assert again.judged.responses == whole.judged.responses
    assert [texts for texts, *_ in model.calls] == [["user: Should dogs be allowed?"]]


SLOW_RUN = """
import sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from conftest import ByWords, OvertonSpec, Talker, evaluated

class Slow(Talker):
    def sample(self, prompts, **how):
        time.sleep(0.1)
        return super().sample(prompts, **how)

spec = OvertonSpec.model_validate_json(sys.argv[3])
evaluated(spec, Path(sys.argv[2]), model=Slow(), judge=ByWords(), draws=60)
"""


def test_kill_9_loses_nothing_that_was_written(tmp_path, spec, evaluated):
    killed, here = tmp_path / "killed", os.path.dirname(__file__)
    command = [sys.executable, "-c", SLOW_RUN, here, str(killed), spec.model_dump_json()]
    process = subprocess.Popen(command, env=os.environ)
    rows = killed / "responses.jsonl"
    deadline = time.monotonic() + 60
    while not (rows.exists() and rows.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    written = rows.read_bytes()
    assert written
    assert not (killed / "results.json").exists()
    resumed = evaluated(spec, killed, draws=60)
    whole = evaluated(spec, tmp_path / "whole", draws=60)
    assert resumed.judged.responses == whole.judged.responses
    assert resumed.scores == whole.scores
    kept = written[: written.rfind(b"\n") + 1]
    assert rows.read_bytes().startswith(kept)
    assert 0 < kept.count(b"\n") < 120
    assert len(rows.read_bytes().splitlines()) == 120


def test_a_judge_that_is_stopped_keeps_what_it_said(tmp_path, spec, talker, by_words, evaluated):
    class Stopping(by_words):
        def entail(self, pairs):
            if self.asked:
                raise KeyboardInterrupt
            return super().entail(pairs)

    with pytest.raises(InterruptedRunError, match="Interrupted while the responses were judged"):
        evaluated(spec, tmp_path / "run", judge=(first := Stopping()))
    assert not (tmp_path / "run/results.json").exists()
    judge, model = by_words(), talker()
    run = evaluated(spec, tmp_path / "run", judge=judge, model=model)
    assert model.calls == []
    assert judge.asked
    assert not set(judge.asked) & set(first.asked)
    assert run.scores == evaluated(spec, tmp_path / "whole").scores


def test_a_bad_prompt_costs_only_itself_and_is_asked_again(tmp_path, spec, talker, evaluated):
    run = evaluated(spec, tmp_path / "run", model=talker(fail_on="dogs"))
    outcomes = {(row.window_id, row.outcome, row.error) for row in run.judged.responses}
    assert outcomes == {("night", Outcome.OK, None), ("dogs", Outcome.ERROR, "the endpoint died")}
    assert run.scores.n_unscored == {"error": 3}
    mended = evaluated(spec, tmp_path / "run", model=(model := talker()))
    assert mended.complete
    assert {text for texts, *_ in model.calls for text in texts} == {"user: Should dogs be allowed?"}


def test_another_plan_in_the_folder_is_refused_and_another_judge_is_not(
    tmp_path, spec, talker, by_words, evaluated
):
    evaluated(spec, tmp_path / "run")
    with pytest.raises(StorageError, match="another plan"):
        evaluated(spec, tmp_path / "run", max_new_tokens=20)
    again = evaluated(spec, tmp_path / "run", judge=by_words("second"), model=(model := talker()))
    assert model.calls == []
    assert again.judge.id == "second"


def test_the_page_names_the_command_that_makes_it_again(tmp_path, spec, evaluated):
    run = evaluated(
        spec,
        tmp_path / "run",
        limit=1,
        draws=2,
        way="synthesis",
        profiles=["taoism", "stoicism"],
        temperature=0.0,
    )
    assert run.command == (
        "pluralign eval run mine/parks --model talker --judge by-words --way synthesis --profiles taoism,stoicism "
        "--limit 1 --draws 2 --temperature 0.0"
    )
