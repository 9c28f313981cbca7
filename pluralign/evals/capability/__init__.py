"""Capability: does a model still solve what it could, whatever it was tuned for?"""

from pluralign.evals.capability.multiple_choice import compare_multiple_choice, score_multiple_choice
from pluralign.evals.capability.replies import ReadResult, read_result
from pluralign.evals.capability.solutions import compare_solutions, score_solutions

__all__ = [
    "ReadResult",
    "compare_multiple_choice",
    "compare_solutions",
    "read_result",
    "score_multiple_choice",
    "score_solutions",
]
