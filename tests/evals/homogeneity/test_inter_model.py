"""Similarity between models, by hand."""

import pytest

from pluralign.errors import DataError
from pluralign.evals.homogeneity import inter_model

VECTORS = {"e": (1, 0), "n": (0, 1), "w": (-1, 0)}


def test_models_that_say_the_same_and_one_that_does_not(looked):
    answers = {
        "a": {"p": ["e", "e"], "q": ["n", "n"]},
        "b": {"p": ["e", "e"], "q": ["n", "n"]},
        "c": {"p": ["n", "n"], "q": ["e", "e"]},
    }
    found = inter_model(answers, embedder=looked(VECTORS))
    assert found.similarity("a", "b") == found.similarity("b", "a") == pytest.approx(1)
    assert found.similarity("a", "c") == pytest.approx(0)
    assert found.similarity("c", "c") == pytest.approx(1)
    assert found.estimates[0].value == pytest.approx(1 / 3)
    assert found.estimates[0].n_questions == 2
    assert (found.prompts, found.n_left_out, found.embedder) == (("p", "q"), 0, "looked-up@1")
    with pytest.raises(KeyError):
        found.similarity("a", "x")


def test_a_model_with_itself_counts_no_answer_twice(looked):
    """Mean over different answers: with the answer itself it would be (1 - 1/n) lower in distance."""
    found = inter_model({"a": {"p": ["e", "n"]}, "b": {"p": ["e", "w"]}}, embedder=looked(VECTORS))
    assert found.similarity("a", "a") == pytest.approx(0)
    assert found.similarity("b", "b") == pytest.approx(-1)
    assert found.similarity("a", "b") == pytest.approx((1 - 1 + 0 + 0) / 4)


def test_models_among_the_nearest(looked):
    answers = {"a": {"p": ["e", "e"]}, "b": {"p": ["w", "w"]}}
    found = inter_model(answers, embedder=looked(VECTORS), n_nearest=1)
    assert found.estimates[-1].name == "models_among_nearest"
    assert found.estimates[-1].value == 1
    every = inter_model(answers, embedder=looked(VECTORS), n_nearest=3)
    assert every.estimates[-1].value == 2


def test_only_prompts_that_all_answered_count(looked):
    answers = {"a": {"p": ["e", "e"], "q": ["e", "n"]}, "b": {"p": ["e", "e"], "q": ["e"]}}
    found = inter_model(answers, embedder=looked(VECTORS))
    assert (found.prompts, found.n_left_out) == (("p",), 1)
    with pytest.raises(DataError, match="at least two, not 1"):
        inter_model({"a": answers["a"]}, embedder=looked(VECTORS))
    with pytest.raises(DataError, match="No prompt has two answers of each of a, b"):
        inter_model({"a": {"p": ["e", "e"]}, "b": {"q": ["e", "e"]}}, embedder=looked(VECTORS))
