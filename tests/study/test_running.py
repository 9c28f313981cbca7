import json

import pytest

from pluralign.errors import ConfigurationError
from pluralign.study import StudyConfig, run_study, study_table


def config(model, **fields):
    hot = {"only_these": True, "settings": {"coverage": {"temperature": 2}}}
    return StudyConfig.model_validate({
        "title": "A small study",
        "model": str(model),
        "seeds": 2,
        "reference": "tuned",
        "suite": {"sources": {"coloured": {"rows": 4, "mean_examples": 3, "max_examples": 4}}},
        "training": {
            "batch_size": 2,
            "device_batch_size": 2,
            "max_length": 96,
            "lora": {"rank": 2, "alpha": 4},
            "learning_rate": 0.01,
        },
        "arms": {
            "untuned": {},
            "spectrum format": {"format": "spectrum"},
            "hot": hot,
            "mixed with a base": {"base": str(model), "base_weight": 0.3, **hot},
            "n = 1": {"train": {"single_example": True}},
            "tuned": {"train": {}},
        },
        "measures": {
            "urn": {
                "evaluation": "distributional/urn",
                "settings": {"limit": 2, "max_orders": 1, "data": {"seed": "$seed"}},
                "report": [{"estimate": "js_divergence_nats", "title": "urn"}],
            },
            "coverage": {
                "evaluation": "coverage/valid-outputs",
                "settings": {"draws": 2, "tasks": ["rng_1_10"]},
                "report": [{"estimate": "valid_share", "title": "valid"}],
            },
        },
        **fields,
    })


def stages(said):
    def start(stage):
        said.append(stage)
        return lambda finished, total: None

    return start


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_folder):
    out, said = tmp_path_factory.mktemp("study"), []
    study = config(tiny_folder)
    return study, out, said, run_study(study, out=out, data=None, stages=stages(said))


def test_every_arm_is_measured_under_every_seed(finished):
    study, _, _, cells = finished
    measured = {(cell.arm, cell.seed, cell.measure) for cell in cells}

    assert len(measured) == len(cells) == 2 * (4 * 2 + 2)
    assert ("hot", 1, "coverage") in measured
    assert ("hot", 1, "urn") not in measured
    table = study_table(study, cells)
    assert all(table.entries[arm] for arm in study.arms)


def test_only_the_trained_arms_are_trained(finished):
    _, out, said, _ = finished

    assert [stage for stage in said if stage.endswith("training")] == [
        "seed 0: n = 1: training",
        "seed 0: tuned: training",
        "seed 1: n = 1: training",
        "seed 1: tuned: training",
    ]
    record = json.loads(next(out.glob("n-1/seed-0/training-*/training.json")).read_text())
    assert record["recipe"]["single_example"] is True


def test_arms_see_the_same_rows_of_a_seed_and_other_rows_under_another(finished):
    _, out, _, _ = finished
    rows = {seed: {path.name for path in (out / "rows").glob(f"seed-{seed}-*")} for seed in (0, 1)}

    assert len(rows[0]) == len(rows[1]) == 1
    assert rows[0] != rows[1]


def test_tuning_changes_what_is_measured(finished):
    _, _, _, cells = finished
    urn = {
        cell.arm: [e.value for e in cell.estimates if e.name == "js_divergence_nats" and e.slice == "all"]
        for cell in cells
        if (cell.seed, cell.measure) == (0, "urn")
    }

    assert urn["tuned"] != urn["spectrum format"] != urn["untuned"]


def test_an_arm_may_be_mixed_with_a_base(finished):
    _, out, _, _ = finished
    [run] = out.glob("mixed-with-a-base/seed-0/coverage-*/run.json")

    assert " mixed with 0.3 of " in run.read_text()


def test_the_same_call_again_does_nothing_anew(finished, monkeypatch):
    study, out, _, cells = finished

    def refuse(*args, **kwargs):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("pluralign.study.running.load_weights", refuse)
    monkeypatch.setattr("pluralign.study.training.train", refuse)
    assert run_study(study, out=out, data=None, stages=stages([])) == cells


def test_what_cannot_be_measured_is_refused_before_anything_is_trained(tmp_path, tiny_folder):
    wrong = {
        "urn": {
            "evaluation": "distributional/urn",
            "settings": {"limitt": 2},
            "report": [{"estimate": "x", "title": "x"}],
        }
    }
    arms = {"untuned": {}, "tuned": {"train": {}}}

    with pytest.raises(ConfigurationError, match="distributional/urn: settings: limitt"):
        run_study(config(tiny_folder, measures=wrong, arms=arms), out=tmp_path, data=None, stages=stages([]))
    judged = {"views": {"evaluation": "overton/polis", "report": [{"estimate": "x", "title": "x"}]}}
    with pytest.raises(ConfigurationError, match="needs a judge"):
        run_study(config(tiny_folder, measures=judged, arms=arms), out=tmp_path, data=None, stages=stages([]))
    assert not list(tmp_path.iterdir())
