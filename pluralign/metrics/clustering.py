"""Clusters of points: k-means, the number of clusters by silhouette, and how far two groupings agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import FloatArray, as_floats, check_count

IntArray = NDArray[np.int64]

NUMBERS = (2, 3, 4, 5)  # of clusters tried: Polis looks for two to five groups
N_STARTS = 20
_MAX_ROUNDS = 300
_CHUNK = 512  # points whose distances to all others are held at once


@dataclass(frozen=True)
class KMeans:
    """Points around a few centres.

    Attributes:
        labels: Each point's cluster, shape (n,): 0 is the largest cluster.
        centres: The mean of each cluster's points, shape (k, d).
        inertia: Sum of the squared distances of the points to their centres.
        n_starts: Number of random starts, the best of which is kept.
        n_agreeing: How many of them ended at that inertia: few mean that more starts may find better.
    """

    labels: IntArray
    centres: FloatArray
    inertia: float
    n_starts: int
    n_agreeing: int


@dataclass(frozen=True)
class Clusters:
    """The clusters of the number that was chosen.

    Attributes:
        kmeans: Them.
        silhouette: Their mean silhouette.
        silhouettes: Number of clusters -> mean silhouette, of all that were tried.
    """

    kmeans: KMeans
    silhouette: float
    silhouettes: Mapping[int, float]

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.kmeans.centres)


def k_means(points: ArrayLike, *, k: int, n_starts: int = N_STARTS, seed: int = 0) -> KMeans:
    """Group points around k centres so that the squared distances to the centres are small.

    Lloyd's rounds from k-means++ starts (Arthur and Vassilvitskii 2007); a cluster that loses all its points moves
    to the point farthest from its centre. The result does not depend on the order of the points.

    Args:
        points: Shape (n, d).
        k: Number of clusters.
        n_starts: Number of random starts.
        seed: Seed of the starts.

    Raises:
        ConfigurationError: `k` or `n_starts` is below 1.
        DataError: The points are no finite matrix, or fewer than k of them differ.
    """
    given = _points(points)
    check_count("k", k)
    check_count("n_starts", n_starts)
    order = np.lexsort(given.T[::-1])
    matrix = given[order]
    n_different = len(np.unique(matrix, axis=0))
    if n_different < k:
        raise DataError(f"points: {n_different} different ones cannot form {k} clusters.")
    rng = np.random.default_rng(seed)
    ends = [_lloyd(matrix, _start(matrix, k=k, rng=rng)) for _ in range(n_starts)]
    sums = np.array([inertia for _, inertia in ends])
    best = int(sums.argmin())
    labels = np.empty(len(given), dtype=np.int64)
    labels[order] = _largest_first(ends[best][0], matrix, k=k)
    return KMeans(
        labels=labels,
        centres=_means(given, labels, k=k),
        inertia=float(sums[best]),
        n_starts=n_starts,
        n_agreeing=int(np.count_nonzero(np.isclose(sums, sums[best], rtol=1e-9, atol=1e-12))),
    )


def cluster_by_silhouette(
    points: ArrayLike, *, numbers: Sequence[int] = NUMBERS, n_starts: int = N_STARTS, seed: int = 0
) -> Clusters:
    """Group points by k-means around as many centres as give the largest mean silhouette; of equals the fewest.

    Args:
        points: Shape (n, d).
        numbers: Numbers of clusters to try, each at least 2; those that need more different points than there
            are are passed over.
        n_starts: Number of random starts for each.
        seed: Seed of the starts.

    Raises:
        ConfigurationError: No number, or one below 2.
        DataError: The points are no finite matrix, or too few of them differ for any of the numbers.
    """
    if not numbers or min(numbers) < 2:
        raise ConfigurationError(f"numbers: one or more of at least 2 are needed, not {list(numbers)}.")
    matrix = _points(points)
    n_different = len(np.unique(matrix, axis=0))
    possible = [k for k in sorted(set(numbers)) if k <= n_different]
    if not possible:
        raise DataError(f"points: {n_different} different ones cannot form {min(numbers)} clusters.")
    found = {k: k_means(matrix, k=k, n_starts=n_starts, seed=seed) for k in possible}
    means = {k: float(silhouettes(matrix, result.labels).mean()) for k, result in found.items()}
    best = max(possible, key=lambda k: means[k])
    return Clusters(kmeans=found[best], silhouette=means[best], silhouettes=means)


def silhouettes(points: ArrayLike, labels: ArrayLike) -> FloatArray:
    """How much nearer each point is to its own cluster than to the next (Rousseeuw 1987).

    With a the mean distance to the other points of its cluster and b the least mean distance to those of another
    cluster, s = (b - a) / max(a, b); 0 for a point that is alone in its cluster.

    Args:
        points: Shape (n, d).
        labels: Each point's cluster, shape (n,).

    Returns:
        Shape (n,), from -1 to 1.

    Raises:
        DataError: The shapes do not fit, or there are fewer than two clusters.
    """
    from scipy.spatial.distance import cdist

    matrix = _points(points)
    _, own = _indices("labels", labels, n=len(matrix))
    n_members = np.bincount(own)
    if len(n_members) < 2:
        raise DataError("labels: a silhouette needs two clusters, there is one.")
    belongs = np.eye(len(n_members))[own]  # (n, k)
    values = np.zeros(len(matrix))
    for first in range(0, len(matrix), _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, len(matrix)))
        here = (np.arange(len(rows)), own[rows])
        sums = cdist(matrix[rows], matrix) @ belongs  # (rows, k)
        a = sums[here] / np.maximum(n_members[own[rows]] - 1, 1)
        others = sums / n_members
        others[here] = np.inf
        b = others.min(axis=1)
        scale = np.maximum(a, b)
        values[rows] = np.divide(b - a, scale, out=np.zeros(len(rows)), where=scale > 0)
    values[n_members[own] == 1] = 0.0
    return values


def adjusted_rand_index(labels: ArrayLike, reference: ArrayLike) -> float:
    """How far two groupings of the same points agree: 1 for the same one, 0 as expected of unrelated ones.

    With C(x) = x (x - 1) / 2 summed over the cells of the table of both, over its rows and over its columns:
    (cells - expected) / ((rows + columns) / 2 - expected), expected = rows * columns / C(n) (Hubert and Arabie 1985).

    Args:
        labels: Each point's group, shape (n,), of any kind.
        reference: Its group in the other grouping, shape (n,).

    Returns:
        At most 1; 1 as well where both put all points into one group, or each into one of its own.

    Raises:
        DataError: The shapes do not fit, or there are fewer than two points.
    """
    table = confusion(labels, reference)
    n = table.sum()
    if n < 2:
        raise DataError("labels: two points or more are needed to compare two groupings.")
    cells, rows, columns = (_pairs(counts) for counts in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = rows * columns / _pairs(n)
    most = (rows + columns) / 2
    return (cells - expected) / (most - expected) if most != expected else 1.0


def purity(labels: ArrayLike, reference: ArrayLike) -> float:
    """Share of points that belong to the reference group most frequent in their own group.

    It never falls when groups are split, so that it compares groupings of the same number of groups only.

    Args:
        labels: Each point's group, shape (n,).
        reference: Its group in the other grouping, shape (n,).

    Raises:
        DataError: The shapes do not fit, or there is no point.
    """
    table = confusion(labels, reference)
    return float(table.max(axis=1).sum() / table.sum())


def confusion(labels: ArrayLike, reference: ArrayLike) -> IntArray:
    """How many points are in which groups of two groupings.

    Args:
        labels: Each point's group, shape (n,).
        reference: Its group in the other grouping, shape (n,).

    Returns:
        Counts, shape (groups, reference groups), both in sorted order.

    Raises:
        DataError: The shapes do not fit, or there is no point.
    """
    ours = np.asarray(labels)
    rows, row = _indices("labels", ours, n=len(ours) if ours.ndim else 0)
    columns, column = _indices("reference", reference, n=len(row))
    table = np.zeros((rows, columns), dtype=np.int64)
    np.add.at(table, (row, column), 1)
    return table


def explained_share(values: ArrayLike, labels: ArrayLike) -> float:
    """Share of the variance of values that lies between groups: eta squared, over all columns together.

    Labels that have nothing to do with the values explain (k - 1) / (n - 1) on average, so that no grouping of few
    points explains nothing.

    Args:
        values: Shape (n, m), or (n,) for a single column.
        labels: Each row's group, shape (n,).

    Returns:
        From 0 to 1; 0 where the values do not vary.

    Raises:
        DataError: The values are no finite matrix, or the shapes do not fit.
    """
    matrix = as_floats("values", values)
    matrix = _points(matrix[:, None] if matrix.ndim == 1 else matrix)
    k, own = _indices("labels", labels, n=len(matrix))
    centred = matrix - matrix.mean(axis=0)
    total = float((centred**2).sum())
    between = float((_means(centred, own, k=k)[own] ** 2).sum())
    return between / total if total > 0 else 0.0


def principal_scores(points: ArrayLike, *, n_components: int) -> FloatArray:
    """Coordinates of points along the directions in which they differ most.

    Args:
        points: Shape (n, d).
        n_components: Number of directions.

    Returns:
        Shape (n, n_components), centred; of each direction, the largest loading is positive.

    Raises:
        ConfigurationError: `n_components` is below 1.
        DataError: The points are no finite matrix, or have fewer dimensions than that.
    """
    matrix = _points(points)
    check_count("n_components", n_components)
    if n_components > min(matrix.shape):
        raise DataError(f"points of shape {matrix.shape} have no {n_components} principal components.")
    centred = matrix - matrix.mean(axis=0)
    loadings = np.linalg.svd(centred, full_matrices=False)[2][:n_components]  # (components, d)
    largest = loadings[np.arange(n_components), np.abs(loadings).argmax(axis=1)]
    scores: FloatArray = centred @ (loadings * np.where(largest < 0, -1.0, 1.0)[:, None]).T
    return scores


def _start(matrix: FloatArray, *, k: int, rng: np.random.Generator) -> FloatArray:
    """k-means++: points drawn one by one, each by its squared distance to the nearest drawn before."""
    centres = matrix[[rng.integers(len(matrix))]]
    for _ in range(k - 1):
        nearest = _squared_distances(matrix, centres).min(axis=1)
        centres = np.vstack([centres, matrix[rng.choice(len(matrix), p=nearest / nearest.sum())]])
    return centres


def _lloyd(matrix: FloatArray, centres: FloatArray) -> tuple[IntArray, float]:
    """Labels and inertia once no point changes its cluster."""
    k = len(centres)
    labels = np.full(len(matrix), -1)
    for _ in range(_MAX_ROUNDS):
        distances = _squared_distances(matrix, centres)
        found = distances.argmin(axis=1)
        _fill_empty(found, distances.min(axis=1), k=k)
        if (found == labels).all():
            break
        labels = found
        centres = _means(matrix, labels, k=k)
    return labels, float(((matrix - centres[labels]) ** 2).sum())


def _fill_empty(labels: IntArray, nearest: FloatArray, *, k: int) -> None:
    """Give each cluster without points the point that is farthest from its centre and not alone there."""
    for empty in np.flatnonzero(np.bincount(labels, minlength=k) == 0):
        alone = np.bincount(labels, minlength=k)[labels] == 1
        farthest = int(np.where(alone, -1.0, nearest).argmax())
        labels[farthest], nearest[farthest] = empty, 0.0


def _largest_first(labels: IntArray, matrix: FloatArray, *, k: int) -> IntArray:
    """The labels renumbered by falling size; of equal sizes, the cluster of the first point comes first."""
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(k)]
    order = sorted(range(k), key=lambda label: (-np.count_nonzero(labels == label), first[label]))
    return np.argsort(order)[labels]


def _means(matrix: FloatArray, labels: IntArray, *, k: int) -> FloatArray:
    return np.stack([matrix[labels == label].mean(axis=0) for label in range(k)])


def _squared_distances(matrix: FloatArray, centres: FloatArray) -> FloatArray:
    """Shape (n, k); by differences, since |x|^2 - 2 xc + |c|^2 loses the digits of small distances."""
    return np.stack([((matrix - centre) ** 2).sum(axis=1) for centre in centres], axis=1)


def _pairs(counts: NDArray[np.int64] | np.int64) -> float:
    """Number of pairs within groups of these sizes."""
    sizes = np.asarray(counts, dtype=np.float64)
    return float((sizes * (sizes - 1) / 2).sum())


def _points(points: ArrayLike) -> FloatArray:
    matrix = as_floats("points", points)
    if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
        raise DataError(
            f"points must be finite numbers of shape (n, d), at least one of each, found shape {matrix.shape}"
            f"{'' if np.isfinite(matrix).all() else ' with values that are not finite'}."
        )
    return matrix


def _indices(name: str, labels: ArrayLike, *, n: int) -> tuple[int, IntArray]:
    """Number of different labels, and each point's number among them, in sorted order."""
    values = np.asarray(labels)
    if values.shape != (n,) or not n:
        raise DataError(f"{name} must have shape (n,) with one label a point ({n}), not {values.shape}.")
    different, indices = np.unique(values, return_inverse=True)
    return len(different), indices
