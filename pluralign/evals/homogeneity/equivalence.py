"""When two answers say the same: pluggable, as the published classifier is a large model that is not shipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import ConfigurationError

# Up to so many words the published rule counts shared words (Zhang et al. 2025, NoveltyBench, arXiv:2504.05228).
SHORT = 5
# Cosine from which longer answers count as the same. Not published: NoveltyBench takes a classifier.
THRESHOLD = 0.8


class Equivalence(Protocol):
    """Says which answers to one prompt are the same."""

    @property
    def definition(self) -> str:
        """The rule in words."""
        ...

    def among(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> Callable[[int, int], bool]:
        """(one answer, another) -> whether they are the same, by their place.

        Args:
            texts: The answers.
            vectors: Their embeddings of unit length, shape (n, d).
        """
        ...


@dataclass(frozen=True)
class CosineEquivalence:
    """Similar embeddings; of answers of at most five words, shared words as published.

    Attributes:
        threshold: Cosine from which two answers are the same.
    """

    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        """Check the threshold.

        Raises:
            ConfigurationError: It is no cosine above -1.
        """
        if not -1 < self.threshold <= 1:
            raise ConfigurationError(f"threshold: a cosine in (-1, 1] is needed, not {self.threshold}.")

    @property
    def definition(self) -> str:
        """The rule in words."""
        return (
            f"cosine of the embeddings at least {self.threshold:g}, which is not the published classifier; of answers of "
            f"at most {SHORT} words, as published, twice the shared words at least the longer one's"
        )

    def among(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> Callable[[int, int], bool]:
        """(one answer, another) -> whether they are the same, by their place."""
        similarities = vectors @ vectors.T

        def equivalent(one: int, other: int) -> bool:
            by_words = share_unigrams(texts[one], texts[other])
            return bool(similarities[one, other] >= self.threshold) if by_words is None else by_words

        return equivalent


def share_unigrams(one: str, other: str) -> bool | None:
    """Whether two short answers share enough words; None where one has more than five, so that words do not decide."""
    first, second = one.lower().split(), other.lower().split()
    longest = max(len(first), len(second))
    return None if longest > SHORT else 2 * len({*first} & {*second}) >= longest
