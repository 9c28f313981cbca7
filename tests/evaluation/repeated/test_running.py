"""Runs of open prompts: what lies on disk, scores, kills, comparisons."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from pluralign.data.verifiable import TASKS
from pluralign.errors import ConfigurationError, DataError, InterruptedRunError, StorageError
from pluralign.evaluation.repeated import (
    RepeatedSettings,
    compare_repeated_runs,
    is_repeated,
    load_repeated_run,
    prepare_repeated,
    repeated_comparison_report,
    similarity_of_runs,
)
from pluralign.evaluation.spec import RepeatedSpec, list_specs, load_closed_spec, load_repeated_spec
from pluralign.models.protocol import Capability
from pluralign.records import Outcome
from pluralign.reports import render_page
from pluralign.runs import read_json


def test_a_run_leaves_everything_on_disk(tmp_path, coverage, evaluated):
    run = evaluated(coverage, tmp_path / "run")
    assert {path.name for path in run.folder.iterdir()} == {
        "run.json",
        "config.json",
        "prompts.json",
        "responses.jsonl",
        "cells.jsonl",
        "results.json",
        "report.html",
    }
    results = read_json(run.folder / "results.json")
    assert results == json.loads(json.dumps(run.results()))
    assert (results["status"], results["primary"], results["responses"]) == ("complete", "yield", {"ok": 40})
    assert is_repeated(run.folder)
    assert "integer" in (run.folder / "report.html").read_text(encoding="utf-8")


def test_the_score_is_that_of_the_answers_drawn(tmp_path, coverage, evaluated, rows_of):
    run = evaluated(coverage, tmp_path / "run")
    by_task = {}
    for row in rows_of(run.folder):
        by_task.setdefault(row.window_id, []).append(TASKS[row.window_id].read(row.text))
    right = {task: [answer for answer in answers if answer] for task, answers in by_task.items()}
    yields = [len(set(answers)) for answers in right.values()]
    assert min(yields) > 1
    assert run.scores.estimate("yield").value == sum(yields) / 2
    assert run.scores.estimate("valid_share").value == pytest.approx(sum(map(len, right.values())) / 40)
    assert 0 < run.scores.estimate("valid_share").value < 1


def test_homogeneity_from_end_to_end(tmp_path, homogeneity, words, evaluated):
    run = evaluated(homogeneity, tmp_path / "run")
    assert run.scores.primary == "intra_similarity"
    assert (
        0
        < run.scores.estimate("cross_prompt_floor").value
        < run.scores.estimate("intra_similarity").value
        <= 1
    )
    assert run.scores.estimate("distinct").value <= 3
    assert run.scores.estimate("degenerate_share").value == 0
    assert load_repeated_run(run.folder, embedder=words()).scores == run.scores
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Empty or repeating answers" in page
    assert "different of 10, word for word" in page


def test_fewer_draws_are_the_first_of_more(tmp_path, coverage, evaluated):
    few = evaluated(coverage, tmp_path / "few", draws=5)
    many = evaluated(coverage, tmp_path / "many", draws=20)
    texts = [(row.window_id, row.draw, row.text) for row in many.answers.responses if row.draw < 5]
    assert [(row.window_id, row.draw, row.text) for row in few.answers.responses] == texts


@pytest.mark.parametrize(
    ("draws", "calls"), [(5, [5, 5]), (50, [50, 50]), (100, [100] * 2), (200, [100] * 4)]
)
def test_no_draw_is_made_twice(tmp_path, coverage, talker, evaluated, draws, calls):
    model = talker()
    evaluated(coverage, tmp_path / "run", model=model, draws=draws)
    assert [n for texts, n, _ in model.calls for _ in texts] == calls


def test_other_seeds_other_draws(tmp_path, coverage, evaluated):
    runs = [evaluated(coverage, tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    assert [row.text for row in runs[0].answers.responses] != [row.text for row in runs[1].answers.responses]


def test_verbalized_replies_hold_several_answers(tmp_path, coverage, talker, evaluated):
    def answer(prompt, number):
        assert "exactly 4 entries" in prompt
        if number % 5 == 0:
            return "I cannot."
        rows = [{"text": str(each), "probability": 0.25} for each in (1, 2, 3, 0)]
        return json.dumps({"responses": rows})

    run = evaluated(
        coverage,
        tmp_path / "run",
        model=talker(answer=answer),
        way="verbalized",
        samples=4,
        tasks=("rng_1_10",),
    )
    assert len(run.answers.responses) == 5  # 20 answers, 4 a reply
    n_broken = sum(row.text == "I cannot." for row in run.answers.responses)
    assert run.scores.estimate("unparsed_share").value == n_broken / 5
    assert run.scores.estimate("valid_share").value == (5 - n_broken) * 3 / 20
    assert run.scores.estimate("yield").value == 3
    assert "verbalized" in run.label


def test_seeded_replies_end_with_the_answer(tmp_path, coverage, talker, evaluated):
    model = talker(answer=lambda prompt, number: f"k3x9\nAnswer: {1 + number % 10}")
    run = evaluated(coverage, tmp_path / "run", model=model, way="seeded", tasks=("rng_1_10",))
    assert run.scores.estimate("valid_share").value == 1
    assert run.scores.estimate("yield").value > 3


def test_an_interrupted_run_asks_only_what_is_missing(tmp_path, coverage, talker, evaluated):
    whole = evaluated(coverage, tmp_path / "whole", draws=100)
    with pytest.raises(InterruptedRunError, match="Interrupted after 100 of 200 units"):
        evaluated(coverage, tmp_path / "parts", model=talker(interrupt_after=1), draws=100)
    part = load_repeated_run(tmp_path / "parts")
    assert part.scores.n_unscored == {"not finished": 1}
    assert part.scores.estimate("yield").n_questions == 1
    kept = (tmp_path / "parts/responses.jsonl").read_bytes()
    resumed = evaluated(coverage, tmp_path / "parts", draws=100)
    assert resumed.answers.responses == whole.answers.responses
    assert resumed.scores == whole.scores
    assert (tmp_path / "parts/responses.jsonl").read_bytes().startswith(kept)


SLOW_RUN = """
import sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from conftest import RepeatedSpec, Talker, evaluated

