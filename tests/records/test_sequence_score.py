"""Scores of outputs: what follows from the log-probabilities of their tokens, and what is refused."""

import pytest
from pydantic import ValidationError

from pluralign.records import OutputScore, SequenceScore

OUTPUT = {
    "index": 1,
    "log_probs": (-0.5, -0.25, -1.0),
    "n_end_tokens": 1,
    "n_right": 3,
    "first_token_correct": True,
}
ROW = {"key": "k", "sequence_id": "flight/0", "model_id": "m", "layout": "chat", "outcome": "ok"}


def test_loss_with_and_without_what_ends_an_output():
    output = OutputScore(**OUTPUT)
    assert output.nll_nats == pytest.approx(1.75)
    assert output.nll_text_nats == pytest.approx(0.75)
    assert output.n_tokens == 3
    assert output.correct


def test_an_output_is_right_only_where_every_token_is():
    assert not OutputScore(**OUTPUT | {"n_right": 2}).correct


def test_a_terminator_joined_to_the_text_counts_as_text():
    output = OutputScore(**OUTPUT | {"n_end_tokens": 0})
    assert output.nll_text_nats == output.nll_nats


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_end_tokens": 3}, "leave none to the text"),
        ({"n_right": 4}, "4 of 3 tokens cannot be right"),
        ({"log_probs": (0.1,), "n_end_tokens": 0, "n_right": 0}, "less than or equal to 0"),
        ({"log_probs": ()}, "at least 1 item"),
    ],
)
def test_impossible_outputs_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        OutputScore(**OUTPUT | change)


def test_rows_keep_what_they_are_through_json():
    row = SequenceScore(**ROW, outputs=(OutputScore(**OUTPUT),), n_tokens=12)
    assert SequenceScore.model_validate_json(row.model_dump_json()) == row


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputs": ()}, "present exactly when the outcome is ok"),
        ({"outcome": "error", "outputs": (), "error": None}, "present exactly when the outcome is error"),
        ({"outputs": (OUTPUT, OUTPUT)}, "must rise"),
        ({"outcome": "refused"}, "Input should be"),
    ],
)
def test_impossible_rows_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        SequenceScore(**ROW | {"outputs": (OUTPUT,)} | change)
