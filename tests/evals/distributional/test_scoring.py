from math import log2

import numpy as np
import pytest

from pluralign.evals import compare_distributional, score_distributional
from pluralign.records import Group, Option, Outcome, Question, QuestionSet

OPTIONS = (Option(text="low", value=1), Option(text="middle", value=2), Option(text="high", value=3))


def test_the_people_themselves_score_zero_and_normalise_to_more_than_one(people, answers_from, shares):
    questions = people()
    scores = score_distributional(questions, answers_from(questions, shares))
    estimate = scores.estimate("js_divergence_bits")
    assert estimate.value == pytest.approx(0, abs=1e-12)
    assert estimate.noise_floor > 0
    assert estimate.normalised > 1
    assert (estimate.n_questions, estimate.n_cells) == (6, 18)


def test_a_second_sample_of_the_same_people_scores_between_floor_and_ceiling(people, answers_from, shares):
    """Another 400 people of the same population: noise of both samples, so near sqrt(2) times the floor in TV."""
    questions = people(40)
    rng = np.random.default_rng(5)
    again = answers_from(questions, lambda q, g: rng.multinomial(400, shares(q, g)) / 400)
    estimate = score_distributional(questions, again).estimate("total_variation")
    assert estimate.value == pytest.approx(
        estimate.noise_floor, rel=0.1
    )  # the counts stand in for the population
    assert estimate.ceiling == pytest.approx(
        2 * estimate.noise_floor, rel=0.1
    )  # two halves of 200 people each


def test_uniform_answers_score_at_the_uniform_baseline(people, answers_from):
    questions = people()
    scores = score_distributional(questions, answers_from(questions, lambda q, g: [1 / 3] * 3))
    for estimate in scores.estimates:
        if "uniform" in estimate.baselines:
            assert estimate.value == pytest.approx(estimate.baselines["uniform"])
            if estimate.normalised_against == "uniform":
                assert estimate.normalised == pytest.approx(0, abs=1e-12)
    assert scores.estimate("js_divergence_bits").normalised_against == "uniform"


def test_golden_numbers_of_one_cell(answer):
    question = Question(id="coin", text="?", options=(Option(text="h"), Option(text="t")), truth=(0.5, 0.5))
    questions = QuestionSet(id="s", questions=(question,))
    scores = score_distributional(questions, [answer(question, "all", (1.0, 0.0), mass=0.25)])
    js = (-0.75 * log2(0.75) - 0.25 * log2(0.25)) - 0.5 * (0 + 1)
    assert scores.estimate("js_divergence_bits").value == pytest.approx(js) == pytest.approx(0.3112781)
    assert scores.estimate("total_variation").value == 0.5
    assert scores.estimate("valid_mass_prob").value == 0.25
    assert scores.estimate("js_divergence_bits").noise_floor == 0
    assert scores.estimate("js_divergence_bits").ceiling is None
    assert scores.estimate("js_divergence_bits").interval is None  # one question says nothing of the spread
    assert "wasserstein_ordinal" not in {estimate.name for estimate in scores.estimates}


def test_refusals_stand_outside_the_scale(answer):
    options = (*OPTIONS, Option(text="don't know", refusal=True))
    question = Question(id="q", text="?", options=options, counts={"all": (50.0, 0.0, 50.0, 900.0)})
    questions = QuestionSet(id="s", questions=(question,), groups=(Group(id="all"),))
    scores = score_distributional(questions, [answer(question, "all", (0.05, 0.0, 0.05, 0.9))])
    assert scores.estimate("wasserstein_ordinal").value == pytest.approx(0)
    one_sided = score_distributional(questions, [answer(question, "all", (0.1, 0.0, 0.0, 0.9))])
    assert one_sided.estimate("wasserstein_ordinal").value == pytest.approx(0.5)
    # 100 of the 1000 people are on the scale: the floor is theirs, not that of 1000.
    assert one_sided.estimate("wasserstein_ordinal").noise_floor > 0.03


def test_lost_answers_are_counted_by_reason_and_never_scored(people, answers_from, answer, shares):
    questions = people()
    answers = answers_from(questions, shares)
    lost = [
        answer(questions.questions[0], "party=A", None, mass=None, outcome=Outcome.ERROR, error="timeout"),
        answer(questions.questions[1], "all", None, mass=0.0, outcome=Outcome.UNPARSED),
    ]
    kept = [a for a in answers if a.key not in {one.key for one in lost} and a.key != "q2/all"]
    scores = score_distributional(questions, [*kept, *lost])
    assert scores.n_unscored == {"error": 1, "not asked": 1, "unparsed": 1}
    assert scores.estimate("total_variation").n_cells == 15
    assert scores.estimate("total_variation", "groups=party").n_unscored == {"error": 1}


def test_nothing_scored_is_no_number(people, answer):
    questions = people(2)
    answers = [
        answer(q, g, None, mass=None, outcome=Outcome.REFUSED) for q in questions.questions for g in q.groups
    ]
    estimate = score_distributional(questions, answers).estimate("js_divergence_bits")
    assert estimate.value is None
    assert estimate.reason == "no cell could be scored"
    assert estimate.n_unscored == {"refused": 6}


def test_slices_are_families_and_groupings(people, answers_from, shares):
    questions = people()
    names = {e.slice for e in score_distributional(questions, answers_from(questions, shares)).estimates}
    assert names == {"all", "groups=all", "groups=party", "group=all", "group=party=A", "group=party=B"}


def test_only_groups_that_were_asked_count(people, answers_from, shares):
    questions = people()
    only_a = [a for a in answers_from(questions, shares) if a.condition.id == "party=A"]
    scores = score_distributional(questions, only_a)
    assert scores.n_unscored == {}
    assert scores.estimate("total_variation").n_cells == 6


def test_comparison_is_paired_by_cell(people, answers_from, shares):
    questions = people(12)
    good = answers_from(questions, lambda q, g: 0.9 * shares(q, g) + 0.1 / 3)
    bad = answers_from(questions, lambda q, g: [1 / 3] * 3)
    comparisons = compare_distributional(questions, first=("good", good), second=("bad", bad))
    by_name = {c.name: c for c in comparisons if c.slice == "all"}
    difference = by_name["total_variation"]
    # 0.9 p + 0.1 u is 0.1 TV(p, u) away from p, so the difference is -0.9 TV(p, u) in every cell.
    uniform = score_distributional(questions, bad).estimate("total_variation").value
    assert difference.difference == pytest.approx(-0.9 * uniform)
    assert difference.interval.high < 0
    assert difference.p_value < 0.01
    assert by_name["valid_mass_prob"].difference == 0
    assert (difference.first, difference.second, difference.n_cells) == ("good", "bad", 36)


def test_same_seed_same_numbers(people, answers_from):
    questions = people()
    answers = answers_from(questions, lambda q, g: [0.2, 0.3, 0.5])
    assert score_distributional(questions, answers, seed=3) == score_distributional(
        questions, answers, seed=3
    )
