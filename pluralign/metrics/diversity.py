"""Diversity and homogeneity of texts, from their similarities: of one model's own, and of several models'."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from pluralign.errors import DataError
from pluralign.metrics.arrays import FloatArray, as_floats, finite_vector

# Share by which the worth of one more new answer falls (Zhang et al. 2025, NoveltyBench, arXiv:2504.05228).
PATIENCE = 0.8
_SYMMETRY = 1e-6


def pairwise_similarities(vectors: ArrayLike) -> FloatArray:
    """Cosines of all pairs of different rows: the strict upper triangle.

    Their mean is the intra-model repetition of Jiang et al. 2025 (Artificial Hivemind, arXiv:2510.22954).

    Args:
        vectors: Shape (n, d), no row zero.

    Returns:
        Shape (n (n - 1) / 2,).

    Raises:
        DataError: Fewer than two rows, or a row of zeros.
    """
    rows = _unit_rows("vectors", vectors)
    if len(rows) < 2:
        raise DataError("vectors: pairs need at least two rows.")
    return (rows @ rows.T)[np.triu_indices(len(rows), k=1)]


def cross_similarities(first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Cosines of every row of one set with every row of another, of different models.

    With one and the same set on both sides the n self-pairs would raise the mean by (1 - mean) / n: use
    `pairwise_similarities` there.

    Args:
        first: Shape (n, d).
        second: Shape (m, d).

    Returns:
        Shape (n, m).

    Raises:
        DataError: An empty set, a row of zeros, or different widths.
    """
    left, right = _unit_rows("first", first), _unit_rows("second", second)
    if left.shape[1] != right.shape[1]:
        raise DataError(
            f"first, second: rows of {left.shape[1]} and {right.shape[1]} numbers do not compare."
        )
    similarities: FloatArray = left @ right.T
    return similarities


def vendi_score(kernel: ArrayLike, *, order: float = 1.0) -> float:
    """Effective number of different items (Friedman and Dieng 2023, arXiv:2210.02410).

    The exponential of the entropy of the eigenvalues of kernel / n: n for items that have nothing in common, 1 for n
    equal ones. Of another order than 1 it is Renyi's entropy.

    Args:
        kernel: Similarities with ones on the diagonal, symmetric and without negative eigenvalues, shape (n, n).
        order: Of the entropy, at least 0; infinite counts the largest eigenvalue alone.

    Raises:
        DataError: The kernel is not of that form, or the order is negative.
    """
    matrix = as_floats("kernel", kernel)
    if matrix.ndim != 2 or not len(matrix) or matrix.shape[0] != matrix.shape[1]:
        raise DataError(f"kernel: a square matrix is needed, not shape {matrix.shape}.")
    if np.abs(matrix - matrix.T).max() > _SYMMETRY or np.abs(np.diag(matrix) - 1).max() > _SYMMETRY:
        raise DataError("kernel: it must be symmetric, with ones on the diagonal.")
    if not order >= 0:
        raise DataError(f"order: it must be at least 0, not {order}.")
    eigenvalues = np.linalg.eigvalsh(matrix) / len(matrix)
    if eigenvalues.min() < -_SYMMETRY:
        raise DataError("kernel: it has a negative eigenvalue, so that it is no kernel of similarities.")
    shares = eigenvalues[eigenvalues > _SYMMETRY / len(matrix)]
    if order == 1:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    if np.isinf(order):
        return float(1 / shares.max())
    return float((shares**order).sum() ** (1 / (1 - order)))


