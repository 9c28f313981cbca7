"""How well a model foresees the outputs of sequences: one pass over each, in whatever layout it knows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log
from typing import TYPE_CHECKING, Literal

from pluralign.errors import DataError, ModelError
from pluralign.models.batching import buckets
from pluralign.models.context_cache import padded
from pluralign.models.logits import chosen_logits, log_normalisers
from pluralign.models.transformers_model import TransformersModel
from pluralign.records import Outcome
from pluralign.records.sequence_score import DECIMALS, KEPT_PROB, OutputScore, SequenceScore
from pluralign.spectrum.baseline_formats import (
    LaidOutSequence,
    OutputSpan,
    SequenceLayout,
    lay_out,
    sequence_layout,
)
from pluralign.spectrum.format import SpectrumSequence

if TYPE_CHECKING:
    from torch import Tensor

# Bounds on one pass: tokens, padding included, by device, and logits, in numbers (0.5 GiB as float32).
_BATCH_TOKENS = {"cpu": 2048, "mps": 8192, "cuda": 32768}
_MAX_LOGITS = 2**27


@dataclass(frozen=True)
class SequenceUnit:
    """A sequence to be scored.

    Attributes:
        key: Row key of its score, a hash of everything that can change it.
        id: Id of the sequence, whoever reads it.
        sequence: The sequence.
    """

    key: str
    id: str
    sequence: SpectrumSequence


def score_sequences(
    model: TransformersModel,
    units: Sequence[SequenceUnit],
    *,
    layout: SequenceLayout | None = None,
    bfloat16: bool = False,
    batch_tokens: int | None = None,
) -> list[SequenceScore]:
    """Score the outputs of sequences, each given all that stands before it, in one pass a sequence.

    Args:
        model: The model.
        units: The sequences.
        layout: How they are laid out, from `sequence_layout`; None for what the model was made for.
        bfloat16: Whether matrix products are computed in bfloat16 whatever the weights are in (autocast).
        batch_tokens: Bound on the tokens of one pass, padding included; changes speed and memory, not results.

    Returns:
        One score a sequence, in order. A sequence that cannot be laid out, or is longer than the model reads, has the
        outcome "error".

    Raises:
        ModelError: The model has no output head, or no turns can be derived from its chat template.
    """
    layout = layout or sequence_layout(model)
    laid_out: dict[int, LaidOutSequence] = {}
    found: dict[int, SequenceScore] = {}
    for number, unit in enumerate(units):
        try:
            laid_out[number] = _fitting(lay_out(unit.sequence, layout=layout), model)
        except (ModelError, DataError) as error:
            found[number] = _row(unit, model, layout, outcome=Outcome.ERROR, error=str(error))
    most = max((_n_scored(each) for each in laid_out.values()), default=1)
    device = model.model.device.type
    numbers = list(laid_out)
    lengths = [len(laid_out[number].token_ids) for number in numbers]
    for bucket in buckets(
        range(len(numbers)),
        lengths,
        max_tokens=batch_tokens or _BATCH_TOKENS.get(device, _BATCH_TOKENS["cuda"]),
        max_rows=max(1, _MAX_LOGITS // (most * model.model.config.get_text_config().vocab_size)),
    ):
        chosen = [numbers[place] for place in bucket]
        outputs = _read(model, [laid_out[number] for number in chosen], bfloat16=bfloat16)
        for number, scores in zip(chosen, outputs, strict=True):
            found[number] = _row(
                units[number],
                model,
                layout,
                outcome=Outcome.OK,
                outputs=scores,
                n_tokens=len(laid_out[number].token_ids),
            )
    return [found[number] for number in range(len(units))]


def _row(
    unit: SequenceUnit,
    model: TransformersModel,
    layout: SequenceLayout,
    *,
    outcome: Literal[Outcome.OK, Outcome.ERROR],
    outputs: tuple[OutputScore, ...] = (),
    n_tokens: int = 0,
    error: str | None = None,
) -> SequenceScore:
    return SequenceScore(
        key=unit.key,
        sequence_id=unit.id,
        task=unit.sequence.task,
        model_id=model.id,
        layout=layout.name,
        outcome=outcome,
        n_tokens=n_tokens,
        outputs=outputs,
        error=error,
    )


def _fitting(sequence: LaidOutSequence, model: TransformersModel) -> LaidOutSequence:
    """The sequence, if it is no longer than the model reads."""
    limit = getattr(model.model.config.get_text_config(), "max_position_embeddings", None)
    if limit is not None and len(sequence.token_ids) > limit:
        raise ModelError(
            f"The sequence has {len(sequence.token_ids)} tokens; {model.id} reads at most {limit}."
        )
    return sequence


def _n_scored(sequence: LaidOutSequence) -> int:
    return sum(span.stop - span.start for span in sequence.outputs)


def _read(
    model: TransformersModel, sequences: Sequence[LaidOutSequence], *, bfloat16: bool
) -> list[tuple[OutputScore, ...]]:
    """The outputs of sequences that are read together."""
    import torch

    head = model.model.get_output_embeddings()
    if head is None:
        raise ModelError(f"{model.id} has no output head that could be found, so no token can be scored.")
    tokens, mask = padded([list(each.token_ids) for each in sequences], padding="right")
    tokens, mask = tokens.to(model.model.device), mask.to(model.model.device)
    scored = torch.tensor(
        [
            (row, place)
            for row, sequence in enumerate(sequences)
            for span in sequence.outputs
            for place in range(span.start, span.stop)
        ],
        device=tokens.device,
    )
    rows, places = scored.unbind(1)
    device = tokens.device.type
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bfloat16):
        logits = chosen_logits(
            model.model,
            head=head,
            choose=lambda states: states[rows, places - 1],  # what stands before a token foretells it
            inputs={"input_ids": tokens, "attention_mask": mask, "use_cache": False},
        )
        foreseen = iter(_foreseen(logits.float(), tokens[rows, places]))
    return [tuple(_output(span, foreseen) for span in sequence.outputs) for sequence in sequences]


@dataclass(frozen=True)
class _Foreseen:
    """One token: its log-probability, whether it is the likeliest, and the log-probabilities of its rivals."""

    log_prob: float
    is_likeliest: bool
    others: tuple[float, ...]


def _foreseen(logits: "Tensor", targets: "Tensor") -> list[_Foreseen]:
    """What the logits say of the tokens that came. `logits`: (n, vocabulary), overwritten; `targets`: (n,)."""
    likeliest = (logits.argmax(1) == targets).tolist()
    logits -= log_normalisers(logits)
    column = targets[:, None]
    log_probs = logits.gather(1, column)[:, 0].tolist()
    logits.scatter_(1, column, float("-inf"))
    others: list[list[float]] = [[] for _ in log_probs]
    places = (logits > log(KEPT_PROB)).nonzero()
    for row, value in zip(places[:, 0].tolist(), logits[places[:, 0], places[:, 1]].tolist(), strict=True):
        others[row].append(_rounded(value))
    return [
        _Foreseen(_rounded(log_prob), is_likeliest, tuple(rivals))
        for log_prob, is_likeliest, rivals in zip(log_probs, likeliest, others, strict=True)
    ]


def _rounded(log_prob: float) -> float:
    # Rounding in float32 may leave a certain token with slightly more than all of the probability.
    return min(0.0, round(log_prob, DECIMALS))


def _output(span: OutputSpan, foreseen: Iterator[_Foreseen]) -> OutputScore:
    own = list(islice(foreseen, span.stop - span.start))
    return OutputScore(
        index=span.index,
        log_probs=tuple(token.log_prob for token in own),
        n_end_tokens=span.stop - span.end,
        n_right=sum(token.is_likeliest for token in own),
        first_token_correct=own[0].is_likeliest,
        other_log_probs=tuple(value for token in own for value in token.others),
    )
