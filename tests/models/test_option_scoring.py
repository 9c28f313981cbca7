"""Batched, cached scores equal those of reading each whole string by itself."""

import copy
import math

import numpy as np
import pytest
import torch

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import Chat, LoadedWeights, Message, OptionScores, Text, TransformersModel
from pluralign.models.context_cache import nothing_read, read

END = "<|im_end|>"
QUESTIONS = [
    "Which colour do you like best?",
    "Flip a fair coin.",
    "Give me a number: " + "7 " * 60,
    "Do you agree that " + "the grass is green and the sky is blue and " * 6 + "all is well?",
    "?",
]
OPTIONS = [
    ["blue", "green", "the colour of the sky on a very clear day in June, or that of the grass"],
    ["Heads.", "Tails."],
    ["1", "10", "100", "7"],
    ["Strongly agree", "agree", "neither", "disagree", "Strongly disagree", "é", " 🌍 "],
    ["x"],
]
PERSONA = "You are a person who votes in every election and reads the newspaper. " * 4


def assert_equal(found: list[OptionScores], expected: list[list[float]]) -> None:
    for scores, values in zip(found, expected, strict=True):
        np.testing.assert_allclose(scores.log_probs, values, rtol=0, atol=1e-4)


@pytest.mark.parametrize("system", [None, PERSONA], ids=["bare", "shared persona"])
@pytest.mark.parametrize("batch_tokens", [1, 300, 100_000])
def test_batches_score_as_each_string_by_itself(tiny_weights, ask, naive, system, batch_tokens):
    model = TransformersModel(tiny_weights, batch_tokens=batch_tokens)
    prompts = [ask(question, system=system) for question in QUESTIONS]

    found = model.score_options(prompts, OPTIONS)

    assert_equal(found, [naive(model, p, o, END) for p, o in zip(prompts, OPTIONS, strict=True)])


def test_prompts_of_several_personas_and_repeated_prompts(tiny, ask, naive):
    systems = [PERSONA, None, "Another one: " + PERSONA, PERSONA]
    prompts = [ask(q, system=s) for q in (QUESTIONS[0], QUESTIONS[1], QUESTIONS[0]) for s in systems]
    options = [OPTIONS[i % 4] for i in range(len(prompts))]

    found = tiny.score_options(prompts, options)

    assert_equal(found, [naive(tiny, p, o, END) for p, o in zip(prompts, options, strict=True)])


def test_one_prompt_that_is_the_beginning_of_another(tiny, naive):
    short = Text("The colour of the sky is blue, the colour of the grass is green. The colour")
    prompts = [short, Text(short.text + " of the grass"), short]
    options = [[" of the sky", " red"], [" is", " was"], [" x"]]

    found = tiny.score_options(prompts, options)

    assert_equal(found, [naive(tiny, p, o, "\n") for p, o in zip(prompts, options, strict=True)])


def test_the_test_would_see_a_wrong_position_or_mask(tiny):
    """Reading a left-padded row without its mask or its positions moves the scores by far more than 1e-4."""
    short, long = [5, 6, 7, 8], list(range(5, 60))
    with torch.inference_mode():
        right, context = read(tiny.model, [short, long], after=nothing_read(tiny.model).select([0, 0]))
        padded = torch.tensor([[0] * (len(long) - len(short)) + short, long])
        unmasked = tiny.model(input_ids=padded).logits.log_softmax(-1)[0, -1]
        alone = tiny.model(input_ids=torch.tensor([short])).logits.log_softmax(-1)[0, -1]

    assert context.mask[0].sum() == len(short)
    torch.testing.assert_close(right[0], alone, atol=1e-5, rtol=0)
    assert (unmasked - alone).abs().max() > 0.01


@pytest.mark.parametrize("kind", ["gpt2", "neox", "bloom"])
def test_other_kinds_of_positions(kind, chatml_tokenizer, random_model, ask, naive, caplog):
    """Positions that are learnt, rotary, or told by the attention alone, which no tree can be given."""
    model = TransformersModel(
        LoadedWeights(random_model(kind, len(chatml_tokenizer)), chatml_tokenizer, kind)
    )
    prompts = [ask(question, system=PERSONA) for question in QUESTIONS]

    found = model.score_options(prompts, OPTIONS)

    assert_equal(found, [naive(model, p, o, END) for p, o in zip(prompts, OPTIONS, strict=True)])
    assert ("its positions cannot be given" in caplog.text) == (kind == "bloom")


@pytest.mark.parametrize("kind", ["mistral", "gemma3", "lfm2"])
def test_other_kinds_of_caches(kind, chatml_tokenizer, random_model, ask, naive, caplog):
    """Sliding windows shorter than the prompts, and layers whose cache cannot be expanded."""
    model = TransformersModel(
        LoadedWeights(random_model(kind, len(chatml_tokenizer)), chatml_tokenizer, kind)
    )
    prompts = [ask(question, system=system) for system in (None, PERSONA) for question in QUESTIONS]

    found = model.score_options(prompts, OPTIONS * 2)

    assert_equal(found, [naive(model, p, o, END) for p, o in zip(prompts, OPTIONS * 2, strict=True)])
    assert ("every option is scored with its whole prompt" in caplog.text) == (kind == "lfm2")


def test_scored_tokens_are_the_option_and_the_end_of_turn(tiny, ask):
    [scores] = tiny.score_options([ask("?")], [["disagree", " é🌍"]])

    assert [tiny.tokenizer.decode(ids) for ids in scores.token_ids] == ["disagree" + END, " é🌍" + END]
    assert scores.n_tokens == tuple(map(len, scores.token_ids))
    assert not scores.boundary_merged


