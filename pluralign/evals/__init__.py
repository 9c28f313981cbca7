"""Evaluators: pure functions from questions and answers to estimates, one a folder."""

from pluralign.evals.capability import compare_multiple_choice, score_multiple_choice
from pluralign.evals.distributional import (
    PRESETS,
    PRIMARY,
    VALID_MASS,
    compare_distributional,
    score_distributional,
)
from pluralign.evals.in_context import compare_in_context, score_in_context
from pluralign.evals.scores import Evaluator, Scores
from pluralign.evals.steerable import PRESETS as STEERABLE_PRESETS
from pluralign.evals.steerable import compare_steerable, score_steerable

EVALUATORS = {
    "distributional": Evaluator(score_distributional, compare_distributional, frozenset(PRESETS)),
    "steerable": Evaluator(score_steerable, compare_steerable, frozenset(STEERABLE_PRESETS)),
    "in_context": Evaluator(score_in_context, compare_in_context, frozenset()),
    "multiple_choice": Evaluator(score_multiple_choice, compare_multiple_choice, frozenset()),
}

__all__ = [
    "EVALUATORS",
    "PRESETS",
    "PRIMARY",
    "VALID_MASS",
    "Evaluator",
    "Scores",
    "compare_distributional",
    "compare_in_context",
    "compare_multiple_choice",
    "compare_steerable",
    "score_distributional",
    "score_in_context",
    "score_multiple_choice",
    "score_steerable",
]
