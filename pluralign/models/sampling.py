"""Sampling where draw j of a prompt depends on the prompt, the seed and j only, whatever it is batched with."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pluralign.errors import ConfigurationError
from pluralign.models.batching import Tokens, buckets, families
from pluralign.models.context_cache import Context, read, read_without_cache
from pluralign.models.kept_prefixes import KeptPrefixes
from pluralign.models.protocol import Draw, SamplingParams

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

Uniforms = np.ndarray[tuple[int], np.dtype[np.float64]]
T = TypeVar("T")


@dataclass(frozen=True)
class SamplingTask:
    """One prompt to be answered.

    Attributes:
        context: Its token ids.
        ends: Token ids that end the answer.
        stop: Strings that end the answer.
        decode: Text of drawn token ids, as they follow the prompt.
    """

    context: Tokens
    ends: frozenset[int]
    stop: tuple[str, ...]
    decode: Callable[[Sequence[int]], str]


@dataclass
class _Row:
    """One answer in the making."""

    task: SamplingTask
    uniforms: Uniforms
    tokens: list[int] = field(default_factory=list)
    log_prob: float = 0.0
    draw: Draw | None = None

    def add(self, token: int, log_prob: float) -> None:
        """Take a token, and close the answer if it ends here."""
        self.tokens.append(token)
        self.log_prob += log_prob
        if token in self.task.ends:
            self.close(self.task.decode(self.tokens[:-1]), stopped=True)
        elif self.task.stop:
            text = self.task.decode(self.tokens)
            found = [text.find(stop) for stop in self.task.stop if stop in text]
            if found:
                self.close(text[: min(found)], stopped=True)
        if self.draw is None and len(self.tokens) == len(self.uniforms):
            self.close(self.task.decode(self.tokens), stopped=False)

    def close(self, text: str, *, stopped: bool) -> None:
        self.draw = Draw(
            text=text,
            finish="stop" if stopped else "length",
            n_tokens=len(self.tokens),
            log_prob=self.log_prob,
        )


def sample(
    model: "PreTrainedModel",
    tasks: Sequence[SamplingTask],
    *,
    n: int,
    seed: int,
    params: SamplingParams,
    batch_tokens: int,
    kept: KeptPrefixes | None,
) -> list[list[Draw]]:
    """Draw n answers to each prompt.

    Args:
        model: The model.
        tasks: The prompts.
        n: Draws a prompt.
        seed: Together with the prompt's tokens and the draw's number it fixes the draw.
        params: How draws are made.
        batch_tokens: Bound on the tokens held in one batch, padding and the tokens to come included.
        kept: Openings that the model has read before; takes in those that it reads now. None for models whose cache
            cannot be expanded: everything is read anew for every token.

    Returns:
        Per prompt, its n draws.
    """
    import torch

    rows = [
        [
            _Row(task, _uniforms(task.context, seed=seed, draw=draw, n=params.max_new_tokens))
            for draw in range(n)
        ]
        for task in tasks
    ]
    contexts = [task.context for task in tasks]
    lengths = [len(context) + params.max_new_tokens for context in contexts]
    with torch.inference_mode():
        for family in families(contexts, known=kept.known() if kept else ()):
            members = [contexts[index] for index in family]
            prefix = kept.read_shared(members, room=params.max_new_tokens) if kept else None
            for bucket in buckets(family, lengths, max_tokens=batch_tokens):
                own = [rows[index] for index in bucket]
                if prefix is not None:
                    _draw_cached(model, own, prefix=prefix, params=params, batch_tokens=batch_tokens)
                else:
                    _draw_in_full(model, own, params=params, batch_tokens=batch_tokens)
    return [[row.draw for row in own if row.draw is not None] for own in rows]


def check_params(params: SamplingParams) -> None:
    """Raise ConfigurationError where a sampling parameter is out of its range."""
    ranges = {
        "temperature": (params.temperature >= 0, "0 (greedy) or more"),
        "top_p": (0 < params.top_p <= 1, "above 0 and at most 1"),
        "min_p": (0 <= params.min_p <= 1, "between 0 and 1"),
        "max_new_tokens": (params.max_new_tokens >= 1, "1 or more"),
        "stop": ("" not in params.stop, "without empty strings"),
    }
    for name, (right, expected) in ranges.items():
        if not right:
            raise ConfigurationError(
                f"{name}: {getattr(params, name)!r} is not possible; it must be {expected}."
            )


def _draw_cached(
    model: "PreTrainedModel",
    own: Sequence[Sequence[_Row]],
    *,
    prefix: Context,
    params: SamplingParams,
    batch_tokens: int,
) -> None:
    """Draw the rows of a few prompts: each prompt is read once, its cache expanded over its rows."""
    rests = [rows[0].task.context[prefix.n_tokens :] for rows in own]
    log_probs, context = read(model, rests, after=prefix.select([0] * len(own)))
    pairs = [(place, row) for place, rows in enumerate(own) for row in rows]
    for chunk in _chunks(pairs, context.n_tokens + params.max_new_tokens, batch_tokens):
        places = [place for place, _ in chunk]
        rows = [row for _, row in chunk]
        now, read_so_far = log_probs[places], context.select(places)
        while rows:
            _add_tokens(rows, now, params)
            still = [index for index, row in enumerate(rows) if row.draw is None]
            if still and len(still) < len(rows):
                read_so_far = read_so_far.select(still)
            rows = [rows[index] for index in still]
            if rows:
                now, read_so_far = read(model, [row.tokens[-1:] for row in rows], after=read_so_far)


def _draw_in_full(
    model: "PreTrainedModel", own: Sequence[Sequence[_Row]], *, params: SamplingParams, batch_tokens: int
) -> None:
    """Draw without a cache, reading prompt and answer anew for every token."""
    everything = [row for rows in own for row in rows]
    longest = max(len(row.task.context) for row in everything) + params.max_new_tokens
    for rows in _chunks(everything, longest, batch_tokens):
        while rows:
            sequences = [[*row.task.context, *row.tokens] for row in rows]
            start = min(map(len, sequences)) - 1
            log_probs = read_without_cache(model, sequences, start=start)
            last = [len(sequence) - 1 - start for sequence in sequences]
            _add_tokens(rows, log_probs[range(len(rows)), last], params)
            rows = [row for row in rows if row.draw is None]


def _chunks(rows: Sequence[T], length: int, batch_tokens: int) -> Iterator[list[T]]:
    n_rows = max(1, batch_tokens // length)
    return (list(rows[start : start + n_rows]) for start in range(0, len(rows), n_rows))


def _add_tokens(rows: Sequence[_Row], log_probs: "Tensor", params: SamplingParams) -> None:
    """Draw one token for each row. `log_probs`: (rows, vocabulary), nats at temperature 1."""
    uniforms = np.array([row.uniforms[len(row.tokens)] for row in rows])
    picked = _pick(log_probs, uniforms, params)
    values = log_probs.gather(1, picked[:, None])[:, 0]
    for row, token, value in zip(rows, picked.tolist(), values.tolist(), strict=True):
        row.add(token, value)


def _pick(log_probs: "Tensor", uniforms: Uniforms, params: SamplingParams) -> "Tensor":
    """The token at which the cumulative probability passes each row's uniform number.

    Temperature comes first; top_p keeps the likeliest tokens up to that probability (Holtzman et al. 2020,
    arXiv:1904.09751), min_p those at least that fraction as likely as the likeliest (Nguyen et al. 2024,
    arXiv:2407.01082).
    """
    import torch

    if params.temperature == 0:
        return log_probs.argmax(-1)
    # Sums over a vocabulary need float64, which MPS lacks.
    exact = log_probs.cpu() if log_probs.device.type == "mps" else log_probs
    probs = (exact.double() / params.temperature).softmax(-1)
    keep = probs >= params.min_p * probs.amax(-1, keepdim=True)
    if params.top_p < 1:
        ranked, order = probs.sort(dim=-1, descending=True, stable=True)
        within = ranked.cumsum(-1) - ranked < params.top_p
        keep &= torch.zeros_like(keep).scatter(1, order, within)
    cumulative = (probs * keep).cumsum(-1)
    targets = torch.from_numpy(uniforms).to(cumulative.device) * cumulative[:, -1]
    return torch.searchsorted(cumulative, targets[:, None], right=True)[:, 0].to(log_probs.device)


def _uniforms(context: Tokens, *, seed: int, draw: int, n: int) -> Uniforms:
    """The random numbers of one draw, one a token; a shorter draw gets the first of the same numbers."""
    digest = hashlib.sha256(json.dumps([seed, draw, *context]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest)).random(n)
