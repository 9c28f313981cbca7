"""A prompt with all its options as one row, in which every token sees only what comes before it on its own branch."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pluralign.models.batching import Tokens
from pluralign.models.context_cache import Context
from pluralign.models.logits import chosen_logits, log_normalisers

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

# Implementations of attention that take a mask of our own making.
_TAKE_MASKS = frozenset({"sdpa", "eager"})


@dataclass(frozen=True)
class TokenTree:
    """Tokens to be read, those that several options share standing there once.

    Attributes:
        tokens: The prompt's tokens, then those of the options; an option's last one is scored but not read.
        parents: Place of the token before each; -1 before the first.
        n_prompt: Number of tokens of the prompt.
        steps: Per option, for each of its tokens: the place after which it is scored, and the token.
    """

    tokens: Tokens
    parents: tuple[int, ...]
    n_prompt: int
    steps: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def scored_places(self) -> set[int]:
        """Places after which a token is scored."""
        return {place for option in self.steps for place, _ in option}

    def without(self, n_read: int) -> "TokenTree":
        """The tree behind the first `n_read` tokens of its prompt, of which at least one is left."""
        return TokenTree(
            self.tokens[n_read:],
            tuple(max(-1, parent - n_read) for parent in self.parents[n_read:]),
            self.n_prompt - n_read,
            tuple(tuple((place - n_read, token) for place, token in option) for option in self.steps),
        )

    def visible(self) -> NDArray[np.bool_]:
        """Which places each place sees, itself among them: (n, n)."""
        seen = np.tri(len(self.tokens), dtype=np.bool_)
        for place in range(self.n_prompt, len(self.tokens)):
            seen[place] = seen[self.parents[place]]
            seen[place, place] = True
        return seen

    def depths(self) -> NDArray[np.int64]:
        """Number of tokens before each place on its branch: (n,)."""
        depths = np.arange(len(self.tokens))
        for place in range(self.n_prompt, len(self.tokens)):
            depths[place] = depths[self.parents[place]] + 1
        return depths


def token_tree(prompt: Tokens, options: Sequence[Tokens]) -> TokenTree:
    """Put options behind a prompt.

    Args:
        prompt: Token ids, at least one.
        options: Token ids of each option, at least one.
    """
    tokens, parents = list(prompt), list(range(-1, len(prompt) - 1))
    places: dict[tuple[int, int], int] = {}
    steps = []
    for option in options:
        place, own = len(prompt) - 1, []
        for n_read, token in enumerate(option, start=1):
            own.append((place, token))
            if n_read == len(option):
                break
            if (place, token) not in places:
                places[place, token] = len(tokens)
                tokens.append(token)
                parents.append(place)
            place = places[place, token]
        steps.append(tuple(own))
    return TokenTree(tokens, tuple(parents), len(prompt), tuple(steps))


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
    model: "PreTrainedModel", trees: Sequence[TokenTree], *, after: Context | None
) -> list[list[float]]:
    """Score the options of trees, one row a tree.

    Args:
        model: A model that can read trees (see `tree_obstacle`).
        trees: The trees.
        after: What all rows have read before, without padding; its cache is used up.

    Returns:
        Per tree and option, the log-probability of the option's tokens in nats.
    """
    import torch
    from transformers import DynamicCache

    n_before = 0 if after is None else after.mask.shape[1]
    width = max(len(tree.tokens) for tree in trees)
    tokens = np.zeros((len(trees), width), dtype=np.int64)
    positions = np.zeros_like(tokens)
    # A place of padding sees itself, so that no row of the softmax is empty.
    seen = np.broadcast_to(np.eye(width, dtype=np.bool_), (len(trees), width, width)).copy()
    for row, tree in enumerate(trees):
        n = len(tree.tokens)
        tokens[row, :n] = tree.tokens
        positions[row, :n] = n_before + tree.depths()
        seen[row, :n, :n] = tree.visible()
    before = np.ones((len(trees), width, n_before), dtype=np.bool_)
    hidden = torch.from_numpy(~np.concatenate([before, seen], axis=2)).to(model.device)[:, None]
    mask = torch.zeros(hidden.shape, dtype=model.dtype, device=model.device)
    mask = mask.masked_fill_(hidden, torch.finfo(model.dtype).min)
    wanted = [(row, place) for row, tree in enumerate(trees) for place in sorted(tree.scored_places)]
    rows, places = (list(column) for column in zip(*wanted, strict=True))
    logits = chosen_logits(
        model,
        head=model.get_output_embeddings(),
        choose=lambda states: states[rows, places],
        inputs={
            "input_ids": torch.from_numpy(tokens).to(model.device),
            "attention_mask": mask,
            "position_ids": torch.from_numpy(positions).to(model.device),
            "past_key_values": DynamicCache(config=model.config) if after is None else after.cache,
            "use_cache": True,
        },
    )
    return _totals(logits.float(), trees, wanted=wanted)


def _totals(
    logits: "Tensor", trees: Sequence[TokenTree], *, wanted: Sequence[tuple[int, int]]
) -> list[list[float]]:
    """Sum of the log-probabilities of each option's tokens."""
    index = {at: number for number, at in enumerate(wanted)}
    normalisers = log_normalisers(logits)[:, 0]
    steps = [
        (index[row, place], token)
        for row, tree in enumerate(trees)
        for option in tree.steps
        for place, token in option
    ]
    numbers, targets = (list(column) for column in zip(*steps, strict=True))
    values = iter((logits[numbers, targets] - normalisers[numbers]).tolist())
    return [[sum(next(values) for _ in option) for option in tree.steps] for tree in trees]
