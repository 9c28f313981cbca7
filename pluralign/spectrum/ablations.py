"""Ablations of spectrum tuning: single draws in place of sequences, and loss on other tokens than all outputs'."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from pluralign.spectrum.format import IGNORED, EncodedRow, SpectrumSequence

LossOn = Literal["outputs", "all_tokens", "first_output", "last_output"]


def single_examples(sequences: Iterable[SpectrumSequence]) -> list[SpectrumSequence]:
    """Every draw as a row of its own, with its row's description: the n = 1 control of arXiv 2510.06084.

    What is learnt are the same outputs, without the other draws of their process in sight. A draw of a row
    without description becomes a row in which nothing bears loss, as nothing tells what the output should be;
    `check_rows` counts and drops it. Rows of one draw stay as they are, so doing this twice changes nothing.

    Args:
        sequences: The rows.

    Returns:
        The draws, row by row, in the order in which they stood there.
    """
    return [
        sequence.model_copy(update={"examples": (example,)})
        for sequence in sequences
        for example in sequence.examples
    ]


def with_loss_on(row: EncodedRow, where: LossOn) -> EncodedRow:
    """A row with its loss laid elsewhere.

    Args:
        row: The row as the format encodes it, with loss on all outputs that it can fall on.
        where: "outputs": as it is. "all_tokens": on everything but the first token, which nothing predicts;
            here the first output of a row without description bears loss too. "first_output" and
            "last_output": on that output with its end-of-turn token only. The first output of a row without
            description bears none, so that such a row has no loss on "first_output". The last output is the
            last of which at least one token is left after truncation.
    """
    if where == "outputs":
        return row
    if where == "all_tokens":
        return replace(row, labels=(IGNORED, *row.input_ids[1:]))
    spans = row.outputs[:1] if where == "first_output" else row.outputs[-1:]
    labels = [IGNORED] * len(row.labels)
    for start, end in spans:
        labels[start:end] = row.labels[start:end]
    return replace(row, labels=tuple(labels))
