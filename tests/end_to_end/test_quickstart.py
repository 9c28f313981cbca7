import json
import re

import pytest

from pluralign.errors import ConfigurationError, InterruptedRunError
from pluralign.evals import PRIMARY
from pluralign.quickstart import (
    CHAT,
    EVALUATIONS,
    SPECTRUM,
    TRAINING_TASKS,
    TUNED,
    default_recipe,
    quickstart,
)
from pluralign.runs import read_json
from pluralign.spectrum import Lora, TrainingRecipe, build_sequences

RECIPE = TrainingRecipe(
    tasks={"categorical": 24},
    n_steps=4,
    batch_size=4,
    device_batch_size=4,
    max_length=200,
    mean_examples=4,
    learning_rate=2e-3,
    lora=Lora(rank=2, alpha=4),
)


class Stages:
    """Remembers the stages, and presses Ctrl-C at the one asked for."""

    def __init__(self, *, interrupt_at=""):
        self.interrupt_at = interrupt_at
        self.steps = {}

    def __call__(self, stage):
        self.steps[stage] = []

        def progress(finished, total):
            self.steps[stage].append((finished, total))
            if stage == self.interrupt_at:
                raise KeyboardInterrupt

        return progress


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_folder):
    folder = tmp_path_factory.mktemp("quickstart")
    stages = Stages()
    result = quickstart(stages=stages, model=str(tiny_folder), out=folder, recipe=RECIPE, max_orders=1)
    return result, stages


def test_it_leaves_everything_that_it_promises(finished):
    result, _ = finished
    names = {path.name for path in result.folder.iterdir()}
    assert {
        "report.html",
        "answers.jsonl",
        "results.json",
        "run.json",
        "training.json",
        "adapter",
        "measured",
    } <= names
    assert read_json(result.folder / "run.json")["status"] == "complete"
    page = result.page.read_text(encoding="utf-8")
    assert "Americans in 1996" in page
    assert "There is an urn" in page


def test_the_same_cells_are_measured_in_every_state(finished):
    result, _ = finished
    for measured in result.measured.values():
        cells = [{(a.question_id, a.condition.id) for a in run.answers} for run in measured.runs.values()]
        assert list(measured.runs) == [CHAT, SPECTRUM, TUNED]
        assert cells[0] == cells[1] == cells[2]
        assert measured.comparison(PRIMARY, second=CHAT).n_cells == len(cells[0])


def test_before_is_untuned_and_after_is_the_adapter(finished):
    result, _ = finished
    for measured in result.measured.values():
        before, spectrum, after = (run.model_id for run in measured.runs.values())
        assert before == spectrum
        assert after.startswith(f"{before}+adapter@")
        answers = [{a.key: a.probabilities for a in run.answers} for run in measured.runs.values()]
        assert not set(answers[0]) & set(answers[2])


def test_results_hold_every_state_and_comparison(finished):
    result, _ = finished
    results = json.loads((result.folder / "results.json").read_text())
    assert set(results["evaluations"]) == set(EVALUATIONS)
    for evaluation in results["evaluations"].values():
        assert set(evaluation["states"]) == {CHAT, SPECTRUM, TUNED}
        assert {comparison["second"] for comparison in evaluation["comparisons"]} == {CHAT, SPECTRUM}
    assert len(result.summary) == 2 * len(EVALUATIONS)


def test_stages_report_to_the_end(finished):
    _, stages = finished
    assert stages.steps["spectrum tuning"][-1] == (4, 4)
    assert all(steps[-1][0] == steps[-1][1] for steps in stages.steps.values())


def test_the_same_command_again_repeats_nothing(finished, tiny_folder):
    result, _ = finished
    stages = Stages()
    again = quickstart(stages=stages, model=str(tiny_folder), out=result.folder, recipe=RECIPE, max_orders=1)
    assert not any(steps for stage, steps in stages.steps.items() if stage != "loading the model")
    assert again.summary == result.summary


def test_stopped_at_training_it_goes_on_there(tmp_path, tiny_folder):
    arguments = {"model": str(tiny_folder), "out": tmp_path, "recipe": RECIPE, "max_orders": 1}
    with pytest.raises(InterruptedRunError, match="Training was stopped"):
        quickstart(stages=Stages(interrupt_at="spectrum tuning"), **arguments)
    assert not (tmp_path / "results.json").exists()
    assert read_json(tmp_path / "run.json")["status"] == "interrupted"
    stages = Stages()
    result = quickstart(stages=stages, **arguments)
    assert not any(steps for stage, steps in stages.steps.items() if stage.startswith("before"))
    assert stages.steps["spectrum tuning"]
    assert result.complete


def test_a_recipe_that_cannot_be_built_is_refused_before_anything_is_measured(tmp_path, tiny_folder):
    recipe = RECIPE.model_copy(update={"tasks": {"categoricl": 24}})
    stages = Stages()
    with pytest.raises(ConfigurationError, match="Did you mean 'categorical'"):
        quickstart(stages=stages, model=str(tiny_folder), out=tmp_path / "run", recipe=recipe)
    assert not stages.steps
    assert not (tmp_path / "run").exists()


def test_what_is_trained_on_is_not_what_is_measured():
    """No coin, die, random integer or urn among the training tasks, and other survey questions."""
    from pluralign.data.anes96 import BACKGROUND
    from pluralign.data.processes import load_processes
    from pluralign.evaluation import load_spec

    assert not {"bernoulli", "dice", "integers", "urn"} & set(TRAINING_TASKS)
    measured_processes = re.compile(
        r"\b(coins?|die|dice|urns?|heads|tails|random (whole )?(integer|number))\b", re.IGNORECASE
    )
    rows = build_sequences(default_recipe())
    assert not [
        row.description for row in rows if row.description and measured_processes.search(row.description)
    ]
    assert not {question.text for question in load_processes().questions} & {row.description for row in rows}
    trained = set(default_recipe().surveys["anes96"].arguments["questions"])
    measured = set(load_spec("distributional/anes96").data.arguments["questions"])
    assert trained == set(BACKGROUND)
    assert not trained & measured
