"""Trivial baselines of the published files, as the evaluator prints them, against figures computed elsewhere.

The published figures leave a question's own answers in the position marginal.
"""

import numpy as np
import pytest

from pluralign.data import load_data
from pluralign.evals import score_distributional
from pluralign.records import Answer, Condition

FILES = {
    "moralchoice": "distributional_test_moralchoice.json",
    "globalopinionqa": "distributional_test_globalopinionqa_small.json",
    "opinionqa": "steerable_test_opinionqa_small.json",
}


def predicted(questions, predict):
    """The same kind of prediction for every cell."""
    groups = {group.id: group for group in questions.groups}
    made = []
    for question in questions.questions:
        for group in question.groups or ("all",):
            text = groups[group].text if group in groups else None
            condition = Condition(kind="persona", id=group, text=text) if text else Condition()
            made.append(
                Answer(
                    key=f"{question.id}{group}",
                    question_id=question.id,
                    model_id="constant",
                    condition=condition,
                    elicitation="recorded",
                    outcome="ok",
                    probabilities=tuple(predict(len(question.options))),
                )
            )
    return made


def uniform(n_options):
    return [1 / n_options] * n_options


def first(n_options):
    return [1.0, *[0.0] * (n_options - 1)]


@pytest.fixture(scope="module")
def scored(shared_data):
    """(file, predictor) -> scores; each is computed once."""
    found = {}

    def get(name, predict):
        if (name, predict.__name__) not in found:
            path = shared_data / "modular_pluralism" / FILES[name]
            questions = load_data("modular_pluralism", {"path": str(path)}).questions
            found[name, predict.__name__] = score_distributional(
                questions, predicted(questions, predict), preset="modular_pluralism", leave_out=False
            )
        return found[name, predict.__name__]

    return get


JS = "modular_pluralism.js_distance_nats"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_cells", "js", "tv", "mode"),
    [
        ("moralchoice", 1367, 0.2334, 0.2513, None),
        ("globalopinionqa", 5752, 0.2905, 0.3429, 0.4287),
        ("opinionqa", 4475, 0.2491, 0.2941, None),
    ],
)
def test_uniform_answers(scored, name, n_cells, js, tv, mode):
    scores = scored(name, uniform)
    estimate = scores.estimate(JS)
    assert estimate.n_cells == n_cells
    assert estimate.value == estimate.baselines["uniform"] == pytest.approx(js, abs=6e-5)
    assert scores.estimate("total_variation").value == pytest.approx(tv, abs=6e-5)
    if mode:
        assert scores.estimate("mode_match").value == pytest.approx(mode, abs=6e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "js", "tv", "mode"),
    [
        ("moralchoice", 0.2311, 0.2487, None),
        ("globalopinionqa", 0.5396, 0.6163, None),
        ("opinionqa", 0.5625, 0.6538, 0.3562),
    ],
)
def test_always_the_first_option(scored, name, js, tv, mode):
    scores = scored(name, first)
    assert scores.estimate(JS).value == pytest.approx(js, abs=6e-5)
    assert scores.estimate("total_variation").value == pytest.approx(tv, abs=6e-5)
    if mode:
        assert scores.estimate("mode_match").value == pytest.approx(mode, abs=6e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "js", "tv", "mode"),
    [
        ("moralchoice", 0.2469, 0.2500, None),
        ("globalopinionqa", 0.2388, 0.2805, 0.4534),
        ("opinionqa", 0.2303, 0.2717, 0.4145),
    ],
)
def test_position_marginal(scored, name, js, tv, mode):
    scores = scored(name, uniform)
    assert scores.estimate(JS).baselines["position marginal"] == pytest.approx(js, abs=6e-5)
    assert scores.estimate("total_variation").baselines["position marginal"] == pytest.approx(tv, abs=6e-5)
    if mode:
        baselines = scores.estimate("mode_match").baselines
        assert baselines["position marginal"] == pytest.approx(mode, abs=6e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_cells", "js", "mode"),
    [("globalopinionqa", 5357, 0.1528, 0.6940), ("opinionqa", 4418, 0.0812, 0.8262)],
)
def test_group_blind(scored, name, n_cells, js, mode):
    """The mean of the other groups' answers beats what the benchmark was made to measure: steering."""
    estimate = scored(name, uniform).estimate(JS)
    assert estimate.baseline_cells["group-blind"] == n_cells
    assert estimate.baselines["group-blind"] == pytest.approx(js, abs=6e-5)
    assert scored(name, uniform).estimate("mode_match").baselines["group-blind"] == pytest.approx(
        mode, abs=6e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("adapter", "path", "n_cells", "tv"),
    [
        ("nytimes_books", "nytimes_books/data.json", 940, 0.2234),
        ("global_values", "global_values/data.json", 302, 0.4814),
    ],
)
def test_uniform_answers_under_meister(shared_data, adapter, path, n_cells, tv):
    questions = load_data(adapter, {"path": str(shared_data / path)}).questions
    scores = score_distributional(questions, predicted(questions, uniform), preset="meister2024")
    assert scores.estimates[0].n_cells == n_cells
    assert scores.estimates[0].value == pytest.approx(tv, abs=6e-5)


@pytest.mark.slow
def test_books_are_a_negative_control(shared_data):
    """Half of a group is further from the other half than uniform answers are from the group."""
    questions = load_data("nytimes_books", {"path": str(shared_data / "nytimes_books/data.json")}).questions
    estimate = score_distributional(questions, predicted(questions, uniform)).estimate("total_variation")
    assert estimate.ceiling > estimate.value
    assert estimate.ceiling == pytest.approx(0.315, abs=0.02)


@pytest.mark.slow
def test_people_of_opinionqa_against_their_own_halves(shared_data):
    """Pew's contentious questions: the ceiling is far from what trivial predictors get."""
    folder = shared_data / "opinionqa_pew/contentious_100"
    questions = load_data(
        "pew", {"path": str(folder), "groups": ["party=Democrat", "party=Republican"]}
    ).questions
    estimate = score_distributional(questions, predicted(questions, uniform)).estimate("total_variation")
    assert estimate.ceiling == pytest.approx(0.044, abs=0.004)
    assert min(estimate.baselines.values()) > 4 * estimate.ceiling
    assert np.isclose(estimate.baselines["group-blind"], 0.2736, atol=0.01)
