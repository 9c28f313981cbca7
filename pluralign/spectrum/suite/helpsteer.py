"""HelpSteer2: synthetic users, each with a random linear utility over five attributes, prefer one of two replies."""

from itertools import pairwise

import numpy as np

from pluralign.errors import DataError
from pluralign.spectrum.format import Example, format_fields
from pluralign.spectrum.suite.source import Instance, Needs, Opened, Opening, Source, read_columns
from pluralign.spectrum.tasks import TaskSettings

HUB_ID = "nvidia/HelpSteer2"
ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
LONGEST = 600  # characters of prompt and of each reply: a row of longer ones would hold a single example

_WORDINGS = (
    "One user prefers one of two replies, A or B.",
    "The same user compares two replies of an assistant each time, by tastes of the user's own. Answer with A or B.",
)


def _opened(start: Opening) -> Opened:
    columns = ("prompt", "response", *ATTRIBUTES)
    rows = list(read_columns(start.place, "helpsteer2", hub_id=HUB_ID, columns=columns, source="helpsteer"))
    # The two replies to a prompt stand in rows that follow each other.
    pairs = [
        (first, second)
        for first, second in pairwise(rows)
        if first["prompt"] == second["prompt"]
        and max(len(first["prompt"]), len(first["response"]), len(second["response"])) <= LONGEST
    ]
    if not pairs:
        raise DataError(f"helpsteer: no prompt has two replies of at most {LONGEST} characters.")
    ratings = np.array(
        [[[reply[name] for name in ATTRIBUTES] for reply in pair] for pair in pairs], dtype=float
    )
    differences = ratings[:, 0] - ratings[:, 1]
    inputs = [
        format_fields({"prompt": first["prompt"], "A": first["response"], "B": second["response"]})
        for first, second in pairs
    ]

    def instance(index: int, rng: np.random.Generator) -> Instance:
        gains = differences @ rng.normal(size=len(ATTRIBUTES))
        # Where both replies are rated alike, nobody's preference is known.
        decided = np.flatnonzero(gains)

        def draw(row_rng: np.random.Generator, n: int) -> list[Example]:
            chosen = row_rng.permutation(decided)[:n]
            return [Example(input=inputs[i], output="A" if gains[i] > 0 else "B") for i in chosen]

        return Instance(_WORDINGS, draw, limit=len(decided))

    if not differences.any():
        raise DataError("helpsteer: all pairs of replies are rated alike.")
    return Opened(instance=instance)


SOURCES = (
    Source(
        name="helpsteer",
        split="train",
        what="a synthetic user's choices between two replies",
        origin=f"huggingface.co/datasets/{HUB_ID}",
        licence="CC BY 4.0",
        citation="Wang et al. 2024, arXiv:2406.08673",
        material=("helpsteer2/train",),
        opened=_opened,
        n_rows=500,
        settings=TaskSettings(mean_examples=40, max_examples=64),
        needs=Needs(
            files=("helpsteer2",),
            hub_id=HUB_ID,
            how="--hub, or its train split as DIR/helpsteer2.parquet or .jsonl",
        ),
    ),
)
