"""Log-probabilities of option token sequences after prompts, each prompt run once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluralign.models.batching import LONG_OPENING, Tokens, buckets, families, rows_of
from pluralign.models.context_cache import Context, padded, read_without_cache, sliding_window
from pluralign.models.kept_prefixes import KeptPrefixes
from pluralign.models.token_tree import OptionTokens, TokenTree, score_in_parts, score_trees, token_tree

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

# Bound on the logits of one forward pass, in numbers: 0.5 GiB as float32.
_MAX_LOGITS = 2**27

# A tree with more tokens than this part of a batch is read part by part: within a part, every token is held against
# every other one, whether it sees it or not.
_PART_SHARE = 1 / 4


def score_as_trees(
    model: "PreTrainedModel", items: Sequence[OptionTokens], *, kept: KeptPrefixes, batch_tokens: int
) -> list[list[float]]:
    """Score options with each prompt run once, all its options behind it in the same row.

    An opening that prompts share (a system prompt, a persona) is run once for all of them, and prompts that go on
    one another (a person's answers, more and more of them) stand in one row. Prompts longer than a sliding window
    are scored in full.

    Args:
        model: A model whose cache can be expanded (see `cache_obstacle`) and that reads trees (`tree_obstacle`).
        items: Prompts with their options.
        kept: Openings that the model has read before; takes in those that it reads now.
        batch_tokens: Bound on the tokens held in one batch, padding included.

    Returns:
        Per prompt and option, the log-probability of the option's tokens in nats.
    """
    import torch

    window = sliding_window(model)
    sizes = [len(item.context) + sum(len(option) - 1 for option in item.options) for item in items]
    fits = [window is None or size <= window for size in sizes]
    inside = [index for index, fit in enumerate(fits) if fit]
    outside = [index for index, fit in enumerate(fits) if not fit]
    found = score_in_full(model, [items[index] for index in outside], batch_tokens=batch_tokens)
    scores = dict(zip(outside, found, strict=True))
    with torch.inference_mode():
        for family in families([items[index].context for index in inside], known=kept.known()):
            members = [inside[index] for index in family]
            contexts = [items[index].context for index in members]
            prefix = kept.read_shared(contexts)
            n_shared = prefix.n_tokens
            own_sizes = [sizes[index] for index in members]
            rows = [
                [members[place] for place in row]
                for row in rows_of(contexts, own_sizes, n_shared=n_shared, max_tokens=window)
            ]
            trees = [token_tree([items[index].behind(n_shared) for index in row]) for row in rows]
            reader = _Reader(model, contexts[0][:n_shared], prefix, kept, batch_tokens)
            for row, log_probs in zip(rows, reader.scores(trees, in_parts=window is None), strict=True):
                scores |= zip(row, log_probs, strict=True)
    return [scores[index] for index in range(len(items))]


@dataclass(frozen=True)
class _Reader:
    """Reads the trees of one family.

    Attributes:
        model: The model.
        opening: Token ids that stand before all trees.
        prefix: The opening, as the model has read it.
        kept: Takes in what the next prompts may go on from.
        batch_tokens: Bound on the tokens held in one batch, padding included.
    """

    model: "PreTrainedModel"
    opening: Tokens
    prefix: Context
    kept: KeptPrefixes
    batch_tokens: int

    def scores(self, trees: Sequence[TokenTree], *, in_parts: bool) -> list[list[list[float]]]:
        """Per tree, prompt and option, the log-probability of the option's tokens in nats.

        Args:
            trees: The trees, without the opening.
            in_parts: Whether large trees may be read part by part, and the prompts that others go on be kept.
        """
        max_tokens = max(LONG_OPENING, round(self.batch_tokens * _PART_SHARE))
        max_scored = max(1, _MAX_LOGITS // self.model.config.get_text_config().vocab_size)
        large = [
            index
            for index, tree in enumerate(trees)
            if tree.trunk is not None or len(tree.tokens) > max_tokens or len(tree.scored_places) > max_scored
        ]
        found = {}
        for index in large if in_parts else ():
            after = self.prefix.select([0])
            found[index], trunk = score_in_parts(
                self.model, trees[index], after=after, max_tokens=max_tokens, max_scored=max_scored
            )
            if trunk is not None:
                self.kept.keep([*self.opening, *trees[index].trunk_tokens], trunk)
        rest = [index for index in range(len(trees)) if index not in found]
        most = max((len(trees[index].scored_places) for index in rest), default=1)
        lengths = [len(self.opening) + len(tree.tokens) for tree in trees]
        max_rows = max(1, max_scored // most)
        for bucket in buckets(rest, lengths, max_tokens=self.batch_tokens, max_rows=max_rows):
            after = self.prefix.select([0] * len(bucket))
            found |= zip(
                bucket, score_trees(self.model, [trees[i] for i in bucket], after=after), strict=True
            )
        return [found[index] for index in range(len(trees))]


def score_in_full(
    model: "PreTrainedModel", items: Sequence[OptionTokens], *, batch_tokens: int
) -> list[list[float]]:
    """Score options each with its whole prompt, for models whose cache cannot be expanded.

    Args and returned values are those of `score_as_trees`.
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
