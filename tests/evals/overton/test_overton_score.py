"""OvertonScore by hand, and its regression against closed forms and against least squares with dummies."""

import numpy as np
import pytest
from scipy import stats

from pluralign.errors import ConfigurationError, DataError
from pluralign.evals.overton import overton_scores
from pluralign.evals.overton.overton_score import fixed_effects
from pluralign.records.rating import RepresentationRating


def rate(user, rating, *, model="m", question="q", cluster="0", source="prism"):
    return RepresentationRating(
        user=user, question_id=question, model=model, rating=rating, cluster=cluster, source=source
    )


@pytest.fixture
def golden():
    """Three people of mean 4.5 and 49 of mean 3.9."""
    few = [rate(f"few{i}", value, cluster="few") for i, value in enumerate([4, 4.5, 5])]
    ratings = [4] * 44 + [3] * 5
    many = [rate(f"many{i}", value, cluster="many") for i, value in enumerate(ratings)]
    assert np.mean(ratings) == pytest.approx(3.9, abs=0.01)
    return few + many


@pytest.fixture
def table():
    """Ten questions of two sources, two clusters of two people, three models; ratings drawn at random."""
    rng = np.random.default_rng(5)
    lean = {"first": 0.9, "second": 0.5, "third": 0.2}
    return [
        rate(
            f"p{person}",
            5 if rng.random() < chance else 2,
            model=model,
            question=f"q{question}",
            cluster=str(person // 2),
            source="prism" if question < 6 else "modelslant",
        )
        for question in range(10)
        for model, chance in lean.items()
        for person in range(4)
    ]


def test_clusters_of_3_and_of_49(golden):
    (score,) = overton_scores(golden)
    assert score.estimate("overton_score").value == 0.5
    assert score.estimate("overton_score_weighted").value == pytest.approx(0.058, abs=5e-4)
    assert score.estimate("overton_score_weighted").value == pytest.approx(3 / 52)
    # One question tells nothing of others, and one model has nothing to stand beside.
    assert (score.estimate("overton_score").interval, score.adjusted) == (None, None)


def test_thresholds_are_swept(golden):
    (score,) = overton_scores(golden, taus=(3.5, 4.5, 5.0))
    found = {each.slice: each.value for each in score.estimates if each.name == "overton_score"}
    # A mean that meets tau is enough.
    assert found == {"all": 0.5, "tau=3.5": 1.0, "tau=4.5": 0.5, "tau=5": 0.0}
    assert "at least 4.5" in score.estimate("overton_score", "tau=4.5").definition


def test_by_source_and_over_all_with_intervals(table):
    scores = overton_scores(table)
    assert [score.model for score in scores] == ["first", "second", "third"]
    for score in scores:
        whole, prism, slant = (
            score.estimate("overton_score", name) for name in ("all", "source=prism", "source=modelslant")
        )
        assert (whole.n_questions, prism.n_questions, slant.n_questions, whole.n_cells) == (10, 6, 4, 20)
        assert whole.value == pytest.approx((6 * prism.value + 4 * slant.value) / 10)
        assert whole.interval.low <= whole.value <= whole.interval.high
        assert whole.interval.method == "bootstrap over questions, percentile, 1000 resamples"
        # Equal clusters: weights change nothing.
        assert score.estimate("overton_score_weighted").value == pytest.approx(whole.value)


def test_of_a_balanced_table_the_adjusted_coverage_is_the_mean_and_its_error_that_of_a_mean(table):
    scores = overton_scores(table)
    coverage = np.array([
        [
            np.mean([
                np.mean([
                    r.rating for r in table if (r.model, r.question_id, r.cluster) == (model, f"q{q}", c)
                ])
                >= 4
                for c in "01"
            ])
            for q in range(10)
        ]
        for model in ("first", "second", "third")
    ])
    apart = coverage - coverage.mean(axis=0)
    n, m = coverage.size, len(coverage)
    for score, row, raw in zip(scores, apart, coverage, strict=True):
        adjusted = score.adjusted
        assert (
            adjusted.coverage
            == pytest.approx(raw.mean())
            == pytest.approx(score.estimate("overton_score").value)
        )
        assert adjusted.difference == pytest.approx(row.mean())
        # The contrast is the mean over questions of y_mq - mean_m y_mq: its error is that of a mean of ten
        # numbers, with the correction for parameters.
        error = np.std(row, ddof=1) / np.sqrt(10) * np.sqrt((n - 1) / (n - m) * 9 / 10 * 10 / 9)
        assert adjusted.standard_error == pytest.approx(error)
        assert adjusted.p_value == pytest.approx(2 * stats.t.sf(abs(row.mean()) / error, 9))
        reach = stats.t.ppf(0.975, 9) * error
        assert (adjusted.low, adjusted.high) == (
            pytest.approx(row.mean() - reach),
            pytest.approx(row.mean() + reach),
        )


def test_an_unbalanced_table_agrees_with_least_squares_on_dummies():
    rng = np.random.default_rng(0)
    questions, models = (each.ravel() for each in np.meshgrid(np.arange(12), np.arange(4), indexing="ij"))
    kept = rng.random(questions.size) < 0.75
    questions, models = questions[kept], models[kept]
    values = 0.1 * models + 0.3 * rng.random(12)[questions] + 0.2 * rng.random(len(models))
    found = fixed_effects(values, questions=questions, models=models, n_models=4)
    # All dummies of questions, and of all models but the first.
    design = np.column_stack([np.eye(12)[questions], np.eye(4)[models][:, 1:]])
    solution, *_ = np.linalg.lstsq(design, values, rcond=None)
    effects = np.array([0, *solution[12:]])
    np.testing.assert_allclose([each.difference for each in found], effects - effects.mean())
    np.testing.assert_allclose([each.coverage for each in found], solution[:12].mean() + effects)
    # The sandwich over questions, in full.
    residuals = values - design @ solution
    bread = np.linalg.inv(design.T @ design)
    scores = np.stack([design[questions == q].T @ residuals[questions == q] for q in range(12)])
    variance = bread @ scores.T @ scores @ bread * 12 / 11 * (len(values) - 1) / (len(values) - 4)
    contrast = np.column_stack([np.zeros((4, 12)), (np.eye(4) - 1 / 4)[:, 1:]])
    errors = np.sqrt(np.diag(contrast @ variance @ contrast.T))
    np.testing.assert_allclose([each.standard_error for each in found], errors)


def test_models_without_common_questions_cannot_be_adjusted():
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.6])
    questions, models = np.array([0, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 1])
    assert fixed_effects(values, questions=questions, models=models, n_models=2) is None


