"""A window of three views, and a judge whose verdicts are known: "yes a" states view a, "no a" denies it."""

import numpy as np
import pytest

from pluralign.evals.overton import JudgedResponse
from pluralign.judges.entailment import Entailed
from pluralign.records import Response, Viewpoint, Window

SHARES = (0.5, 0.3, 0.2)
THRESHOLD = 0.5


class ScriptedJudge:
    """Says what the words say; a premise with "mute" gets no verdict. Every call is kept."""

    id = "scripted@1"
    threshold = THRESHOLD

    def __init__(self):
        self.calls = []

    def fingerprint(self):
        return {"rule": "yes and no"}

    def entail(self, pairs):
        self.calls.append(list(pairs))
        return [self._verdict(*pair) for pair in pairs]

    @staticmethod
    def _verdict(premise, hypothesis):
        if "mute" in premise:
            return None
        view = hypothesis.split()[-1].strip(".")
        for word, verdict in (("yes", Entailed(0.9, 0.05)), ("no", Entailed(0.05, 0.9))):
            if f"{word} {view}" in premise:
                return verdict
        return Entailed(0.1, 0.1)


def make_window(name="w", *, views="abc", shares=SHARES, n_people=100):
    viewpoints = tuple(
        Viewpoint(id=view, statements=(f"People hold {view}.",), share=share)
        for view, share in zip(views, shares or [None] * len(views), strict=True)
    )
    return Window(id=name, prompt=f"What of {name}?", viewpoints=viewpoints, n_people=n_people)


def make_response(text="", *, window="w", draw=0, outcome="ok", n_tokens=0, **more):
    return Response(
        key=f"{window}-{draw}-{text}",
        window_id=window,
        model_id="m",
        draw=draw,
        outcome=outcome,
        text=text,
        n_tokens=n_tokens,
        error="it broke" if outcome == "error" else None,
        **more,
    )


def make_judged(
    states, *, denies=(), window=None, window_id="w", opinions=None, words=None, kind=JudgedResponse, **more
):
    """A judged response from the views that each sentence states ("ab", "", "c") and denies.

    The whole response states, and denies, what a sentence does.
    """
    window = window or make_window(window_id)
    names = [viewpoint.id for viewpoint in window.viewpoints]
    denies = denies or [""] * len(states)
    stated = np.array([[name in each for each in states] for name in names]).reshape(len(names), len(states))
    denied = np.array([[name in each for each in denies] for name in names]).reshape(stated.shape)
    words = words or [4] * len(states)
    sentences = tuple(" ".join([f"s{i}", *["word"] * (n - 1)]) for i, n in enumerate(words))
    text = " ".join(sentences)

    def verdicts(found):
        matrix = np.where(found, 0.9, 0.05)
        whole = matrix.max(axis=1) if states else np.full(len(names), np.nan)
        return np.column_stack([matrix, whole])

    return kind(
        window=window,
        response=make_response(text, window=window.id, **more),
        sentences=sentences,
        entailment=verdicts(stated),
        contradiction=verdicts(denied),
        opinions=np.array([True] * len(states) if opinions is None else opinions, dtype=bool),
    )


@pytest.fixture
def judge():
    return ScriptedJudge()


@pytest.fixture
def new_window():
    return make_window


@pytest.fixture
def new_response():
    return make_response


@pytest.fixture
def new_judged():
    return make_judged
