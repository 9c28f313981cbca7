"""The two fixed points of every score: the population itself at the noise floor, a constant at its baseline."""

import numpy as np
import pytest

from pluralign.evals import score_distributional
from pluralign.records import Group, Option, Question, QuestionSet

N_QUESTIONS, N_PEOPLE, N_DRAWS = 300, 150, 60
OPTIONS = tuple(Option(text=str(value), value=value) for value in range(4))
DISTANCES = ("js_divergence_bits", "total_variation", "wasserstein_ordinal", "js_distance_nats")


@pytest.fixture(scope="module")
def population():
    """Question id -> how the whole population would answer, of which a sample was asked."""
    rng = np.random.default_rng(11)
    return {f"q{index}": rng.dirichlet([1.5] * 4) for index in range(N_QUESTIONS)}


@pytest.fixture(scope="module")
def asked(population):
    rng = np.random.default_rng(12)
    questions = tuple(
        Question(
            id=name,
            text=name,
            options=OPTIONS,
            counts={"all": tuple(map(float, rng.multinomial(N_PEOPLE, p)))},
        )
        for name, p in population.items()
    )
    return QuestionSet(id="asked", questions=questions, groups=(Group(id="all"),))


@pytest.mark.parametrize("name", DISTANCES)
def test_a_perfect_model_whose_probabilities_are_read_scores_at_the_noise_floor(
    name, population, asked, answers_from
):
    scores = score_distributional(asked, answers_from(asked, lambda question, _: population[question.id]))
    estimate = scores.estimate(name)
    assert estimate.value == pytest.approx(estimate.noise_floor, rel=0.06)
    assert estimate.normalised == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", DISTANCES)
def test_a_perfect_model_that_is_sampled_scores_at_the_higher_floor_of_both_samples(
    name, population, asked, answers_from
):
    rng = np.random.default_rng(13)

    def draw(question, _):
        return rng.multinomial(N_DRAWS, population[question.id]) / N_DRAWS

    scores = score_distributional(asked, answers_from(asked, draw, sample_size=N_DRAWS))
    exact = score_distributional(asked, answers_from(asked, lambda question, _: population[question.id]))
    estimate = scores.estimate(name)
    assert estimate.value == pytest.approx(estimate.noise_floor, rel=0.06)
    assert estimate.noise_floor > 1.3 * exact.estimate(name).noise_floor


def test_corrected_for_bias_a_sampled_perfect_model_scores_nothing(population, asked, answers_from):
    rng = np.random.default_rng(14)

    def draw(question, _):
        return rng.multinomial(N_DRAWS, population[question.id]) / N_DRAWS

    scores = score_distributional(asked, answers_from(asked, draw, sample_size=N_DRAWS))
    raw = scores.estimate("js_divergence_bits").value
    corrected = scores.estimate("js_divergence_bits_corrected")
    assert abs(corrected.value) < 0.1 * raw
    assert corrected.interval.low < 0 < corrected.interval.high


@pytest.mark.parametrize("name", DISTANCES)
def test_a_constant_scores_at_its_baseline(name, asked, answers_from):
    scores = score_distributional(asked, answers_from(asked, lambda *_: [0.25] * 4))
    estimate = scores.estimate(name)
    assert estimate.value == pytest.approx(estimate.baselines["uniform"])
    assert estimate.value == pytest.approx(estimate.baselines["shuffled"])


def test_collapse_is_seen_at_a_glance(population, asked, answers_from):
    def mode(question, _):
        return np.eye(4)[np.argmax(population[question.id])]

    scores = score_distributional(asked, answers_from(asked, mode))
    assert scores.estimate("entropy_ratio").value == 0
    assert scores.estimate("entropy_bits").people > 1
    assert scores.estimate("mode_match").value > 0.85
    assert (
        scores.estimate("js_divergence_bits").value
        > scores.estimate("js_divergence_bits").baselines["uniform"]
    )
    kl = scores.estimate("kl_divergence_nats")
    assert kl.value is None
    assert kl.reason.startswith("infinite in ")


def test_every_cell_is_told_apart(population, asked, answers_from):
    scores = score_distributional(asked, answers_from(asked, lambda question, _: population[question.id]))
    assert len(scores.cells) == N_QUESTIONS
    mean = np.mean([cell.values["total_variation"] for cell in scores.cells])
    assert mean == pytest.approx(scores.estimate("total_variation").value)
    cell = scores.cells[0]
    assert (cell.question_id, cell.group, cell.n_people) == ("q0", "all", N_PEOPLE)
    assert cell.baselines["uniform"] > 0
    assert cell.noise_floor is not None
