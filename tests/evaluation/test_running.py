import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from pluralign.errors import ConfigurationError, ModelError, StorageError, UnsupportedError
from pluralign.evaluation import (
    EvalSpec,
    Settings,
    evaluate,
    list_specs,
    load_run,
    load_spec,
    prepare,
    resume,
)
from pluralign.models import Capability, ScriptedModel
from pluralign.runs import read_json

PROCESSES, ANES = "distributional/known-processes", "distributional/anes96"
UNIFORM = "scripted:uniform"
FEW = Settings(limit=3)


def test_every_shipped_spec_is_valid_and_named_after_its_file():
    assert {ANES, PROCESSES} <= set(list_specs())
    for name in list_specs():
        spec = load_spec(name)
        assert spec.id == name
        assert spec.source.licence


def test_a_uniform_model_scores_at_the_uniform_baseline(tmp_path):
    run = evaluate(PROCESSES, model=UNIFORM, out=tmp_path)
    estimate = run.scores.estimate("js_divergence_bits")
    assert estimate.value == pytest.approx(estimate.baselines["uniform"])
    assert run.scores.estimate("js_divergence_bits", "family=die").value == pytest.approx(0, abs=1e-12)
    assert run.complete


def test_a_run_leaves_everything_on_disk(tmp_path):
    run = evaluate(ANES, model=UNIFORM, settings=FEW, out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.json",
        "config.json",
        "answers.jsonl",
        "cells.jsonl",
        "results.json",
        "report.html",
    }
    record = read_json(tmp_path / "run.json")
    assert record["status"] == "complete"
    assert record["attempts"][0]["versions"]["pluralign"]
    results = read_json(tmp_path / "results.json")
    assert results["primary"] == "js_divergence_bits"
    first = results["estimates"][0]
    assert first["value"] == pytest.approx(run.scores.estimates[0].value)
    assert {
        "interval",
        "n_questions",
        "n_unscored",
        "unit",
        "definition",
        "baselines",
        "noise_floor",
        "ceiling",
    } <= set(first)
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == len(run.answers)


def test_every_group_is_asked_but_not_of_its_own_variable(tmp_path):
    prepared = prepare(ANES, model=UNIFORM)
    asked = {(unit.question.id, unit.condition.id) for unit in prepared.plan.units}
    assert ("vote", "party=Democrat") in asked
    assert ("PID", "party=Democrat") not in asked
    assert len(asked) == 47


def test_groups_may_be_chosen_one_by_one_or_by_grouping():
    by_grouping = prepare(ANES, model=UNIFORM, settings=Settings(groups=("party",)))
    assert {u.condition.id for u in by_grouping.plan.units} == {
        "party=Democrat",
        "party=Independent",
        "party=Republican",
    }
    one = prepare(ANES, model=UNIFORM, settings=Settings(groups=("party=Democrat", "all")))
    assert {u.condition.id for u in one.plan.units} == {"party=Democrat", "none"}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("distributional/anse96", Settings(), r"Unknown evaluation .*Did you mean 'distributional/anes96'"),
        (ANES, Settings(groups=("partyy",)), r"Unknown group 'partyy'\. Did you mean 'party'"),
        (PROCESSES, Settings(groups=("party",)), "asks the population only"),
    ],
)
def test_unknown_names_get_a_hint(name, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        prepare(name, model=UNIFORM, settings=settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evaluator": "overtone"}, "evaluator: a specification names one. Did you mean 'overton'"),
        ({"evaluator": "overton"}, "windows: Field required"),
        ({"version": "one"}, "version: String should match pattern"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"data": {"adapter": "anes69"}}, "Unknown data adapter 'anes69'. Did you mean 'anes96'"),
        ({"elicitation": {"name": "logprop"}}, "Unknown elicitation 'logprop'. Did you mean 'logprob'"),
        ({"data": {"adapter": "processes", "arguments": {"n_urn": 3}}}, "has no argument 'n_urn'"),
    ],
)
def test_a_wrong_spec_names_the_field(tmp_path, changes, message):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(load_spec(PROCESSES).model_dump(mode="json") | changes))
    with pytest.raises(ConfigurationError, match=message):
        prepare(path, model=UNIFORM)


