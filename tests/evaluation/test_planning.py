"""What is asked, of whom, how, before anything is asked."""

import json

import pytest

from pluralign.errors import ConfigurationError, DataError, UnsupportedError
from pluralign.evaluation import Settings, prepare, read_profiles
from pluralign.models import Capability, ScriptedModel

MODEL = ScriptedModel(draws=lambda prompt, number: "yes")


def first_prompt(spec, **settings):
    prepared = prepare(spec, model=MODEL, settings=Settings(groups=("party=A",), **settings))
    unit = prepared.plan.units[0]
    return MODEL.render(prepared.elicitation.prompts(unit.question, unit.condition)[0])


@pytest.mark.parametrize("name", ["logprob", "sample", "verbalized", "sequence"])
def test_every_elicitation_can_be_asked_for(spec, name):
    prepared = prepare(spec, model=MODEL, settings=Settings(elicit=name))
    assert prepared.elicitation.name == name
    assert len(prepared.plan.units) == 18


def test_keys_differ_by_elicitation_draws_and_condition(spec):
    settings = [
        Settings(),
        Settings(elicit="sample"),
        Settings(elicit="sample", draws=7),
        Settings(elicit="sample", seed=1),
        Settings(condition="bio"),
        Settings(condition="few_shot"),
        Settings(condition="few_shot", seed=1),
    ]
    keys = {prepare(spec, model=MODEL, settings=each).plan.units[-1].key for each in settings}
    assert len(keys) == len(settings)


def test_a_setting_that_the_elicitation_lacks_is_named(spec):
    with pytest.raises(
        ConfigurationError, match="'logprob' does not know draws; it can be given: max_orders"
    ):
        prepare(spec, model=MODEL, settings=Settings(draws=3))


def test_the_spec_s_own_settings_are_not_those_of_another_elicitation(spec):
    sampling = spec.model_copy(update={"elicitation": spec.elicitation.model_copy(update={"max_orders": 2})})
    assert prepare(sampling, model=MODEL).elicitation.max_orders == 2
    assert prepare(sampling, model=MODEL, settings=Settings(elicit="sequence")).elicitation.name == "sequence"


def test_a_model_without_log_probabilities_is_told_what_would_do(spec):
    sampled_only = ScriptedModel(draws=["yes"], can=frozenset({Capability.SAMPLE, Capability.CHAT}))
    with pytest.raises(
        UnsupportedError, match=r"'logprob' needs .* can be asked with the elicitation 'sample'"
    ):
        prepare(spec, model=sampled_only)


@pytest.mark.parametrize("name", ["persona", "qa", "bio", "portray", "few_shot"])
def test_every_condition_speaks_for_its_group(spec, name):
    prepared = prepare(spec, model=MODEL, settings=Settings(condition=name))
    spoken_for = {unit.condition.group for unit in prepared.plan.units}
    assert spoken_for == {"all", "party=A", "party=B"}
    assert "vote for A" in first_prompt(spec, condition=name)


def test_few_shot_shows_the_group_s_other_answers_only(spec):
    prompt = first_prompt(spec, condition="few_shot")
    assert "number 0?" in prompt.rpartition("user:")[2]
    assert "number 0?" not in prompt.rpartition("user:")[0]
    assert sum(f"number {index}?" in prompt for index in range(1, 6)) == 5


def test_without_condition_each_question_is_asked_once_and_held_against_every_group(spec, tmp_path):
    from pluralign.evaluation import evaluate

    settings = Settings(condition="none")
    assert len(prepare(spec, model="scripted:uniform", settings=settings).plan.units) == 6
    run = evaluate(spec, model="scripted:uniform", settings=settings, out=tmp_path / "run")
    assert {cell.group for cell in run.scores.cells} == {"all", "party=A", "party=B"}
    assert run.scores.n_unscored == {}
    assert run.scores.estimate("total_variation").n_cells == 18


def test_a_profile_speaks_for_a_group(spec, tmp_path):
    path = tmp_path / "profiles.yaml"
    path.write_text("party=A: Values number and order above all.\n", encoding="utf-8")
    profiles = read_profiles(path)
    prompt = first_prompt(spec, condition="profile", profiles=profiles)
    assert prompt.startswith("system: Values number and order above all.")
    with pytest.raises(
        ConfigurationError, match=r"No value profile is given for the group 'all' \(given: party=A\)"
    ):
        prepare(spec, model=MODEL, settings=Settings(condition="profile", profiles=profiles))


@pytest.mark.parametrize("content", ["[a, b]", "party=A: [", "party=A: 3"])
def test_profiles_that_are_none(tmp_path, content):
    path = tmp_path / "profiles.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"profiles\.yaml: "):
        read_profiles(path)


def test_groups_that_nobody_answered_for_are_not_asked(spec, survey, make_row):
    rows = [make_row(0), make_row(1)]
    rows[0]["counts"]["party=A"] = [0, 0, 0]
    survey.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    prepared = prepare(spec, model=MODEL)
    asked = {(unit.question.id, unit.condition.group) for unit in prepared.plan.units}
    assert ("q0", "party=A") not in asked
    assert ("q1", "party=A") in asked


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": {"all": [1, 2]}}, r"line 1: .*has 3 options but 2 values"),
        ({"counts": {"all": [1, 2, float("nan")]}}, r"line 1: .*finite number"),
        ({"counts": {"all": [1, 2, -3]}}, r"line 1: .*greater than or equal to 0"),
    ],
)
def test_counts_that_cannot_be(spec, survey, make_row, change, message):
    survey.write_text(json.dumps(make_row(0) | change) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        prepare(spec, model=MODEL)


def test_a_question_that_cannot_be_asked_is_scored_as_such(spec, survey, make_row, tmp_path):
    from pluralign.evaluation import evaluate

    rows = [make_row(0), make_row(1, options=("yes", "yes", "no"))]
    survey.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run = evaluate(spec, model="scripted:uniform", out=tmp_path / "run")
    assert run.scores.n_unscored == {"cannot be asked": 3}
    survey.write_text(json.dumps(rows[1]) + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="None of the 1 questions of 'survey' can be asked"):
        prepare(spec, model=MODEL)


def test_arguments_of_the_adapter_may_be_given_when_it_is_run(spec, survey):
    with_other_name = Settings(data={"name": "other"})
    assert prepare(spec, model=MODEL, settings=with_other_name).data.questions.id == "other"
    with pytest.raises(ConfigurationError, match=r"lacks its argument 'path'.*--data path="):
        prepare("distributional/opinionqa", model=MODEL)


def test_a_truth_is_asked_for_beside_the_groups(survey, make_row):
    coin = {"id": "coin", "text": "Heads?", "options": [{"text": "yes"}, {"text": "no"}], "truth": [0.5, 0.5]}
    survey.write_text("".join(json.dumps(row) + "\n" for row in (make_row(0), coin)), encoding="utf-8")
    texts = {"party=A": "vote for A", "party=B": "vote for B"}
    settings = Settings(data={"path": str(survey), "group_texts": texts})
    prepared = prepare("distributional/own-questions", model=MODEL, settings=settings)
    asked = [(unit.question.id, unit.condition.group) for unit in prepared.plan.units]
    assert asked == [("coin", "all"), ("q0", "all"), ("q0", "party=A"), ("q0", "party=B")]
