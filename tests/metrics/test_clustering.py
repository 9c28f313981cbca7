import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.clustering import (
    adjusted_rand_index,
    cluster_by_silhouette,
    confusion,
    explained_share,
    k_means,
    principal_scores,
    purity,
    silhouettes,
)

# Two pairs and a point of its own, far apart.
POINTS = np.array([[0.0, 0.0], [10.0, 1.0], [0.0, 2.0], [10.0, -1.0], [100.0, 0.0]])


def blobs(k=3, *, n=40, spread=0.3, seed=0):
    """Points around the corners of a polygon, and their corners."""
    rng = np.random.default_rng(seed)
    corners = np.array([[math.cos(2 * math.pi * i / k), math.sin(2 * math.pi * i / k)] for i in range(k)]) * 5
    labels = np.repeat(np.arange(k), n)
    return corners[labels] + rng.normal(scale=spread, size=(k * n, 2)), labels


def test_k_means_finds_the_pairs():
    found = k_means(POINTS, k=3)
    # Of the two pairs, the one that holds the point first in order of coordinates is the first.
    assert found.labels.tolist() == [0, 1, 0, 1, 2]
    np.testing.assert_allclose(found.centres, [[0, 1], [10, 0], [100, 0]])
    assert found.inertia == pytest.approx(4.0)  # each of four points lies 1 from its centre
    assert found.n_starts == 20
    assert 1 <= found.n_agreeing <= 20


def test_one_cluster_has_the_mean_as_its_centre():
    found = k_means(POINTS, k=1)
    np.testing.assert_allclose(found.centres, [POINTS.mean(axis=0)])
    assert found.inertia == pytest.approx(((POINTS - POINTS.mean(axis=0)) ** 2).sum())
    assert found.n_agreeing == 20


def test_as_many_clusters_as_points_leave_no_distance():
    found = k_means(POINTS, k=5)
    assert sorted(found.labels.tolist()) == [0, 1, 2, 3, 4]
    assert found.inertia == 0


def test_the_largest_cluster_comes_first():
    points, _ = blobs()
    found = k_means(np.concatenate([points[:10], points[40:]]), k=3)
    assert np.bincount(found.labels).tolist() == [40, 40, 10]


@given(st.integers(0, 2**32 - 1))
def test_k_means_does_not_depend_on_the_order_of_the_points(seed):
    points, _ = blobs(4, n=8, spread=2.0)
    order = np.random.default_rng(seed).permutation(len(points))
    straight, shuffled = k_means(points, k=4, n_starts=3), k_means(points[order], k=4, n_starts=3)
    assert shuffled.labels.tolist() == straight.labels[order].tolist()
    assert shuffled.inertia == pytest.approx(straight.inertia)


def test_k_means_is_the_same_for_a_seed_and_finds_no_worse_than_scipy():
    from scipy.cluster.vq import kmeans2

    points, _ = blobs(5, spread=2.5)
    found = k_means(points, k=5, seed=3)
    assert found.labels.tolist() == k_means(points, k=5, seed=3).labels.tolist()
    centres, labels = kmeans2(points, found.centres, minit="matrix")
    np.testing.assert_allclose(centres, found.centres)  # a fixed point of Lloyd's rounds
    assert labels.tolist() == found.labels.tolist()
    others = [kmeans2(points, 5, minit="++", rng=seed) for seed in range(5)]
    assert found.inertia <= min(((points - c[own]) ** 2).sum() for c, own in others) + 1e-9


def test_identical_points_do_not_stop_k_means():
    points = np.array([[0.0]] * 50 + [[1.0]] * 3 + [[5.0]])
    found = k_means(points, k=3)
    assert np.bincount(found.labels).tolist() == [50, 3, 1]
    assert found.inertia == 0


@pytest.mark.parametrize(
    ("points", "k", "error", "words"),
    [
        ([[0.0], [0.0], [1.0]], 3, DataError, "2 different ones cannot form 3 clusters"),
        ([[0.0], [math.nan]], 1, DataError, "not finite"),
        ([0.0, 1.0], 1, DataError, "shape"),
        ([[0.0], [1.0]], 0, ConfigurationError, "k must be at least 1"),
    ],
)
def test_k_means_refuses(points, k, error, words):
    with pytest.raises(error, match=words):
        k_means(points, k=k)


def test_silhouettes_by_hand():
    # On a line: 0 and 1 together, 4 and 6 together, 9 alone.
    found = silhouettes([[0.0], [1.0], [4.0], [6.0], [9.0]], ["a", "a", "b", "b", "c"])
    # 0: a = 1, b = (4 + 6) / 2 = 5. 1: a = 1, b = (3 + 5) / 2 = 4. 4: a = 2, b = min((4 + 3) / 2, 5) = 3.5.
    # 6: a = 2, b = min((6 + 5) / 2, 3) = 3. 9: alone.
    np.testing.assert_allclose(found, [4 / 5, 3 / 4, 1.5 / 3.5, 1 / 3, 0])


def test_silhouettes_of_points_in_one_place_are_0():
    assert silhouettes([[1.0], [1.0], [1.0], [1.0]], [0, 0, 1, 1]).tolist() == [0, 0, 0, 0]


