"""What is asked where groups are told apart: with and without condition, in several forms, of single people."""

import json

import pytest
import yaml

from pluralign.errors import ConfigurationError
from pluralign.evaluation import EvalSpec, Settings, prepare, profile_settings
from pluralign.models import ScriptedModel

MODEL = ScriptedModel()
PROFILE = {
    "id": "tea-drinkers",
    "title": "Tea drinkers",
    "summary": "People for whom tea comes first.",
    "values": [{"statement": "I put the kettle on before anything else.", "weight": 1}],
    "norms": ["I offer a cup to whoever comes in."],
    "does_not_hold": ["I think coffee is the better drink."],
    "provenance": {
        "kind": "curated",
        "sources": ["Orwell, A Nice Cup of Tea (1946)"],
        "licence": "Apache-2.0",
    },
}


@pytest.fixture
def steerable(spec):
    return spec.model_copy(update={"evaluator": "steerable", "id": "steerable/mine"})


@pytest.fixture
def people(tmp_path, make_row):
    """Twelve people, each of whom answered six questions."""
    rows = [make_row(index) for index in range(6)]
    for row in rows:
        row["counts"] = {f"person={number}": [1, 0, 0] for number in range(12)}
    path = tmp_path / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return EvalSpec.model_validate({
        "id": "in-context/people",
        "version": "1-A",
        "title": "People",
        "evaluator": "in_context",
        "data": {
            "adapter": "file",
            "arguments": {"path": str(path), "group_texts": dict.fromkeys(rows[0]["counts"], "like tea")},
        },
        "source": {"name": "asked at home", "licence": "CC0-1.0"},
        "conditions": "groups",
        "condition": "in_context",
        "examples": 3,
    })


@pytest.fixture
def tea(tmp_path):
    path = tmp_path / "tea-drinkers.yaml"
    path.write_text(yaml.safe_dump(PROFILE), encoding="utf-8")
    return path


def asked(spec, **settings):
    prepared = prepare(spec, model=MODEL, settings=Settings(**settings))
    return [(unit.question.id, unit.condition) for unit in prepared.plan.units]


def test_an_evaluation_of_steering_also_asks_the_model_as_it_is(steerable):
    units = asked(steerable, groups=("party",))

    assert [condition.kind for _, condition in units] == ["none"] * 6 + ["persona"] * 12
    assert [condition.id for _, condition in units[6:]] == ["party=A"] * 6 + ["party=B"] * 6


def test_a_distributional_evaluation_does_not(spec):
    assert {condition.kind for _, condition in asked(spec, groups=("party",))} == {"persona"}


def test_the_best_persona_is_chosen_out_of_three_forms(steerable):
    units = asked(steerable, groups=("party=A",), condition="best_persona")

    assert [condition.form for _, condition in units[6:]] == ["qa"] * 6 + ["bio"] * 6 + ["portray"] * 6


def test_only_steering_keeps_the_best_of_several_forms(spec):
    with pytest.raises(ConfigurationError, match=r"only evaluations under steerable/ do.*qa, bio or portray"):
        asked(spec, condition="best_persona")


def test_a_person_is_asked_with_ever_more_of_the_own_answers(people):
    units = asked(people, people=2)

    assert [len(condition.examples) for _, condition in units] == [0, 1, 2, 3] * 2
    assert len({condition.id for _, condition in units}) == 2
    for question, condition in units:
        assert not any(question.removeprefix("q") in shown.text for shown in condition.examples)


def test_which_people_are_asked_depends_on_the_seed_and_not_on_how_many_there_are(people):
    drawn = [{condition.id for _, condition in asked(people, people=4, seed=seed)} for seed in (0, 0, 1)]

    assert drawn[0] == drawn[1] != drawn[2]
    assert {condition.id for _, condition in asked(people, people=3, seed=0)} < drawn[0]


def test_own_answers_go_with_their_evaluator_only(spec, people):
    with pytest.raises(
        ConfigurationError, match="'in_context' does not go with the evaluator 'distributional'"
    ):
        asked(spec, condition="in_context")
    with pytest.raises(ConfigurationError, match="'persona' does not go with the evaluator 'in_context'"):
        asked(people, condition="persona")


def test_a_profile_speaks_for_the_group_it_is_given_for(steerable, tea):
    settings = profile_settings([f"party=A:{tea}"], spec=steerable)
    units = asked(steerable, **settings)

    steered = {condition.id: condition for _, condition in units if condition.kind == "profile"}
    assert list(steered) == ["party=A"]
    assert "I put the kettle on before anything else." in steered["party=A"].text


def test_a_profile_without_a_group_is_told_how_to_name_one(steerable, tea):
    with pytest.raises(ConfigurationError, match=r"as in --profile 'party=Democrat:"):
        profile_settings([str(tea)], spec=steerable)


def test_a_group_has_one_profile(steerable, tea):
    with pytest.raises(ConfigurationError, match="'party=A' is given two profiles"):
        profile_settings([f"party=A:{tea}"] * 2, spec=steerable)
