"""The trained part of the screen: weights and thresholds as they lie in the package, and what they make of vectors."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from pluralign.errors import ConfigurationError, DataError
from pluralign.guard.statements import Stretch
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import describe

WEIGHTS = Path(__file__).parent / "weights" / "screen.json"


class ScreeningHead(Record):
    """Linear head on the vector of a text, and thresholds on its logit (natural logarithm of the odds).

    Attributes:
        version: Of the training.
        encoder_sha256: Of the encoder's weights that the head was trained on.
        n_layers: Number of the encoder's layers that are run; stance stands out more in the middle ones.
        weights: One a dimension.
        bias: Added to every logit.
        categories: Id of the policy's category -> weights and, last, bias; the highest names the category.
        lengths: Numbers of sentences for which `refuse_above` stands, rising.
        refuse_above: The highest logit of a profile of that length that is not refused.
        serve_below: The lowest logit that is not served, at any length: what is added cannot hide what is there.
    """

    version: Text
    encoder_sha256: Text
    n_layers: Annotated[int, Field(ge=1)]
    weights: tuple[float, ...]
    bias: float
    categories: dict[str, tuple[float, ...]]
    lengths: tuple[int, ...] = Field(min_length=1)
    refuse_above: tuple[float, ...]
    serve_below: float

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.lengths) != len(self.refuse_above) or list(self.lengths) != sorted(set(self.lengths)):
            raise ValueError("lengths, refuse_above: one threshold a length, and the lengths rise")
        if list(self.refuse_above) != sorted(self.refuse_above):
            raise ValueError("refuse_above: a longer profile may not have a lower threshold")
        if self.serve_below > self.refuse_above[0]:
            raise ValueError("serve_below: it may not lie above refuse_above")
        if any(len(row) != len(self.weights) + 1 for row in self.categories.values()):
            raise ValueError("categories: each has one number more than weights")
        return self

    @cached_property
    def _direction(self) -> NDArray[np.float64]:
        return np.asarray(self.weights)

    def logits(self, vectors: NDArray[Any]) -> NDArray[np.float64]:
        """Logits of refusal of vectors of unit length, shape (n, n_dimensions), as shape (n,)."""
        found: NDArray[np.float64] = vectors @ self._direction + self.bias
        return found

    def category(self, vector: NDArray[Any]) -> str:
        """The category that a harmful text is most like."""
        rows = np.asarray(list(self.categories.values()))
        return list(self.categories)[int(np.argmax(rows[:, :-1] @ vector + rows[:, -1]))]

    def threshold(self, n_sentences: int) -> float:
        """The highest logit of a profile of so many sentences that is not refused, interpolated in log length."""
        return float(np.interp(np.log(n_sentences), np.log(self.lengths), self.refuse_above))


def load_head(path: Path | None = None) -> tuple[ScreeningHead, str]:
    """The head of a file, by default the package's own, and the file's sha256.

    Raises:
        ConfigurationError: The file is missing.
        DataError: It does not hold a head.
    """
    file = path or WEIGHTS
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The screen's weights {file} cannot be read: {error.strerror}.") from error
    try:
        return ScreeningHead.model_validate_json(content), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        raise DataError(f"{file}: {describe(error)}") from error


def mean_vectors(
    vectors: NDArray[Any], n_words: Sequence[int], *, stretches: Sequence[Stretch]
) -> NDArray[np.float64]:
    """Vectors of stretches as means of their sentences' vectors, weighted by words, of unit length.

    Args:
        vectors: Of the sentences, shape (n_sentences, n_dimensions).
        n_words: Of the sentences.
        stretches: Of sentences.

    Returns:
        Shape (n_stretches, n_dimensions).
    """
    sums = np.zeros((len(vectors) + 1, vectors.shape[1]))
    np.cumsum(np.asarray(n_words)[:, None] * vectors, axis=0, out=sums[1:])
    means = np.array([sums[stretch.end] - sums[stretch.first] for stretch in stretches])
    means = means.reshape(-1, vectors.shape[1])
    unit: NDArray[np.float64] = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit
