"""Problems with solutions, and replies to them."""

import pytest

from pluralign.data.prompts import OpenPrompt, PromptSet
from pluralign.records import Outcome, Response


def response(problem, text, *, log_prob=None, draw=0):
    """A reply; a trailing "|" is a cut, None an error; with a log-probability a text that was scored."""
    outcome, error, way = Outcome.OK, None, "plain" if log_prob is None else "scored"
    if text is None:
        outcome, error, text = Outcome.ERROR, "it broke", ""
    elif text.endswith("|"):
        outcome, text = Outcome.TRUNCATED, text[:-1]
    return Response(
        key=f"{problem}{way}{draw}",
        window_id=problem,
        model_id="m",
        draw=draw,
        way=way,
        outcome=outcome,
        text=text,
        error=error,
        log_prob=log_prob,
    )


@pytest.fixture(name="response")
def response_fixture():
    return response


@pytest.fixture
def problems():
    """Results 5, 6, 7 and 8; the last number of the second problem is its result."""
    texts = {"a": "2 and 3?", "b": "1 more than 6?", "c": "7, less 3?", "d": "How many?"}
    return PromptSet(
        id="mine",
        prompts=tuple(
            OpenPrompt(id=name, text=text, answer=f"Steps.\n#### {5 + number}")
            for number, (name, text) in enumerate(texts.items())
        ),
    )
