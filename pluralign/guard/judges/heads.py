"""Sequence classifiers as judges: a score a label, long texts in overlapping windows, the highest score counts."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pluralign.errors import ConfigurationError, ModelError, require
from pluralign.guard.judges.reading import Finding, read_labels
from pluralign.guard.judges.recipe import HeadReading
from pluralign.guard.verdict import Role
from pluralign.models.loading import naming_broken_files, progress_bars, resolve_device
from pluralign.models.protocol import Prompt, Text
from pluralign.records.jsonl import canonical_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_BATCH = 16


@dataclass(frozen=True)
class Classifier:
    """A sequence classifier in memory.

    Attributes:
        model: The model, in evaluation mode, on its device.
        tokenizer: Its tokenizer.
        name: "path:folder" or "hf:org/name".
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    name: str

    @cached_property
    def id(self) -> str:
        """Its name with a hash of configuration, weights and tokenizer."""
        digest = hashlib.sha256(self.model.config.to_json_string().encode())
        backend = json.loads(self.tokenizer.backend_tokenizer.to_str())
        # The tokenizer keeps there how it was last called.
        digest.update(canonical_json(backend | {"truncation": None, "padding": None}).encode())
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            # numpy has no bfloat16; float32 holds it exactly.
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
        return f"{self.name}@{digest.hexdigest()[:12]}"

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of its labels, in order."""
        return tuple(str(self.model.config.id2label[index]) for index in range(self.model.config.num_labels))


def load_classifier(name: str, *, revision: str | None = None, device: str = "auto") -> Classifier:
    """Load a sequence classifier and its tokenizer.

    Args:
        name: A folder or a hub id.
        revision: Hub revision.
        device: "auto", "cpu", "cuda", "mps".

    Raises:
        ModelError: There is no such model, or it is broken.
        MissingExtraError: torch or transformers is not installed.
    """
    transformers = require("transformers", extra="hf")
    target = resolve_device(device)
    with progress_bars(False), naming_broken_files(f"classifier {name}"):
        model = transformers.AutoModelForSequenceClassification.from_pretrained(name, revision=revision)
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, revision=revision)
    folder = Path(name).expanduser()
    label = f"path:{folder.resolve().name}" if folder.is_dir() else f"hf:{name.removeprefix('hf:')}"
    return Classifier(model=model.to(target).eval(), tokenizer=tokenizer, name=label)


@dataclass(frozen=True)
class HeadReader:
    """Classifies texts, window by window.

    Attributes:
        classifier: The classifier.
        reading: Its labels and thresholds.
    """

    classifier: Classifier
    reading: HeadReading

    def __post_init__(self) -> None:
        if not self.classifier.tokenizer.is_fast:
            raise ConfigurationError(
                f"The tokenizer of {self.classifier.name} cannot cut a text into windows; a fast tokenizer can."
            )

    @property
    def id(self) -> str:
        """The classifier's id."""
        return self.classifier.id

    def find(self, prompts: Sequence[Prompt], *, role: Role) -> list[Finding]:
        """Score the windows of each text, whatever its role; of each label, the highest score counts."""
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> Finding:
        if not isinstance(prompt, Text):
            raise ConfigurationError("A classifier reads text, not messages.")
        highest: dict[str, float] = {}
        for scores in self._window_scores(prompt.text):
            for index, (label, score) in enumerate(zip(self.classifier.labels, scores, strict=True)):
                for key in (label, str(index)):
                    highest[key] = max(score, highest.get(key, 0.0))
        return read_labels(highest, self.reading)

    def _window_scores(self, text: str) -> list[list[float]]:
        """Probabilities of the labels, window by window."""
        import torch

        tokenizer, model = self.classifier.tokenizer, self.classifier.model
        size = min(self.reading.window_tokens, _longest(self.classifier))
        windows = tokenizer(
            text,
            truncation=True,
            max_length=size,
            stride=(size - tokenizer.num_special_tokens_to_add()) // 2,
            return_overflowing_tokens=True,
            split_special_tokens=True,
        )["input_ids"]
        found: list[list[float]] = []
        for start in range(0, len(windows), _BATCH):
            batch = tokenizer.pad({"input_ids": windows[start : start + _BATCH]}, return_tensors="pt")
            with torch.inference_mode():
                logits = model(**batch.to(model.device)).logits.double()
            if not bool(torch.isfinite(logits).all()):
                raise ModelError(f"{self.classifier.name} gives scores that are no numbers")
            probs = logits.softmax(-1) if self.reading.activation == "softmax" else logits.sigmoid()
            found += probs.tolist()
        return found


def _longest(classifier: Classifier) -> int:
    """Tokens that the classifier can read at once."""
    limit = getattr(classifier.model.config, "max_position_embeddings", None)
    return int(limit) if limit else classifier.tokenizer.model_max_length
