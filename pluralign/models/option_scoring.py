"""Log-probabilities of option token sequences after prompts, each prompt run once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluralign.models.batching import Tokens, buckets, families
from pluralign.models.context_cache import Context, padded, read, read_shared_prefix, read_without_cache

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


def score_cached(
    model: "PreTrainedModel", items: Sequence[OptionTokens], *, batch_tokens: int
) -> list[list[float]]:
    """Score options with each prompt run once and its cache expanded over the options.

    An opening that prompts share (a system prompt, a persona) is run once for all of them.

    Args:
        model: A model whose cache can be expanded (see `cache_obstacle`).
        items: Prompts with their options.
        batch_tokens: Bound on the tokens held in one batch, padding included.

    Returns:
        Per prompt and option, the log-probability of the option's tokens in nats.
    """
    import torch

    contexts = [item.context for item in items]
    scores: list[list[float]] = [[] for _ in items]
    with torch.inference_mode():
        for family in families(contexts):
            longest_option = max(len(option) for index in family for option in items[index].options)
            prefix = read_shared_prefix(model, [contexts[index] for index in family], room=longest_option)
            n_shared = 0 if prefix is None else prefix.mask.shape[1]
            lengths = [len(context) for context in contexts]
            for bucket in buckets(family, lengths, max_tokens=batch_tokens):
                rests = [contexts[index][n_shared:] for index in bucket]
                after = None if prefix is None else prefix.select([0] * len(bucket))
                first, context = read(model, rests, after=after)
                options = [items[index].options for index in bucket]
                found = _score_after(model, context, first[:, -1], options, batch_tokens=batch_tokens)
                for index, values in zip(bucket, found, strict=True):
                    scores[index] = values
    return scores


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


def _score_after(
    model: "PreTrainedModel",
    context: Context,
    first: "Tensor",
    options: Sequence[Sequence[Tokens]],
    *,
    batch_tokens: int,
) -> list[list[float]]:
    """Score each context row's options. `first`: (rows, vocabulary), log-probabilities of the first token."""
    rows = [(row, option) for row, own in enumerate(options) for option in range(len(own))]
    tokens = [options[row][option] for row, option in rows]
    totals_by_row = first[[row for row, _ in rows], [option[0] for option in tokens]].tolist()
    longer = [index for index, option in enumerate(tokens) if len(option) > 1]
    n_read = context.mask.shape[1]
    lengths = [n_read + len(option) for option in tokens]
    for chunk in _chunks(longer, lengths, n_read=n_read, model=model, batch_tokens=batch_tokens):
        log_probs, _ = read(
            model,
            [tokens[index][:-1] for index in chunk],
            after=context.select([rows[index][0] for index in chunk]),
            padding="right",
            all_positions=True,
        )
        totals = _totals(log_probs, [tokens[index][1:] for index in chunk])
        for index, total in zip(chunk, totals, strict=True):
            totals_by_row[index] += total
    scores: list[list[float]] = [[] for _ in options]
    for (row, _), score in zip(rows, totals_by_row, strict=True):
        scores[row].append(score)
    return scores


def _chunks(
    indices: Sequence[int],
    lengths: Sequence[int],
    *,
    n_read: int,
    model: "PreTrainedModel",
    batch_tokens: int,
) -> Iterator[list[int]]:
    if not indices:
        return iter(())
    longest = max(lengths[index] for index in indices) - n_read
    max_rows = max(1, _MAX_LOGITS // (longest * model.config.get_text_config().vocab_size))
    return buckets(indices, lengths, max_tokens=batch_tokens, max_rows=max_rows)


def _totals(log_probs: "Tensor", sequences: Sequence[Tokens]) -> list[float]:
    """Sum of the log-probabilities of each row's tokens. `log_probs`: (rows, positions, vocabulary)."""
    targets, mask = padded(sequences, padding="right")
    targets, mask = targets.to(log_probs.device), mask.to(log_probs.device)
    picked = log_probs[:, : targets.shape[1]].gather(2, targets[..., None])[..., 0]
    totals: list[float] = picked.masked_fill(mask == 0, 0.0).sum(1).tolist()
    return totals
