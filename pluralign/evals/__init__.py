"""Evaluators: pure functions from questions and answers to estimates, one a file."""

from pluralign.evals.distributional import DistributionalScores, compare_distributional, score_distributional

__all__ = ["DistributionalScores", "compare_distributional", "score_distributional"]
