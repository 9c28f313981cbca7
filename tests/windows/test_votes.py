import numpy as np
import pytest

from pluralign.data.ballots import Ballots, open_conversation
from pluralign.errors import DataError
from pluralign.windows.polis import opinion_ballots
from pluralign.windows.votes import MIN_Z, cluster_votes, describe_groups, group_agreement

NONE = np.nan


def camps(*sizes, n_statements=12, noise=0.1, missing=0.3, seed=0):
    """Votes of camps: each agrees with statements of its own and disagrees with the others'; and the camps."""
    rng = np.random.default_rng(seed)
    camp = np.repeat(np.arange(len(sizes)), sizes)
    own = np.arange(n_statements) % len(sizes)
    votes = np.where(camp[:, None] == own, 1.0, -1.0)
    votes = np.where(rng.random(votes.shape) < noise, -votes, votes)
    votes[rng.random(votes.shape) < missing] = np.nan
    return votes, camp


def test_camps_are_found_the_largest_first():
    votes, camp = camps(60, 30)
    found = cluster_votes(votes, min_own_votes=1)
    assert found.clusters.k == 2
    assert found.labels.tolist() == [f"cluster={number}" for number in camp]
    assert found.scores.shape == (90, 2)


def test_people_with_few_votes_are_in_no_cluster():
    votes, camp = camps(60, 30, missing=0.0)
    votes[5, :6], votes[6, :5], votes[80] = NONE, NONE, NONE  # 6, 7 and 0 votes out of 12 are left
    found = cluster_votes(votes)
    assert (found.labels == "").nonzero()[0].tolist() == [5, 80]
    assert len(found.scores) == 88
    kept = found.labels != ""
    assert found.labels[kept].tolist() == [f"cluster={number}" for number in camp[kept]]


def test_where_there_are_fewer_statements_a_vote_on_each_is_enough():
    votes, _ = camps(20, 20, n_statements=4, missing=0.0)
    votes[0, 0] = NONE
    assert (cluster_votes(votes).labels == "").nonzero()[0].tolist() == [0]


def test_a_vote_not_cast_counts_as_the_mean_of_the_statement():
    # Whoever votes on the first statement alone lies where the mean of the second is.
    votes = np.array([[1, 1], [1, 1], [-1, -1], [-1, -1], [1, NONE], [-1, NONE]])
    scores = cluster_votes(votes, min_own_votes=1, numbers=(2,)).scores
    first, second = scores[0] - scores[2], scores[4] - scores[5]
    # The first two differ by (2, 2), the last two by (2, 0): rotations keep lengths and angles.
    assert first @ first == pytest.approx(8)
    assert second @ second == pytest.approx(4)
    assert first @ second == pytest.approx(4)


def test_statements_that_nobody_voted_on_change_nothing():
    votes, _ = camps(30, 20, missing=0.0)
    padded = np.column_stack([votes, np.full(50, NONE)])
    np.testing.assert_allclose(cluster_votes(padded).scores, cluster_votes(votes).scores)


def test_too_few_people_or_differences():
    with pytest.raises(DataError, match="1 people with 2 votes or more on 2 statements"):
        cluster_votes([[1, 1], [1, NONE]])
    with pytest.raises(DataError, match="1 different ones cannot form 2 clusters"):
        cluster_votes([[1, 1], [1, 1], [1, 1]])
    with pytest.raises(DataError, match="shape"):
        cluster_votes([1, 0])


def test_viewpoints_are_groups_in_their_own_statements():
    votes, camp = camps(60, 30)
    labels = np.array([f"cluster={number}" for number in camp])
    labels[:10] = ""
    texts = [f"Statement {number}." for number in range(12)]
    first, second = describe_groups(votes, labels, texts=texts, n_statements=4)
    assert (first.id, first.n_people, first.share) == ("cluster=0", 50, pytest.approx(50 / 80))
    assert (second.id, second.n_people, second.share) == ("cluster=1", 30, pytest.approx(30 / 80))
    assert len(first.statements) == len(second.statements) == 4
    assert {texts.index(text) % 2 for text in first.statements} == {0}
    assert {texts.index(text) % 2 for text in second.statements} == {1}