def test_the_same_difference_everywhere_has_no_p_value():
    values, questions, models = np.array([0.0, 0.5, 0.5, 1.0]), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    first, second = fixed_effects(values, questions=questions, models=models, n_models=2)
    assert (first.difference, second.difference) == (pytest.approx(-0.25), pytest.approx(0.25))
    assert (first.standard_error, first.p_value) == (pytest.approx(0, abs=1e-12), None)


def test_a_cluster_that_did_not_rate_a_model_leaves_its_question_out(golden):
    table = [
        *golden,
        *(each.model_copy(update={"model": "other"}) for each in golden if each.cluster == "few"),
    ]
    other = overton_scores(table)[1].estimate("overton_score")
    assert (other.value, other.reason) == (None, "no question could be scored")
    assert other.n_unscored == {"a cluster of the question rated no response of the model": 1}


def test_contradictory_tables_are_refused():
    with pytest.raises(DataError, match="holds no rating"):
        overton_scores([])
    with pytest.raises(DataError, match="question 'q': 'u' rates the response of 'm' twice"):
        overton_scores([rate("u", 3), rate("u", 4)])
    with pytest.raises(DataError, match="'u' is in the clusters '0' and '1'"):
        overton_scores([rate("u", 3), rate("u", 4, model="n", cluster="1")])
    with pytest.raises(DataError, match="comes from 'prism' and 'modelslant'"):
        overton_scores([rate("u", 3), rate("v", 4, source="modelslant")])
    with pytest.raises(ConfigurationError, match="so that 6 is no threshold"):
        overton_scores([rate("u", 3)], tau=6)
    with pytest.raises(ConfigurationError, match="n_resamples must be at least 1"):
        overton_scores([rate("u", 3)], n_resamples=0)
