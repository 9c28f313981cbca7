"""Which prompts are run together: families with a shared opening, buckets of like length, chunks of rows."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

# A shared opening shorter than this is not worth a run of its own; one of at least _FAMILY_TOKENS (a persona)
# is worth keeping its prompts together.
_PREFIX_TOKENS = 16
_FAMILY_TOKENS = 64

# Padding worth more than this share of a full batch costs more than one batch more.
_PADDING_SHARE = 1 / 128

Tokens = list[int]


def common_prefix_length(sequences: Sequence[Tokens]) -> int:
    """Number of tokens with which all sequences begin."""
    # Of the sequences in lexicographic order, the first and the last differ earliest.
    first, last = min(sequences), max(sequences)
    return next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
    )


def families(contexts: Sequence[Tokens]) -> list[list[int]]:
    """Split prompts into those that share a long opening with others, and all the rest as one family.

    Args:
        contexts: Token ids of each prompt.

    Returns:
        Indices of the prompts of each family; each prompt is in one.
    """
    order = sorted(range(len(contexts)), key=lambda index: contexts[index])
    runs = [order[:1]] if order else []
    for before, index in pairwise(order):
        if common_prefix_length([contexts[before], contexts[index]]) >= _FAMILY_TOKENS:
            runs[-1].append(index)
        else:
            runs.append([index])
    together = [run for run in runs if len(run) > 1]
    alone = [index for run in runs if len(run) == 1 for index in run]
    return [*together, alone] if alone else together


def shared_prefix(contexts: Sequence[Tokens]) -> Tokens:
    """The opening shared by all prompts, if it is long enough to be run by itself, else nothing.

    At least one token of every prompt is left over.
    """
    length = min(common_prefix_length(contexts), min(len(context) for context in contexts) - 1)
    return contexts[0][:length] if len(contexts) > 1 and length >= _PREFIX_TOKENS else []


def buckets(
    indices: Sequence[int], lengths: Sequence[int], *, max_tokens: int, max_rows: int | None = None
) -> Iterator[list[int]]:
    """Split rows into batches of like length, the longest first.

    Args:
        indices: The rows.
        lengths: Tokens of each row, by index.
        max_tokens: Bound on rows times the longest row, padding included; a longer row goes alone. A batch's
            padding is bounded to a small share of it.
        max_rows: Bound on the number of rows.
    """
    bucket: list[int] = []
    longest = padding = 0
    for index in sorted(indices, key=lambda index: -lengths[index]):
        padding += longest - lengths[index]
        full = (len(bucket) + 1) * longest > max_tokens or len(bucket) == max_rows
        if bucket and (full or padding > max_tokens * _PADDING_SHARE):
            yield bucket
            bucket = []
        if not bucket:
            longest, padding = lengths[index], 0
        bucket.append(index)
    if bucket:
        yield bucket