def classes_by_first_member(n: int, equivalent: Callable[[int, int], bool]) -> list[int]:
    """Classes of answers, in order: an answer joins the first class whose first member it is equivalent to.

    The partition of NoveltyBench (arXiv:2504.05228): the number of classes is its `distinct`. Equivalence need not
    be transitive; `classes_by_closure` treats it as if it were.

    Args:
        n: Number of answers.
        equivalent: (earlier answer, later answer) -> whether they say the same.

    Returns:
        Class of each answer, numbered from 0 in order of appearance.
    """
    first: list[int] = []
    classes: list[int] = []
    for answer in range(n):
        joined = next(
            (number for number, member in enumerate(first) if equivalent(member, answer)), len(first)
        )
        if joined == len(first):
            first.append(answer)
        classes.append(joined)
    return classes


def classes_by_closure(n: int, equivalent: Callable[[int, int], bool]) -> list[int]:
    """Classes of answers under the transitive closure of equivalence (union-find, as in DARLING, arXiv:2509.02534).

    Args:
        n: Number of answers.
        equivalent: (earlier answer, later answer) -> whether they say the same.

    Returns:
        Class of each answer, numbered from 0 in order of appearance.
    """
    root = list(range(n))

    def find(answer: int) -> int:
        while root[answer] != answer:
            root[answer] = root[root[answer]]
            answer = root[answer]
        return answer

    for later in range(n):
        for earlier in range(later):
            if find(earlier) != find(later) and equivalent(earlier, later):
                root[find(later)] = find(earlier)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(find(answer), len(numbers)) for answer in range(n)]


def novelty_utility(qualities: ArrayLike, classes: Sequence[int], *, patience: float = PATIENCE) -> float:
    """Worth of a series of answers to somebody who goes on with probability `patience` (arXiv:2504.05228).

    The mean of the qualities under weights patience^i, where an answer that says what stood there before counts 0.

    Args:
        qualities: Of each answer, in order, shape (n,); NoveltyBench takes 1 to 10.
        classes: Class of each answer, from `classes_by_first_member`.
        patience: In (0, 1].

    Raises:
        DataError: There are no answers, lengths that differ, or no such patience.
    """
    worth = finite_vector("qualities", qualities)
    if not len(worth) or len(worth) != len(classes):
        raise DataError(
            f"qualities, classes: {len(worth)} and {len(classes)}; as many are needed, at least one."
        )
    if not 0 < patience <= 1:
        raise DataError(f"patience: it must lie in (0, 1], not {patience}.")
    weights = patience ** np.arange(len(worth))
    new = np.array([number not in classes[:i] for i, number in enumerate(classes)])
    return float((weights * worth * new).sum() / weights.sum())


def n_sources_among_nearest(vectors: ArrayLike, sources: Sequence[str], *, n_nearest: int) -> float:
    """Mean number of models among the answers nearest to an answer, the answer itself left out (arXiv:2510.22954).

    Args:
        vectors: Answers of all models to one prompt, shape (n, d).
        sources: Model of each answer.
        n_nearest: Number of neighbours, from 1 to n - 1.

    Raises:
        DataError: Lengths that differ, or no such number of neighbours.
    """
    rows = _unit_rows("vectors", vectors)
    if len(sources) != len(rows):
        raise DataError(f"vectors, sources: {len(rows)} and {len(sources)}; each answer has one source.")
    if not 1 <= n_nearest < len(rows):
        raise DataError(
            f"n_nearest: of {len(rows)} answers 1 to {len(rows) - 1} are neighbours, not {n_nearest}."
        )
    similarities = rows @ rows.T
    np.fill_diagonal(similarities, -np.inf)
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :n_nearest]
    _, codes = np.unique(np.asarray(sources), return_inverse=True)
    return float(np.mean([len(set(row)) for row in codes[nearest].tolist()]))


def _unit_rows(name: str, vectors: ArrayLike) -> FloatArray:
    rows = as_floats(name, vectors)
    if rows.ndim != 2 or not len(rows):
        raise DataError(f"{name}: at least one row is needed, shape (n, d), not {rows.shape}.")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not lengths.all():
        raise DataError(f"{name}: a row is zero or not finite, so that it has no direction.")
    unit: FloatArray = rows / lengths
    return unit
