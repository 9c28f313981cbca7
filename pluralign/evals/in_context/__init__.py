"""In-context steerability: does a model predict a person better, the more of the person's answers it has seen?"""

from pluralign.evals.in_context.comparing import compare_in_context
from pluralign.evals.in_context.scoring import score_in_context

__all__ = ["compare_in_context", "score_in_context"]
