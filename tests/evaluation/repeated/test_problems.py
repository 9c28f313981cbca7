"""Problems for models of three formats, and runs of them: replies, scored results, kills."""

import json

import numpy as np
import pytest

from pluralign.data.gsm8k import final_result
from pluralign.data.prompts import OpenPrompt
from pluralign.errors import ConfigurationError, InterruptedRunError, ModelError
from pluralign.evaluation import evaluate
from pluralign.evaluation.repeated import (
    RepeatedSettings,
    compare_repeated_runs,
    evaluate_repeated,
    load_repeated_run,
    prepare_repeated,
)
from pluralign.evaluation.repeated.asking import Style
from pluralign.evaluation.repeated.problems import EXAMPLES, asked_problems, problem_prompt
from pluralign.evaluation.spec import Settings
from pluralign.models import ScriptedModel
from pluralign.models.protocol import Capability, Message, SamplingParams
from pluralign.models.transformers_model import TransformersModel
from pluralign.records import Outcome
from pluralign.runs import read_json
from pluralign.spectrum.format import SpectrumFormat
from pluralign.spectrum.suite import DataPlace, get_source
from pluralign.spectrum.suite.source import Opening

PROBLEMS = [
    OpenPrompt(id="a", text="Two and three?", answer="2+3=<<2+3=5>>5.\n#### 5"),
    OpenPrompt(id="b", text="A thousand and six?", answer="Easy.\n#### 1,006"),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "test.jsonl"
    rows = [{"question": each.text, "answer": each.answer} for each in PROBLEMS]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return {"path": str(path), "part": "test"}


@pytest.fixture
def solver(talker):
    """Solves the first problem, and finds right results as probable as the script says."""

    class Solver(talker):
        def answer(self, prompt, number):
            return "So it is\n#### 5" if prompt.rpartition("user: ")[2].startswith("Two") else "I cannot."

    return lambda id="solver", **given: Solver(
        id, log_probs=lambda prompt, option: -0.5 * len(option), **given
    )


def solved(model, out, file, **settings):
    given = RepeatedSettings(data=file, **settings)
    return evaluate_repeated("capability/gsm8k", model=model, settings=given, out=out)


def test_examples_are_right():
    results = [final_result(solution, where="example") for _, solution in EXAMPLES]
    assert results == [6 * 8 - 30, 15 * 5 + 2 * 30, 100 - 80 * 0.75, 1350 / 3 * 12]


def test_a_problem_in_each_format():
    chat = problem_prompt("Why?", style=Style.CHAT, shots=1)
    assert [message.role for message in chat.messages] == ["user", "assistant", "user"]
    assert chat.messages[2].content.startswith("Why?\n\nSolve the problem step by step.")
    assert chat.messages[1] == Message("assistant", EXAMPLES[0][1])
    spectrum = problem_prompt("Why?", style=Style.SPECTRUM, shots=2)
    roles = [message.role for message in spectrum.messages]
    assert roles == ["description", *["input", "output"] * 2, "input"]
    assert spectrum.messages[-1].content == "Why?"
    text = problem_prompt("Why?", style=Style.TEXT, shots=1, begun="It is")
    assert text.text.endswith("#### 18\n\nQuestion: Why?\nAnswer: It is")
    assert problem_prompt("Why?", style=Style.TEXT, shots=0).text == "Question: Why?\nAnswer:"


def test_a_tuned_model_is_told_what_the_suite_told_it(tmp_path):
    path = tmp_path / "gsm8k/train.jsonl"
    path.parent.mkdir()
    rows = [json.dumps({"question": f"q{number}", "answer": "a"}) for number in (1, 2)]
    path.write_text("\n".join(rows), encoding="utf-8")
    source = get_source("gsm8k_answer")
    opened = source.opened(Opening(DataPlace(tmp_path), seed=0, settings=source.settings))
    described = problem_prompt("Why?", style=Style.SPECTRUM, shots=0).messages[0].content
    assert described in opened.instance(0, np.random.default_rng(0)).descriptions


def test_what_is_scored_is_the_result_behind_the_right_steps():
    params = SamplingParams(max_new_tokens=9)
    asked = asked_problems(PROBLEMS, style=Style.CHAT, shots=0, params=params, scores=True)
    assert [(each.id, each.way, each.scored) for each in asked] == [
        ("a", "scored", " 5"),
        ("b", "scored", " 1006"),
        ("a", "plain", ""),
        ("b", "plain", ""),
    ]
    assert asked[0].prompt.continue_from == "2+3=5.\n####"
    assert asked[2].prompt.continue_from == ""
    unscored = asked_problems(PROBLEMS, style=Style.TEXT, shots=0, params=params, scores=False)
    assert [each.way for each in unscored] == ["plain", "plain"]
    assert unscored[0].params.stop == ("Question:",)


def test_a_run_of_problems(tmp_path, solver, file):
    run = solved(solver(), tmp_path / "run", file)
    assert run.scores.estimate("accuracy").value == 0.5
    assert run.scores.estimate("answer_nll_nats").value == 0.5 * (2 + 5) / 2
    assert run.scores.estimate("unreadable_share").value == 0.5
    assert [(row.way, row.log_prob, row.n_tokens) for row in run.answers.responses[:2]] == [
        ("scored", -1.0, 2),
        ("scored", -2.5, 5),
    ]
    assert read_json(run.folder / "results.json")["responses"] == {"ok": 2}
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "I cannot." in page
    assert "1006" not in page
    assert load_repeated_run(run.folder).scores == run.scores
    assert "--shots" not in run.command
    assert "--data part=test" in run.command


def test_shots_are_part_of_what_was_run(tmp_path, solver, file):
    none, four = (solved(solver(), tmp_path / str(shots), file, shots=shots) for shots in (0, 4))
    assert none.label == "solver, 0 examples"
    assert "--shots 0" in none.command
    assert {row.key for row in none.answers.responses}.isdisjoint(row.key for row in four.answers.responses)
    found = {each.name: each.difference for each in compare_repeated_runs(none, four)}
    assert found["accuracy"] == 0


def test_a_model_without_log_probabilities_is_asked_all_the_same(tmp_path, talker, file):
    model = talker(answer=lambda *_: "#### 5", can=frozenset({Capability.SAMPLE, Capability.CHAT}))
    run = solved(model, tmp_path / "run", file)
    assert run.scores.estimate("accuracy").value == 0.5
    assert run.scores.estimate("answer_nll_nats").value is None
    assert run.complete


def test_a_result_that_cannot_be_scored_costs_only_itself(tmp_path, solver, file):
    class Picky(type(solver())):
        def score_options(self, prompts, options):
            if [" 5"] in options:
                raise ModelError("too long")
            return super().score_options(prompts, options)

    model = Picky(log_probs=lambda prompt, option: -2.0)
    run = solved(model, tmp_path / "run", file)
    first = run.answers.responses[0]
    assert (first.outcome, first.error, first.log_prob) == (Outcome.ERROR, "too long", None)
    nll = run.scores.estimate("answer_nll_nats")
    assert (nll.value, nll.n_unscored) == (2.0, {"no log-probability": 1})
    impossible = solved(type(solver())("never", log_probs=lambda *_: float("-inf")), tmp_path / "never", file)
    assert {row.error for row in impossible.answers.responses if row.way == "scored"} == {
        "its probability is 0"
    }


def test_an_interrupted_run_goes_on(tmp_path, solver, file):
    whole = solved(solver(), tmp_path / "whole", file)
    with pytest.raises(InterruptedRunError):
        solved(solver(interrupt_after=0), tmp_path / "parts", file)
    resumed = solved(solver(), tmp_path / "parts", file)
    assert resumed.scores == whole.scores


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"way": "seeded"}, "way: it means nothing for capability/gsm8k"),
        ({"tasks": ("rng_1_10",)}, "tasks: it means nothing"),
        ({"data": {"part": "half"}}, "capability/gsm8k, --data: part"),
        ({"data": {"file": "x"}}, "capability/gsm8k, --data: file"),
    ],
)
def test_settings_that_mean_nothing_are_refused(solver, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        prepare_repeated("capability/gsm8k", model=solver(), settings=RepeatedSettings(**settings))


@pytest.mark.parametrize("spectrum", [False, True])
def test_a_real_model_in_both_layouts(tmp_path, tiny_weights, file, spectrum):
    template = SpectrumFormat.from_tokenizer(tiny_weights.tokenizer).chat_template if spectrum else None
    model = TransformersModel(tiny_weights, chat_template=template)
    run = solved(model, tmp_path / "run", file, shots=0, max_new_tokens=4)
    prompt = problem_prompt(
        PROBLEMS[1].text, style=Style.SPECTRUM if spectrum else Style.CHAT, shots=0, begun="Easy.\n####"
    )
    (scores,) = model.score_options([prompt], [[" 1006"]])
    assert run.answers.responses[1].log_prob == pytest.approx(scores.log_probs[0])
    assert run.scores.estimate("answer_nll_nats").n_questions == 2


def test_choices_through_the_evaluation(tmp_path, file):
    model = ScriptedModel(log_probs=lambda _, option: -1.0 if option.strip() in {"5", "1006"} else -9.0)
    run = evaluate(
        "capability/gsm8k-choices",
        model=model,
        settings=Settings(data=file, max_orders=1),
        out=tmp_path / "run",
    )
    assert run.scores.estimate("accuracy").value == 1
    assert run.complete
