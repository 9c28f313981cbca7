"""Openings are read once for all calls, and never used again by a model that would read them otherwise."""

import copy

import numpy as np
import pytest
import torch

from pluralign.models import Chat, LoadedWeights, Message, SamplingParams, TransformersModel
from pluralign.models.kept_prefixes import KeptPrefixes
from pluralign.models.option_scoring import score_in_full

OPTIONS = ["Heads.", "Tails.", "blue"]
PROFILES = [f"Person {name}: votes in every election and reads the newspaper {name}. " * 3 for name in "ABC"]
QUESTIONS = ["Flip a fair coin.", "Which colour?", "Do you agree?", "Which number do you like?"]


@pytest.fixture
def model(tiny_weights):
    """A model of its own, whose weights a test may change."""
    return TransformersModel(
        LoadedWeights(copy.deepcopy(tiny_weights.model), tiny_weights.tokenizer, tiny_weights.source_id)
    )


@pytest.fixture
def computed(model):
    """Number of tokens of each forward pass so far."""
    return counted(model)


def counted(model: TransformersModel) -> list[int]:
    passes: list[int] = []
    model.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: passes.append(inputs[0].numel())
    )
    return passes


def prompts(profile: str, questions=QUESTIONS) -> list[Chat]:
    return [Chat((Message("system", profile), Message("user", question))) for question in questions]


def score(model: TransformersModel, asked: list[Chat]) -> list[tuple[float, ...]]:
    return [scores.log_probs for scores in model.score_options(asked, [OPTIONS] * len(asked))]


def in_full(model: TransformersModel, asked: list[Chat]) -> list[list[float]]:
    """Scores of whole prompts, one by one, as the model reads now."""
    return score_in_full(model.model, [model._encode(prompt, OPTIONS)[0] for prompt in asked], batch_tokens=1)


def n_opening(model: TransformersModel, profile: str) -> int:
    return len(model._tokens([model.render(prompts(profile)[0]).partition(profile)[0] + profile])[0])


def test_a_profile_is_read_once_whatever_the_number_of_calls(model, computed):
    asked = [[*prompts(profile, QUESTIONS[i : i + 2])] for profile in PROFILES for i in (0, 2)]
    found = [score(model, call) for call in asked]

    n_profiles = sum(n_opening(model, profile) for profile in PROFILES)
    n_own = sum(
        len(item.context) - n_opening(model, PROFILES[0]) + sum(map(len, item.options))
        for call in asked
        for prompt in call
        for item in [model._encode(prompt, OPTIONS)[0]]
    )
    assert n_opening(model, PROFILES[0]) > 64
    assert n_profiles < sum(computed) < n_profiles + n_own
    for values, call in zip(found, asked, strict=True):
        np.testing.assert_allclose(values, in_full(model, call), rtol=0, atol=1e-4)


def test_one_prompt_alone_uses_what_was_read_before(model, computed):
    score(model, prompts(PROFILES[0]))
    computed.clear()
    [alone] = [score(model, [prompt]) for prompt in prompts(PROFILES[0], ["Is it so?"])]

    assert sum(computed) < n_opening(model, PROFILES[0]) / 2
    np.testing.assert_allclose(alone, in_full(model, prompts(PROFILES[0], ["Is it so?"])), rtol=0, atol=1e-4)


def test_draws_do_not_depend_on_what_was_read_before(model, tiny_weights, computed):
    params = SamplingParams(max_new_tokens=4)
    asked = prompts(PROFILES[0])
    fresh = [TransformersModel(tiny_weights).sample([one], n=2, seed=3, params=params) for one in asked]
    model.sample(asked[:2], n=2, seed=3, params=params)
    computed.clear()
    again = [model.sample([one], n=2, seed=3, params=params) for one in asked]

    assert [[draw.text for draw in draws] for [draws] in again] == [
        [draw.text for draw in draws] for [draws] in fresh
    ]
    # The last token of what is kept, and the question; else the whole prompt stood here.
    assert computed[0] < len(model._encode(asked[0], OPTIONS)[0].context) - n_opening(model, PROFILES[0])


def test_prompts_asked_one_at_a_time_read_their_profile_once(model, computed):
    asked = prompts(PROFILES[0]) + prompts(PROFILES[1])
    found = [model.score_options([prompt], [OPTIONS])[0].log_probs for prompt in asked]

    n_whole = sum(len(model._encode(prompt, OPTIONS)[0].context) for prompt in asked)
    n_saved = 3 * sum(n_opening(model, profile) for profile in PROFILES[:2])
    n_answers = sum(len(ids) for prompt in asked for ids in model._encode(prompt, OPTIONS)[0].options)
    assert sum(computed) < n_whole - n_saved + n_answers
    np.testing.assert_allclose(found, in_full(model, asked), rtol=0, atol=1e-4)


def test_of_prompts_that_begin_alike_the_last_is_kept_and_few_others(model):
    kept = KeptPrefixes(model.model)
    openings = [[start, *range(3, 80)] for start in range(100, 110)]
    with torch.inference_mode():
        kept.read_shared([[*openings[0], 1], [*openings[0], 2]])
        for last in (5, 6, 7):
            assert kept.read_shared([[*openings[1], last, 1]]).n_tokens == 79
        assert kept.known() == [openings[0], [*openings[1], 7]]
        # What prompts are known to share stays beside a prompt that goes on from it.
        kept.read_shared([[*openings[0], 8, 1]])
        assert sorted(map(len, kept.known())) == [78, 79, 79]
        for opening in openings[2:]:
            kept.read_shared([[*opening, 1]])

    assert kept.known() == [openings[0], *openings[2:]]


