"""Log-probabilities of option token sequences after prompts, each prompt run once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluralign.models.batching import Tokens, buckets, families
from pluralign.models.context_cache import padded, read_shared_prefix, read_without_cache, sliding_window
from pluralign.models.token_tree import TokenTree, score_trees, token_tree

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

# Bound on the logits of one forward pass, in numbers: 0.5 GiB as float32.
_MAX_LOGITS = 2**27


@dataclass(frozen=True)
class OptionTokens:
    """One prompt and its options as the model reads them.

    Attributes:
        context: Token ids before the options.
        options: Token ids of each option, its end included.
    """

    context: Tokens
    options: tuple[Tokens, ...]


def score_as_trees(
    model: "PreTrainedModel", items: Sequence[OptionTokens], *, batch_tokens: int
) -> list[list[float]]:
    """Score options with each prompt run once, all its options behind it in the same row.

    An opening that prompts share (a system prompt, a persona) is run once for all of them. Prompts longer than a
    sliding window are scored in full.

    Args:
        model: A model whose cache can be expanded (see `cache_obstacle`) and that reads trees (`tree_obstacle`).
        items: Prompts with their options.
        batch_tokens: Bound on the tokens held in one batch, padding included.

    Returns:
        Per prompt and option, the log-probability of the option's tokens in nats.
    """
    import torch

    window = sliding_window(model)
    trees = [token_tree(item.context, item.options) for item in items]
    lengths = [len(tree.tokens) for tree in trees]
    fits = [window is None or length <= window for length in lengths]
    inside = [index for index, fit in enumerate(fits) if fit]
    outside = [index for index, fit in enumerate(fits) if not fit]
    found = score_in_full(model, [items[index] for index in outside], batch_tokens=batch_tokens)
    scores = dict(zip(outside, found, strict=True))
    contexts = [items[index].context for index in inside]
    with torch.inference_mode():
        for family in families(contexts):
            members = [inside[index] for index in family]
            prefix = read_shared_prefix(model, [items[index].context for index in members], room=0)
            n_shared = 0 if prefix is None else prefix.mask.shape[1]
            max_rows = _max_rows(model, [trees[index] for index in members])
            for bucket in buckets(members, lengths, max_tokens=batch_tokens, max_rows=max_rows):
                rests = [trees[index].without(n_shared) for index in bucket]
                after = None if prefix is None else prefix.select([0] * len(bucket))
                scores |= zip(bucket, score_trees(model, rests, after=after), strict=True)
    return [scores[index] for index in range(len(items))]


def _max_rows(model: "PreTrainedModel", trees: Sequence[TokenTree]) -> int:
    """Rows whose logits can be held at once."""
    most = max(len(tree.scored_places) for tree in trees)
    n_words: int = model.config.get_text_config().vocab_size
    return max(1, _MAX_LOGITS // (most * n_words))


def score_in_full(
    model: "PreTrainedModel", items: Sequence[OptionTokens], *, batch_tokens: int
) -> list[list[float]]:
    """Score options each with its whole prompt, for models whose cache cannot be expanded.

    Args and returned values are those of `score_cached`.
    """
    import torch

    rows = [(index, option) for index, item in enumerate(items) for option in range(len(item.options))]
    pairs = [(items[index].context, items[index].options[option]) for index, option in rows]
    lengths = [len(context) + len(option) for context, option in pairs]
    scores = [[0.0] * len(item.options) for item in items]
    max_tokens = min(batch_tokens, _MAX_LOGITS // model.config.get_text_config().vocab_size)
    with torch.inference_mode():
        for bucket in buckets(range(len(rows)), lengths, max_tokens=max_tokens):
            start = min(len(pairs[row][0]) for row in bucket) - 1
            joint = [[*pairs[row][0], *pairs[row][1][:-1]] for row in bucket]
            log_probs = read_without_cache(model, joint, start=start)
            for place, row in enumerate(bucket):
                context, option = pairs[row]
                begin = len(context) - 1 - start
                total = _totals(log_probs[place : place + 1, begin:], [option])[0]
                scores[rows[row][0]][rows[row][1]] = total
    return scores


def _totals(log_probs: "Tensor", sequences: Sequence[Tokens]) -> list[float]:
    """Sum of the log-probabilities of each row's tokens. `log_probs`: (rows, positions, vocabulary)."""
    targets, mask = padded(sequences, padding="right")
    targets, mask = targets.to(log_probs.device), mask.to(log_probs.device)
    picked = log_probs[:, : targets.shape[1]].gather(2, targets[..., None])[..., 0]
    totals: list[float] = picked.masked_fill(mask == 0, 0.0).sum(1).tolist()
    return totals