class Slow(Talker):
    def sample(self, prompts, **how):
        time.sleep(0.1)
        return super().sample(prompts, **how)

evaluated(RepeatedSpec.model_validate_json(sys.argv[3]), Path(sys.argv[2]), model=Slow(), draws=200)
"""


def test_kill_9_loses_nothing_that_was_written(tmp_path, coverage, evaluated):
    killed, here = tmp_path / "killed", os.path.dirname(__file__)
    command = [sys.executable, "-c", SLOW_RUN, here, str(killed), coverage.model_dump_json()]
    process = subprocess.Popen(command, env=os.environ)
    rows = killed / "responses.jsonl"
    deadline = time.monotonic() + 60
    while not (rows.exists() and rows.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = rows.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    assert 0 < kept.count(b"\n") < 400
    resumed = evaluated(coverage, killed, draws=200)
    whole = evaluated(coverage, tmp_path / "whole", draws=200)
    assert resumed.answers.responses == whole.answers.responses
    assert resumed.scores == whole.scores
    assert rows.read_bytes().startswith(kept)


def test_a_bad_prompt_costs_only_itself_and_is_asked_again(tmp_path, coverage, talker, evaluated):
    run = evaluated(coverage, tmp_path / "run", model=talker(fail_on="day of the week"))
    assert {(row.window_id, row.outcome) for row in run.answers.responses} == {
        ("rng_1_10", Outcome.OK),
        ("weekdays_full", Outcome.ERROR),
    }
    assert run.scores.n_unscored == {"error": 1}
    assert not run.complete
    model = talker()
    assert evaluated(coverage, tmp_path / "run", model=model).complete
    assert all("day of the week" in text for texts, *_ in model.calls for text in texts)


def test_another_mode_is_another_plan(tmp_path, coverage, evaluated):
    evaluated(coverage, tmp_path / "run")
    with pytest.raises(StorageError, match="another plan"):
        evaluated(coverage, tmp_path / "run", mode="description")


def test_a_spectrum_model_is_given_a_description_and_outputs(tmp_path, coverage, talker, evaluated):
    can = frozenset({Capability.SAMPLE, Capability.CHAT, Capability.SPECTRUM_PROMPT})
    model = talker(can=can)
    evaluated(coverage, tmp_path / "run", model=model, tasks=("weekdays_full",), draws=1)
    ((texts, _, params),) = model.calls
    assert texts[0].splitlines()[:2] == [
        "description: The full name of a day of the week",
        "output: Tuesday",
    ]
    assert params.stop == ("\n",)


def test_the_command_makes_the_run_again(tmp_path, coverage, evaluated):
    run = evaluated(
        coverage, tmp_path / "run", draws=5, mode="description", min_p=0.1, seed=3, temperature=0.0
    )
    assert run.command == (
        "pluralign eval run coverage/mine --model talker --draws 5 --temperature 0.0 --min-p 0.1 "
        "--tasks rng_1_10,weekdays_full --mode description --seed 3"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0.5}, "threshold: it means nothing for coverage/mine"),
        ({"embedder": "other"}, "embedder: it means nothing"),
        ({"data": {"path": "x"}}, "data: it means nothing"),
        ({"samples": 3}, "samples: they are the answers in one reply of the way 'verbalized'"),
        ({"way": "seeded", "mode": "examples"}, "mode: the way 'seeded' asks in words"),
        ({"tasks": ("rng",)}, "Unknown task 'rng'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(coverage, talker, settings, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        prepare_repeated(coverage, model=talker(), settings=RepeatedSettings(**settings))


def test_homogeneity_refuses_the_settings_of_coverage_and_needs_a_path(homogeneity, talker, words):
    for settings in ({"mode": "description"}, {"shots": 1}, {"tasks": ("rng_1_10",)}):
        with pytest.raises(ConfigurationError, match="means nothing for homogeneity/mine"):
            prepare_repeated(
                homogeneity, model=talker(), settings=RepeatedSettings(**settings), embedder=words()
            )
    with pytest.raises(ConfigurationError, match="--data path=FILE"):
        prepare_repeated("homogeneity/own-prompts", model=talker(), embedder=words())


def test_verbalized_answers_to_open_prompts_are_taken_out_of_their_replies(
    tmp_path, homogeneity, words, talker, evaluated
):
    def answer(prompt, number):
        assert "exactly 4 entries" in prompt
        if "joke" in prompt:
            return "Here is one: a clock walks in."
        rows = [{"text": text, "probability": 0.2} for text in ("Tom", "Mimi", "Felix", "Tom")]
        return json.dumps({"responses": rows})

    run = evaluated(homogeneity, tmp_path / "run", model=talker(answer=answer), way="verbalized", samples=4)
    assert len(run.answers.responses) == 2 * 3  # 10 answers a prompt, 4 a reply
    assert {row.way for row in run.answers.responses} == {"verbalized"}
    # Of the 12 answers to the second prompt the first 10 count; those to the first are lost.
    assert run.scores.n_unscored == {"fewer than two answers with words": 1}
    assert run.scores.cells[1].sample_size == 10
    assert run.scores.estimate("distinct").value == 3
    assert run.scores.estimate("unparsed_share").value == 0.5
    assert run.scores.readings[0].startswith("Of 20 answers asked for 10 are lost: 0 in replies")
    assert run.answers.texts()["line 2"][:4] == ["Tom", "Mimi", "Felix", "Tom"]
    assert load_repeated_run(run.folder, embedder=words()).scores == run.scores


def test_seeded_answers_to_open_prompts_are_their_last_lines(tmp_path, homogeneity, talker, evaluated):
    model = talker(answer=lambda prompt, number: f"k3x9{number}\nAnswer: Tom")
    run = evaluated(homogeneity, tmp_path / "run", model=model, way="seeded")
    assert run.answers.texts() == {"line 1": ["Tom"] * 10, "line 2": ["Tom"] * 10}
    assert run.scores.estimate("intra_similarity").value == pytest.approx(1)
    assert run.scores.estimate("unparsed_share").value == 0
    assert run.scores.estimate("mean_words").value == 1


def test_where_no_reply_can_be_read_nothing_but_that_is_told(tmp_path, homogeneity, talker, evaluated):
    model = talker(answer=lambda prompt, number: "I would rather not.")
    run = evaluated(homogeneity, tmp_path / "run", model=model, way="verbalized")
    assert run.scores.estimate("intra_similarity").value is None
    assert run.scores.estimate("unparsed_share").value == 1
    assert not run.complete


def test_runs_are_compared_prompt_by_prompt(tmp_path, coverage, talker, evaluated):
    first = evaluated(coverage, tmp_path / "first")
    second = evaluated(coverage, tmp_path / "second", model=talker("stuck", answer=lambda *_: "7"))
    found = {each.name: each for each in compare_repeated_runs(first, second)}
    assert found["yield"].difference == first.scores.estimate("yield").value - 0.5
    assert (found["yield"].first, found["yield"].second) == ("talker", "stuck")
    page = render_page(repeated_comparison_report(first, second))
    assert "stuck" in page
    third = evaluated(coverage, tmp_path / "third", draws=5)
    with pytest.raises(DataError, match="Yield of 5 and of 20 draws"):
        compare_repeated_runs(first, third)
    fourth = evaluated(coverage, tmp_path / "fourth", tasks=("rng_1_10",))
    with pytest.raises(ConfigurationError, match="different prompts"):
        compare_repeated_runs(first, fourth)


def test_similarity_between_models(tmp_path, homogeneity, talker, words, evaluated):
    runs = [evaluated(homogeneity, tmp_path / name, model=talker(name)) for name in ("a", "b")]
    runs.append(evaluated(homogeneity, tmp_path / "c", model=talker("c", answer=lambda *_: "zzz")))
    found = similarity_of_runs(runs, embedder=words())
    assert found.similarity("a", "b") > found.similarity("a", "c")
    assert found.similarity("c", "c") == pytest.approx(1)


def test_similarity_is_for_open_prompts(tmp_path, coverage, evaluated):
    runs = [evaluated(coverage, tmp_path / name) for name in ("a", "b")]
    with pytest.raises(ConfigurationError, match="not on tasks"):
        similarity_of_runs(runs)


def test_shipped_specifications():
    names = [name for name in list_specs() if name.startswith(("coverage/", "homogeneity/"))]
    assert len(names) == 4
    for name in names:
        spec = load_repeated_spec(name)
        assert spec.id == name
    with pytest.raises(ConfigurationError, match="asks open prompts many times"):
        load_closed_spec("coverage/valid-outputs")
    with pytest.raises(ConfigurationError, match="does not ask open prompts"):
        load_repeated_spec("distributional/urn")


def test_the_shipped_probes_can_be_asked(tmp_path, talker, words):
    prepared = prepare_repeated(
        "homogeneity/probes", model=talker(), settings=RepeatedSettings(limit=2, draws=3), embedder=words()
    )
    assert [prompt.id for prompt in prepared.prompts.prompts] == ["random integer", "coin"]
    assert len(prepared.plan.units) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompts": {"kind": "probes"}}, "goes with the evaluator 'coverage'"),
        ({"evaluator": "homogeneity", "prompts": {"kind": "probes"}}, "homogeneity needs a length"),
    ],
)
def test_a_specification_that_makes_no_sense_is_refused(coverage, change, message):
    with pytest.raises(ValueError, match=message):
        RepeatedSpec.model_validate(coverage.model_dump() | change)
