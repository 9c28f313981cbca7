"""Value profiles inferred from people's ratings: encode, decode, cluster. Pure functions, but for what is asked of models.

One rater's ratings are divided into fit and held-out ones; `encode` puts the fit ones in words, `cases_of` says under
what the held-out ones are predicted, `HeldOut` says in nats what each representation is worth.
"""

from pluralign.raters.calibration import METHODS, Calibration, Method
from pluralign.raters.clustering import Clustering, assign, cluster
from pluralign.raters.decoding import (
    Case,
    Decoded,
    Given,
    answer_table,
    calibrations_of,
    cases_of,
    cells_of,
    fit_losses,
    pooled,
    profile_cells,
    profile_condition,
    read_decoded,
)
from pluralign.raters.encoding import (
    EncoderSettings,
    Encoding,
    encode,
    encode_raters,
    encoder_prompt,
    encoding_key,
)
from pluralign.raters.information import HeldOut, base_rates, cell_scores
from pluralign.raters.interpretability import Trial, interpretability, trial_questions, trials_of
from pluralign.raters.rater import (
    Fold,
    Rater,
    Rating,
    SplitRater,
    choose_raters,
    make_fold,
    raters_in,
    split_raters,
    split_ratings,
)

__all__ = [
    "METHODS",
    "Calibration",
    "Case",
    "Clustering",
    "Decoded",
    "EncoderSettings",
    "Encoding",
    "Fold",
    "Given",
    "HeldOut",
    "Method",
    "Rater",
    "Rating",
    "SplitRater",
    "Trial",
    "answer_table",
    "assign",
    "base_rates",
    "calibrations_of",
    "cases_of",
    "cell_scores",
    "cells_of",
    "choose_raters",
    "cluster",
    "encode",
    "encode_raters",
    "encoder_prompt",
    "encoding_key",
    "fit_losses",
    "interpretability",
    "make_fold",
    "pooled",
    "profile_cells",
    "profile_condition",
    "raters_in",
    "read_decoded",
    "split_raters",
    "split_ratings",
    "trial_questions",
    "trials_of",
]
