"""Distributional pluralism: do a model's answers match a population's?"""

from pluralign.evals.distributional.baselines import Baselines
from pluralign.evals.distributional.comparing import compare_distributional
from pluralign.evals.distributional.measures import PRIMARY, VALID_MASS
from pluralign.evals.distributional.presets import PRESETS, Preset
from pluralign.evals.distributional.scoring import score_distributional

__all__ = [
    "PRESETS",
    "PRIMARY",
    "VALID_MASS",
    "Baselines",
    "Preset",
    "compare_distributional",
    "score_distributional",
]
