"""Prompts with all their options as one row, in which every token sees only what comes before it on its own branch."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pluralign.models.batching import Tokens
from pluralign.models.context_cache import Context
from pluralign.models.logits import chosen_logits, log_normalisers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Implementations of attention that take a mask of our own making.
_TAKE_MASKS = frozenset({"sdpa", "eager"})

Places = NDArray[np.int64]
# A token that is scored: the place after which it comes, and the token.
Step = tuple[int, int]


@dataclass(frozen=True)
class OptionTokens:
    """One prompt and its options as the model reads them.

    Attributes:
        context: Token ids before the options.
        options: Token ids of each option, its end included.
    """

    context: Tokens
    options: tuple[Tokens, ...]

    def behind(self, n_read: int) -> "OptionTokens":
        """The same without the first tokens of the prompt, of which at least one must be left."""
        return OptionTokens(self.context[n_read:], self.options)


@dataclass(frozen=True)
class TokenTree:
    """Tokens to be read, those with which several prompts or options begin standing there once.

    Places are numbered depth first, so that all that comes behind a place, on whichever branch, has the numbers
    right after it.

    Attributes:
        tokens: The token at each place; an option's last one is scored but not read.
        parents: Place of the token before each; -1 before the first.
        steps: Per prompt and option, its tokens as they are scored.
    """

    tokens: Tokens
    parents: tuple[int, ...]
    steps: tuple[tuple[tuple[Step, ...], ...], ...]

    @cached_property
    def distinct_steps(self) -> list[Step]:
        """Every token that is scored, once for all options that it belongs to."""
        return sorted({step for prompt in self.steps for option in prompt for step in option})

    @cached_property
    def scored_places(self) -> frozenset[int]:
        """Places after which a token is scored."""
        return frozenset(place for place, _ in self.distinct_steps)

    @cached_property
    def depths(self) -> Places:
        """Number of tokens before each place on its branch: (n,)."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        return np.array(depths)

    @cached_property
    def ends(self) -> Places:
        """Of each place, the first place after it that does not come behind it: (n,)."""
        ends = list(range(1, len(self.tokens) + 1))
        for place in range(len(self.tokens) - 1, -1, -1):
            if (parent := self.parents[place]) >= 0:
                ends[parent] = max(ends[parent], ends[place])
        return np.array(ends)

    @cached_property
    def trunk(self) -> int | None:
        """Last place of the longest prompt, where some prompt goes on another one and its answer; else None."""
        lasts = [prompt[0][0][0] for prompt in self.steps]
        # Depth first, what goes on a prompt comes right after it.
        goes_on = any(last < self.ends[before] for before, last in pairwise(sorted(set(lasts))))
        return max(lasts, key=self.depths.__getitem__) if goes_on else None

    @property
    def trunk_tokens(self) -> Tokens:
        """Token ids of the trunk; none where there is none."""
        return [] if self.trunk is None else [self.tokens[place] for place in self.path(self.trunk)]

    def path(self, place: int) -> list[int]:
        """The places on the way to a place, itself the last; none to -1."""
        path = []
        while place >= 0:
            path.append(place)
            place = self.parents[place]
        return path[::-1]

    def visible(self, places: Places, others: Places) -> NDArray[np.bool_]:
        """Which of the other places each place sees, itself among them: (places, others)."""
        return (others <= places[:, None]) & (places[:, None] < self.ends[others])

    def parts(self, *, max_tokens: int, max_scored: int) -> Iterator[range]:
        """The places in parts that are read one after the other, bounded in tokens and in places scored."""
        start = n_scored = 0
        for place in range(len(self.tokens)):
            n_scored += place in self.scored_places
            if place > start and (place - start == max_tokens or n_scored > max_scored):
                yield range(start, place)
                start, n_scored = place, int(place in self.scored_places)
        yield range(start, len(self.tokens))


def token_tree(items: Sequence[OptionTokens]) -> TokenTree:
    """Put prompts with their options into one row.

    Args:
        items: At least one prompt, each with at least one token and one option.
    """
    # Of each node the nodes behind it, by token; node 0 stands before the first token.
    behind: list[dict[int, int]] = [{}]

    def follow(node: int, tokens: Tokens) -> list[int]:
        path = []
        for token in tokens:
            if token not in behind[node]:
                behind[node][token] = len(behind)
                behind.append({})
            node = behind[node][token]
            path.append(node)
        return path

    ways = []
    for item in items:
        last = follow(0, item.context)[-1]
        ways.append([([last, *follow(last, option[:-1])], option) for option in item.options])
    places = {0: -1}
    tokens: Tokens = []
    parents: list[int] = []
    waiting = [(0, token, node) for token, node in reversed(behind[0].items())]
    while waiting:
        parent, token, node = waiting.pop()
        places[node] = len(tokens)
        tokens.append(token)
        parents.append(places[parent])
        waiting += [(node, *one) for one in reversed(behind[node].items())]
    steps = tuple(
        tuple(tuple((places[node], token) for node, token in zip(*way, strict=True)) for way in own)
        for own in ways
    )
    return TokenTree(tokens, tuple(parents), steps)


def tree_obstacle(model: "PreTrainedModel") -> str | None:
    """Why a model cannot read trees, or None if it can."""
    config = model.config.get_text_config()
    attention = getattr(config, "_attn_implementation", None)
    if attention not in _TAKE_MASKS:
        return f"its attention is {attention!r}"
    # Of the decoder: around it, an adapter's own forward takes anything and passes it on.
    parameters = inspect.signature(model.get_decoder().forward).parameters
    if "position_ids" not in parameters or getattr(config, "alibi", False):
        return "its positions cannot be given"
    return None


