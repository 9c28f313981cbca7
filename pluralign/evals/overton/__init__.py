"""Overton pluralism: does a response present the whole window of reasonable views?"""

from pluralign.evals.overton.comparing import compare_overton
from pluralign.evals.overton.coverage import Coverage, union_coverage, unscored_reason
from pluralign.evals.overton.judged import JudgedResponse
from pluralign.evals.overton.judging import (
    PublishedVerdicts,
    judge_elsewhere,
    judge_published,
    judge_responses,
)
from pluralign.evals.overton.overton_score import Adjusted, OvertonScore, overton_scores
from pluralign.evals.overton.presets import PRESETS, Preset
from pluralign.evals.overton.reading import comparison_readings
from pluralign.evals.overton.scoring import score_overton

__all__ = [
    "PRESETS",
    "Adjusted",
    "Coverage",
    "JudgedResponse",
    "OvertonScore",
    "Preset",
    "PublishedVerdicts",
    "compare_overton",
    "comparison_readings",
    "judge_elsewhere",
    "judge_published",
    "judge_responses",
    "overton_scores",
    "score_overton",
    "union_coverage",
    "unscored_reason",
]
