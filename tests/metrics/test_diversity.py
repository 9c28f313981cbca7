"""Diversity and homogeneity: golden values by hand, closed forms and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.errors import DataError
from pluralign.metrics.diversity import (
    classes_by_closure,
    classes_by_first_member,
    cross_similarities,
    n_sources_among_nearest,
    novelty_utility,
    pairwise_similarities,
    vendi_score,
)

seeds = st.integers(min_value=0, max_value=10_000)


def vectors_of(seed: int, *, n: int = 6, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_pairs_are_the_upper_triangle() -> None:
    vectors = [[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]]
    assert pairwise_similarities(vectors) == pytest.approx([0, np.sqrt(0.5), np.sqrt(0.5)])


@given(seeds)
def test_a_set_against_itself_is_higher_by_the_self_pairs(seed: int) -> None:
    vectors = vectors_of(seed)
    mean = pairwise_similarities(vectors).mean()
    assert cross_similarities(vectors, vectors).mean() == pytest.approx(mean + (1 - mean) / 6)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_vendi_counts_what_is_different(n: int) -> None:
    for order in (0.5, 1, 2, np.inf):
        assert vendi_score(np.eye(n), order=order) == pytest.approx(n)
        assert vendi_score(np.ones((n, n)), order=order) == pytest.approx(1)


def test_vendi_of_two_items_is_the_entropy_of_two_eigenvalues() -> None:
    # Eigenvalues of [[1, s], [s, 1]] / 2 are (1 + s) / 2 and (1 - s) / 2.
    p = np.array([0.8, 0.2])
    assert vendi_score([[1, 0.6], [0.6, 1]]) == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    assert vendi_score([[1, 0.6], [0.6, 1]], order=2) == pytest.approx(1 / (p**2).sum())


@given(seeds)
def test_vendi_lies_between_one_and_n_and_falls_with_the_order(seed: int) -> None:
    vectors = vectors_of(seed)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = [vendi_score(unit @ unit.T, order=order) for order in (0.5, 1, 2, np.inf)]
    assert all(1 - 1e-9 <= score <= 6 + 1e-9 for score in scores)
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (np.ones((2, 3)), "square"),
        ([[1, 0.5], [0.2, 1]], "symmetric"),
        ([[2, 0], [0, 1]], "diagonal"),
        ([[1, 2], [2, 1]], "negative eigenvalue"),
    ],
)
def test_what_is_no_kernel_is_refused(kernel: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        vendi_score(kernel)  # type: ignore[arg-type]


def test_the_two_partitions_differ_where_equivalence_is_not_transitive() -> None:
    chain = {(0, 1), (1, 2)}
    assert classes_by_first_member(3, lambda a, b: (a, b) in chain) == [0, 0, 1]
    assert classes_by_closure(3, lambda a, b: (a, b) in chain) == [0, 0, 0]


@given(st.lists(st.integers(min_value=0, max_value=3), max_size=12))
def test_partitions_agree_where_equivalence_is_equality(labels: list[int]) -> None:
    numbers: dict[int, int] = {}
    expected = [numbers.setdefault(label, len(numbers)) for label in labels]
    for partition in (classes_by_first_member, classes_by_closure):
        assert partition(len(labels), lambda a, b: labels[a] == labels[b]) == expected


def test_utility_by_hand() -> None:
    assert novelty_utility([8, 9, 5], [0, 0, 1]) == pytest.approx((8 + 0 + 0.64 * 5) / (1 + 0.8 + 0.64))
    # All ten answers the same, the first worth 10 (arXiv:2504.05228).
    assert novelty_utility([10] * 10, [0] * 10) == pytest.approx(10 / sum(0.8**i for i in range(10)))
    assert novelty_utility([3, 5], [0, 1], patience=1) == pytest.approx(4)


@pytest.mark.parametrize(
    ("qualities", "classes", "patience"),
    [([], [], 0.8), ([1], [0, 1], 0.8), ([1], [0], 0.0), ([1], [0], 1.1)],
)
def test_utility_of_nonsense_is_refused(qualities: list[float], classes: list[int], patience: float) -> None:
    with pytest.raises(DataError):
        novelty_utility(qualities, classes, patience=patience)


def test_sources_among_the_nearest() -> None:
    # Two models whose answers lie apart, and a third whose answers lie among the first's.
    vectors = [[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 0.05]]
    sources = ["a", "a", "b", "b", "c"]
    # Nearest: c to the first, c to the second, b to each b, then c's nearest is an a: one model each.
    assert n_sources_among_nearest(vectors, sources, n_nearest=1) == 1
    # All four others: {a, b, c} for the answers of a and b, {a, b} for c's.
    assert n_sources_among_nearest(vectors, sources, n_nearest=4) == pytest.approx((3 * 4 + 2) / 5)
    with pytest.raises(DataError, match="1 to 4"):
        n_sources_among_nearest(vectors, sources, n_nearest=5)


def test_rows_without_direction_are_refused() -> None:
    with pytest.raises(DataError, match="zero"):
        pairwise_similarities([[0, 0], [1, 0]])
    with pytest.raises(DataError, match="two rows"):
        pairwise_similarities([[1.0, 0]])
    with pytest.raises(DataError, match="do not compare"):
        cross_similarities([[1.0]], [[1.0, 0]])