def test_a_group_that_no_statement_describes_is_left_out():
    votes = np.array([[1.0]] * 20 + [[-1.0]] * 20)  # nobody agrees with anything else
    found = describe_groups(votes, np.repeat(["a", "b"], 20), texts=["Yes."])
    assert [(view.id, view.share) for view in found] == [("a", 0.5)]


def test_a_statement_of_two_groups_goes_to_the_one_that_it_represents_most_clearly():
    # Of 20 each, a agrees to all, b to 3 in 4, c to none with the first; b alone with the second.
    first = np.concatenate([np.ones(20), np.tile([1, 1, 1, -1], 5), -np.ones(20)])
    second = np.concatenate([-np.ones(20), np.ones(20), -np.ones(20)])
    votes = np.column_stack([first, second])
    labels = np.repeat(["a", "b", "c"], 20)
    found = {view.id: view.statements for view in describe_groups(votes, labels, texts=["One.", "Two."])}
    assert found == {"a": ("One.",), "b": ("Two.",)}


def test_a_difference_that_chance_may_make_describes_nobody():
    # 11 of 20 against 9 of 20: pa 12/22, po 10/22, z = (2/22) / sqrt(2 * (120/484) / 23) = 0.62.
    votes = np.array([[1.0]] * 11 + [[-1.0]] * 9 + [[1.0]] * 9 + [[-1.0]] * 11)
    assert MIN_Z > 0.62
    assert describe_groups(votes, np.repeat(["a", "b"], 20), texts=["Maybe."]) == ()


def ballots(votes, labels):
    people = tuple(str(number) for number in range(len(votes)))
    statements = tuple(str(number) for number in range(votes.shape[1]))
    return Ballots(people, statements, votes, np.asarray(labels))


def test_agreement_with_the_groups_that_made_the_votes():
    votes, camp = camps(60, 30, missing=0.1)
    votes[0] = NONE  # grouped once, without a vote today
    votes[1, 5:] = NONE
    labels = np.array([f"group={1 - number}" for number in camp])
    labels[2] = ""
    found = group_agreement(ballots(votes, labels))
    assert (found.n_people, found.n_grouped, found.n_clustered) == (90, 88, 88)
    assert (found.k_published, found.k) == (2, 2)
    assert found.grouped_ari == found.published_k_ari == found.ari == 1
    assert found.silhouette == pytest.approx(found.published_silhouette, abs=0.01)


def test_agreement_with_groups_that_have_nothing_to_do_with_the_votes():
    votes, camp = camps(60, 60, missing=0.1)
    labels = np.random.default_rng(1).permutation([f"group={number}" for number in camp])
    found = group_agreement(ballots(votes, labels))
    assert abs(found.ari) < 0.1
    assert found.published_silhouette < 0.1 < found.silhouette


def test_agreement_needs_two_groups():
    votes, _ = camps(20, 20)
    with pytest.raises(DataError, match="two groups or more"):
        group_agreement(ballots(votes, np.full(40, "group=0")))


# Agreement with the people whom Polis grouped, at its number of groups. The last four: at least so much, since
# these groups were formed on other votes than those that ship.
AGREEMENT = {
    "15-per-hour-seattle": 0.85,
    "brexit-consensus": 0.85,
    "canadian-electoral-reform": 0.85,
    "scoop-hivemind.taxes": 0.85,
    "football-concussions": 0.75,
    "vtaiwan.uberx": 0.65,
    "scoop-hivemind.affordable-housing": 0.5,
    "scoop-hivemind.ubi": 0.45,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", AGREEMENT)
def test_agreement_with_the_groups_that_ship(shared_data, name):
    found = group_agreement(opinion_ballots(open_conversation(shared_data / "polis" / name)))
    assert found.grouped_ari > AGREEMENT[name]


def test_statements_about_the_voter_hide_the_groups_of_a_conversation(shared_data):
    conversation = open_conversation(shared_data / "polis/scoop-hivemind.affordable-housing")
    assert group_agreement(opinion_ballots(conversation, about_voters=())).grouped_ari < 0.1
    assert group_agreement(opinion_ballots(conversation)).grouped_ari > 0.5
