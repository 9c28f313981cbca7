"""Valid output coverage: of n draws, how many are right, and how many of these differ?"""

from pluralign.evals.coverage.replies import Said, said_in
from pluralign.evals.coverage.scoring import MEASURES, YIELD, compare_coverage, score_coverage

__all__ = ["MEASURES", "YIELD", "Said", "compare_coverage", "said_in", "score_coverage"]
