"""Pure functions on arrays: distances between distributions and the statistics that make them believable."""

from pluralign.metrics.distances import (
    Distance,
    entropy_bits,
    js_distance_base2,
    js_distance_nats,
    js_divergence_bits,
    js_divergence_nats,
    kl_divergence,
    total_variation,
    wasserstein_ordinal,
)
from pluralign.metrics.statistics import (
    Bounds,
    PairedDifference,
    cluster_bootstrap,
    noise_floor,
    normalised_score,
    paired_bootstrap_difference,
    split_half_ceiling,
)

__all__ = [
    "Bounds",
    "Distance",
    "PairedDifference",
    "cluster_bootstrap",
    "entropy_bits",
    "js_distance_base2",
    "js_distance_nats",
    "js_divergence_bits",
    "js_divergence_nats",
    "kl_divergence",
    "noise_floor",
    "normalised_score",
    "paired_bootstrap_difference",
    "split_half_ceiling",
    "total_variation",
    "wasserstein_ordinal",
]
