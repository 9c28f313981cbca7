"""What is asked of whoever says whether one text states another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Pair(NamedTuple):
    """Does the premise state the hypothesis?"""

    premise: str
    hypothesis: str


@dataclass(frozen=True)
class Entailed:
    """What a judge says of a pair.

    Attributes:
        entailment_prob: Probability that who wrote the premise states the hypothesis.
        contradiction_prob: Probability that who wrote the premise denies it. The two sum to at most 1.
    """

    entailment_prob: float
    contradiction_prob: float


class Entailment(Protocol):
    """Says of pairs of texts whether the first states the second.

    Attributes:
        id: Its name with its revision.
        threshold: Entailment probability from which a pair counts as stated; set on texts of its own data card.
    """

    @property
    def id(self) -> str: ...

    @property
    def threshold(self) -> float: ...

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change a verdict."""
        ...

    def entail(self, pairs: Sequence[Pair]) -> list[Entailed | None]:
        """One verdict a pair, in order; None where it could not be judged (counted, never a number)."""
        ...
