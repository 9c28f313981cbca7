"""Scored sequences made by hand."""

import pytest

from pluralign.records import OutputScore, SequenceScore


def output(index, *log_probs, right=0, end=1, others=()):
    return OutputScore(
        index=index,
        log_probs=log_probs,
        n_end_tokens=end,
        n_right=right,
        first_token_correct=right > 0,
        other_log_probs=others,
    )


def row(name, *outputs, error=None):
    return SequenceScore(
        key=name,
        sequence_id=name,
        model_id="m",
        layout="chat",
        outcome="error" if error else "ok",
        outputs=outputs,
        error=error,
    )


@pytest.fixture(name="output")
def output_fixture():
    return output


@pytest.fixture(name="row")
def row_fixture():
    return row
