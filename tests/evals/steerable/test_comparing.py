"""Two systems on the same cells: differences of means, of slopes and of correlations."""

import numpy as np
import pytest

from pluralign.evals import EVALUATORS, compare_steerable, score_steerable
from pluralign.evals.steerable import PRESETS
from pluralign.records import Outcome


def found(comparisons, name, slice_name="all"):
    [one] = [each for each in comparisons if (each.name, each.slice) == (name, slice_name)]
    return one


@pytest.fixture
def compared(survey, answers_from, models):
    made = survey()
    systems = {name: answers_from(made, models[name]) for name in ("caricature", "perfect")}
    return (
        made,
        systems,
        compare_steerable(made, first=("far", systems["caricature"]), second=("near", systems["perfect"])),
    )


def test_differences_are_those_of_the_scores(compared):
    made, systems, comparisons = compared
    scores = {name: score_steerable(made, answers) for name, answers in systems.items()}
    for name in (
        "own_total_variation",
        "swapped_total_variation",
        "identification_rate",
        "contrast_slope",
        "contrast_slope_corrected",
        "contrast_correlation",
        "entropy_ratio",
        "accuracy",
        "balanced_accuracy",
        "value_inequity",
    ):
        one = found(comparisons, name)
        difference = scores["caricature"].estimate(name).value - scores["perfect"].estimate(name).value
        assert one.difference == pytest.approx(difference, abs=1e-12), name
        assert (one.first, one.second) == ("far", "near")
    slope = found(comparisons, "contrast_slope")
    assert slope.difference == pytest.approx(1)
    assert slope.interval.low == pytest.approx(slope.interval.high)  # paired: exactly 1 in every resample
    assert slope.p_value < 0.01


def test_what_says_nothing_of_the_model_is_not_compared(compared):
    assert not any(one.name == "group_total_variation" for one in compared[2])


def test_single_groups_are_adjusted_after_holm(compared):
    single = [
        one for one in compared[2] if one.slice.startswith("group=") and one.name == "own_total_variation"
    ]
    assert [one.p_adjusted for one in single] == pytest.approx([2 * one.p_value for one in single])
    assert found(compared[2], "own_total_variation").p_adjusted is None


def test_only_cells_that_both_answered(survey, answers_from, answer, models):
    made = survey(10)
    full = answers_from(made, models["perfect"])
    partial = [
        *answers_from(made, models["always A"])[4:],
        answer(made.questions[0], "party=A", None, outcome=Outcome.REFUSED),
    ]
    comparisons = compare_steerable(made, first=("a", full), second=("b", partial))
    assert found(comparisons, "own_total_variation").n_cells == 16
    assert found(comparisons, "contrast_slope").n_cells == 8
    assert compare_steerable(made, first=("a", full), second=("b", [])) == ()


def test_a_model_that_was_not_steered_stands_beside_one_that_was(survey, answers_from, answer, models):
    made = survey(20)
    steered = answers_from(made, models["perfect"])
    unsteered = [answer(question, "all", (0.2, 0.3, 0.5)) for question in made.questions]
    comparisons = compare_steerable(made, first=("steered", steered), second=("unsteered", unsteered))
    assert found(comparisons, "contrast_slope").difference == pytest.approx(1)
    assert found(comparisons, "identification_rate").difference == pytest.approx(0.5)


def test_presets_are_compared_as_well(survey, answers_from, models):
    made = survey(20)
    comparisons = compare_steerable(
        made,
        first=("a", answers_from(made, models["perfect"])),
        second=("b", answers_from(made, models["always A"])),
        preset="opinionqa",
    )
    assert found(comparisons, "opinionqa.representativeness").difference > 0


def test_equal_systems_do_not_differ(survey, answers_from):
    made = survey(20)
    rng = np.random.default_rng(0)
    answers = answers_from(made, lambda *_: rng.dirichlet([1.0] * 3))
    for one in compare_steerable(made, first=("a", answers), second=("b", answers)):
        assert (one.difference, one.p_value) == (0, 1)


def test_the_evaluator_is_registered():
    evaluator = EVALUATORS["steerable"]
    assert (evaluator.score, evaluator.compare) == (score_steerable, compare_steerable)
    assert evaluator.presets == set(PRESETS)
    assert "opinionqa" in evaluator.presets
