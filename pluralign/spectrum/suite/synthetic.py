"""The processes whose distribution is known in closed form, as sources."""

from dataclasses import replace

import numpy as np

from pluralign.spectrum.format import Example
from pluralign.spectrum.process import Process
from pluralign.spectrum.suite.source import Instance, Opened, Opening, Source
from pluralign.spectrum.tasks import FAMILIES, TaskSettings

# What the shipped evaluations of random processes measure: coins, dice, random integers and urns.
MEASURED = ("bernoulli", "dice", "integers", "urn")

_DRAWS = TaskSettings(mean_examples=128, max_examples=256)
# Evaluation shows the description always: without it, nothing tells what the first output should be.
_EVALUATED = replace(_DRAWS, description_keep_prob=1.0)
_N_ROWS = {"lists": 100, "letters": 250}
# The wording of the published evaluation: arXiv 2510.06084.
_URN_WORDING = "There is an urn with the following balls shuffled together"


def of_process(process: Process) -> Instance:
    """A process of outputs alone, ready for a row."""
    return Instance(
        descriptions=process.descriptions,
        draw=lambda rng, n: [Example(output=output) for output in process.draw(rng, n)],
        limit=process.limit,
    )


def published_urn(rng: np.random.Generator) -> Process:
    """An urn in the one wording that the published evaluation asks with."""
    process = FAMILIES.get("urn")(rng)
    wordings = [text for text in process.descriptions if text.startswith(_URN_WORDING)]
    return replace(process, descriptions=(wordings[0],))


def _family(name: str) -> Source:
    def opened(start: Opening) -> Opened:
        family = published_urn if name == "urn" else FAMILIES.get(name)
        return Opened(instance=lambda index, rng: of_process(family(rng)))

    return Source(
        name=name,
        split="held_out" if name in MEASURED else "train",
        what=f"draws from the process {name!r}",
        origin="written for pluralign",
        licence="Apache-2.0",
        citation="after Sorensen et al. 2025, arXiv:2510.06084",
        material=(f"family {name}",),
        opened=opened,
        n_rows=_N_ROWS.get(name, 500),
        settings=_EVALUATED if name in MEASURED else _DRAWS,
    )


SOURCES = tuple(_family(name) for name in FAMILIES)
