import pytest

from pluralign.errors import ConfigurationError
from pluralign.spectrum.suite import SUITE, DataPlace, Share, SuiteRecipe, load_suite_recipe, plan_suite


def test_an_empty_list_stands_for_every_source_of_the_split_that_has_its_data():
    plan = plan_suite(SuiteRecipe(), place=DataPlace())

    made = [name for name, source in SUITE.items() if source.split == "train" and not source.needs.files]
    assert [part.name for part in plan.parts] == made
    assert dict(plan.skipped)["titanic_survival"].startswith(
        "titanic/titanic.csv is not there: titanic.csv of"
    )
    held_out = plan_suite(SuiteRecipe(split="held_out"), place=DataPlace())
    assert {part.name for part in held_out.parts} == {"bernoulli", "dice", "integers", "urn", "flight"}


def test_rows_weights_and_caps():
    shares = {
        "dice": Share(weight=0.5),
        "letters": Share(rows=7, mean_examples=4, max_examples=9),
        "zipf": Share(),
    }
    plan = plan_suite(SuiteRecipe(sources=shares, max_rows=300), place=DataPlace())
    parts = {part.name: part for part in plan.parts}

    assert {name: part.n_rows for name, part in parts.items()} == {"dice": 250, "letters": 7, "zipf": 300}
    assert parts["letters"].settings.mean_examples == 4
    assert parts["letters"].settings.max_examples == 9
    assert parts["letters"].settings.description_keep_prob == 0.8
    assert parts["zipf"].settings == SUITE["zipf"].settings


def test_a_recipe_is_read_with_own_tasks_beside_it(tmp_path):
    (tmp_path / "own.csv").write_text("output\na\nb\n", encoding="utf-8")
    path = tmp_path / "suite.yaml"
    path.write_text("seed: 4\nsources:\n  dice: {rows: 3, revision: abc}\n  own.csv: {}\n", encoding="utf-8")
    plan = plan_suite(load_suite_recipe(path), place=DataPlace())

    assert [part.name for part in plan.parts] == ["dice", "own"]
    assert plan.seed == 4
    assert plan.place.revision("dice") == "abc"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source: {}", r"suite\.yaml: source: no such field\. Did you mean 'sources'\?"),
        ("sources: {dice: {rows: 0}}", r"suite\.yaml: sources\.dice\.rows: .*greater than 0 \(given: 0\)"),
        ("sources: {dice: {rows: 2, weight: 3}}", "rows and weight: give one of them"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(tmp_path, text, message):
    path = tmp_path / "suite.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=message):
        load_suite_recipe(path)


def test_one_material_on_both_sides_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("name: a\nexamples: [x, y]\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("output\nx\ny\n", encoding="utf-8")
    (tmp_path / "a2.yaml").write_text("name: a2\ntable: b.csv\nsplit: held_out\n", encoding="utf-8")
    both = {str(tmp_path / "b.csv"): Share(), str(tmp_path / "a2.yaml"): Share()}

    with pytest.raises(
        ConfigurationError, match=r"'b' is for training and 'a2' is held out, but both are made of"
    ):
        plan_suite(SuiteRecipe(sources=both), place=DataPlace())


def test_names_that_stand_twice_and_sources_without_data_are_refused(tmp_path):
    (tmp_path / "dice.csv").write_text("output\na\nb\n", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="two have the name 'dice'"):
        plan_suite(
            SuiteRecipe(sources={"dice": Share(), str(tmp_path / "dice.csv"): Share()}), place=DataPlace()
        )
    with pytest.raises(ConfigurationError, match=r"No source has its data\. imdb: imdb is not there: --hub"):
        plan_suite(SuiteRecipe(sources={"imdb": Share()}), place=DataPlace())
