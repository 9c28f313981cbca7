"""Evaluators: pure functions from questions and answers to estimates, one a file."""

from pluralign.evals.distributional import (
    PRIMARY,
    VALID_MASS,
    DistributionalScores,
    compare_distributional,
    score_distributional,
)

__all__ = ["PRIMARY", "VALID_MASS", "DistributionalScores", "compare_distributional", "score_distributional"]
