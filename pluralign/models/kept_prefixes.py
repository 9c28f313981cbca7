"""Openings of prompts that a model has read, kept for the prompts to come: a profile is read once for all questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from pluralign.models.batching import LONG_OPENING, Tokens, common_prefix_length, shared_prefix
from pluralign.models.context_cache import Context, nothing_read, read, sliding_window

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# What all kept openings may take together, keys and values of every layer: 0.5 GiB.
_MAX_BYTES = 2**29
# Prompts asked one at a time that are kept whole, as it shows only later what the next ones have in common with them.
_MAX_ALONE = 8


@dataclass(frozen=True)
class _Kept:
    tokens: Tokens
    context: Context
    alone: bool

    @property
    def n_bytes(self) -> int:
        """Bytes of its keys and values."""
        layers = [layer for layer in self.context.cache.layers if layer.is_initialized]
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in layers)


class KeptPrefixes:
    """The openings that a model has read last, bounded in bytes.

    They are forgotten as soon as the model reads otherwise than it did: a parameter or buffer was written to or
    replaced, or the last token of an opening, read anew whenever the opening is used, no longer gives what is kept
    of it (an adapter switched on or off, a hook, a write that torch does not count).

    Args:
        model: The model.
        max_bytes: Bound on what is kept; the least recently used goes first.
    """

    def __init__(self, model: "PreTrainedModel", *, max_bytes: int = _MAX_BYTES) -> None:
        self._model = model
        self._max_bytes = max_bytes
        self._entries: list[_Kept] = []  # the last used last
        self._state: list[tuple[int, int]] = []

    def known(self) -> list[Tokens]:
        """Token ids of the openings that can be used now."""
        # Inference tensors are the only ones without a version; no optimizer can write to them.
        tensors = chain(self._model.parameters(), self._model.buffers())
        state = [(each.data_ptr(), 0 if each.is_inference() else each._version) for each in tensors]
        if state != self._state:
            self._entries.clear()
            self._state = state
        return [entry.tokens for entry in self._entries]

    def read_shared(self, contexts: Sequence[Tokens], *, room: int = 0) -> Context:
        """Read the opening that prompts share, as far as it is not kept; nothing where it is too short.

        At least one token of every prompt is left over. A single prompt is its own opening: the next one may begin
        alike, as an application's prompts for one profile do.

        Args:
            contexts: Token ids of the prompts.
            room: Number of tokens that will follow the prompts.

        Returns:
            A context of one row.
        """
        window = sliding_window(self._model)
        # What follows is padded behind the opening, so a sliding window shorter than the whole would lose a part.
        if window is not None and max(map(len, contexts)) + room > window:
            return nothing_read(self._model)
        alone = len(contexts) == 1
        opening = contexts[0][:-1] if alone else shared_prefix(contexts)
        if not opening or (alone and len(opening) < LONG_OPENING):
            return nothing_read(self._model)
        return self._read(opening, alone=alone)

    def keep(self, tokens: Tokens, context: Context, *, alone: bool = False) -> None:
        """Keep an opening for later, in place of those that it begins with.

        Args:
            tokens: Its token ids.
            context: What the model has read: these tokens, in one row.
            alone: Whether it is all of a prompt that was asked by itself; few of these are kept.
        """
        new = _Kept(tokens, context, alone)
        if len(tokens) < LONG_OPENING or new.n_bytes > self._max_bytes:
            return
        self._entries = [
            entry
            for entry in self._entries
            if tokens[: len(entry.tokens)] != entry.tokens or (alone and not entry.alone)
        ]
        self._entries.append(new)
        others = [entry for entry in self._entries if entry.alone][:-_MAX_ALONE]
        self._entries = [entry for entry in self._entries if not any(entry is each for each in others)]
        while sum(entry.n_bytes for entry in self._entries) > self._max_bytes:
            del self._entries[0]

    def _read(self, tokens: Tokens, *, alone: bool) -> Context:
        """Read an opening behind the longest part of it that is kept."""
        self.known()
        entry = max(self._entries, key=lambda entry: _overlap(entry.tokens, tokens), default=None)
        n_kept = _overlap(entry.tokens, tokens) if entry else 0
        if entry is None or n_kept == 0:
            context = read(self._model, [tokens], after=nothing_read(self._model))[1]
            self.keep(tokens, context, alone=alone)
            return context
        # Its last token is read anew: it looks at all the others, in every layer.
        last = n_kept - 1
        context = read(self._model, [tokens[last:]], after=entry.context.first(last))[1]
        if not _agree(context, entry.context, position=last):
            self._entries.clear()
            return self._read(tokens, alone=alone)
        others = [other for other in self._entries if other is not entry]
        # Of prompts asked one at a time that begin alike, the last stands for all.
        replaced = alone and entry.alone and n_kept < len(tokens)
        self._entries = others if replaced else [*others, entry]
        if n_kept < len(tokens):
            self.keep(tokens, context, alone=alone)
        return context


def _overlap(kept: Tokens, tokens: Tokens) -> int:
    """Number of tokens that an opening has in common with one that is kept; 0 where they are not worth it."""
    length = common_prefix_length([kept, tokens])
    return length if length >= LONG_OPENING else 0


def _agree(first: Context, second: Context, *, position: int) -> bool:
    """Whether two contexts of one row hold the same at a position, but for rounding."""
    import torch

    for a, b in zip(first.cache.layers, second.cache.layers, strict=True):
        if not a.is_initialized:
            continue
        for one, other in ((a.keys, b.keys), (a.values, b.values)):
            x, y = one[:, :, position].float(), other[:, :, position].float()
            # Between the rounding of one addition and that of many layers: 2e-5 for float32, 0.04 for bfloat16.
            tolerance = torch.finfo(one.dtype).eps ** (2 / 3)
            if not (x - y).norm() <= tolerance * y.norm():
                return False
    return True
