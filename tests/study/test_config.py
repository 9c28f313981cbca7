from pathlib import Path

import pytest

from pluralign.errors import ConfigurationError
from pluralign.study import load_study
from pluralign.study.config import StudyConfig, filled_in, slug

SHIPPED = sorted((Path(__file__).parents[2] / "examples" / "studies").glob("*.yaml"))

SMALL = {
    "title": "A study",
    "seeds": 2,
    "reference": "tuned",
    "suite": {"sources": {"coloured": {"rows": 4}}},
    "training": {"learning_rate": 0.001},
    "arms": {"untuned": {}, "tuned": {"train": {"n_steps": 3}}},
    "measures": {
        "urn": {
            "evaluation": "distributional/urn",
            "report": [{"estimate": "js_divergence_nats", "title": "urn"}],
        }
    },
}


def changed(**fields):
    return StudyConfig.model_validate({**SMALL, **fields})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_load(path):
    study = load_study(path)

    assert study.seeds >= 2
    assert all(study.measures_of(arm) for arm in study.arms.values())


def test_an_arm_changes_fields_of_the_recipe():
    study = changed()
    recipe = study.recipe(study.arms["tuned"], seed=1, built="rows")

    assert (recipe.learning_rate, recipe.n_steps, recipe.seed, recipe.built) == (0.001, 3, 1, ("rows",))


def test_an_arm_changes_settings_of_a_measure():
    study = changed(arms={**SMALL["arms"], "hot": {"settings": {"urn": {"limit": 7}}}})

    assert study.measures_of(study.arms["hot"])["urn"].settings == {"limit": 7}
    assert study.measures_of(study.arms["untuned"])["urn"].settings == {}


def test_an_arm_may_be_measured_by_little():
    measures = {**SMALL["measures"], "other": SMALL["measures"]["urn"]}
    arm = {"settings": {"other": {"limit": 3}}, "only_these": True}
    study = changed(measures=measures, arms={**SMALL["arms"], "hot": arm})

    assert list(study.measures_of(study.arms["hot"])) == ["other"]


def test_seed_and_data_are_filled_in():
    settings = {"limit": 3, "data": {"seed": "$seed", "path": "$data/polis"}}

    assert filled_in(settings, seed=4, data=Path("/d")) == {
        "seed": 4,
        "limit": 3,
        "data": {"seed": 4, "path": "/d/polis"},
    }
    with pytest.raises(ConfigurationError, match="--data FOLDER"):
        filled_in(settings, seed=4, data=None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reference": "tunde"}, "reference: 'tunde' is no arm. Did you mean 'tuned'"),
        ({"seeds": 1}, "seeds"),
        ({"arms": {"untuned": {}, "Untuned!": {}, "tuned": {}}}, "two names are the same"),
        (
            {"arms": {**SMALL["arms"], "hot": {"settings": {"urm": {}}}}},
            "arms: hot: settings: 'urm' is no measure. Did you mean 'urn'",
        ),
        ({"arms": {"untuned": {}, "tuned": {"train": {"n_stepz": 3}}}}, "n_stepz"),
    ],
)
def test_what_is_wrong_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        changed(**fields)


def test_an_unknown_field_is_refused_with_the_file(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("titel: x\n")

    with pytest.raises(ConfigurationError, match=r"study.yaml: titel: no such field. Did you mean 'title'"):
        load_study(path)


def test_names_become_parts_of_paths():
    assert slug("min-p 0.1 at temperature 1.5") == "min-p-0.1-at-temperature-1.5"
    assert slug("n = 1 SFT") == "n-1-sft"