def test_a_spec_that_is_not_yaml(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("id: [")
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: (not valid YAML|cannot be read)"):
        load_spec(path)


def test_questions_of_one_s_own(tmp_path):
    questions = tmp_path / "questions.jsonl"
    row = {
        "id": "q",
        "text": "Tea?",
        "options": [{"text": "yes"}, {"text": "no"}],
        "counts": {"all": [30, 10]},
    }
    questions.write_text(json.dumps(row) + "\n")
    spec = {
        "id": "mine/tea",
        "version": "1-A",
        "title": "Tea",
        "evaluator": "distributional",
        "data": {"adapter": "file", "arguments": {"path": str(questions)}},
        "source": {"name": "asked at home", "licence": "CC0-1.0"},
        "conditions": "groups",
    }
    run = evaluate(EvalSpec.model_validate(spec), model=UNIFORM, out=tmp_path / "run")
    assert run.scores.estimate("total_variation").value == pytest.approx(0.25)


def test_a_model_that_cannot_is_refused_before_anything_is_written(tmp_path):
    model = ScriptedModel(can=frozenset({Capability.CHAT, Capability.SAMPLE}))
    with pytest.raises(UnsupportedError):
        evaluate(PROCESSES, model=model, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_too_many_lost_answers_make_a_run_incomplete(tmp_path):
    run = evaluate(
        PROCESSES, model=ScriptedModel(log_probs=lambda prompt, option: -2000.0), settings=FEW, out=tmp_path
    )
    assert not run.complete
    assert run.scores.n_unscored == {"unparsed": 3}
    assert read_json(tmp_path / "results.json")["status"] == "incomplete"
    assert read_json(tmp_path / "results.json")["estimates"][0]["value"] is None


def test_a_run_is_read_back_and_scored_without_the_model(tmp_path):
    model = ScriptedModel(id="gone", log_probs=lambda prompt, option: math.log(0.2) - len(option))
    run = evaluate(ANES, model=model, settings=FEW, out=tmp_path)
    again = load_run(tmp_path)
    assert again.scores == run.scores
    assert again.model_id == "gone"


def test_fresh_takes_a_new_folder(tmp_path):
    evaluate(PROCESSES, model=UNIFORM, settings=FEW, out=tmp_path / "run")
    again = evaluate(PROCESSES, model=UNIFORM, settings=FEW, out=tmp_path / "run", fresh=True)
    assert again.folder == tmp_path / "run-2"


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    evaluate(PROCESSES, model=UNIFORM, settings=FEW, out=tmp_path)
    with pytest.raises(StorageError, match="another plan"):
        evaluate(PROCESSES, model=UNIFORM, settings=Settings(limit=4), out=tmp_path)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(StorageError, match=r"config\.json: cannot be read"):
        resume(tmp_path)


SLOW_RUN = """
import sys, time
from pathlib import Path
from pluralign.evaluation import Settings, evaluate
from pluralign.models import ScriptedModel

class Slow(ScriptedModel):
    def score_options(self, prompts, options):
        time.sleep(0.15)
        return super().score_options(prompts, options)

    def sample(self, prompts, **how):
        time.sleep(0.15)
        return super().sample(prompts, **how)

model = Slow("scripted:uniform", draws=lambda prompt, number: ["heads", "3", "red", "?"][number % 4])
settings = Settings(elicit=sys.argv[2])
evaluate("distributional/known-processes", model=model, settings=settings, out=Path(sys.argv[1]))
"""


def slow_model():
    return ScriptedModel(
        "scripted:uniform", draws=lambda prompt, number: ["heads", "3", "red", "?"][number % 4]
    )


@pytest.mark.parametrize("elicit", ["logprob", "sample"])
def test_kill_9_at_any_moment_loses_nothing_that_was_written(tmp_path, elicit):
    """Killed in the middle, run again: the same rows as a run that was left alone, and none asked twice."""
    killed, settings = tmp_path / "killed", Settings(elicit=elicit)
    process = subprocess.Popen([sys.executable, "-c", SLOW_RUN, str(killed), elicit], env=os.environ)
    rows = killed / "answers.jsonl"
    deadline = time.monotonic() + 60
    while not (rows.exists() and rows.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    written = rows.read_bytes()
    assert written
    assert not (killed / "results.json").exists()
    resumed = evaluate(PROCESSES, model=slow_model(), settings=settings, out=killed)
    whole = evaluate(PROCESSES, model=slow_model(), settings=settings, out=tmp_path / "whole")
    assert resumed.answers == whole.answers
    assert resumed.scores == whole.scores
    kept = written[: written.rfind(b"\n") + 1]
    assert rows.read_bytes().startswith(kept)
    assert 0 < kept.count(b"\n") < len(whole.answers)
    assert len(rows.read_bytes().splitlines()) == len(whole.answers)


def test_an_endpoint_that_dies_half_way_costs_its_own_units_only(tmp_path):
    """What it has answered stays; what it has not is an error by name, and is asked again the next time."""
    calls = []

    def answer(prompt, number):
        calls.append(prompt)
        return "heads" if len(calls) < 700 else ModelError("connection refused")

    run = evaluate(
        PROCESSES,
        model=ScriptedModel("mortal", draws=answer),
        settings=Settings(elicit="sample", draws=40, limit=30),
        out=tmp_path,
    )
    errors = [answer for answer in run.answers if answer.error]
    assert 0 < len(errors) < 30
    assert {answer.error for answer in errors} == {"connection refused"}
    assert run.scores.n_unscored["error"] == len(errors)
    assert not run.complete
    calls.clear()
    mended = evaluate(
        PROCESSES,
        model=ScriptedModel("mortal", draws=lambda prompt, number: calls.append(prompt) or "heads"),
        settings=Settings(elicit="sample", draws=40, limit=30),
        out=tmp_path,
    )
    assert not [answer for answer in mended.answers if answer.error]
    assert len(calls) == 40 * len(errors)


def test_the_page_names_the_command_that_makes_it_again(tmp_path):
    settings = Settings(groups=("party=Democrat",), limit=2, max_orders=1)
    run = evaluate(ANES, model=UNIFORM, settings=settings, out=tmp_path)
    command = "pluralign eval run distributional/anes96 --model scripted:uniform --groups party=Democrat --limit 2 --max-orders 1"
    assert run.command == command
    assert command in (tmp_path / "report.html").read_text(encoding="utf-8")
