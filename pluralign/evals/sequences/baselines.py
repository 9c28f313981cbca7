"""What trivial predictors score where the outputs are a small closed set: what a model must beat.

All counts are smoothed by one for every option (Laplace). Their losses are those of a choice among the options, without
anything for the form of the reply, which a language model must write too.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

CHANCE, OTHERS, OWN = "uniform", "other sequences", "own marginal"
# More different outputs than that are no closed set.
MAX_OPTIONS = 20


def closed_set(outputs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The different outputs, the most frequent first; empty where they are no small closed set.

    They are one where each occurs twice on average at least.

    Args:
        outputs: Outputs of each sequence.
    """
    counts = Counter(output for own in outputs for output in own)
    small = 2 <= len(counts) <= min(MAX_OPTIONS, counts.total() // 2)
    return tuple(sorted(counts, key=lambda each: (-counts[each], each))) if small else ()


class SequenceBaselines:
    """The trivial predictions for every output of some sequences.

    "Uniform" takes all options for equally likely, "other sequences" counts the outputs of the other sequences, and "own
    marginal" those that stand before an output in its own sequence.

    Args:
        outputs: Id of a sequence -> its outputs.
        options: The closed set.
    """

    def __init__(self, outputs: Mapping[str, Sequence[str]], *, options: Sequence[str]) -> None:
        self._outputs = outputs
        self._options = options
        self._all = Counter(output for own in outputs.values() for output in own)

    def predictions(self, sequence: str, index: int) -> dict[str, dict[str, float]]:
        """Name -> option -> probability, for the output of an example."""
        own = self._outputs[sequence]
        seen = {CHANCE: Counter[str](), OTHERS: self._all - Counter(own), OWN: Counter(own[:index])}
        return {name: self._smoothed(counts) for name, counts in seen.items()}

    def losses(self, sequence: str, index: int) -> dict[str, float]:
        """Name -> -ln of the probability of the output that came."""
        output = self._outputs[sequence][index]
        return {name: -log(each[output]) for name, each in self.predictions(sequence, index).items()}

    def hits(self, sequence: str, index: int) -> dict[str, float]:
        """Name -> chance that the likeliest option is the output that came; equals share it."""
        output = self._outputs[sequence][index]
        found = {}
        for name, each in self.predictions(sequence, index).items():
            best = [option for option, prob in each.items() if prob == max(each.values())]
            found[name] = (output in best) / len(best)
        return found

    def _smoothed(self, counts: Mapping[str, int]) -> dict[str, float]:
        total = sum(counts.values()) + len(self._options)
        return {option: (counts.get(option, 0) + 1) / total for option in self._options}
