"""T6 as a test of the suite: the spec's requests, the profiles, and what a model answers to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pluralign.guard.guard import Guard
from pluralign.guard.measuring.figures import Figure
from pluralign.guard.measuring.inputs import Inputs
from pluralign.guard.measuring.refusals import LabelledAnswer
from pluralign.guard.measuring.safety_prompts import read_safety_prompts
from pluralign.guard.measuring.steered import SteeredMeasurement, measure_steered
from pluralign.models.protocol import LanguageModel
from pluralign.profiles.record import ValueProfile


@dataclass
class Steering:
    """What T6 needs beside a guard and texts.

    Attributes:
        model: The model that is steered.
        profiles: To be admitted, and answered under.
        answers: File of its answers; what it holds is not asked again.
        every: Every so many requests of each type are asked; 1 for all.
        found: What came of it; None before.
    """

    model: LanguageModel
    profiles: Sequence[ValueProfile]
    answers: Path
    every: int = 1
    found: SteeredMeasurement | None = None


def measure(guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]:
    """Shares refused and degenerate, by condition; the paired differences are left in `inputs.steering`."""
    if inputs.steering is None:
        inputs.skip(inputs.spec.id, "it needs a model that is steered: --model and --out.")
        return []
    steering = inputs.steering
    paths = {name: inputs.paths(name) for name in ("xstest", "simple_safety_tests")}
    if not any(paths.values()):
        return []
    prompts = read_safety_prompts(
        **{name: found[0] for name, found in paths.items() if found}, every=steering.every
    )
    inputs.tell(f"{inputs.spec.test}: {len(prompts)} requests, {len(steering.profiles)} profiles")
    found = measure_steered(
        steering.model,
        guard,
        prompts=prompts,
        profiles=steering.profiles,
        labelled=inputs.rows("refusals_en", LabelledAnswer),
        path=steering.answers,
        seed=seed,
    )
    for profile, why in found.not_admitted.items():
        inputs.skip(f"profile {profile}", why)
    steering.found = found
    return list(found.figures)
