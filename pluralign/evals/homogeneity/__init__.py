"""Homogeneity: how alike a model's answers to one prompt are, and how alike those of several models."""

from pluralign.evals.homogeneity.equivalence import CosineEquivalence, Equivalence, share_unigrams
from pluralign.evals.homogeneity.inter_model import InterModel, inter_model
from pluralign.evals.homogeneity.quality import Given, Quality, answers_in, is_repeating, quality_of
from pluralign.evals.homogeneity.scoring import INTRA, MEASURES, compare_homogeneity, score_homogeneity

__all__ = [
    "INTRA",
    "MEASURES",
    "CosineEquivalence",
    "Equivalence",
    "Given",
    "InterModel",
    "Quality",
    "answers_in",
    "compare_homogeneity",
    "inter_model",
    "is_repeating",
    "quality_of",
    "score_homogeneity",
    "share_unigrams",
]
