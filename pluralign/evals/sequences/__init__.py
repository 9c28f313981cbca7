"""In-context steerability and calibration: how well a model foretells outputs from those that stand before them."""

from pluralign.evals.sequences.baselines import closed_set
from pluralign.evals.sequences.calibration import Bin, Calibration, calibration
from pluralign.evals.sequences.length import common_length, n_complete, n_words
from pluralign.evals.sequences.scoring import compare_sequence_outputs, score_sequence_outputs

__all__ = [
    "Bin",
    "Calibration",
    "calibration",
    "closed_set",
    "common_length",
    "compare_sequence_outputs",
    "n_complete",
    "n_words",
    "score_sequence_outputs",
]
