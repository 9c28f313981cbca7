"""A guard that reads words, two bees-and-cats profiles, and a model that says what its script holds."""

from types import SimpleNamespace

import pytest

from pluralign.errors import ModelError
from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import EnabledJudge
from pluralign.guard.verdict import Document, Ruling, Verdict
from pluralign.models import Capability, Draw, ScriptedModel, Text
from pluralign.profiles import Provenance, Value, ValueProfile


class ByWord:
    """Refuses what holds "harm", is unsure of what holds "odd", and serves the rest."""

    name = "by-word"
    version = "1"
    languages = None
    categories = None

    def judge(self, documents, *, role):
        return [self._verdict(document) for document in documents]

    def _verdict(self, document: Document) -> Verdict:
        text = " ".join(passage.text for passage in document.passages)
        ruling = Ruling.REFUSE if "harm" in text else Ruling.UNSURE if "odd" in text else Ruling.SERVE
        return Verdict(
            ruling=ruling,
            layer="judge",
            backend=self.name,
            backend_version=self.version,
            category="violence_terrorism" if ruling is Ruling.REFUSE else None,
            reason="by its words",
        )


def make_guard(**fields) -> Guard:
    judges = (EnabledJudge(ByWord(), qualified=True),)
    return Guard(policy=load_policy(), form=FormLayer(), screen=None, judges=judges, **fields)


def make_profile(id, statement="I keep bees.", **fields) -> ValueProfile:
    return ValueProfile(
        id=id,
        title=id.title(),
        summary="A neighbour.",
        values=(Value(statement=statement, weight=0.9),),
        provenance=Provenance(kind="curated", sources=("A. Author, 1901",), licence="CC0-1.0"),
        **fields,
    )


class Speaker(ScriptedModel):
    """Answers by the statements in its prompt, and remembers what it was asked; a character is a token."""

    def __init__(self, says=None, *, id="speaker", log_probs=None, can=None, fails_on=None):
        self.calls, self.prompts = [], []
        self.says, self.fails_on = says, fails_on
        super().__init__(id, draws=self.answer, log_probs=log_probs, can=can)

    def sample(self, prompts, *, n, seed, params):
        self.calls.append((len(prompts), n))
        self.prompts += prompts
        drawn = super().sample(prompts, n=n, seed=seed, params=params)
        return [
            [cut(draw, prompt, params) for draw in own] for prompt, own in zip(prompts, drawn, strict=True)
        ]

    def answer(self, prompt, number):
        if self.fails_on and self.fails_on in prompt:
            raise ModelError("the script fails here")
        said = self.says or {}
        return next((text for words, text in said.items() if words in prompt), f"Plain {number % 9973}.")


def cut(draw, prompt, params):
    """A draw as a model with this limit and these stop strings would give it: the beginning of the longer one."""
    text = draw.text
    ends = [*params.stop, *([prompt.end] if isinstance(prompt, Text) else [])]
    limited = text[: params.max_new_tokens]
    found = [limited.find(end) for end in ends if end in limited]
    if found:
        return Draw(limited[: min(found)], "stop", min(found) + 1)
    if len(text) < params.max_new_tokens:
        return Draw(text, "stop", len(text) + 1)
    return Draw(limited, "length", len(limited))


CHAT = frozenset({Capability.CHAT, Capability.SAMPLE, Capability.SCORE_OPTIONS, Capability.SEED})


@pytest.fixture(scope="session")
def kit():
    """What tests of steering are made of."""
    system = CHAT | {Capability.SYSTEM_PROMPT}
    return SimpleNamespace(
        guard=make_guard,
        profile=make_profile,
        Speaker=Speaker,
        chat=CHAT,
        base=CHAT - {Capability.CHAT},
        system=system,
        spectrum=system | {Capability.SPECTRUM_PROMPT},
    )


@pytest.fixture(scope="session")
def bees():
    return make_profile("bees", norms=("I ask before I judge.",))


@pytest.fixture(scope="session")
def cats():
    return make_profile("cats", "I feed cats.")
