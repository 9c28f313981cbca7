"""A tuned model mixed with its base at every token."""

import math

import pytest

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import LoadedWeights, SamplingParams, Text, TransformersModel, load_model
from pluralign.models.mixture import mixed
from pluralign.models.mixture_module import Mixture

FAMILIES = ["llama", "gpt2", "gemma3", "mistral", "lfm2"]


def shifted(model, *, seed):
    """The same architecture with other weights."""
    import copy

    import torch

    other = copy.deepcopy(model)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        for parameter in other.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return other


@pytest.fixture(params=FAMILIES)
def pair(request, random_model, chatml_tokenizer):
    model = random_model(request.param, len(chatml_tokenizer), window=256)
    return (
        LoadedWeights(model, chatml_tokenizer, "tuned", {"weights": "a"}),
        LoadedWeights(shifted(model, seed=1), chatml_tokenizer, "base", {"weights": "b"}),
    )


def step_by_step(pair, ids, *, base_weight):
    """log P of each next token, (places, vocabulary): both models read everything, probabilities are added."""
    import torch

    with torch.inference_mode():
        tuned, base = (
            part.model(input_ids=torch.tensor([ids])).logits[0].double().softmax(-1) for part in pair
        )
    return ((1 - base_weight) * tuned + base_weight * base).log()


def test_options_have_the_probability_of_the_mixture(pair, ask):
    model = TransformersModel(mixed(*pair, base_weight=0.3))
    prompts = [ask("Flip a fair coin."), ask("Which colour do you like best?", system="You vote. " * 30)]
    options = [["Heads", "Tails", "Heads or tails"], ["blue", "green", "10"]]

    for prompt, own, scores in zip(prompts, options, model.score_options(prompts, options), strict=True):
        before = model.tokenizer(model.render(prompt), add_special_tokens=False)["input_ids"]
        for option, found, tokens in zip(own, scores.log_probs, scores.token_ids, strict=True):
            assert model.tokenizer.decode(tokens) == option + "<|im_end|>"
            log_probs = step_by_step(pair, [*before, *tokens], base_weight=0.3)
            places = range(len(before) - 1, len(before) + len(tokens) - 1)
            expected = math.fsum(
                float(log_probs[place, token]) for place, token in zip(places, tokens, strict=True)
            )
            assert found == pytest.approx(expected, abs=2e-4)


def test_what_is_drawn_has_the_probability_that_is_reported(pair, ask):
    model = TransformersModel(mixed(*pair, base_weight=0.5))
    prompt = ask("Answer with the number only.")
    before = model.tokenizer(model.render(prompt), add_special_tokens=False)["input_ids"]
    [draws] = model.sample([prompt], n=4, seed=0, params=SamplingParams(temperature=0, max_new_tokens=6))

    tokens = []
    for _ in range(draws[0].n_tokens):
        tokens.append(int(step_by_step(pair, [*before, *tokens], base_weight=0.5)[-1].argmax()))
    log_probs = step_by_step(pair, [*before, *tokens], base_weight=0.5)
    expected = math.fsum(float(log_probs[len(before) - 1 + i, token]) for i, token in enumerate(tokens))

    assert {draw.text for draw in draws} == {draws[0].text}
    assert draws[0].log_prob == pytest.approx(expected, abs=2e-4)


def test_draws_follow_the_mixture(pair):
    """The first tokens of 4,000 draws, against the mixture and against either model."""
    import torch

    model = TransformersModel(mixed(*pair, base_weight=0.5))
    [draws] = model.sample([Text("The colour of")], n=4000, seed=0, params=SamplingParams(max_new_tokens=1))
    ids = model.tokenizer(model.render(Text("The colour of")), add_special_tokens=False)["input_ids"]
    found = torch.tensor([draw.log_prob for draw in draws], dtype=torch.float64)

    def expected(base_weight):
        log_probs = step_by_step(pair, ids, base_weight=base_weight)[-1]
        return float((log_probs.exp() * log_probs).sum())

    # The mean log-probability of draws is minus the entropy of what they are drawn from.
    assert float(found.mean()) == pytest.approx(expected(0.5), abs=4 * float(found.std()) / 4000**0.5)


def test_an_opening_that_was_read_before_serves_both_models(pair, ask):
    weights = mixed(*pair, base_weight=0.4)
    system = "You are a person who votes in every election and reads the newspaper. " * 6
    prompts = [ask(f"Question {number}?", system=system) for number in range(3)]
    kept = TransformersModel(weights)
    one_by_one = [kept.score_options([prompt], [["agree", "disagree"]])[0] for prompt in prompts]
    anew = [TransformersModel(weights).score_options([p], [["agree", "disagree"]])[0] for p in prompts]

    for first, second in zip(one_by_one, anew, strict=True):
        assert first.log_probs == pytest.approx(second.log_probs, abs=2e-4)


def test_a_mixture_of_a_model_with_itself_is_that_model(tiny_weights, ask):
    alone = TransformersModel(tiny_weights)
    both = TransformersModel(mixed(tiny_weights, tiny_weights, base_weight=0.7))
    options = [["1", "10", "100"]]

    assert both.score_options([ask("How many?")], options)[0].log_probs == pytest.approx(
        alone.score_options([ask("How many?")], options)[0].log_probs, abs=1e-4
    )


def test_the_fingerprint_names_both_and_the_share(pair):
    first, second = (TransformersModel(mixed(*pair, base_weight=share)).fingerprint() for share in (0.3, 0.4))

    assert (first["weights"], first["base_weights"], first["base_weight"]) == ("a", "b", "0.3")
    assert first["model"] == "tuned mixed with 0.3 of base"
    assert {key for key in first if first[key] != second[key]} == {"model", "base_weight"}


def test_a_mixture_is_loaded_by_its_name(tiny_folder, ask):
    model = load_model(f"mixed:0.25:{tiny_folder}+{tiny_folder}")

    assert isinstance(model.model, Mixture)
    assert model.fingerprint()["base_weight"] == "0.25"
    assert load_model(f"mixed:{tiny_folder}+{tiny_folder}").fingerprint()["base_weight"] == "0.5"
    assert model.score_options([ask("?")], [["a"]])[0].mass_prob > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mixed:{0}", r"named 'mixed:MODEL\+BASE'"),
        ("mixed:1:{0}+{0}", "base_weight: 1 is not possible"),
        ("mixed:0:{0}+{0}", "base_weight: 0 is not possible"),
        ("mixed:0.1.2:{0}+{0}", "'0.1.2' in .* is no number"),
    ],
)
def test_names_that_are_no_mixture(tiny_folder, name, message):
    with pytest.raises(ConfigurationError, match=message):
        load_model(name.format(tiny_folder))
    with pytest.raises(ConfigurationError, match="adapter: a mixture has two models"):
        load_model(f"mixed:{tiny_folder}+{tiny_folder}", adapter="x")
    with pytest.raises(ModelError, match="nowhere"):
        load_model(f"mixed:{tiny_folder}+./nowhere")


def test_models_that_do_not_go_together(pair, random_model, chatml_tokenizer, gemma_tokenizer):
    weights, base = pair
    kind = "gpt2" if weights.model.config.model_type != "gpt2" else "llama"
    other = LoadedWeights(random_model(kind, len(chatml_tokenizer)), chatml_tokenizer, "other")
    with pytest.raises(ModelError, match=r"tuned and other cannot be mixed: the first is .* of 2 layers"):
        mixed(weights, other, base_weight=0.5)
    with pytest.raises(ModelError, match="different vocabularies"):
        mixed(weights, LoadedWeights(base.model, gemma_tokenizer, "other"), base_weight=0.5)
