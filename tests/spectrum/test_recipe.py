from pathlib import Path

import pytest

from pluralign.errors import ConfigurationError
from pluralign.spectrum.process import finite
from pluralign.spectrum.recipe import (
    EarlyStop,
    Lora,
    SurveySource,
    TrainingRecipe,
    build_held_out,
    build_sequences,
    load_recipe,
    with_changes,
)
from pluralign.spectrum.tasks import Task


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_is_read(tmp_path):
    path = written(
        tmp_path,
        "model: org/name\ntasks: {categorical: 20, events: 5}\nlearning_rate: 1.0e-4\nlora: {rank: 8, targets: [q_proj]}\n",
    )
    recipe = load_recipe(path)

    assert recipe.tasks == {"categorical": 20, "events": 5}
    assert recipe.lora == Lora(rank=8, targets=("q_proj",))
    assert recipe.learning_rate == 1e-4
    assert recipe.method == "lora"
    assert recipe.description_keep_prob == 0.8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks: {urn: 5}\nlearning_rat: 1", r"recipe\.yaml: learning_rat: no such field.*'learning_rate'"),
        ("tasks: {urn: 5}\nlora: {rang: 4}", r"recipe\.yaml: lora\.rang: no such field.*'rank'"),
        ("tasks: {urn: 0}", r"tasks\.urn: Input should be greater than 0 \(given: 0\)"),
        ("tasks: {}", "name at least one task"),
        ("tasks: {urn: 5}\nbatch_size: 6\ndevice_batch_size: 4", "4 does not divide batch_size 6"),
        ("tasks: {urn: 5}\nmethod: qlora", "method: .*'lora' or 'full'.*given: 'qlora'"),
        ("tasks: {urn: 5}\nmethod: full\nmerge: true", "only adapters can be merged"),
        ("model: x", "name at least one task or survey"),
        ("surveys: {anes96: {}}", r"surveys\.anes96\.n_rows: Field required"),
        ("tasks: {urn: 5}\nsurveys: {urn: {n_rows: 3}}", r"\['urn'\] are names of tasks too"),
        ("tasks: {urn: 5}\nloss_on: inputs", "loss_on: .*'outputs'.*given: 'inputs'"),
        ("tasks: {urn: 5}\ngem_beta: 0", r"gem_beta: Input should be greater than 0"),
        (
            "tasks: {urn: 5}\nearly_stop: {n_row: 4}",
            r"recipe\.yaml: early_stop\.n_row: no such field.*'n_rows'",
        ),
        ("tasks: {urn: 5}\nearly_stop: {n_rows: 4}", "name at least one held-out task"),
        ("tasks: {urn: 5}\nearly_stop: {tasks: [urn]}", r"early_stop: \['urn'\] are trained on"),
        ("- a\n- b", "needed are fields"),
        ("tasks: [", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load_recipe(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read"):
        load_recipe(tmp_path / "none.yaml")


def test_rows_come_from_built_in_and_given_tasks():
    own = Task(name="own", family=lambda _: finite({"x": 1, "y": 1}, ["X or Y"]))
    recipe = TrainingRecipe(tasks={"own": 4, "dice": 3}, mean_examples=30, description_keep_prob=1.0)
    rows = build_sequences(recipe, tasks=[own])

    assert [row.task for row in rows] == ["own"] * 4 + ["dice"] * 3
    assert all(row.description for row in rows[4:])
    assert rows == build_sequences(recipe, tasks=[own])
    assert rows[4:] != build_sequences(recipe.model_copy(update={"seed": 1}), tasks=[own])[4:]
    with pytest.raises(ConfigurationError, match="unknown task 'owm'"):
        build_sequences(TrainingRecipe(tasks={"owm": 1}), tasks=[own])


def test_rows_come_from_surveys_through_their_data_adapter(tmp_path):
    pytest.importorskip("statsmodels", reason="the survey ships with statsmodels")
    recipe = TrainingRecipe(
        surveys={"anes96": SurveySource(arguments={"questions": ["PID"]}, n_rows=12)},
        description_keep_prob=1.0,
    )
    rows = build_sequences(recipe)

    assert [row.task for row in rows] == ["anes96"] * 12
    assert all(
        "Democrat" in example.output or "epublican" in example.output or "ndependent" in example.output
        for row in rows
        for example in row.examples
    )
    wrong = recipe.model_copy(update={"surveys": {"anes97": SurveySource(n_rows=1)}})
    with pytest.raises(ConfigurationError, match=r"Unknown data adapter 'anes97'.*'anes96'"):
        build_sequences(wrong)


RECIPES = sorted((Path(__file__).parents[2] / "examples" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_shipped_recipes_load(path):
    recipe = load_recipe(path)
    if not recipe.surveys and not recipe.built:
        assert build_sequences(recipe)


def test_there_are_recipes_and_the_papers_figures_are_in_its_own():
    recipes = {path.stem: load_recipe(path) for path in RECIPES}
    paper = recipes["paper"]

    assert {"paper", "quickstart", "small"} <= recipes.keys()
    assert (paper.method, paper.learning_rate, paper.batch_size, paper.n_epochs) == ("full", 3e-6, 1024, 1)
    assert (paper.max_length, paper.weight_decay, paper.warmup_steps, paper.schedule) == (
        1024,
        0,
        0,
        "linear",
    )
    assert paper.base is not None
    assert paper.description_keep_prob == 0.8


def test_held_out_rows_are_built_as_training_rows_are():
    recipe = TrainingRecipe(
        tasks={"dice": 3}, early_stop=EarlyStop(tasks=("bernoulli", "events"), n_rows=5), seed=4
    )
    rows = build_held_out(recipe)
    trained = build_sequences(TrainingRecipe(tasks={"bernoulli": 5, "events": 5}, seed=4))

    assert rows == trained
    assert build_held_out(TrainingRecipe(tasks={"dice": 3})) == []


def test_changes_are_checked_anew():
    recipe = TrainingRecipe(tasks={"dice": 3})

    assert with_changes(recipe, {}) is recipe
    assert with_changes(recipe, {"loss_on": "last_output"}).loss_on == "last_output"
    with pytest.raises(ConfigurationError, match=r"description_keep_prob: .*less than or equal to 1"):
        with_changes(recipe, {"description_keep_prob": 3.0})
