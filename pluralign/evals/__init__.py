"""Evaluators: pure functions from questions and answers to estimates, one a folder."""

from pluralign.evals.distributional import (
    PRESETS,
    PRIMARY,
    VALID_MASS,
    DistributionalScores,
    compare_distributional,
    score_distributional,
)

__all__ = [
    "PRESETS",
    "PRIMARY",
    "VALID_MASS",
    "DistributionalScores",
    "compare_distributional",
    "score_distributional",
]
