"""Evaluators: pure functions from questions and answers to estimates, one a folder."""

from pluralign.evals.distributional import (
    PRESETS,
    PRIMARY,
    VALID_MASS,
    compare_distributional,
    score_distributional,
)
from pluralign.evals.scores import Evaluator, Scores

EVALUATORS = {
    "distributional": Evaluator(score_distributional, compare_distributional, frozenset(PRESETS)),
}

__all__ = [
    "EVALUATORS",
    "PRESETS",
    "PRIMARY",
    "VALID_MASS",
    "Evaluator",
    "Scores",
    "compare_distributional",
    "score_distributional",
]
