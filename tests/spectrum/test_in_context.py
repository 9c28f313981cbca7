"""A spectrum-tuned model takes a person's answers as what it was tuned on: a description, then inputs and outputs."""

from itertools import pairwise

import numpy as np
import pytest

from pluralign.elicitation import Ask, style_of
from pluralign.elicitation.asking import ONE_PERSON, PromptStyle
from pluralign.elicitation.logprob import LogProb
from pluralign.elicitation.sequences import in_context_units
from pluralign.models import LoadedWeights, TransformersModel
from pluralign.models.chat_template import turn_format
from pluralign.records import Group, Option, Outcome, Question
from pluralign.spectrum.format import SpectrumFormat

ANN = Group(id="person=Ann", text="live in a town")
OPTIONS = (Option(text="yes"), Option(text="no"), Option(text="heads"))
QUESTIONS = [
    Question(
        id=f"q{index}",
        text=f"Flip a fair coin {index}.",
        options=OPTIONS,
        counts={"person=Ann": tuple(float(index % 3 == choice) for choice in range(3))},
    )
    for index in range(5)
]


@pytest.fixture
def tuned(tokenizer):
    """A tiny random model of each tokenizer family, with the template that spectrum tuning saves."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.2,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config).eval()
    template = SpectrumFormat.from_tokenizer(tokenizer).chat_template
    return TransformersModel(LoadedWeights(model, tokenizer, "tuned"), chat_template=template)


@pytest.fixture
def units():
    return in_context_units(QUESTIONS, ANN, n_examples=4, seed=0)


def test_a_prompt_is_a_description_and_pairs_of_turns(tuned, units):
    question, condition = units[2]
    [prompt] = LogProb(style=style_of(tuned), max_orders=1).prompts(question, condition)

    assert style_of(tuned) is PromptStyle.SPECTRUM
    assert [message.role for message in prompt.messages] == [
        "description",
        *("input", "output") * 2,
        "input",
    ]
    assert prompt.messages[0].content == ONE_PERSON
    assert prompt.messages[1].content == f"{units[0][0].text}\nOptions: yes; no; heads"


def test_a_longer_prompt_begins_with_a_shorter_one_and_its_answer(tuned, units):
    """As text, and as the tokens that are scored."""
    elicitation = LogProb(style=PromptStyle.SPECTRUM, max_orders=1)
    prompts = [elicitation.prompts(*unit)[0] for unit in units]
    end = turn_format(tuned.tokenizer).end

    for number, (shorter, longer) in enumerate(pairwise(prompts)):
        answer = units[number + 1][1].examples[number].answer
        assert tuned.render(longer).startswith(tuned.render(shorter) + answer + end)
        item, _ = tuned._encode(shorter, [answer])
        rest, _ = tuned._encode(longer, [answer])
        assert rest.context[: len(item.context) + len(item.options[0])] == [*item.context, *item.options[0]]


def test_a_person_s_prompts_are_read_as_one(tuned, units):
    elicitation = LogProb(style=PromptStyle.SPECTRUM, max_orders=1)
    asks = [Ask(key=str(index), question=q, condition=c) for index, (q, c) in enumerate(units)]
    lengths = [len(tuned._encode(elicitation.prompts(*unit)[0], ["yes"])[0].context) for unit in units]
    computed = []
    tuned.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: computed.append(inputs[0].numel())
    )

    together = elicitation.answers(tuned, asks)

    assert all(answer.outcome is Outcome.OK for answer in together)
    assert max(lengths) < sum(computed) < sum(lengths) * 0.6
    template = tuned.tokenizer.chat_template
    for ask, answer in zip(asks, together, strict=True):
        fresh = TransformersModel(tuned._weights, chat_template=template)
        [alone] = elicitation.answers(fresh, [ask])
        np.testing.assert_allclose(answer.probabilities, alone.probabilities, atol=1e-4)
