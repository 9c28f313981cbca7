"""What is planned: draws and their keys, ways of answering, and bad input that is refused before anything is asked."""

import pytest

from pluralign.errors import (
    ConfigurationError,
    DataError,
    UnsupportedError,
)
from pluralign.evaluation import evaluate, load_spec
from pluralign.evaluation.overton import (
    OvertonSettings,
    prepare_overton,
)
from pluralign.evaluation.spec import OvertonSpec, list_specs
from pluralign.models import Capability, ScriptedModel


def test_draws_do_not_depend_on_how_many_there_are_or_what_else_is_asked(tmp_path, spec, evaluated):
    few = evaluated(spec, tmp_path / "few", draws=2)
    many = evaluated(spec, tmp_path / "many", draws=11)
    alone = evaluated(spec, tmp_path / "alone", draws=11, limit=1)
    by_key = {row.key: row for row in many.judged.responses}
    assert all(by_key[row.key] == row for row in (*few.judged.responses, *alone.judged.responses))
    assert len(by_key) == 22


def test_the_length_is_the_spec_s_and_the_prompt_is_the_window_s(tmp_path, spec, talker, evaluated, windows):
    model = talker()
    evaluated(spec, tmp_path / "run", model=model)
    assert {params.max_new_tokens for *_, params in model.calls} == {400}
    assert {text for texts, *_ in model.calls for text in texts} == {
        f"user: {window['prompt']}" for window in windows
    }
    short = talker()
    evaluated(spec, tmp_path / "short", model=short, max_new_tokens=50, temperature=0.0)
    assert {(params.max_new_tokens, params.temperature) for *_, params in short.calls} == {(50, 0.0)}


def test_a_profile_is_given_as_system_prompt(tmp_path, spec, talker, evaluated, rows_of):
    model = talker()
    run = evaluated(spec, tmp_path / "run", model=model, profile="kantian-ethics")
    assert all(text.startswith("system: ") for texts, *_ in model.calls for text in texts)
    assert {row.condition.id for row in rows_of(run.folder)} == {"kantian-ethics"}
    assert run.label == "talker, as kantian-ethics"


def test_syntheses_of_samples_differ_by_draw(tmp_path, spec, talker, evaluated):
    model = talker()
    evaluated(spec, tmp_path / "run", model=model, limit=1, way="synthesis", samples=2)
    asked = [texts[0] for texts, *_ in model.calls]
    assert [n for _, n, _ in model.calls] == [2, 1] * 3
    assert len(set(asked[1::2])) > 1


def test_asking_for_the_views_by_name_is_a_control_of_its_own(tmp_path, spec, talker, evaluated):
    model = talker()
    run = evaluated(spec, tmp_path / "run", model=model, ask_for_views=True)
    assert all("Present the different views" in text for texts, *_ in model.calls for text in texts)
    plain = evaluated(spec, tmp_path / "plain")
    assert not {row.key for row in run.judged.responses} & {row.key for row in plain.judged.responses}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"profiles": ["taoism"]}, "put together by the way 'synthesis' only"),
        ({"way": "synthesis", "profile": "taoism"}, "for the way 'plain' only"),
        ({"way": "synthesis", "profiles": ["taoism"], "samples": 2}, "a synthesis presents either"),
    ],
)
def test_settings_that_make_no_sense_together(settings, message):
    with pytest.raises(ValueError, match=message):
        OvertonSettings(**settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"windows": {"kind": "polls"}}, "polls"),
        ({"windows": {"kind": "polis"}}, "path"),
        ({"windows": {"kind": "file", "arguments": {"path": "nowhere.yaml"}}}, "nowhere.yaml"),
        ({"preset": "modular_pluralisms"}, "Did you mean 'modular_pluralism'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(tmp_path, spec, changes, message, evaluated):
    wrong = OvertonSpec.model_validate(spec.model_dump() | changes)
    with pytest.raises((ConfigurationError, DataError), match=message) as raised:
        evaluated(wrong, tmp_path / "run")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_an_unknown_judge_and_a_model_that_cannot_write(spec, talker, by_words):
    with pytest.raises(ConfigurationError, match="embeded"):
        prepare_overton(spec, model=talker(), judge="embeded")
    mute = ScriptedModel("mute", can=frozenset({Capability.CHAT, Capability.SCORE_OPTIONS}))
    with pytest.raises(UnsupportedError, match="'mute' cannot sample"):
        prepare_overton(spec, model=mute, judge=by_words())


def test_closed_and_open_evaluations_are_told_apart(talker, by_words):
    assert {load_spec(name).evaluator for name in list_specs() if name.startswith("overton/")} == {"overton"}
    with pytest.raises(
        ConfigurationError, match="'overton/polis' asks for free responses, which a judge reads"
    ):
        evaluate("overton/polis", model="scripted:uniform")
    with pytest.raises(ConfigurationError, match="'distributional/anes96' asks closed questions"):
        prepare_overton("distributional/anes96", model=talker(), judge=by_words())
