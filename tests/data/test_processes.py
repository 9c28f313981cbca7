import re
from collections import Counter

import numpy as np
import pytest

from pluralign.data.processes import FAMILIES, load_processes
from pluralign.errors import ConfigurationError
from pluralign.metrics import js_divergence_nats


def texts(question_set):
    return [question.text for question in question_set.questions]


def test_every_question_has_a_truth_and_an_id_of_its_own():
    questions = load_processes().questions
    assert len({question.id for question in questions}) == len(questions)
    assert len({question.text for question in questions}) == len(questions)
    assert Counter(question.id.split("/")[0] for question in questions) == {
        "coin": 8,
        "die": 6,
        "integer": 6,
        "urn": 24,
    }
    for question in questions:
        assert sum(question.truth) == pytest.approx(1, abs=1e-12)
        assert question.options_listed == question.id.startswith("coin/")
        assert not question.counts


def test_coins_are_as_biased_as_they_say():
    truths = {question.id: question.truth for question in load_processes(families=["coin"]).questions}
    assert truths["coin/fair-flip"] == (0.5, 0.5)
    assert truths["coin/heads-70"] == (0.7, 0.3)
    assert truths["coin/tails-80"] == (0.2, 0.8)
    for question in load_processes(families=["coin"]).questions:
        assert question.option_texts == ("heads", "tails")
        if stated := re.search(r"(heads|tails)\D*(\d+)%", question.text):
            side = question.option_texts.index(stated[1])
            assert question.truth[side] == int(stated[2]) / 100


def test_dice_and_integers_are_uniform_over_what_the_text_says():
    for question in load_processes(families=["die", "integer"]).questions:
        low, high = map(int, re.search(r"(\d+) (?:to|and) (\d+)", question.text).groups())
        expected = range(low, high + 1)
        assert question.option_texts == tuple(map(str, expected))
        assert [option.value for option in question.options] == list(expected)
        assert set(question.truth) == {1 / len(expected)}


def test_an_urn_holds_what_its_text_says():
    for question in load_processes(families=["urn"], n_urns=200).questions:
        balls = re.search(r"together: ([^.]+)\. Draw a ball", question.text)[1]
        counts = {colour: int(count) for count, colour in re.findall(r"(\d+) (\w+)", balls)}
        assert question.option_texts == tuple(counts)
        assert 2 <= len(counts) <= 5
        assert all(1 <= count <= 10 for count in counts.values())
        assert question.truth == pytest.approx([count / sum(counts.values()) for count in counts.values()])


def test_urns_follow_the_seed_and_nothing_else():
    few = load_processes(families=["urn"], n_urns=5, seed=3)
    assert few == load_processes(families=["urn"], n_urns=5, seed=3)
    many = load_processes(families=["coin", "urn"], n_urns=50, seed=3)
    assert texts(few) == texts(many)[8:13]
    other = load_processes(families=["urn"], n_urns=5, seed=4)
    assert not set(texts(few)) & set(texts(other))
    assert not {question.id for question in few.questions} & {question.id for question in other.questions}


def test_trivial_baselines_of_urns_are_those_of_the_published_task():
    # Published task: uniform .0407, point mass .2083 with its own seed; .039-.040 and .214-.215 with others.
    uniform, mode = [], []
    for question in load_processes(families=["urn"], n_urns=1000).questions:
        truth = np.array(question.truth)
        uniform.append(js_divergence_nats(truth, np.full(len(truth), 1 / len(truth))))
        mode.append(js_divergence_nats(truth, np.eye(len(truth))[truth.argmax()]))
    assert np.mean(uniform) == pytest.approx(0.040, abs=0.004)
    assert np.mean(mode) == pytest.approx(0.21, abs=0.015)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_can_be_had_alone(family):
    assert {question.id.split("/")[0] for question in load_processes(families=[family]).questions} == {family}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"families": ["urns"]}, "Unknown family of processes 'urns'. Did you mean 'urn'?"),
        ({"n_urns": 0}, "n_urns: 0 urns cannot be built, at least 1 is needed."),
        ({"seed": -1}, "seed: -1 is negative; a seed is 0 or more."),
    ],
)
def test_what_cannot_be_built(arguments, message):
    with pytest.raises(ConfigurationError) as error:
        load_processes(**arguments)
    assert str(error.value) == message