def test_silhouettes_do_not_depend_on_how_many_rows_are_held_at_once():
    points, labels = blobs(3, n=250)  # 750 points, more than one chunk
    found = silhouettes(points, labels)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    for i in (0, 300, 511, 512, 749):
        own = labels == labels[i]
        a = distances[i, own].sum() / (own.sum() - 1)
        b = min(distances[i, labels == other].mean() for other in range(3) if other != labels[i])
        assert found[i] == pytest.approx((b - a) / max(a, b))


def test_silhouettes_need_two_clusters_and_a_label_a_point():
    with pytest.raises(DataError, match="two clusters"):
        silhouettes([[0.0], [1.0]], [0, 0])
    with pytest.raises(DataError, match="one label a point"):
        silhouettes([[0.0], [1.0]], [0, 1, 0])


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_the_silhouette_finds_the_number_of_blobs(k):
    points, labels = blobs(k)
    found = cluster_by_silhouette(points)
    assert found.k == k
    assert found.silhouette == max(found.silhouettes.values()) == found.silhouettes[k]
    assert list(found.silhouettes) == [2, 3, 4, 5]
    assert adjusted_rand_index(found.kmeans.labels, labels) == 1


def test_numbers_that_need_more_different_points_are_passed_over():
    found = cluster_by_silhouette([[0.0], [0.0], [1.0], [9.0]])
    assert list(found.silhouettes) == [2, 3]
    with pytest.raises(DataError, match="1 different ones"):
        cluster_by_silhouette([[0.0], [0.0]])
    with pytest.raises(ConfigurationError, match="at least 2"):
        cluster_by_silhouette(POINTS, numbers=(1, 2))


def test_adjusted_rand_index_by_hand():
    # Table [[2, 1], [0, 3]]: cells 1 + 3 = 4 pairs, rows 3 + 3, columns 1 + 6, expected 6 * 7 / 15 = 2.8.
    assert adjusted_rand_index(list("aaabbb"), [0, 0, 1, 1, 1, 1]) == pytest.approx((4 - 2.8) / (6.5 - 2.8))


labellings = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30)


@given(labellings, st.permutations(range(4)))
def test_adjusted_rand_index_is_symmetric_and_blind_to_names(pairs, names):
    ours, reference = map(list, zip(*pairs, strict=True))
    value = adjusted_rand_index(ours, reference)
    assert value <= 1 + 1e-12
    assert adjusted_rand_index(reference, ours) == pytest.approx(value)
    assert adjusted_rand_index([names[label] for label in ours], reference) == pytest.approx(value)
    assert adjusted_rand_index(ours, ours) == 1


def test_adjusted_rand_index_of_unrelated_groupings_is_0_on_average():
    rng = np.random.default_rng(0)
    values = [adjusted_rand_index(rng.integers(3, size=60), rng.integers(2, size=60)) for _ in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(len(values))


def test_adjusted_rand_index_of_groupings_without_pairs_or_borders():
    assert adjusted_rand_index([0, 0, 0], [1, 1, 1]) == 1
    assert adjusted_rand_index([0, 1, 2], [2, 1, 0]) == 1
    assert adjusted_rand_index([0, 0, 0], [0, 1, 2]) == 0
    with pytest.raises(DataError, match="two points"):
        adjusted_rand_index([0], [0])
    with pytest.raises(DataError, match="reference"):
        adjusted_rand_index([0, 1], [0])


def test_confusion_and_purity():
    ours, reference = list("aaabbb"), [7, 7, 9, 9, 9, 9]
    assert confusion(ours, reference).tolist() == [[2, 1], [0, 3]]
    assert purity(ours, reference) == pytest.approx(5 / 6)
    assert purity(reference, ours) == pytest.approx(5 / 6)
    assert purity(range(6), reference) == 1  # each in a group of its own


def test_explained_share():
    # Means 1 and 5 around 3: between 4 * 4 = 16; within 4 * 1; of the constant column nothing.
    values = np.array([[0.0, 7.0], [2.0, 7.0], [4.0, 7.0], [6.0, 7.0]])
    assert explained_share(values, [0, 0, 1, 1]) == pytest.approx(16 / 20)
    assert explained_share(values[:, 0], [0, 0, 1, 1]) == pytest.approx(16 / 20)
    assert explained_share(values, [0, 1, 2, 3]) == pytest.approx(1)
    assert explained_share(values[:, 1:], [0, 0, 1, 1]) == 0


def test_random_labels_explain_what_is_promised():
    rng = np.random.default_rng(1)
    values, labels = rng.normal(size=(40, 3)), np.repeat([0, 1, 2], [20, 12, 8])
    shares = [explained_share(values, rng.permutation(labels)) for _ in range(400)]
    assert abs(np.mean(shares) - 2 / 39) < 3 * np.std(shares) / math.sqrt(400)


def test_principal_scores_follow_the_direction_of_most_variance():
    # Along (3, 4) / 5 by -10, 0, 10; across it by 1 in turn.
    along, across = np.array([3, 4]) / 5, np.array([-4, 3]) / 5
    points = np.array([-10 * along + across, -2 * across, 10 * along + across]) + 7
    scores = principal_scores(points, n_components=2)
    np.testing.assert_allclose(scores[:, 0], [-10, 0, 10], atol=1e-9)
    np.testing.assert_allclose(np.abs(scores[:, 1]), [1, 2, 1], atol=1e-9)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(principal_scores(points, n_components=1), scores[:, :1], atol=1e-9)


def test_principal_scores_need_the_dimensions():
    with pytest.raises(DataError, match="no 3 principal components"):
        principal_scores(POINTS, n_components=3)
