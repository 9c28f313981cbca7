"""Texts laid end to end are embedded as one by one, and the screen rules on all shipped texts as with padding."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pluralign.guard.form import document_of
from pluralign.guard.packed_encoder import PackedEncoder
from pluralign.guard.screen import Screen, load_screen_encoder
from pluralign.guard.verdict import Document, Passage, Verdict
from pluralign.models.embedding import is_present
from pluralign.profiles import list_profiles, load_profile

ROWS = Path(__file__).parents[2] / "evals" / "guard" / "data"

pytestmark = pytest.mark.skipif(not is_present(), reason="the embedded encoder is not installed")


@pytest.fixture(scope="module")
def encoder() -> PackedEncoder:
    return load_screen_encoder(4)


def test_vectors_are_those_of_each_text_alone(encoder: PackedEncoder) -> None:
    texts = [
        "I keep bees.",
        "",
        "🐝 ",
        "Honour thy father and thy mother, and be kind to strangers.",
        "one " * 300,
    ]
    alone = np.concatenate([encoder.embedder.embed([text]) for text in texts])
    np.testing.assert_allclose(encoder.embed(texts), alone, atol=1e-6)
    np.testing.assert_allclose(encoder.embed(texts[::-1]), alone[::-1], atol=1e-6)


def test_more_texts_than_fit_into_a_row(encoder: PackedEncoder) -> None:
    texts = [
        f"Statement {number}: " + "we ought to share what we have. " * (number % 9) for number in range(60)
    ]
    vectors = encoder.embed(texts)
    assert vectors.shape == (60, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors, encoder.embedder.embed(texts), atol=1e-6)


def test_no_texts(encoder: PackedEncoder) -> None:
    assert encoder.embed([]).shape == (0, 384)


def test_it_is_the_encoder_that_the_head_was_trained_on(encoder: PackedEncoder) -> None:
    assert encoder.fingerprint() == encoder.embedder.fingerprint()
    assert encoder.id == encoder.embedder.id


def n_scored_alike(documents: Sequence[Document], encoder: PackedEncoder) -> int:
    """How many documents the screen scores, after checking that it rules and scores as with padding."""
    packed, padded = (
        Screen(encoder=each).judge(documents, role="profile") for each in (encoder, encoder.embedder)
    )
    assert [ruling(verdict) for verdict in packed] == [ruling(verdict) for verdict in padded]
    scores = [
        (one.score, other.score) for one, other in zip(packed, padded, strict=True) if one.score is not None
    ]
    np.testing.assert_allclose([one for one, _ in scores], [other for _, other in scores], atol=1e-5, rtol=0)
    return len(scores)


def ruling(verdict: Verdict) -> tuple[object, ...]:
    return verdict.ruling, verdict.category, verdict.reason, verdict.spans, verdict.score is None


@pytest.mark.slow
def test_rulings_on_shipped_profiles_are_those_with_padding(encoder: PackedEncoder) -> None:
    documents = [document_of(load_profile(name)) for name in list_profiles()]
    assert n_scored_alike(documents, encoder) > 80


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(ROWS.glob("*_en.jsonl")), ids=lambda file: file.stem)
def test_rulings_on_the_rows_of_the_evaluations_are_those_with_padding(
    file: Path, encoder: PackedEncoder
) -> None:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if "text" in row]
    documents = [Document(passages=(Passage(field="text", text=text),), language="en") for text in texts]
    assert n_scored_alike(documents, encoder) or not texts
