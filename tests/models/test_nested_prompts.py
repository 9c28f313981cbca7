"""Prompts that go on one another, as a person's answers do: equal scores, and every token is read once."""

import numpy as np
import pytest

from pluralign.models import Chat, LoadedWeights, Message, Text, TransformersModel
from pluralign.models.chat_template import turn_format
from pluralign.models.option_scoring import score_in_full

OPTIONS = ["Agree", "Strongly agree", "disagree", "Strongly disagree"]
TOPICS = [
    "the sky is blue",
    "the grass is green",
    "every coin is fair",
    "you vote",
    "newspapers",
    "elections",
]


def conversation(n_examples: int, *, shift: int = 0, person: int = 0) -> Chat:
    """A person's answers to the first questions, then the next one with its options in some order."""

    def asked(number: int, shift: int = 0) -> str:
        listed = OPTIONS[shift:] + OPTIONS[:shift]
        return f"Is it so that {TOPICS[number % len(TOPICS)]}? {number}. Answer: {', '.join(listed)}"

    turns = [Message("system", "One person answers.")]
    for number in range(n_examples):
        answer = OPTIONS[(number * 3 + person) % len(OPTIONS)]
        turns += [Message("user", asked(number)), Message("assistant", answer)]
    return Chat((*turns, Message("user", asked(n_examples, shift))))


def counted(model: TransformersModel) -> list[int]:
    """Number of tokens of each forward pass from now on, padding included."""
    computed: list[int] = []
    model.model.register_forward_pre_hook(
        lambda _, __, inputs: computed.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    return computed


@pytest.fixture(params=["chatml", "llama3", "gemma"])
def tokenizer(request):
    return request.getfixturevalue(f"{request.param}_tokenizer")


def assert_scored_in_full(model: TransformersModel, prompts, options, *, found=None) -> None:
    """The scores are those of every option with its whole prompt."""
    found = found or model.score_options(prompts, options)
    items = [model._encode(prompt, own)[0] for prompt, own in zip(prompts, options, strict=True)]
    expected = score_in_full(model.model, items, batch_tokens=4096)
    for scores, values in zip(found, expected, strict=True):
        np.testing.assert_allclose(scores.log_probs, values, rtol=0, atol=1e-4)


@pytest.mark.parametrize("batch_tokens", [1, 700, 100_000])
@pytest.mark.parametrize("kind", ["llama", "neox", "mistral", "gemma3"])
def test_nested_prompts_score_as_each_by_itself(kind, tokenizer, naive, random_model, batch_tokens):
    """Of three tokenizer families, in every order of the options, whole, in parts, and with sliding windows."""
    weights = LoadedWeights(random_model(kind, len(tokenizer), window=300), tokenizer, kind)
    model = TransformersModel(weights, batch_tokens=batch_tokens)
    prompts = [conversation(n, shift=shift) for shift in (0, 1, 3) for n in (3, 0, 2, 4, 1)]
    options = [OPTIONS] * len(prompts)

    found = model.score_options(prompts, options)

    assert_scored_in_full(model, prompts, options, found=found)
    end = turn_format(tokenizer).end
    np.testing.assert_allclose(found[0].log_probs, naive(model, prompts[0], OPTIONS, end), rtol=0, atol=1e-4)


@pytest.mark.parametrize("per_call", [17, 8])
def test_seventeen_nested_prompts_cost_what_the_longest_does(chatml_tokenizer, random_model, per_call):
    """The other options of each question come on top; a call that goes on an earlier one reads what is new."""
    model = TransformersModel(
        LoadedWeights(random_model("llama", len(chatml_tokenizer)), chatml_tokenizer, "l")
    )
    prompts = [conversation(n) for n in range(17)]
    items = [model._encode(prompt, OPTIONS)[0] for prompt in prompts]
    lengths = [len(item.context) for item in items]
    options = sum(len(option) for option in items[0].options)
    computed = counted(model)

    found = []
    for start in range(0, 17, per_call):
        part = prompts[start : start + per_call]
        found += model.score_options(part, [OPTIONS] * len(part))

    assert sum(lengths) > 8 * lengths[-1]
    assert lengths[-1] <= sum(computed) < lengths[-1] + 17 * options
    assert_scored_in_full(model, prompts, [OPTIONS] * 17, found=found)


def test_several_people_in_one_call(tiny):
    prompts = [conversation(n, person=person) for person in (0, 1, 2) for n in range(4)]

    assert_scored_in_full(tiny, prompts, [OPTIONS] * len(prompts))


def test_prompts_that_do_not_nest_token_by_token_are_scored_all_the_same(tiny, naive):
    """The longer prompt reads "colour" where the shorter one ends with "col" and its option goes on with "our"."""
    before = "The colour of the sky is blue. Which colour do you like best? " * 3
    prompts = [Text(before + tail) for tail in ("The col", "The colour", "The colour of the sky", "The")]
    options = [["our", "d", "our of"], [" of", " is"], [" is blue", "s"], [" col", " colour"]]

    found = tiny.score_options(prompts, options)

    assert [scores.boundary_merged for scores in found] == [True, False, False, False]
    for scores, prompt, own in zip(found, prompts, options, strict=True):
        np.testing.assert_allclose(scores.log_probs, naive(tiny, prompt, own, "\n"), rtol=0, atol=1e-4)


def test_a_prompt_that_goes_on_an_answer_that_is_no_option(tiny):
    """The examples hold other answers than the options scored: nothing is shared but the questions."""
    prompts = [conversation(n) for n in range(4)]

    assert_scored_in_full(tiny, prompts, [["Yes", "No"]] * 4)


@pytest.mark.slow
@pytest.mark.parametrize("max_orders", [1, 2])
def test_the_embedded_model_reads_a_person_once(embedded_model, max_orders):
    model = TransformersModel(embedded_model._weights)
    prompts = [conversation(n, shift=shift) for n in range(5) for shift in range(max_orders)]

    assert_scored_in_full(model, prompts, [OPTIONS] * len(prompts))
