"""Published definitions of the distance from people, reproduced to the digit, with their flaws."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.evals.distributional.measures import DISTANCES, SMOOTHED_JS, DistanceMeasure


class Lost(StrEnum):
    """What a published definition makes of an answer that could not be read.

    Ours leaves it out and counts it; each choice is stated in the result's definition.
    """

    LEFT_OUT = "left out"
    ZEROS = "kept as a vector of zeros"
    UNIFORM = "replaced by the uniform distribution"


@dataclass(frozen=True)
class Preset:
    """A published definition.

    Attributes:
        name: Name on the command line.
        measure: The distance.
        lost: What becomes of answers that could not be read.
        source: Who defined it.
        n_resamples: Resamples of the published interval.
        by_cell: Whether the published interval resamples cells and not questions.
    """

    name: str
    measure: DistanceMeasure
    lost: Lost
    source: str
    n_resamples: int = 2000
    by_cell: bool = False


_BY_NAME = {measure.name: measure for measure in DISTANCES}


def _preset(
    name: str,
    measure: DistanceMeasure,
    *,
    lost: Lost,
    source: str,
    n_resamples: int = 2000,
    by_cell: bool = False,
) -> Preset:
    definition = f"{source}: {'1 minus ' if measure.similarity else ''}{measure.definition}; lost answers are {lost.value}"
    named = replace(measure, name=f"{name}.{measure.name}", definition=definition)
    return Preset(name, named, lost, source, n_resamples=n_resamples, by_cell=by_cell)


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        _preset(
            "modular_pluralism",
            _BY_NAME["js_distance_nats"],
            lost=Lost.UNIFORM,
            source="Feng et al. 2024 (Modular Pluralism)",
        ),
        _preset(
            "opinionqa",
            replace(_BY_NAME["wasserstein_ordinal"], similarity=True),
            lost=Lost.LEFT_OUT,
            source="Santurkar et al. 2023 (OpinionQA), representativeness",
        ),
        _preset(
            "global_opinions",
            replace(_BY_NAME["js_distance_base2"], similarity=True),
            lost=Lost.LEFT_OUT,
            source="Durmus et al. 2023 (GlobalOpinionQA), similarity",
        ),
        _preset(
            "meister2024",
            replace(_BY_NAME["total_variation"], at_zeros=0.5),
            lost=Lost.ZEROS,
            source="Meister et al. 2024",
            n_resamples=1000,
            by_cell=True,
        ),
        _preset("spectrum", SMOOTHED_JS, lost=Lost.LEFT_OUT, source="Sorensen et al. 2025 (Spectrum Tuning)"),
    )
}


def find_preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in PRESETS:
        raise ConfigurationError(f"Unknown preset {name!r}.{did_you_mean(name, PRESETS)}")
    return PRESETS[name]
