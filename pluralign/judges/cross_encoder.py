"""Entailment by an NLI cross-encoder: a sequence classifier from the hub or a folder that reads both texts at once."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.errors import ConfigurationError, ModelError, require
from pluralign.judges.entailment import Entailed, Pair
from pluralign.models.batching import buckets
from pluralign.models.loading import naming_broken_files, progress_bars, resolve_device
from pluralign.records.jsonl import content_hash

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_ENTAILMENT, _CONTRADICTION = "entailment", "contradiction"
# As models spell them: "ENTAILMENT", "entail", "entails", "contradictory".
_PREFIXES = {_ENTAILMENT: "entail", _CONTRADICTION: "contradict"}
# Where a model names neither its positions nor its tokenizer a limit.
_MAX_TOKENS = 512
_BATCH_TOKENS = 4096
# Above this many tokens a tokenizer's limit says that there is none.
_NO_LIMIT = 1_000_000
THRESHOLD = 0.5


@dataclass(frozen=True)
class NliLabels:
    """Which of a classifier's outputs is which.

    Attributes:
        entailment: Index of "the premise entails the hypothesis".
        contradiction: Index of "the premise contradicts the hypothesis"; None for models of two labels, which do not
            tell denial from silence: the contradiction probability is then 0.
    """

    entailment: int
    contradiction: int | None


def read_labels(id2label: Mapping[int, str], *, model: str) -> NliLabels:
    """Find the labels by their names, in any order and case.

    Raises:
        ConfigurationError: No label, or more than one, is named after entailment, or the names say nothing.
    """
    found: dict[str, list[int]] = {
        name: [index for index, label in id2label.items() if _is(str(label), prefix)]
        for name, prefix in _PREFIXES.items()
    }
    if len(found[_ENTAILMENT]) != 1 or len(found[_CONTRADICTION]) > 1:
        names = ", ".join(str(label) for label in id2label.values())
        raise ConfigurationError(
            f"The labels of {model} are {names}: exactly one must be named after entailment, and at most one after "
            "contradiction. Where you know which is which, say so: labels=NliLabels(entailment=2, contradiction=0)."
        )
    contradiction = found[_CONTRADICTION]
    return NliLabels(found[_ENTAILMENT][0], contradiction[0] if contradiction else None)


def _is(label: str, prefix: str) -> bool:
    return label.strip().lower().startswith(prefix)


class CrossEncoderEntailment:
    """An NLI model as a judge, in float32.

    Of a pair that is too long the premise is cut, never the hypothesis; a hypothesis that fits in no premise at all
    gets no verdict. Cut pairs are counted in `n_cut` and warned of.

    An NLI model is asked whether the premise makes the hypothesis true. "Many say that X" does not, so that answers
    which present views as other people's get less from it than from judges that are asked what an answer presents.

    Args:
        model: The classifier, in evaluation mode, on its device.
        tokenizer: Its tokenizer.
        name: "path:folder" or "hf:org/name".
        labels: Which output is which; read from the model's configuration where it is not given.
        threshold: Entailment probability from which a pair counts as stated.
        batch_tokens: Bound on the tokens of one batch, padding included.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        *,
        name: str,
        labels: NliLabels | None = None,
        threshold: float = THRESHOLD,
        batch_tokens: int = _BATCH_TOKENS,
    ) -> None:
        if not 0 < threshold < 1:
            raise ConfigurationError(f"The threshold of {name} must lie between 0 and 1, and is {threshold}.")
        n_outputs = int(model.config.num_labels)
        self.labels = labels or read_labels(dict(model.config.id2label), model=name)
        given = (self.labels.entailment, self.labels.contradiction)
        if any(index is not None and not 0 <= index < n_outputs for index in given) or given[0] == given[1]:
            raise ConfigurationError(
                f"{name} has outputs 0 to {n_outputs - 1}; entailment={given[0]}, contradiction={given[1]} is not "
                "two different ones of them."
            )
        self.model, self.tokenizer, self.name = model, tokenizer, name
        self.threshold = threshold
        self.batch_tokens = batch_tokens
        self.n_cut = 0

    @cached_property
    def id(self) -> str:
        """Its name with a hash of configuration, weights and tokenizer."""
        return f"nli:{self.name}@{self._hash[:12]}"

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change a verdict."""
        return {
            "judge": self.id,
            "content": self._hash,
            "labels": f"entailment={self.labels.entailment} contradiction={self.labels.contradiction}",
            "max_tokens": str(self.max_tokens),
        }

    @cached_property
    def max_tokens(self) -> int:
        """Tokens that the model can read at once, special ones included."""
        limits = [int(self.tokenizer.model_max_length)]
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if positions and int(positions) > 0:
            # RoBERTa and its kin count positions from behind the padding's number.
            offset = 2 if "roberta" in str(self.model.config.model_type) else 0
            limits.append(int(positions) - offset)
        known = [limit for limit in limits if 0 < limit < _NO_LIMIT]
        return min(known, default=_MAX_TOKENS)

    def entail(self, pairs: Sequence[Pair]) -> list[Entailed | None]:
        """Judge pairs; a pair's verdict does not depend on the others (within 1e-5).

        Args:
            pairs: The pairs.

        Returns:
            One verdict a pair, in order; None where the hypothesis alone is longer than the model can read.

        Raises:
            ModelError: The model gives scores that are no numbers.
        """
        encoded = [self._encode(pair) for pair in pairs]
        n_cut = sum(cut for _, cut in encoded)
        if n_cut:
            self.n_cut += n_cut
            warnings.warn(
                f"{self.name} reads {self.max_tokens} tokens: the premise of {n_cut} of {len(pairs)} pairs was cut "
                "at its end. Judge such texts sentence by sentence.",
                stacklevel=2,
            )
        rows = {index: tokens for index, (tokens, _) in enumerate(encoded) if tokens is not None}
        lengths = [0 if tokens is None else len(tokens["input_ids"]) for tokens, _ in encoded]
        verdicts: list[Entailed | None] = [None] * len(pairs)
        for batch in buckets(list(rows), lengths, max_tokens=self.batch_tokens):
            for row, verdict in zip(batch, self._judge([rows[row] for row in batch]), strict=True):
                verdicts[row] = verdict
        return verdicts

    def _encode(self, pair: Pair) -> tuple[dict[str, list[int]] | None, bool]:
        """A pair's tokens, None where the hypothesis does not fit, and whether the premise was cut."""
        encoded = dict(self.tokenizer(pair.premise, pair.hypothesis))
        if len(encoded["input_ids"]) <= self.max_tokens:
            return encoded, False
        own = self.tokenizer(pair.hypothesis, add_special_tokens=False)["input_ids"]
        if len(own) + self.tokenizer.num_special_tokens_to_add(pair=True) >= self.max_tokens:
            return None, False
        cut = self.tokenizer(
            pair.premise, pair.hypothesis, truncation="only_first", max_length=self.max_tokens
        )
        return dict(cut), True

    def _judge(self, rows: Sequence[Mapping[str, Any]]) -> list[Entailed]:
        import torch

        batch = self.tokenizer.pad(list(rows), return_tensors="pt")
        with torch.inference_mode():
            logits = self.model(**batch.to(self.model.device)).logits.float()
        if not bool(torch.isfinite(logits).all()):
            raise ModelError(f"{self.name} gives scores that are no numbers.")
        return [self._verdict(row) for row in logits.softmax(-1).tolist()]

    def _verdict(self, probs: Sequence[float]) -> Entailed:
        against = self.labels.contradiction
        return Entailed(
            entailment_prob=probs[self.labels.entailment],
            contradiction_prob=0.0 if against is None else probs[against],
        )

    @cached_property
    def _hash(self) -> str:
        """sha256 of the configuration, the tokenizer's vocabulary and every weight."""
        import hashlib

        digest = hashlib.sha256(content_hash(self.model.config.to_dict()).encode())
        digest.update(content_hash(self.tokenizer.get_vocab()).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            # numpy has no bfloat16; float32 holds it exactly.
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()


def load_cross_encoder(
    name: str,
    *,
    revision: str | None = None,
    device: str = "auto",
    labels: NliLabels | None = None,
    threshold: float = THRESHOLD,
) -> CrossEncoderEntailment:
    """Load an NLI cross-encoder.

    Args:
        name: A folder or a hub id, for example "cross-encoder/nli-deberta-v3-small".
        revision: Hub revision.
        device: "auto" (CUDA, else MPS, else CPU) or a torch device.
        labels: Which output is which, for models whose configuration does not name them.
        threshold: Entailment probability from which a pair counts as stated.

    Raises:
        ModelError: There is no such model, or it is broken.
        ConfigurationError: Its labels do not say which is entailment.
        MissingExtraError: torch or transformers is not installed.
    """
    torch = require("torch", extra="hf")
    transformers = require("transformers", extra="hf")
    target = resolve_device(device)
    hub_id = name.removeprefix("hf:")
    folder = Path(name).expanduser()
    where = str(folder) if folder.is_dir() else hub_id
    with progress_bars(False), naming_broken_files(f"NLI model {name}"):
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            where, revision=revision, dtype=torch.float32
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(where, revision=revision)
    label = f"path:{folder.resolve().name}" if folder.is_dir() else f"hf:{hub_id}"
    return CrossEncoderEntailment(
        model.to(target).eval(), tokenizer, name=label, labels=labels, threshold=threshold
    )
