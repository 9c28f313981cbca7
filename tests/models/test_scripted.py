import math

import pytest

from pluralign.errors import ConfigurationError, ModelError, UnsupportedError
from pluralign.models import Capability, Chat, Draw, Message, SamplingParams, ScriptedModel, Text, load_model

PARAMS = SamplingParams()


def test_uniform(ask):
    model = load_model("scripted:uniform")
    first, second = model.score_options([ask("?"), Text("?")], [["a", "b", "c", "d"], ["a", "a"]])

    assert first.log_probs == (-math.log(4),) * 4
    assert first.mass_prob == 1
    assert second.log_probs == (0.0, 0.0)
    assert second.mass_prob == 1
    assert Capability.SAMPLE not in model.can
    with pytest.raises(UnsupportedError, match=r"'scripted:uniform' cannot sample"):
        model.sample([ask("?")], n=1, seed=0, params=PARAMS)
    with pytest.raises(ConfigurationError, match=r"Unknown script 'unifrm'. Did you mean 'uniform'"):
        load_model("scripted:unifrm")


def test_scores_by_function_and_by_mapping():
    prompt = Chat((Message("system", "S"), Message("user", "U")), continue_from="A:")
    seen = []

    def log_probs(text: str, option: str) -> float:
        seen.append(text)
        return {"x": -1.0, "y": -2.0}[option]

    for model in (ScriptedModel(log_probs=log_probs), ScriptedModel(log_probs={"x": -1.0, "y": -2.0})):
        [scores] = model.score_options([prompt], [["y", "x"]])
        assert scores.log_probs == (-2.0, -1.0)
        assert scores.mass_prob == pytest.approx(math.exp(-1) + math.exp(-2))
    assert seen == ["system: S\nuser: U\nA:"] * 2
    with pytest.raises(ModelError, match=r"no score for 'X'. Did you mean|no score for 'X'. Known"):
        model.score_options([prompt], [["X"]])


def test_a_script_of_more_than_probability_one_is_refused():
    with pytest.raises(ModelError, match=r"gives the options \['a', 'b'\] probability 2"):
        ScriptedModel(log_probs={"a": 0.0, "b": 0.0}).score_options([Text("?")], [["a", "b"]])


def test_draws_from_a_queue():
    cut = Draw("long", finish="length", n_tokens=9)
    model = ScriptedModel(draws=["a", cut, "b", ModelError("down"), "c"])
    prompts = [Text("1"), Text("2")]

    assert [
        [draw.text for draw in draws] for draws in model.sample(prompts[:1], n=2, seed=0, params=PARAMS)
    ] == [["a", "long"]]
    with pytest.raises(ModelError, match=r"down"):
        model.sample(prompts, n=1, seed=0, params=PARAMS)
    assert model.sample(prompts[:1], n=1, seed=0, params=PARAMS)[0][0] == Draw("c", finish="stop", n_tokens=2)
    with pytest.raises(ModelError, match=r"no draw left for '1'"):
        model.sample(prompts, n=1, seed=0, params=PARAMS)


def test_draws_from_a_function_depend_on_prompt_seed_and_draw_only():
    model = ScriptedModel(draws=lambda text, number: f"{text}{number % 1000}")
    prompts = [Text("a"), Text("b")]
    found = model.sample(prompts, n=3, seed=1, params=PARAMS)

    assert found[1] == model.sample(prompts[1:], n=3, seed=1, params=PARAMS)[0]
    assert found != model.sample(prompts, n=3, seed=2, params=PARAMS)
    assert len({draw.text for draw in found[0]}) == 3


def test_capabilities_can_be_chosen():
    model = ScriptedModel("text only", can=frozenset({Capability.SAMPLE}), draws=["a"])

    assert model.can == {Capability.SAMPLE}
    assert model.fingerprint() == {"model": "text only"}
    with pytest.raises(UnsupportedError, match=r"'text only' cannot score options"):
        model.score_options([Text("?")], [["a", "b"]])
