"""What is asked where groups are told apart: with and without condition, in several forms, of single people."""

import json
import math

import pytest
import yaml

from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.evaluation import (
    EvalSpec,
    Settings,
    compare_runs,
    comparison_report,
    evaluate,
    load_run,
    load_spec,
    prepare,
    profile_settings,
    resume,
)
from pluralign.models import Capability, Chat, ScriptedModel, Text

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


STATEMENTS = "steerable/profiles"
KETTLE = "I put the kettle on before anything else."


def steered(tea, way, **settings):
    return Settings(**{**profile_settings([str(tea)], spec=load_spec(STATEMENTS), way=way), **settings})


def prompts_of(tea, way):
    """The prompts with the profile, of the question after the statement that the profile values."""
    prepared = prepare(STATEMENTS, model=MODEL, settings=steered(tea, way))
    unit = next(each for each in prepared.plan.units if each.condition.kind == "profile")
    return prepared.elicitation.prompts(unit.question, unit.condition)


def test_a_profile_stands_where_the_way_puts_it(tea):
    system, user, persona = (prompts_of(tea, way)[0] for way in ("system", "user", "persona"))

    assert [message.role for message in system.messages] == ["system", "user"]
    assert isinstance(user, Chat)
    assert [message.role for message in user.messages] == ["user"]
    assert user.messages[0].content == f"{system.messages[0].content}\n\n{system.messages[1].content}"
    assert isinstance(persona, Text)
    assert f"Question: What matters to you?\nAnswer: {KETTLE}" in persona.text
    assert prompts_of(tea, None)[0] == system


def test_the_way_is_part_of_every_key_where_it_is_given(tea):
    plans = [
        prepare(STATEMENTS, model=MODEL, settings=steered(tea, way)).plan
        for way in (None, "system", "user", "persona")
    ]
    assert len({unit.key for plan in plans for unit in plan.units}) == sum(len(plan.units) for plan in plans)
    assert [plan.identity["elicitation"].get("way") for plan in plans] == [None, "system", "user", "persona"]


def test_shipped_profiles_that_are_not_named_are_put_in_the_way_too():
    settings = Settings(data={"profiles": ["kantian-ethics", "utilitarianism"]}, way="persona")
    units = prepare(STATEMENTS, model=MODEL, settings=settings).plan.units
    texts = {unit.condition.id: unit.condition.text for unit in units if unit.condition.kind == "profile"}
    assert len(texts) == 2
    assert all("Question: What else matters to you?" in text for text in texts.values())


def test_a_base_model_can_be_asked_as_a_persona_only(tea):
    base = ScriptedModel("base", can=frozenset({Capability.SCORE_OPTIONS}))
    assert prepare(STATEMENTS, model=base, settings=steered(tea, "persona")).plan.units
    with pytest.raises(UnsupportedError, match=r"'user' needs a model with chat, .* steered with: persona\."):
        prepare(STATEMENTS, model=base, settings=steered(tea, "user"))
    with pytest.raises(UnsupportedError, match=r"'spectrum' needs .* with: system, user, persona\."):
        prepare(STATEMENTS, model=MODEL, settings=steered(tea, "spectrum"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"condition": "persona"}, "'user' says how a profile is put .* condition 'persona' here"),
        ({"elicit": "verbalized"}, "'verbalized' puts profiles to a model in its own way only"),
    ],
)
def test_a_way_is_refused_where_it_means_nothing(tea, settings, message):
    model = ScriptedModel(draws=["Yes"])
    with pytest.raises(ConfigurationError, match=message):
        prepare(STATEMENTS, model=model, settings=steered(tea, "user", **settings))


def test_a_way_is_refused_where_nobody_is_spoken_for():
    with pytest.raises(ConfigurationError, match=r"'user' says how .* condition 'none' here"):
        prepare("distributional/known-processes", model=MODEL, settings=Settings(way="user"))


def test_there_is_no_such_way(tea):
    with pytest.raises(ConfigurationError, match=r"there is no way 'usr'\. Did you mean 'user'\?"):
        profile_settings([str(tea)], spec=load_spec(STATEMENTS), way="usr")


def listens_to_the_user(prompt, option):
    """Nine times out of ten what the profile says, where it stands in the user's turn; else a coin."""
    if not prompt.startswith("user: You hold the values"):
        return math.log(0.25)
    asked = prompt.rpartition("Would you say this of yourself?")[2]
    right = "Yes" if KETTLE in asked else "No"
    return math.log(0.45 if option.strip() == right else 0.05)


def test_two_ways_on_one_model_are_compared_by_question(tea, tmp_path):
    model = ScriptedModel("listener", log_probs=listens_to_the_user)
    user, persona = (
        evaluate(STATEMENTS, model=model, settings=steered(tea, way), out=tmp_path / way)
        for way in ("user", "persona")
    )
    found = {(each.name, each.slice): each for each in compare_runs(user, persona)}
    whole = found["own_total_variation", "all"]

    # By hand: |1 - 0.9| in the user's turn and |1 - 0.5| elsewhere, on each of the two statements.
    assert whole.difference == pytest.approx(0.1 - 0.5)
    assert found["steering_gain", "all"].difference == pytest.approx(0.4)
    assert (whole.n_questions, whole.n_cells) == (2, 2)
    assert (whole.first, whole.second) == ("listener (way user)", "listener (way persona)")
    assert "listener (way user) and listener (way persona)" in comparison_report(user, persona).title


def test_a_run_says_in_which_way_it_steered(tea, tmp_path):
    run = evaluate(STATEMENTS, model="scripted:uniform", settings=steered(tea, "user"), out=tmp_path)

    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["settings"]["way"] == "user"
    assert "scripted:uniform (way user)" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "--way user" in run.command
    assert load_run(tmp_path).label == resume(tmp_path).label == "scripted:uniform (way user)"
    own = evaluate(STATEMENTS, model=MODEL, settings=steered(tea, None), out=tmp_path / "own")
    assert own.label == MODEL.id
    assert "--way" not in own.command
