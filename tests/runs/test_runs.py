import json
import math
import os

import pytest

from pluralign.elicitation import LogProb
from pluralign.errors import DataError, InterruptedRunError, ModelError, StorageError
from pluralign.models import ScriptedModel
from pluralign.records import Condition, Option, Outcome, Question
from pluralign.runs import RunStore, Status, execute, make_plan, read_json, run_facts

QUESTIONS = [
    Question(id=f"q{index}", text=f"Question {index}?", options=(Option(text="yes"), Option(text="no")))
    for index in range(20)
]
CELLS = [(question, Condition()) for question in QUESTIONS]


class CountingModel(ScriptedModel):
    """Remembers what it was asked, and can fail or be interrupted."""

    def __init__(self, *, fail_on="", interrupt_after=None, **options):
        super().__init__(log_probs=lambda prompt, option: math.log(0.1 + 0.01 * len(option)), **options)
        self.asked = []
        self.fail_on = fail_on
        self.interrupt_after = interrupt_after

    def score_options(self, prompts, options):
        if self.interrupt_after is not None and len(self.asked) >= self.interrupt_after:
            raise KeyboardInterrupt
        if self.fail_on and any(self.fail_on in self.render(prompt) for prompt in prompts):
            raise ModelError("the endpoint died")
        self.asked += [self.render(prompt) for prompt in prompts]
        return super().score_options(prompts, options)


def plan_for(model, *, cells=CELLS, **options):
    return make_plan(cells, model=model, elicitation=LogProb(**options), evaluation="test/eval@1-A")


def run_in(folder, model, *, plan=None):
    plan = plan or plan_for(model)
    store = RunStore.open(folder, plan=plan, facts=run_facts(), config={})
    return execute(plan, model=model, elicitation=LogProb(), store=store), store


def test_an_interrupted_run_resumes_to_the_uninterrupted_result(tmp_path):
    whole, _ = run_in(tmp_path / "whole", CountingModel())
    stopped = CountingModel(interrupt_after=10)
    with pytest.raises(
        InterruptedRunError, match=r"Interrupted after 8 of 20 units.*run the same command again"
    ):
        run_in(tmp_path / "parts", stopped)
    assert read_json(tmp_path / "parts" / "run.json")["status"] == Status.INTERRUPTED
    rest = CountingModel()
    resumed, _ = run_in(tmp_path / "parts", rest)
    assert resumed == whole
    assert not set(stopped.asked) & set(rest.asked)
    assert len(read_json(tmp_path / "parts" / "run.json")["attempts"]) == 2


@pytest.mark.parametrize("cut", [1, 7, 60, 200])
def test_a_torn_last_line_is_asked_again_and_the_rest_kept_byte_for_byte(tmp_path, cut):
    whole, store = run_in(tmp_path / "run", CountingModel())
    path = store.folder / "answers.jsonl"
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    model = CountingModel()
    resumed, _ = run_in(tmp_path / "run", model)
    assert resumed == whole
    kept = content[: content[:-cut].rfind(b"\n") + 1]
    assert path.read_bytes() == content
    assert path.read_bytes().startswith(kept)
    assert len(model.asked) == 2  # one question in two orders


def test_a_finished_run_asks_nothing(tmp_path):
    run_in(tmp_path / "run", CountingModel())
    model = CountingModel()
    run_in(tmp_path / "run", model)
    assert model.asked == []


def test_a_bad_unit_costs_only_itself_and_is_asked_again(tmp_path):
    answers, store = run_in(tmp_path / "run", CountingModel(fail_on="Question 3?"))
    outcomes = {answer.question_id: answer.outcome for answer in answers}
    assert outcomes.pop("q3") is Outcome.ERROR
    assert set(outcomes.values()) == {Outcome.OK}
    assert answers[3].error == "the endpoint died"
    assert answers[3].probabilities is None
    mended = CountingModel()
    answers, _ = run_in(tmp_path / "run", mended)
    assert {answer.outcome for answer in answers} == {Outcome.OK}
    assert all("Question 3?" in prompt for prompt in mended.asked)
    assert len((store.folder / "answers.jsonl").read_text().splitlines()) == 21  # the failed row stays


