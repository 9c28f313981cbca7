"""Which prompts are run together: families with a shared opening, buckets of like length, chunks of rows."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

# A shared opening shorter than this is not worth a run of its own; one of at least LONG_OPENING tokens (a persona)
# is worth keeping its prompts together, and keeping what was read for the next prompts.
_PREFIX_TOKENS = 16
LONG_OPENING = 64

# Prompts go into one row where they share at least this part of the shorter one, beyond what all rows share. The
# tokens saved must outweigh those of the other prompts that every token is then held against in vain.
_ROW_SHARE = 1 / 4

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


def families(contexts: Sequence[Tokens], *, known: Sequence[Tokens] = ()) -> list[list[int]]:
    """Split prompts into those that share a long opening with others, and all the rest as one family.

    Args:
        contexts: Token ids of each prompt.
        known: Openings that need not be read again: a prompt that shares a long one with them is no rest.

    Returns:
        Indices of the prompts of each family; each prompt is in one.
    """
    everything = [*contexts, *known]
    order = sorted(range(len(everything)), key=lambda index: everything[index])
    runs = [order[:1]] if order else []
    for before, index in pairwise(order):
        if common_prefix_length([everything[before], everything[index]]) >= LONG_OPENING:
            runs[-1].append(index)
        else:
            runs.append([index])
    own = [[index for index in run if index < len(contexts)] for run in runs]
    together = [prompts for prompts, run in zip(own, runs, strict=True) if prompts and len(run) > 1]
    alone = [index for prompts, run in zip(own, runs, strict=True) if len(run) == 1 for index in prompts]
    return [*together, alone] if alone else together


def rows_of(
    contexts: Sequence[Tokens], sizes: Sequence[int], *, n_shared: int, max_tokens: int | None
) -> list[list[int]]:
    """Put prompts that share much with each other into one row: orders of one question's options, more examples.

    Args:
        contexts: Token ids of each prompt.
        sizes: Tokens of each prompt with its options.
        n_shared: Number of tokens that all share, which stand before every row.
        max_tokens: Bound on the tokens of a row of several prompts, those before it included.

    Returns:
        Indices of the prompts of each row; each prompt is in one.
    """
    rows: list[list[int]] = []
    n_tokens = 0
    before: Tokens = []
    for index in sorted(range(len(contexts)), key=lambda index: contexts[index]):
        context = contexts[index]
        n_common = common_prefix_length([before, context])
        shortest = min(len(before), len(context)) - n_shared
        worth_it = n_common - n_shared >= max(_PREFIX_TOKENS, _ROW_SHARE * shortest)
        n_more = sizes[index] - n_common
        if worth_it and (max_tokens is None or n_tokens + n_more <= max_tokens):
            rows[-1].append(index)
            n_tokens += n_more
        else:
            rows.append([index])
            n_tokens = sizes[index]
        before = context
    return rows


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
