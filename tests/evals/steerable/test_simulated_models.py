"""Five models that every published steering accuracy mixes up, told apart, on made and on real people."""

import numpy as np
import pytest

from pluralign.data import load_data
from pluralign.evals import score_steerable
from pluralign.records import Answer, Condition

# Model -> the openings of the sentences on telling apart, on size, and on width.
READINGS = {
    "perfect": (
        "The groups are told apart",
        "Differences between groups are faithful",
        "Opinions do not collapse",
    ),
    "group-blind": ("The groups are not told apart", "The group is ignored", "more spread out"),
    "caricature": ("The groups are told apart", "Differences between groups are caricatured", "narrower"),
    "collapsed": (
        "The groups are told apart",
        "Differences between groups are caricatured",
        "Opinions collapse",
    ),
    "always A": ("The groups are not told apart", "The group is ignored", "Opinions collapse"),
}


def read(scores):
    return scores.readings[:3]


@pytest.mark.parametrize("name", READINGS)
def test_made_people(name, survey, answers_from, models):
    made = survey(150)
    scores = score_steerable(made, answers_from(made, models[name]))
    for opening, reading in zip(READINGS[name], read(scores), strict=True):
        assert opening in reading


def test_no_two_are_read_alike(survey, answers_from, models):
    made = survey(150)
    read_as = {name: read(score_steerable(made, answers_from(made, models[name]))) for name in READINGS}
    assert len(set(read_as.values())) == 5


def test_accuracy_alone_does_not_tell_a_collapsed_model_from_a_perfect_one(survey, answers_from, models):
    made = survey(150)
    found = [score_steerable(made, answers_from(made, models[name])) for name in ("perfect", "collapsed")]
    assert [scores.estimate("accuracy").value for scores in found] == [1, 1]


@pytest.fixture(scope="module")
def pew(shared_data):
    loaded = load_data("pew", {"path": str(shared_data / "opinionqa_pew" / "contentious_100")})
    groups = ("party=Democrat", "party=Republican")

    def score(predict):
        answers = []
        for question in loaded.questions.questions:
            present = [group for group in groups if group in question.groups]
            mean = np.mean([question.target(group) for group in present], axis=0)
            answers += [
                Answer(
                    key=f"{question.id}/{group}",
                    question_id=question.id,
                    model_id="simulated",
                    condition=Condition(kind="persona", id=group, text="are so"),
                    elicitation="recorded",
                    outcome="ok",
                    probabilities=tuple(map(float, predict(np.array(question.target(group)), mean))),
                )
                for group in present
            ]
        return score_steerable(loaded.questions, answers)

    return score


def _doubled(target, mean):
    """Twice the distance from the mean, as far as that is a distribution."""
    far = np.clip(2 * target - mean, 0, None)
    return far / far.sum()


REAL = {
    "perfect": lambda target, mean: target,
    "group-blind": lambda target, mean: mean,
    "caricature": _doubled,
    "collapsed": lambda target, mean: np.eye(len(target))[target.argmax()],
    "always A": lambda target, mean: np.eye(len(target))[0],
}


@pytest.mark.parametrize("name", READINGS)
def test_democrats_and_republicans(name, pew):
    scores = pew(REAL[name])
    for opening, reading in zip(READINGS[name], read(scores), strict=True):
        assert opening in reading


def test_the_distance_between_the_parties_is_the_published_one(pew):
    apart = pew(REAL["perfect"]).estimate("group_total_variation")
    assert apart.value == pytest.approx(0.2736, abs=0.0001)
    assert apart.ceiling == pytest.approx(0.044, abs=0.0015)
    assert apart.n_questions == 100
