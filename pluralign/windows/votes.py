"""Groups of people who vote alike, and the statements that tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.data.ballots import MIN_VOTES, NO_GROUP, Ballots, representative_statements
from pluralign.errors import DataError
from pluralign.metrics.clustering import (
    NUMBERS,
    Clusters,
    adjusted_rand_index,
    cluster_by_silhouette,
    principal_scores,
    silhouettes,
)
from pluralign.records import Viewpoint

# Polis clusters people with at least 7 votes, or with as many as there are statements, in the first two principal
# components of the votes, and takes a statement to represent a group from the 90 % quantile of the standard normal
# distribution on (github.com/compdemocracy/polis, math/src/polismath).
MIN_OWN_VOTES = 7
N_COMPONENTS = 2
MIN_Z = 1.2816


@dataclass(frozen=True)
class VoteClusters:
    """People who vote alike.

    Attributes:
        labels: "cluster=0" for the largest cluster, and so on, shape (people,); `NO_GROUP` for people with too few
            votes.
        scores: The clustered people in two dimensions, shape (clustered people, 2).
        clusters: Their clusters, with the silhouettes by which the number of clusters was chosen.
    """

    labels: NDArray[np.str_]
    scores: NDArray[np.float64]
    clusters: Clusters


class Agreement(NamedTuple):
    """How far clusters of the votes agree with the groups that ship with a conversation.

    Attributes:
        n_people: Number of participants.
        n_grouped: Number of those whom Polis put into a group and who voted on a statement left open.
        k_published: Number of the groups that ship.
        grouped_ari: Adjusted Rand index of the clusters of exactly these people, as many as there are groups.
        n_clustered: Number of participants with enough votes to be clustered by the rule.
        k: Number of clusters by silhouette.
        published_k_ari: Adjusted Rand index by the rule with as many clusters as there are groups, over those who
            are in both.
        ari: The same with k by silhouette.
        silhouette: Mean silhouette of the clusters, k by silhouette.
        published_silhouette: Mean silhouette of the groups that ship, among the people clustered by the rule: near
            or below 0, these votes do not set the groups apart.
    """

    n_people: int
    n_grouped: int
    k_published: int
    grouped_ari: float
    n_clustered: int
    k: int
    published_k_ari: float
    ari: float
    silhouette: float
    published_silhouette: float


def cluster_votes(
    votes: ArrayLike,
    *,
    min_own_votes: int = MIN_OWN_VOTES,
    numbers: Sequence[int] = NUMBERS,
    seed: int = 0,
) -> VoteClusters:
    """Cluster people who vote alike, much as Polis does.

    A vote that was not cast counts as the mean of the votes on the statement; the people with enough votes are
    then clustered by k-means in the first two principal components.

    Args:
        votes: 1 agree, -1 disagree, 0 pass, or ratings, NaN for none, shape (people, statements).
        min_own_votes: Fewest votes with which somebody is clustered; where there are fewer statements, all of them.
        numbers: Numbers of clusters to choose from by silhouette.
        seed: Seed of the clustering.

    Raises:
        DataError: Not a matrix, or too few people vote differently.
    """
    matrix = np.asarray(votes, dtype=np.float64)
    if matrix.ndim != 2:
        raise DataError(f"votes must have shape (people, statements), not {matrix.shape}.")
    n_votes = np.count_nonzero(~np.isnan(matrix), axis=1)
    needed = min(min_own_votes, matrix.shape[1])
    inside = n_votes >= needed
    cast = matrix[inside]
    cast = cast[:, ~np.isnan(cast).all(axis=0)]
    if min(cast.shape) < N_COMPONENTS:
        raise DataError(
            f"votes: {len(cast)} people with {needed} votes or more on {cast.shape[1]} statements cannot be "
            "clustered."
        )
    scores = principal_scores(
        np.where(np.isnan(cast), np.nanmean(cast, axis=0), cast), n_components=N_COMPONENTS
    )
    clusters = cluster_by_silhouette(scores, numbers=numbers, seed=seed)
    names = np.array([f"cluster={number}" for number in range(clusters.k)])
    labels = np.full(len(matrix), NO_GROUP, dtype=names.dtype)
    labels[inside] = names[clusters.kmeans.labels]
    return VoteClusters(labels=labels, scores=scores, clusters=clusters)


def group_agreement(ballots: Ballots, *, seed: int = 0) -> Agreement:
    """Compare clusters of the votes with the groups that ship with a conversation.

    The groups that ship were formed while people voted: each time from the centres of the time before, by k-means
    of up to 100 small clusters of people, at whatever number of statements there was. Votes cast later, and local
    optima that were kept, set them apart from a clustering of the final votes.

    Args:
        ballots: The votes, of a conversation with groups.
        seed: Seed of the clustering.

    Raises:
        DataError: There are fewer than two groups, or too few people to cluster.
    """
    published, k = ballots.labels, len(ballots.groups)
    if k < 2:
        raise DataError(
            f"labels: two groups or more are needed to compare clusters with, found {ballots.groups}."
        )
    grouped = (published != NO_GROUP) & ~np.isnan(ballots.votes).all(axis=1)
    same_people = cluster_votes(ballots.votes[grouped], min_own_votes=1, numbers=(k,), seed=seed)
    same_k = cluster_votes(ballots.votes, numbers=(k,), seed=seed)
    chosen = cluster_votes(ballots.votes, seed=seed)
    inside = chosen.labels != NO_GROUP
    both = inside & (published != NO_GROUP)
    return Agreement(
        n_people=len(published),
        n_grouped=int(np.count_nonzero(grouped)),
        k_published=k,
        grouped_ari=adjusted_rand_index(same_people.labels, published[grouped]),
        n_clustered=int(np.count_nonzero(inside)),
        k=chosen.clusters.k,
        published_k_ari=adjusted_rand_index(same_k.labels[both], published[both]),
        ari=adjusted_rand_index(chosen.labels[both], published[both]),
        silhouette=chosen.clusters.silhouette,
        published_silhouette=float(silhouettes(chosen.scores[both[inside]], published[both]).mean()),
    )


def describe_groups(
    votes: ArrayLike,
    labels: NDArray[np.str_],
    *,
    texts: Sequence[str],
    min_votes: int = MIN_VOTES,
    n_statements: int = 3,
) -> tuple[Viewpoint, ...]:
    """Groups of people as viewpoints, in the statements that represent them.

    Args:
        votes: 1 agree, -1 disagree, 0 neither, NaN for no vote, shape (people, statements).
        labels: Each person's group, shape (people,); `NO_GROUP` for people in none.
        texts: The statements, shape (statements,).
        min_votes: Fewest votes on a statement, in the group and outside.
        n_statements: Number of statements of a viewpoint, at most.

    Returns:
        The groups that a statement represents, with at least `MIN_Z` (90 % certain), each in those statements, the
        clearest first; shares are of all people in groups. A
        statement that represents several groups is given to the one that it represents most clearly, so that no
        two viewpoints are told by the same words.
    """
    groups = sorted(set(labels.tolist()) - {NO_GROUP})
    n_inside = np.count_nonzero(labels != NO_GROUP)
    found = {
        group: [
            item
            for item in representative_statements(votes, labels, group=group, min_votes=min_votes)
            if item.z >= MIN_Z
        ]
        for group in groups
    }
    highest: dict[int, float] = {}
    for item in (item for items in found.values() for item in items):
        highest[item.statement] = max(item.z, highest.get(item.statement, 0.0))
    viewpoints = []
    for group, items in found.items():
        statements = [texts[item.statement] for item in items if item.z == highest[item.statement]]
        n_members = int(np.count_nonzero(labels == group))
        if statements:
            viewpoints.append(
                Viewpoint(
                    id=group,
                    statements=tuple(dict.fromkeys(statements))[:n_statements],
                    share=n_members / n_inside,
                    n_people=n_members,
                )
            )
    return tuple(viewpoints)
