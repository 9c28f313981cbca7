from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, DataError
from pluralign.raters import assign, cluster


def brute_force(losses, n_clusters):
    return min(
        losses[:, list(chosen)].min(axis=1).sum()
        for chosen in combinations(range(losses.shape[1]), n_clusters)
    )


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(deadline=None)
def test_it_finds_the_best_choice_of_small_cases(seed, n_clusters):
    losses = np.random.default_rng(seed).gamma(2, size=(8, 6))
    found = cluster(losses, n_clusters=n_clusters, n_restarts=30, seed=seed)
    assert found.loss == pytest.approx(brute_force(losses, n_clusters))
    assert len(set(found.chosen)) == n_clusters
    assert found.loss == pytest.approx(sum(losses[i, found.chosen[k]] for i, k in enumerate(found.assigned)))


def test_planted_clusters_are_recovered():
    rng = np.random.default_rng(0)
    types = rng.integers(3, size=40)
    # Nine candidates, three of each type; a candidate of the rater's own type predicts him better.
    of_candidate = np.repeat(np.arange(3), 3)
    losses = np.where(types[:, None] == of_candidate, 2.0, 6.0) + rng.normal(0, 0.3, size=(40, 9))
    found = cluster(losses, n_clusters=3)
    assert sorted(of_candidate[list(found.chosen)]) == [0, 1, 2]
    assert [of_candidate[found.chosen[k]] for k in found.assigned] == list(types)
    assert found.n_agreeing > 1


def test_a_local_optimum_of_single_swaps_needs_another_start():
    # {0, 1} cost 4 and no single swap helps (any costs 4 or more); {2, 3} cost 0.
    losses = np.array([[1, 9, 0, 9], [1, 9, 9, 0], [9, 1, 0, 9], [9, 1, 9, 0]], dtype=float)
    found = cluster(losses, n_clusters=2, n_restarts=40)
    assert found.chosen == (2, 3)
    assert found.loss == 0


def test_equal_candidates_do_not_change_places_for_ever():
    assert cluster(np.ones((3, 4)), n_clusters=2).loss == 3


def test_new_raters_go_where_their_ratings_are_likeliest():
    assert assign([[5.0, 1.0, 2.0], [0.0, 1.0, 1.0]], (1, 2)) == (0, 0)
    assert assign([[5.0, 3.0, 2.0]], (0, 2)) == (1,)


def test_wrong_arguments_are_named():
    with pytest.raises(ConfigurationError, match="n_clusters: 3 profiles cannot be chosen from 2 candidates"):
        cluster(np.ones((4, 2)), n_clusters=3)
    with pytest.raises(ConfigurationError, match="n_restarts: 0"):
        cluster(np.ones((4, 2)), n_clusters=1, n_restarts=0)
    with pytest.raises(DataError, match="values that are not finite"):
        cluster([[np.nan]], n_clusters=1)
