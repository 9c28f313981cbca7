"""An embedder that looks vectors up, and answers to prompts."""

import numpy as np
import pytest

from pluralign.data.prompts import OpenPrompt, PromptSet
from pluralign.records import Outcome, Response


class Looked:
    """Gives each text the vector that was set for it."""

    id = "looked-up@1"

    def __init__(self, vectors):
        self.vectors, self.asked = vectors, []

    def fingerprint(self):
        return {"embedder": self.id}

    def embed(self, texts):
        self.asked += texts
        rows = np.array([self.vectors[text] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def answered(**answers):
    """Prompts and responses: prompt -> its answers; "" is empty of words, None an error, a trailing "|" a cut."""
    rows = []
    for prompt, texts in answers.items():
        for draw, text in enumerate(texts):
            outcome, error = Outcome.OK, None
            if text is None:
                outcome, error, text = Outcome.ERROR, "it broke", ""
            elif not text:
                outcome = Outcome.REFUSED
            elif text.endswith("|"):
                outcome, text = Outcome.TRUNCATED, text[:-1]
            rows.append(
                Response(
                    key=f"{prompt}{draw}",
                    window_id=prompt,
                    model_id="m",
                    draw=draw,
                    outcome=outcome,
                    text=text,
                    error=error,
                )
            )
    prompts = PromptSet(id="mine", prompts=tuple(OpenPrompt(id=each, text=f"{each}?") for each in answers))
    return prompts, rows


@pytest.fixture
def looked():
    return Looked


@pytest.fixture(name="answered")
def answered_fixture():
    return answered
