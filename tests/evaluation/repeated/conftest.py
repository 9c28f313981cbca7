"""A model that answers tasks and open prompts by script, an embedder of words, and two evaluations."""

import numpy as np
import pytest

from pluralign.errors import ModelError
from pluralign.evaluation.repeated import RepeatedSettings, evaluate_repeated
from pluralign.evaluation.spec import RepeatedSpec
from pluralign.models import ScriptedModel
from pluralign.records import Response, read_jsonl

SOURCE = {"name": "mine", "licence": "CC0-1.0"}
PROMPTS = "Tell me a joke about time.\nSuggest a name for a cat.\n"


class Talker(ScriptedModel):
    """Counts, states and jokes; it can fail or be interrupted, and remembers what it was asked."""

    def __init__(self, id="talker", *, interrupt_after=None, fail_on="", answer=None, **options):
        self.calls, self.interrupt_after, self.fail_on = [], interrupt_after, fail_on
        super().__init__(id, draws=answer or self.answer, **options)

    def sample(self, prompts, *, n, seed, params):
        texts = [self.render(prompt) for prompt in prompts]
        if self.interrupt_after is not None and len(self.calls) >= self.interrupt_after:
            raise KeyboardInterrupt
        if self.fail_on and any(self.fail_on in text for text in texts):
            raise ModelError("the endpoint died")
        self.calls.append((texts, n, params))
        return super().sample(prompts, n=n, seed=seed, params=params)

    def answer(self, prompt, number):
        if "integer from 1 to 10" in prompt:
            return str(number % 12)  # 0 and 11 are wrong
        if "day of the week" in prompt:
            return ["Monday", "Tuesday", "Someday"][number % 3]
        if "joke" in prompt:
            return ["Time flies like an arrow, they say.", "A clock walks into a quiet bar at noon."][
                number % 2
            ]
        return ["Tom", "Mimi", "Felix"][number % 3]


class Words:
    """A vector counts letters: equal texts are alike, others less."""

    def __init__(self, id="words"):
        self.id = id

    def fingerprint(self):
        return {"embedder": self.id}

    def embed(self, texts):
        rows = np.array([[text.lower().count(letter) + 0.1 for letter in "aeimot "] for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def talker():
    return Talker


@pytest.fixture
def words():
    return Words


@pytest.fixture
def coverage():
    return RepeatedSpec.model_validate({
        "id": "coverage/mine",
        "version": "1-A",
        "title": "Mine",
        "evaluator": "coverage",
        "prompts": {"kind": "verifiable"},
        "draws": 20,
        "source": SOURCE,
    })


@pytest.fixture
def homogeneity(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text(PROMPTS, encoding="utf-8")
    return RepeatedSpec.model_validate({
        "id": "homogeneity/mine",
        "version": "1-A",
        "title": "Mine",
        "evaluator": "homogeneity",
        "prompts": {"kind": "file", "arguments": {"path": str(path)}},
        "draws": 10,
        "max_new_tokens": 20,
        "source": SOURCE,
    })


def evaluated(spec, out, *, model=None, embedder=None, **settings):
    if spec.evaluator == "coverage":
        settings = {"tasks": ("rng_1_10", "weekdays_full")} | settings
    return evaluate_repeated(
        spec,
        model=model or Talker(),
        settings=RepeatedSettings(**settings),
        embedder=embedder or Words(),
        out=out,
    )


@pytest.fixture(name="evaluated")
def evaluated_fixture():
    return evaluated


@pytest.fixture
def rows_of():
    return lambda folder: list(read_jsonl(folder / "responses.jsonl", Response))
