"""All tests of the guard by their names, and a whole guard put through them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pluralign.guard.guard import Guard
from pluralign.guard.measuring import (
    attacks,
    contrast,
    hiding,
    mention,
    must_serve,
    paraphrases,
    served_profiles,
)
from pluralign.guard.measuring.figures import Figure, Measurement, Test
from pluralign.guard.measuring.inputs import Inputs
from pluralign.guard.measuring.spec import GuardSpec
from pluralign.profiles import list_profiles, load_profile
from pluralign.records.jsonl import content_hash

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class MeasuresGuard(Protocol):
    """A test: figures of a guard, without targets, which the spec brings."""

    def __call__(self, guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]: ...


TESTS: Mapping[Test, MeasuresGuard] = {
    "T1": contrast.measure,
    "T2": must_serve.measure,
    "T3": mention.measure,
    "T4": hiding.measure,
    "T5": attacks.measure,
    "T6": served_profiles.measure,
    "T7": paraphrases.measure,
}


def measure(
    guard: Guard,
    specs: Sequence[GuardSpec],
    *,
    data: Path | None = None,
    tokenizers: Mapping[str, "PreTrainedTokenizerBase"] | None = None,
    steering: served_profiles.Steering | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda what: None,
) -> Measurement:
    """Put a guard through tests.

    Args:
        guard: The whole guard, as it is used.
        specs: The tests.
        data: Folder of published files, with `guard/` and `polis/` in it. What is not there is skipped and named.
        tokenizers: Name -> tokenizer with its chat template, for control tokens.
        steering: A model that profiles are served to, for T6.
        seed: Of all that is drawn.
        tell: Is told what is being measured.

    Raises:
        DataError: A file does not hold what it should.
    """
    figures: list[Figure] = []
    skipped: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for spec in specs:
        inputs = Inputs(
            spec,
            data=data,
            tokenizers=tokenizers or {},
            steering=steering,
            tell=tell,
            skipped=skipped,
            hashes=hashes,
        )
        figures += spec.with_targets(TESTS[spec.test](guard, inputs, seed=seed))
    steered = steering.found if steering else None
    return Measurement(
        guard=guard.configuration.model_dump(mode="json"),
        data_hash=content_hash(hashes),
        seed=seed,
        figures=tuple(figures),
        shifts=steered.shifts if steered else (),
        steered={"requests": f"every {steering.every}", **steered.settings} if steering and steered else {},
        skipped=skipped,
        seconds_per_profile=seconds_per_profile(guard),
    )


def seconds_per_profile(guard: Guard) -> float:
    """Median time of a decision on a shipped profile, one at a time, after a first one that loads what is needed."""
    profiles = [load_profile(name) for name in list_profiles()]
    afresh = replace(guard, cache=None)
    afresh.decide(profiles[0], role="profile")
    seconds = []
    for profile in profiles:
        began = time.perf_counter()
        afresh.decide(profile, role="profile")
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)
