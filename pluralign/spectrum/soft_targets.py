"""Soft targets: the true probabilities of the next token, where a row's process is known in closed form.

The possible outputs of a process, each with its end-of-turn token, form a trie of tokens. Within an output, the true
probability of a next token is the mass of the outputs that go on with it over the mass of those that have begun
alike: calibration fine-tuning with soft targets, arXiv 2605.11845. Its expectation over draws is the hard target's,
whatever the description says of the process, as draws are independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pluralign.errors import ConfigurationError, DataError
from pluralign.spectrum.format import IGNORED, EncodedRow, Segment, SpectrumFormat, SpectrumSequence

Trie = Mapping[tuple[int, ...], Mapping[int, float]]


def next_token_trie(options: Sequence[tuple[Sequence[int], float]]) -> Trie:
    """The true next-token probabilities after every beginning of an option.

    Args:
        options: (tokens up to and with the end of turn, probability) of each option; probabilities need not sum
            to 1, options of probability 0 are left out.

    Returns:
        beginning -> token -> probability; the probabilities of each beginning sum to 1.
    """
    masses: dict[tuple[int, ...], dict[int, float]] = {}
    for tokens, prob in options:
        if prob <= 0:
            continue
        for place, token in enumerate(tokens):
            children = masses.setdefault(tuple(tokens[:place]), {})
            children[token] = children.get(token, 0.0) + prob
    return {
        beginning: {token: mass / sum(children.values()) for token, mass in children.items()}
        for beginning, children in masses.items()
    }


def with_soft_targets(row: EncodedRow, *, sequence: SpectrumSequence, spectrum: SpectrumFormat) -> EncodedRow:
    """A row with the true next-token probabilities beside each label.

    Args:
        row: The sequence, encoded.
        sequence: What the row was encoded from, with the distribution of its outputs.
        spectrum: What it was encoded with.

    Raises:
        ConfigurationError: The row's process is not known in closed form.
        DataError: An output is none of the possible ones.
    """
    if sequence.distribution is None:
        raise ConfigurationError(
            f"loss: soft_targets needs the true distribution of every output, and that of task {sequence.task!r} is "
            "not known in closed form. Leave the task out, or choose another loss."
        )
    trie = next_token_trie([
        (_output_ids(output, spectrum=spectrum), prob) for output, prob in sequence.distribution
    ])
    targets: dict[int, tuple[tuple[int, ...], tuple[float, ...]]] = {}
    for start, end in row.outputs:
        for place in range(start, end):
            if row.labels[place] == IGNORED:
                continue
            children = trie.get(row.input_ids[start:place], {})
            if row.input_ids[place] not in children:
                raise DataError(
                    f"task {sequence.task!r}: an output of a row is none of those its distribution names"
                )
            targets[place] = (tuple(children), tuple(children.values()))
    return replace(row, targets=targets)


def _output_ids(output: str, *, spectrum: SpectrumFormat) -> list[int]:
    """The tokens of an output and its end of turn, as they stand in a row."""
    pieces = (("", output, ""), (spectrum.turns.end,))
    return [token for piece in pieces for token in spectrum.segment_ids(Segment(piece, bears_loss=True))]