def test_an_option_does_not_hold_the_probability_of_a_longer_one(tiny, ask):
    """P("1") is that of "1" and the end of turn: the answers after "1" share what is left."""
    one, ten = tiny.score_options([ask("?"), ask("?")], [["1"], ["10"]])
    both = tiny.score_options([ask("?")], [["1", "10"]])[0]

    assert both.mass_prob == pytest.approx(one.mass_prob + ten.mass_prob, rel=1e-4)
    with_end = math.exp(both.log_probs[0])
    [continued] = tiny.score_options([Text(tiny.render(ask("?")) + "1", end=END)], [[""]])
    assert with_end < with_end / continued.mass_prob < 1


def test_mass_is_at_most_one_and_counts_a_repeated_option_once(tiny, ask):
    letters = [chr(code) for code in range(33, 127) if chr(code) not in "<>|"]
    [scores] = tiny.score_options([ask("?")], [letters])
    [twice] = tiny.score_options([ask("?")], [[*letters, *letters]])

    assert 0 < scores.mass_prob <= 1
    assert twice.log_probs == pytest.approx(scores.log_probs * 2, abs=1e-5)
    assert twice.mass_prob == pytest.approx(scores.mass_prob, rel=1e-4)


def test_prompt_and_option_that_share_a_token(tiny, naive):
    prompt = Text("The col", end="\n")
    [scores] = tiny.score_options([prompt], [["our", "d"]])

    assert scores.boundary_merged
    assert tiny.tokenizer.decode(scores.token_ids[0]).endswith("colour\n")
    np.testing.assert_allclose(scores.log_probs, naive(tiny, prompt, ["our", "d"], "\n"), rtol=0, atol=1e-4)


def test_text_prompts_carry_one_bos(llama3_tokenizer, tiny_weights, ask):
    model = copy.copy(tiny_weights.model)
    llama = TransformersModel(LoadedWeights(model, llama3_tokenizer, "llama"))

    assert llama.render(Text("Hello")) == "<|begin_of_text|>Hello"
    assert llama.render(Text("<|begin_of_text|>Hello")) == "<|begin_of_text|>Hello"
    assert llama.render(ask("Hello")).count("<|begin_of_text|>") == 1


def test_nothing_to_score_gives_nothing(tiny):
    assert tiny.score_options([], []) == []


@pytest.mark.parametrize(
    ("prompts", "options", "error", "message"),
    [
        ([Text("a")], [], ConfigurationError, "There are 1 prompts, but options for 0"),
        ([Text("a")], [[]], ConfigurationError, "no options to score after 'a'"),
        ([Text("")], [["a", "b"]], ModelError, "Nothing stands before the options"),
        ([Text("a", end="")], [["1", "10"]], ModelError, "'1' could not be told from '10'"),
        ([Text("a")], [["b\nc"]], ModelError, r"The option 'b\\nc' holds '\\n', which ends an answer"),
        ([Text("a " * 600)], [["b"]], ModelError, "tokens with its answer; path:tiny@.* reads at most 512"),
        ([Chat((Message("user", "?"),))], [["a" + END]], ModelError, "which ends an answer"),
    ],
)
def test_what_cannot_be_scored_says_why(tiny, prompts, options, error, message):
    with pytest.raises(error, match=message):
        tiny.score_options(prompts, options)


def test_a_tokenizer_that_changes_the_text_is_refused(tiny_weights, ask, chatml_tokenizer):
    from tokenizers import Tokenizer, normalizers

    lower = copy.deepcopy(chatml_tokenizer)
    lower.backend_tokenizer.normalizer = normalizers.Lowercase()
    assert isinstance(lower.backend_tokenizer, Tokenizer)
    model = TransformersModel(LoadedWeights(tiny_weights.model, lower, "lower"))

    with pytest.raises(ModelError, match=r"option 'Heads\.' decode to 'heads\.<\|im_end\|>' instead of"):
        model.score_options([ask("?")], [["Heads."]])


@pytest.mark.slow
@pytest.mark.parametrize("system", [None, PERSONA], ids=["bare", "shared persona"])
def test_the_embedded_model_batched_and_one_by_one(embedded_model, ask, naive, system):
    prompts = [ask(question, system=system) for question in QUESTIONS]

    found = embedded_model.score_options(prompts, OPTIONS)

    assert_equal(found, [naive(embedded_model, p, o, END) for p, o in zip(prompts, OPTIONS, strict=True)])


@pytest.mark.slow
def test_a_chat_s_option_is_scored_as_the_model_writes_it(embedded_model, ask):
    """Behind the header's line break, " 7" shares a token with it in a text, but not in a turn of the model's own."""
    prompt = ask("Pick a number.")
    [alone] = embedded_model.score_options([prompt], [["7"]])
    [both] = embedded_model.score_options([prompt], [["7", " 7"]])

    assert not both.boundary_merged
    assert both.log_probs[0] == pytest.approx(alone.log_probs[0], abs=1e-4)
    assert [embedded_model.tokenizer.decode(ids) for ids in both.token_ids] == ["7" + END, " 7" + END]
    text = embedded_model.render(prompt)
    own, joint = embedded_model.tokenizer([text, text + " 7"])["input_ids"]
    assert joint[: len(own)] != own  # else this test would show nothing
