"""Pure functions on arrays: distances between distributions and the statistics that make them believable."""

from pluralign.metrics.distances import (
    Distance,
    entropy_bits,
    js_distance_base2,
    js_distance_nats,
    js_divergence_bits,
    js_divergence_bits_corrected,
    js_divergence_nats,
    js_divergence_nats_smoothed,
    kl_divergence,
    mode_mismatch,
    total_variation,
    wasserstein_ordinal,
)
from pluralign.metrics.noise import noise_draws, noise_floor, split_half_ceiling, split_halves
from pluralign.metrics.statistics import (
    Bounds,
    PairedDifference,
    cluster_bootstrap,
    cluster_bootstrap_ratio,
    holm,
    minimum_detectable_difference,
    normalised_score,
    paired_bootstrap_difference,
)

__all__ = [
    "Bounds",
    "Distance",
    "PairedDifference",
    "cluster_bootstrap",
    "cluster_bootstrap_ratio",
    "entropy_bits",
    "holm",
    "js_distance_base2",
    "js_distance_nats",
    "js_divergence_bits",
    "js_divergence_bits_corrected",
    "js_divergence_nats",
    "js_divergence_nats_smoothed",
    "kl_divergence",
    "minimum_detectable_difference",
    "mode_mismatch",
    "noise_draws",
    "noise_floor",
    "normalised_score",
    "paired_bootstrap_difference",
    "split_half_ceiling",
    "split_halves",
    "total_variation",
    "wasserstein_ordinal",
]
