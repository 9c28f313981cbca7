"""How many examples of each sequence are read: one number for a data set, the same for all models and layouts.

Sorensen et al. 2025 (arXiv:2510.06084) take the k that maximises k times the number of sequences with at least k complete
outputs within 2048 tokens of one tokenizer. Here words are counted, so that no tokenizer decides.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from pluralign.errors import DataError

# A word, a number, or one mark of punctuation.
_WORD = re.compile(r"\w+|[^\w\s]")
MIN_LENGTH = 2
# So many sequences must have two outputs where the best number would be one.
_MIN_SEQUENCES = 10


def n_words(text: str) -> int:
    """Number of words of a text: runs of letters, digits and underscores, and each mark of punctuation."""
    return len(_WORD.findall(text))


def n_complete(description: str | None, examples: Iterable[tuple[str | None, str]], *, max_words: int) -> int:
    """Number of examples whose output ends within a budget of words.

    Args:
        description: What stands first, if anything does.
        examples: (input if any, output), in order.
        max_words: The budget, for description, inputs and outputs together.
    """
    used = n_words(description or "")
    n = 0
    for given, output in examples:
        used += n_words(given or "") + n_words(output)
        if used > max_words:
            break
        n += 1
    return n


def common_length(lengths: Sequence[int]) -> int:
    """The k of at least 2 that maximises k times the number of sequences with at least k outputs.

    Of several, the smallest, which keeps the most sequences. Lengths 2, 2 and 10 give 10, as 10 is more than 6.

    Args:
        lengths: Number of complete outputs of each sequence.

    Raises:
        DataError: No sequence has two, or one output would be best and fewer than ten sequences have two.
    """
    longest = max(lengths, default=0)
    if longest < MIN_LENGTH:
        raise DataError(
            f"No sequence has {MIN_LENGTH} complete outputs within the budget of words, so there is no output to be "
            "foretold from another. Raise max_words, or take longer sequences."
        )
    # Number of sequences with at least k outputs, k from 1.
    n_reaching = np.bincount(lengths, minlength=longest + 1)[::-1].cumsum()[::-1][1:]
    totals = np.arange(1, longest + 1) * n_reaching
    if totals.argmax() == 0 and n_reaching[MIN_LENGTH - 1] < _MIN_SEQUENCES:
        raise DataError(
            f"Only {n_reaching[MIN_LENGTH - 1]} of {len(lengths)} sequences have {MIN_LENGTH} complete outputs within "
            f"the budget of words; {_MIN_SEQUENCES} are needed. Raise max_words."
        )
    return int(totals[MIN_LENGTH - 1 :].argmax()) + MIN_LENGTH
