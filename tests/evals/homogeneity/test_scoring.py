"""Repetition, floor, kinds and quality of answers, with vectors set by hand."""

from math import sqrt

import numpy as np
import pytest

from pluralign.errors import DataError
from pluralign.evals.homogeneity import CosineEquivalence, compare_homogeneity, score_homogeneity

LONG = "one two three four five six"
VECTORS = {
    f"{LONG} east": (1, 0, 0),
    f"{LONG} north": (0, 1, 0),
    f"{LONG} between": (1, 1, 0),
    f"{LONG} up": (0, 0, 1),
}
EAST, NORTH, BETWEEN, UP = VECTORS


def values(scores):
    return {each.name: each.value for each in scores.estimates}


def test_equal_answers_repeat_each_other_wholly(looked, answered):
    prompts, rows = answered(a=[EAST] * 4, b=[UP] * 4)
    found = values(score_homogeneity(prompts, rows, embedder=looked(VECTORS)))
    assert found["intra_similarity"] == pytest.approx(1)
    assert found["cross_prompt_floor"] == pytest.approx(0)
    assert found["similarity_above_floor"] == pytest.approx(1)
    assert found["vendi_score"] == pytest.approx(1)
    assert found["distinct"] == 1
    assert found["prompts_above_08"] == found["pairs_above_08"] == 1


def test_orthogonal_answers_are_as_many_as_there_are(looked, answered):
    prompts, rows = answered(a=[EAST, NORTH, UP], b=[UP, UP, UP])
    scores = score_homogeneity(prompts, rows, embedder=looked(VECTORS))
    first = scores.cells[0].values
    assert first["intra_similarity"] == pytest.approx(0)
    assert first["vendi_score"] == pytest.approx(3)
    assert first["distinct"] == 3
    # Of the nine pairs across the prompts three are equal.
    assert first["cross_prompt_floor"] == pytest.approx(1 / 3)
    assert values(scores)["prompts_above_08"] == 0.5
    # The means of both prompts: a third above the floor of a third on two thirds of room, halved.
    assert values(scores)["similarity_above_floor"] == pytest.approx(0.25)


def test_mean_of_pairs_by_hand(looked, answered):
    prompts, rows = answered(a=[EAST, NORTH, BETWEEN])
    scores = score_homogeneity(prompts, rows, embedder=looked(VECTORS))
    assert values(scores)["intra_similarity"] == pytest.approx(2 * sqrt(0.5) / 3)
    assert values(scores)["cross_prompt_floor"] is None
    assert scores.estimate("cross_prompt_floor").reason == "a single prompt"
    assert "similarity_above_floor" not in values(scores)


def test_the_threshold_decides_which_answers_are_the_same(looked, answered):
    prompts, rows = answered(a=[EAST, BETWEEN, NORTH])
    for threshold, distinct in ((0.7, 2), (0.71, 3)):
        scores = score_homogeneity(
            prompts, rows, embedder=looked(VECTORS), equivalence=CosineEquivalence(threshold)
        )
        assert values(scores)["distinct"] == distinct
        assert any(f"{threshold:g}, which is not the published" in reading for reading in scores.readings)


def test_repetition_never_stands_without_quality(looked, answered):
    salad = "go on " * 20
    prompts, rows = answered(a=[EAST, f"{NORTH}|", "", salad])
    scores = score_homogeneity(prompts, rows, embedder=looked(VECTORS | {salad.strip(): (0, 1, 1)}))
    found = values(scores)
    assert found["degenerate_share"] == 0.5
    assert found["empty_share"] == found["repeating_share"] == found["truncated_share"] == 0.25
    assert found["mean_words"] == pytest.approx((7 + 7 + 0 + 40) / 4)
    assert "50% are empty or repeat themselves" in scores.readings[0]
    assert "looked-up@1" in scores.readings[0]
    assert any("no praise by itself" in reading for reading in scores.readings)
    # The empty answer has no vector: three answers, three pairs.
    assert scores.cells[0].sample_size == 4


def test_utility_only_where_qualities_are_given(looked, answered):
    prompts, rows = answered(a=[EAST, EAST, NORTH])
    without = score_homogeneity(prompts, rows, embedder=looked(VECTORS))
    assert "novelty_utility" not in values(without)
    assert any("it is left out" in reading for reading in without.readings)
    rated = score_homogeneity(prompts, rows, embedder=looked(VECTORS), qualities={"a": [8, 7, 5]})
    # By hand: 8, nothing for the repeat, and 0.64 times 5, over 2.44.
    assert values(rated)["novelty_utility"] == pytest.approx(11.2 / 2.44)
    with pytest.raises(DataError, match="prompt 'a' has 2 for 3 answers"):
        score_homogeneity(prompts, rows, embedder=looked(VECTORS), qualities={"a": [8, 7]})


def test_what_cannot_be_scored_is_counted(looked, answered):
    prompts, rows = answered(a=[EAST, NORTH], b=[EAST, None], c=[EAST, ""], d=[])
    scores = score_homogeneity(prompts, rows, embedder=looked(VECTORS))
    assert scores.n_unscored == {"error": 1, "fewer than two answers with words": 1, "not asked": 1}
    assert scores.estimate("intra_similarity").n_questions == 1
    with pytest.raises(DataError, match="holds a word"):
        score_homogeneity(prompts, [], embedder=looked(VECTORS))
    other, _ = answered(x=[EAST])
    with pytest.raises(DataError, match="unknown prompt 'a'"):
        score_homogeneity(other, rows, embedder=looked(VECTORS))


def test_each_text_is_embedded_once(looked, answered):
    prompts, rows = answered(a=[EAST] * 5, b=[EAST, UP])
    embedder = looked(VECTORS)
    score_homogeneity(prompts, rows, embedder=embedder)
    assert embedder.asked == [EAST, UP]


def test_comparison_holds_quality_beside_repetition(looked, answered):
    prompts, rows = answered(a=[EAST, EAST], b=[UP, UP])
    _, others = answered(a=[EAST, NORTH], b=[UP, UP])
    first, second = (score_homogeneity(prompts, each, embedder=looked(VECTORS)) for each in (rows, others))
    found = {
        each.name: each.difference for each in compare_homogeneity(first=("x", first), second=("y", second))
    }
    assert found["intra_similarity"] == pytest.approx(0.5)
    assert found["degenerate_share"] == 0


def test_the_floor_against_all_pairs(looked, answered):
    rng = np.random.default_rng(0)
    texts = {prompt: [f"{prompt} {number} {LONG}" for number in range(4)] for prompt in "abc"}
    vectors = {text: rng.normal(size=5) for own in texts.values() for text in own}
    prompts, rows = answered(**texts)
    scores = score_homogeneity(prompts, rows, embedder=looked(vectors))
    unit = {text: vector / np.linalg.norm(vector) for text, vector in vectors.items()}
    pairs = [
        unit[one] @ unit[other]
        for first in "abc"
        for second in "abc"
        if first != second
        for one in texts[first]
        for other in texts[second]
    ]
    assert values(scores)["cross_prompt_floor"] == pytest.approx(np.mean(pairs), abs=1e-6)
