"""What an evaluator finds, whichever it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pluralign.records import CellScore, Comparison, Contrast, Estimate


@dataclass(frozen=True)
class Scores:
    """What an evaluator found.

    Attributes:
        primary: Name of the metric that stands for the whole: the preset's, or ours.
        estimates: One per metric and slice; the primary metric over the slice "all" first.
        cells: Every cell with its values.
        n_unscored: reason -> number of cells without a score.
        contrasts: Predicted and real differences between groups, where the evaluator compares groups.
        readings: What the numbers say, one sentence each.
    """

    primary: str
    estimates: tuple[Estimate, ...]
    cells: tuple[CellScore, ...]
    n_unscored: Mapping[str, int]
    contrasts: tuple[Contrast, ...] = ()
    readings: tuple[str, ...] = ()

    def estimate(self, name: str, slice_name: str = "all") -> Estimate:
        """The estimate of one metric over one slice.

        Raises:
            KeyError: There is none.
        """
        for estimate in self.estimates:
            if (estimate.name, estimate.slice) == (name, slice_name):
                return estimate
        raise KeyError(f"{name} over {slice_name}")

    def is_complete(self, *, max_unscored_share: float) -> bool:
        """Whether no larger share of the cells is without a score than is allowed."""
        return sum(self.n_unscored.values()) <= max_unscored_share * len(self.cells)


@dataclass(frozen=True)
class Evaluator:
    """A way to score answers.

    Attributes:
        score: (questions, answers, *, groups, preset, faulty, drop_faulty, seed) -> Scores.
        compare: (questions, *, first, second, groups, preset, seed) -> paired differences.
        presets: Names of the published definitions that it knows.
    """

    score: Callable[..., Scores]
    compare: Callable[..., tuple[Comparison, ...]]
    presets: frozenset[str]