def test_another_plan_in_the_folder_is_refused(tmp_path):
    run_in(tmp_path / "run", CountingModel(id="one"))
    with pytest.raises(StorageError, match=r"another plan \(.*model: 'one' there, 'two' now.*--fresh"):
        run_in(tmp_path / "run", CountingModel(id="two"))
    other = CountingModel(id="one")
    fewer = plan_for(other, cells=CELLS[:5])
    with pytest.raises(StorageError, match="20 work units there, 5 now"):
        run_in(tmp_path / "run", other, plan=fewer)


def test_keys_change_with_everything_that_can_change_an_answer():
    model = ScriptedModel(id="m")
    key = plan_for(model).units[0].key
    question = QUESTIONS[0]
    reworded = question.model_copy(update={"text": "Another?"})
    turned = question.model_copy(update={"options": question.options[::-1]})
    persona = Condition(kind="persona", id="g", text="are g")
    others = [
        plan_for(ScriptedModel(id="n")).units[0].key,
        plan_for(model, cells=[(reworded, Condition())]).units[0].key,
        plan_for(model, cells=[(turned, Condition())]).units[0].key,
        plan_for(model, cells=[(question, persona)]).units[0].key,
        plan_for(model, max_orders=1).units[0].key,
        make_plan(CELLS, model=model, elicitation=LogProb(), evaluation="test/eval@2-A").units[0].key,
        make_plan(CELLS, model=model, elicitation=LogProb(), evaluation="test/eval@1-A", seed=1).units[0].key,
    ]
    assert len({key, *others}) == len(others) + 1


def test_people_s_counts_are_not_part_of_the_key():
    """New counts for the same question need no new answer."""
    model = ScriptedModel(id="m")
    counted = QUESTIONS[0].model_copy(update={"counts": {"all": (1.0, 2.0)}})
    assert plan_for(model, cells=[(counted, Condition())]).units[0].key == plan_for(model).units[0].key


def test_a_malformed_row_is_named_with_its_line(tmp_path):
    _, store = run_in(tmp_path / "run", CountingModel())
    path = store.folder / "answers.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:4], '{"key": 3}\n', *lines[4:]]))
    with pytest.raises(DataError, match=r"answers\.jsonl, line 5: not a valid Answer: .*key"):
        store.answers()


def test_results_come_last_and_are_strict_json(tmp_path):
    _, store = run_in(tmp_path / "run", CountingModel())
    assert not (store.folder / "results.json").exists()
    with pytest.raises(ValueError, match="Out of range float"):
        store.finish({"value": math.nan}, status=Status.COMPLETE)
    assert not (store.folder / "results.json").exists()
    store.finish({"value": None}, status=Status.COMPLETE)
    assert json.loads((store.folder / "results.json").read_text()) == {"value": None}
    assert read_json(store.folder / "run.json")["status"] == "complete"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full to act as a full disk")
def test_a_full_disk_is_one_clear_sentence(tmp_path):
    answers, store = run_in(tmp_path / "run", CountingModel())
    (store.folder / "answers.jsonl").unlink()
    (store.folder / "answers.jsonl").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"No space left on device.*free some space"):
        store.rows.append(answers)


def test_a_file_in_the_way_is_one_clear_sentence(tmp_path):
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(StorageError, match="cannot be written: File exists"):
        run_in(tmp_path / "run", CountingModel())


def test_progress_counts_what_was_there_before(tmp_path):
    with pytest.raises(InterruptedRunError):
        run_in(tmp_path / "run", CountingModel(interrupt_after=10))
    seen = []
    model = CountingModel()
    plan = plan_for(model)
    store = RunStore.open(tmp_path / "run", plan=plan, facts={}, config={})
    execute(
        plan,
        model=model,
        elicitation=LogProb(),
        store=store,
        progress=lambda n, total: seen.append((n, total)),
    )
    assert seen == [(16, 20), (20, 20)]