def an_optimizer_step(model):
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    torch.optim.SGD(model.parameters(), lr=1e-3).step()


def one_weight_of_one_layer(model):
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] += 1e-3


def other_weights_loaded(model):
    state = {name: tensor * 1.01 for name, tensor in model.state_dict().items()}
    model.load_state_dict(state)


def a_parameter_replaced(model):
    layer = model.model.layers[0].self_attn.v_proj
    layer.weight = torch.nn.Parameter(layer.weight * 1.001)


def data_replaced(model):
    layer = model.model.layers[0].self_attn.v_proj
    layer.weight.data = layer.weight.data * 1.001


def data_written_behind_the_back_of_autograd(model):
    model.model.layers[0].self_attn.v_proj.weight.data.mul_(1.01)


def a_steering_hook(model):
    model.model.layers[0].register_forward_hook(lambda _, __, output: output + 0.1)


@pytest.mark.parametrize(
    "change",
    [
        an_optimizer_step,
        one_weight_of_one_layer,
        other_weights_loaded,
        a_parameter_replaced,
        data_replaced,
        data_written_behind_the_back_of_autograd,
        a_steering_hook,
    ],
)
def test_what_was_read_with_other_weights_is_forgotten(model, change):
    asked = prompts(PROFILES[0])
    before = np.array(score(model, asked))

    change(model.model)
    after = np.array(score(model, asked))

    np.testing.assert_allclose(after, in_full(model, asked), rtol=0, atol=1e-4)
    assert np.abs(after - before).max() > 1e-5


def test_an_adapter_switched_off_and_on(model):
    """Nothing is written to then: only reading anew can tell."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    adapted = get_peft_model(model.model, LoraConfig(r=4, target_modules=["v_proj"], init_lora_weights=False))
    tuned = TransformersModel(LoadedWeights(adapted, model.tokenizer, "tuned"))
    asked = prompts(PROFILES[0])

    on = score(tuned, asked)
    with adapted.disable_adapter():
        off = score(tuned, asked)
        np.testing.assert_allclose(off, in_full(tuned, asked), rtol=0, atol=1e-4)
    again = score(tuned, asked)

    np.testing.assert_allclose(again, on, rtol=0, atol=1e-4)
    assert np.abs(np.subtract(on, off)).max() > 1e-2


def test_the_test_would_see_a_stale_opening(model, monkeypatch):
    """Without both guards the scores are those of the old weights' profile."""
    monkeypatch.setattr("pluralign.models.kept_prefixes._agree", lambda *_, **__: True)
    asked = prompts(PROFILES[0])
    score(model, asked)
    data_written_behind_the_back_of_autograd(model.model)

    assert np.abs(np.subtract(score(model, asked), in_full(model, asked))).max() > 1e-3


def test_no_more_is_kept_than_the_bound_allows_and_the_last_used_stays(model):
    kept = KeptPrefixes(model.model)
    openings = [[start, *range(3, 80)] for start in (0, 1, 2)]
    with torch.inference_mode():
        for opening in openings:
            kept.read_shared([[*opening, 1], [*opening, 2]])
        assert kept.known() == openings
        kept.read_shared([[*openings[0], 1], [*openings[0], 3]])
        assert kept.known() == [openings[1], openings[2], openings[0]]

        n_bytes = 78 * 2 * 2 * 2 * 16 * 4  # tokens, layers, keys and values, heads, their size, bytes
        small = KeptPrefixes(model.model, max_bytes=2 * n_bytes)
        for opening in openings:
            small.read_shared([[*opening, 1], [*opening, 2]])
        assert small.known() == openings[1:]
        none = KeptPrefixes(model.model, max_bytes=n_bytes - 1)
        assert none.read_shared([[*openings[0], 1], [*openings[0], 2]]).n_tokens == 78
        assert none.known() == []


def test_a_longer_opening_takes_the_place_of_a_shorter_one_that_it_begins_with(model):
    kept = KeptPrefixes(model.model)
    long, short = list(range(3, 103)), list(range(3, 83))
    with torch.inference_mode():
        kept.read_shared([[*short, 1], [*short, 2]])
        kept.read_shared([[*long, 1], [*long, 2]])
        assert kept.known() == [long]
        assert kept.read_shared([[*short, 1], [*short, 2]]).n_tokens == 80
        assert kept.known() == [long]


def test_short_openings_are_read_and_not_kept(model):
    kept = KeptPrefixes(model.model)
    short = list(range(3, 43))
    with torch.inference_mode():
        assert kept.read_shared([[*short, 1], [*short, 2]]).n_tokens == 40
        assert kept.read_shared([[*short, 1]]).n_tokens == 0
    assert kept.known() == []


@pytest.mark.parametrize("kind", ["mistral", "gemma3"])
def test_sliding_windows(kind, chatml_tokenizer, random_model):
    """Openings within the window are kept and cut; longer prompts are scored in full."""
    weights = random_model(kind, len(chatml_tokenizer), window=200)
    model = TransformersModel(LoadedWeights(weights, chatml_tokenizer, kind))
    passes = counted(model)
    for questions in (QUESTIONS[:2], QUESTIONS[2:], [QUESTIONS[0] * 20]):
        asked = prompts(PROFILES[0], questions)
        np.testing.assert_allclose(score(model, asked), in_full(model, asked), rtol=0, atol=1e-4)
    assert n_opening(model, PROFILES[0]) > 64
    assert passes[0] > n_opening(model, PROFILES[0])
