"""Steerable pluralism: does a model answer as the group for which it speaks would?"""

from pluralign.evals.steerable.comparing import compare_steerable
from pluralign.evals.steerable.contrastive import AGREEMENT, IDENTIFICATION
from pluralign.evals.steerable.presets import PRESETS, Preset
from pluralign.evals.steerable.scoring import score_steerable
from pluralign.evals.steerable.table import MAX_PAIRS

__all__ = [
    "AGREEMENT",
    "IDENTIFICATION",
    "MAX_PAIRS",
    "PRESETS",
    "Preset",
    "compare_steerable",
    "score_steerable",
]