def score_trees(
    model: "PreTrainedModel", trees: Sequence[TokenTree], *, after: Context
) -> list[list[list[float]]]:
    """Score the options of trees, one row a tree.

    Args:
        model: A model that can read trees (see `tree_obstacle`).
        trees: The trees.
        after: What each tree's row has read before, without padding; its cache is used up.

    Returns:
        Per tree, prompt and option, the log-probability of the option's tokens in nats.
    """
    parts = [_Part(tree, range(len(tree.tokens))) for tree in trees]
    found = _read_parts(model, parts, after=after)
    return [_totals(tree, scored) for tree, scored in zip(trees, found, strict=True)]


def score_in_parts(
    model: "PreTrainedModel", tree: TokenTree, *, after: Context, max_tokens: int, max_scored: int
) -> tuple[list[list[float]], Context | None]:
    """Score the options of one tree, read part by part; between two parts, what is still open is kept.

    A place is held against its own part and what was open before it only, so that the work hardly grows faster than
    the tree.

    Args:
        model: A model that can read trees and whose cache has no sliding windows.
        tree: The tree.
        after: What was read before, one row without padding; its cache is used up.
        max_tokens: Bound on the tokens of a part.
        max_scored: Bound on the places of a part after which tokens are scored.

    Returns:
        Per prompt and option, the log-probability of the option's tokens in nats; and the tree's trunk as it was
        read, behind what was read before, or None where the tree has none.
    """
    before = list(range(after.n_tokens))
    scored: dict[Step, float] = {}
    context, trunk = after, None
    held: dict[int, int] = {}
    for places in tree.parts(max_tokens=max_tokens, max_scored=max_scored):
        # Depth first, whatever this part and the later ones go on from leads to this part's first place.
        open_ = tree.path(tree.parents[places.start])
        context = context.along([*before, *(held[place] for place in open_)])
        [found] = _read_parts(model, [_Part(tree, places, after=open_)], after=context)
        scored |= found
        held = {place: len(before) + number for number, place in enumerate([*open_, *places])}
        context = context.longer(len(places))
        if tree.trunk is not None and tree.trunk in places:
            trunk = context.along([*before, *(held[place] for place in tree.path(tree.trunk))])
    return _totals(tree, scored), trunk


@dataclass(frozen=True)
class _Part:
    """Places of a tree that are read at once, after places that were read before and are still open."""

    tree: TokenTree
    places: range
    after: Sequence[int] = ()


def _read_parts(
    model: "PreTrainedModel", parts: Sequence[_Part], *, after: Context
) -> list[dict[Step, float]]:
    """Read parts of trees, one row a part.

    Args:
        model: A model that can read trees.
        parts: The parts, each after as many open places.
        after: What the rows have read before: what all trees share, then each part's open places. Its cache is
            used up: it then holds the parts, too.

    Returns:
        Of each part the log-probability of every token that is scored in it, nats.
    """
    import torch

    n_read = after.n_tokens
    n_shared = n_read - len(parts[0].after)
    width = max(len(part.places) for part in parts)
    tokens = np.zeros((len(parts), width), dtype=np.int64)
    positions = np.zeros_like(tokens)
    # A place of padding sees itself, so that no row of the softmax is empty.
    own = np.broadcast_to(np.eye(width, dtype=np.bool_), (len(parts), width, width))
    seen = np.concatenate([np.ones((len(parts), width, n_read), dtype=np.bool_), own], axis=2)
    for row, part in enumerate(parts):
        n, places = len(part.places), np.array(part.places)
        tokens[row, :n] = part.tree.tokens[part.places.start : part.places.stop]
        positions[row, :n] = n_shared + part.tree.depths[places]
        known = np.array([*part.after, *part.places])
        seen[row, :n, n_shared : n_read + n] = part.tree.visible(places, known)
    hidden = torch.from_numpy(~seen).to(model.device)[:, None]
    mask = torch.zeros(hidden.shape, dtype=model.dtype, device=model.device)
    inputs = {
        "input_ids": torch.from_numpy(tokens).to(model.device),
        "attention_mask": mask.masked_fill_(hidden, torch.finfo(model.dtype).min),
        "position_ids": torch.from_numpy(positions).to(model.device),
        "past_key_values": after.cache,
        "use_cache": True,
    }
    return _log_probs(model, parts, inputs=inputs)


def _log_probs(
    model: "PreTrainedModel", parts: Sequence[_Part], *, inputs: dict[str, Any]
) -> list[dict[Step, float]]:
    """Of each part the log-probability of every token that is scored in it, nats."""
    import torch

    steps = [
        (row, place, token)
        for row, part in enumerate(parts)
        for place, token in part.tree.distinct_steps
        if place in part.places
    ]
    number = {at: index for index, at in enumerate(dict.fromkeys((row, place) for row, place, _ in steps))}
    wanted = [(row, place - parts[row].places.start) for row, place in number]
    rows, columns = torch.tensor(wanted, dtype=torch.long).reshape(-1, 2).T.to(model.device)
    logits = chosen_logits(
        model, head=model.get_output_embeddings(), choose=lambda states: states[rows, columns], inputs=inputs
    ).float()
    numbers = torch.tensor([number[row, place] for row, place, _ in steps], dtype=torch.long)
    targets = torch.tensor([token for *_, token in steps], dtype=torch.long)
    values = logits[numbers, targets] - log_normalisers(logits)[:, 0][numbers]
    found: list[dict[Step, float]] = [{} for _ in parts]
    for (row, place, token), value in zip(steps, values.tolist(), strict=True):
        found[row][place, token] = value
    return found


def _totals(tree: TokenTree, scored: Mapping[Step, float]) -> list[list[float]]:
    """Sum of the log-probabilities of each option's tokens."""
    return [[sum(scored[step] for step in option) for option in prompt] for prompt in tree.steps]
