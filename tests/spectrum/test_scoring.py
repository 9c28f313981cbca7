"""Outputs scored in one pass: closed forms, the same numbers by other ways, and what batches must not change."""

import math
from types import SimpleNamespace

import pytest
import torch

from pluralign.models import Chat, Message, TransformersModel
from pluralign.records import Outcome
from pluralign.spectrum.baseline_formats import PREAMBLE, lay_out, sequence_layout
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.scoring import SequenceUnit, score_sequences

VOTES = SpectrumSequence(
    description="One person votes: yes or no.",
    examples=(
        Example(input="more parks", output="yes"),
        Example(input="more cars", output="no, never"),
        Example(input="less tax", output="yes"),
    ),
    task="votes",
)
SHORT = SpectrumSequence(description="A coin.", examples=(Example(output="heads"), Example(output="tails")))


@pytest.fixture
def model(weights):
    return TransformersModel(weights())


@pytest.fixture
def uniform(chatml):
    """A model that finds every token equally likely."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(chatml),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
    )
    network = LlamaForCausalLM(config).eval()
    torch.nn.init.zeros_(network.lm_head.weight)
    return TransformersModel(SimpleNamespace(model=network, tokenizer=chatml, source_id="uniform", hashes={}))


def unit(sequence, name="votes/0"):
    return SequenceUnit(key=f"key of {name}", id=name, sequence=sequence)


@pytest.mark.parametrize("name", ["chat", "chat_simple", "colon"])
def test_a_uniform_model_pays_the_same_for_every_token(uniform, name):
    layout = sequence_layout(uniform, name)
    (row,) = score_sequences(uniform, [unit(VOTES)], layout=layout)
    spans = lay_out(VOTES, layout=layout).outputs
    log_v = math.log(len(uniform.tokenizer))
    for output, span in zip(row.outputs, spans, strict=True):
        n_text, n_end = span.end - span.start, span.stop - span.end
        assert n_end == (2 if name == "colon" else 1)  # this tokenizer reads the two line breaks one by one
        assert output.nll_nats == pytest.approx((n_text + n_end) * log_v, abs=1e-4)
        assert output.nll_text_nats == pytest.approx(n_text * log_v, abs=1e-4)
        assert output.other_log_probs == ()  # each has 1 / V, below 0.01
    assert row.n_tokens == len(lay_out(VOTES, layout=layout).token_ids)


def test_a_chat_scores_as_its_options_do(model):
    (row,) = score_sequences(model, [unit(VOTES)], layout=sequence_layout(model, "chat"))
    turns = [Message("system", f"{PREAMBLE}\n\nDescription: {VOTES.description}")]
    for output, example in zip(row.outputs, VOTES.examples, strict=True):
        turns.append(Message("user", example.input))
        (scores,) = model.score_options([Chat(tuple(turns))], [[example.output]])
        assert output.nll_nats == pytest.approx(-scores.log_probs[0], abs=1e-4)
        assert output.n_tokens == scores.n_tokens[0]
        turns.append(Message("assistant", example.output))


@pytest.mark.parametrize("name", ["chat", "colon"])
def test_what_is_kept_of_each_token_is_what_the_logits_say(model, name):
    with torch.no_grad():
        model.model.lm_head.weight *= 100  # some tokens well above 0.01, most far below
    layout = sequence_layout(model, name)
    (row,) = score_sequences(model, [unit(VOTES)], layout=layout)
    laid_out = lay_out(VOTES, layout=layout)
    tokens = torch.tensor([laid_out.token_ids])
    with torch.inference_mode():
        log_probs = model.model(input_ids=tokens).logits[0].double().log_softmax(-1)
    n_rivals = 0
    for output, span in zip(row.outputs, laid_out.outputs, strict=True):
        places = range(span.start, span.stop)
        foreseen = [log_probs[place - 1] for place in places]
        own = [laid_out.token_ids[place] for place in places]
        expected = [each[token].item() for each, token in zip(foreseen, own, strict=True)]
        assert output.log_probs == pytest.approx(expected, abs=1e-4)
        right = [each.argmax().item() == token for each, token in zip(foreseen, own, strict=True)]
        assert output.n_right == sum(right)
        assert output.first_token_correct == right[0]
        rivals = [
            value
            for each, token in zip(foreseen, own, strict=True)
            for index, value in enumerate(each.tolist())
            if index != token and value > math.log(0.01)
        ]
        assert output.other_log_probs == pytest.approx(rivals, abs=1e-4)
        n_rivals += len(rivals)
    assert n_rivals > 3


def test_a_model_of_the_spectrum_format_reads_it(weights, chatml):
    template = SpectrumFormat.from_tokenizer(chatml).chat_template
    tuned = TransformersModel(weights(), chat_template=template)
    (row,) = score_sequences(tuned, [unit(VOTES)])
    assert row.layout == "spectrum"
    messages = list(VOTES.messages())
    (scores,) = tuned.score_options([Chat(tuple(messages[:2]))], [["yes"]])
    assert row.outputs[0].nll_nats == pytest.approx(-scores.log_probs[0], abs=1e-4)


def test_batches_change_nothing(model):
    units = [unit(VOTES, "a"), unit(SHORT, "b"), unit(VOTES, "c"), unit(SHORT, "d")]
    together = score_sequences(model, units, batch_tokens=100_000)
    alone = score_sequences(model, units, batch_tokens=1)
    assert [row.sequence_id for row in together] == ["a", "b", "c", "d"]
    for one, other in zip(together, alone, strict=True):
        assert one.n_tokens == other.n_tokens
        for left, right in zip(one.outputs, other.outputs, strict=True):
            assert left.log_probs == pytest.approx(right.log_probs, abs=1e-5)
            assert left.n_right == right.n_right


def test_without_a_description_the_first_output_is_not_scored(model):
    bare = VOTES.model_copy(update={"description": None})
    for name in ("chat", "colon"):
        (row,) = score_sequences(model, [unit(bare)], layout=sequence_layout(model, name))
        assert [output.index for output in row.outputs] == [1, 2]


def test_what_cannot_be_read_costs_only_itself(model):
    long = VOTES.model_copy(update={"description": "many words " * 400})
    blank = VOTES.model_copy(update={"examples": (Example(output="a\n\nb"),)})
    units = [unit(long, "long"), unit(VOTES, "fine"), unit(blank, "blank")]
    rows = score_sequences(model, units, layout=sequence_layout(model, "colon"))
    assert [row.outcome for row in rows] == [Outcome.ERROR, Outcome.OK, Outcome.ERROR]
    assert "reads at most 512" in rows[0].error
    assert "holds a blank line" in rows[2].error
    assert rows[1].task == "votes"
    assert rows[1].key == "key of fine"


def test_bfloat16_products_are_asked_for_and_never_inherited(model):
    (plain,) = score_sequences(model, [unit(VOTES)])
    with torch.autocast("cpu", torch.bfloat16):
        (inside,) = score_sequences(model, [unit(VOTES)])
    (rough,) = score_sequences(model, [unit(VOTES)], bfloat16=True)
    assert inside == plain
    assert rough != plain
    assert rough.outputs[0].nll_nats == pytest.approx(plain.outputs[0].nll_nats, rel=0.02)


def test_nothing_to_read(model):
    assert score_sequences(model, []) == []
