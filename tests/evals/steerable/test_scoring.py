"""The metrics against closed forms and against a direct computation."""

import numpy as np
import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.evals import score_steerable
from pluralign.evals.steerable import AGREEMENT
from pluralign.records import Group, Option, Outcome, Question, QuestionSet


def value(scores, name, slice_name="all"):
    return scores.estimate(name, slice_name).value


class TestClosedForms:
    def test_the_people_themselves(self, survey, answers_from, models):
        scores = score_steerable(survey(), answers_from(survey(), models["perfect"]))
        assert value(scores, "own_total_variation") == 0
        assert value(scores, "swapped_total_variation") == pytest.approx(
            value(scores, "group_total_variation")
        )
        assert value(scores, "identification_rate") == 1
        assert value(scores, "contrast_slope") == pytest.approx(1)
        assert value(scores, "contrast_correlation") == pytest.approx(1)
        assert value(scores, "entropy_ratio") == pytest.approx(1)
        assert value(scores, "accuracy") == 1
        drift = scores.estimate("drift_total_variation")
        assert drift.value == pytest.approx(drift.people)

    def test_the_same_prediction_for_both_groups(self, survey, answers_from, models):
        scores = score_steerable(survey(), answers_from(survey(), models["group-blind"]))
        assert value(scores, "contrast_slope") == 0
        correlation = scores.estimate("contrast_correlation")
        assert correlation.value is None
        assert correlation.reason == "the predictions do not differ between groups"
        assert value(scores, "identification_rate") == 0.5
        assert value(scores, "drift_total_variation") == 0

    def test_exchanged_groups(self, survey, answers_from, models):
        scores = score_steerable(survey(), answers_from(survey(), models["exchanged"]))
        assert value(scores, "identification_rate") == 0
        assert value(scores, "contrast_slope") == pytest.approx(-1)
        assert value(scores, "contrast_correlation") == pytest.approx(-1)
        assert value(scores, "swapped_total_variation") == 0

    @pytest.mark.parametrize("factor", [0.3, 2])
    def test_a_multiple_of_the_groups_differences(self, factor, survey, answers_from):
        def predict(question, group):
            mean = np.mean([question.target(name) for name in question.groups], axis=0)
            return mean + factor * (np.array(question.target(group)) - mean)

        scores = score_steerable(survey(), answers_from(survey(), predict))
        assert value(scores, "contrast_slope") == pytest.approx(factor)
        assert value(scores, "contrast_correlation") == pytest.approx(1)


class TestDirectComputation:
    """A simulated system's answers, three groups, against numpy on the spot."""

    @pytest.fixture
    def recorded(self, answer):
        rng = np.random.default_rng(5)
        groups = ("party=A", "party=B", "party=C")
        options = tuple(Option(text=text) for text in "abcd")
        questions = tuple(
            Question(
                id=f"q{number}",
                text=str(number),
                options=options,
                counts={
                    group: tuple(map(float, rng.multinomial(50, rng.dirichlet([1.0] * 4))))
                    for group in groups
                },
            )
            for number in range(25)
        )
        made = QuestionSet(id="s", questions=questions, groups=tuple(Group(id=group) for group in groups))
        answers = [
            answer(question, group, rng.dirichlet([1.0] * 4)) for question in questions for group in groups
        ]
        return made, answers

    def test_every_contrastive_metric(self, recorded):
        questions, answers = recorded
        predicted = {(one.question_id, one.condition.id): np.array(one.probabilities) for one in answers}
        own, swapped, nearer, d_pred, d_hum, noise = [], [], [], [], [], 0.0
        for question in questions.questions:
            h = {group: np.array(question.target(group)) for group in question.groups}
            p = {group: predicted[question.id, group] for group in question.groups}
            own += [np.abs(p[g] - h[g]).sum() / 2 for g in h]
            for g in h:
                for other in h:
                    if other != g:
                        a, b = np.abs(p[g] - h[g]).sum() / 2, np.abs(p[g] - h[other]).sum() / 2
                        swapped.append(b)
                        nearer.append(0.5 if abs(a - b) < 1e-12 else a < b)
                    if other > g:
                        d_pred.append(p[g] - p[other])
                        d_hum.append(h[g] - h[other])
                        noise += sum((h[x] * (1 - h[x])).sum() / 49 for x in (g, other))
        d_pred, d_hum = np.array(d_pred), np.array(d_hum)
        scores = score_steerable(questions, answers)
        assert value(scores, "own_total_variation") == pytest.approx(np.mean(own))
        assert value(scores, "swapped_total_variation") == pytest.approx(np.mean(swapped))
        assert value(scores, "identification_rate") == pytest.approx(np.mean(nearer))
        assert value(scores, "contrast_slope") == pytest.approx((d_pred * d_hum).sum() / (d_hum**2).sum())
        assert value(scores, "contrast_slope_corrected") == pytest.approx(
            (d_pred * d_hum).sum() / ((d_hum**2).sum() - noise)
        )
        r = np.corrcoef(d_pred.ravel(), d_hum.ravel())[0, 1]
        assert value(scores, "contrast_correlation") == pytest.approx(r)
        apart = np.abs(d_hum).sum(axis=1) / 2
        assert value(scores, "group_total_variation") == pytest.approx(apart.mean())
        drift = scores.estimate("drift_total_variation")
        agree = apart <= AGREEMENT
        assert drift.value == pytest.approx((np.abs(d_pred).sum(axis=1) / 2)[agree].mean())
        assert drift.n_cells == agree.sum()

    def test_pairs_have_slices_of_their_own(self, recorded):
        questions, answers = recorded
        scores = score_steerable(questions, answers)
        names = {one.slice for one in scores.estimates if one.name == "contrast_slope"}
        assert names == {
            "all",
            "pair=party=A | party=B",
            "pair=party=A | party=C",
            "pair=party=B | party=C",
        }
        assert scores.estimate("contrast_slope", "pair=party=A | party=C").n_cells == 25
        assert {one.slice for one in scores.estimates if one.name == "accuracy"} == {
            "all",
            "group=party=A",
            "group=party=B",
            "group=party=C",
        }

    def test_contrasts_are_written_out(self, recorded):
        questions, answers = recorded
        scores = score_steerable(questions, answers)
        assert len(scores.contrasts) == 75
        one = scores.contrasts[0]
        assert (one.question_id, one.first, one.second) == ("q0", "party=A", "party=B")
        a, b = answers[0].probabilities, answers[1].probabilities
        assert one.predicted == pytest.approx(np.subtract(a, b))

    def test_cells_are_written_out(self, recorded):
        questions, answers = recorded
        scores = score_steerable(questions, answers)
        mean = np.mean([cell.values["own_total_variation"] for cell in scores.cells])
        assert mean == pytest.approx(value(scores, "own_total_variation"))
        mean = np.mean([cell.values["identification_rate"] for cell in scores.cells])
        assert mean == pytest.approx(value(scores, "identification_rate"))
        assert scores.cells[0].ceiling is not None


class TestWhatStandsBeside:
    def test_halves_of_the_people_are_the_ceiling(self, survey, answers_from, models):
        many = score_steerable(
            survey(per_group=4000), answers_from(survey(per_group=4000), models["perfect"])
        )
        few = score_steerable(survey(per_group=20), answers_from(survey(per_group=20), models["perfect"]))
        for name in ("identification_rate", "contrast_slope", "contrast_correlation", "accuracy"):
            assert few.estimate(name).ceiling < many.estimate(name).ceiling <= 1
            assert many.estimate(name).ceiling > 0.85
        # Noise is taken out of the corrected slope: halves reach 1 however few they are.
        assert few.estimate("contrast_slope_corrected").ceiling == pytest.approx(1, abs=0.15)

    def test_without_counts_there_is_neither_correction_nor_ceiling(self, survey, answers_from, models):
        made = survey(per_group=None)
        scores = score_steerable(made, answers_from(made, models["perfect"]))
        assert scores.estimate("contrast_slope").ceiling is None
        with pytest.raises(KeyError):
            scores.estimate("contrast_slope_corrected")

    def test_the_distance_has_the_distributional_evaluators_company(self, survey, answers_from, models):
        own = score_steerable(survey(), answers_from(survey(), models["perfect"])).estimate(
            "own_total_variation"
        )
        assert set(own.baselines) == {"uniform", "position marginal", "group-blind", "shuffled"}
        assert own.noise_floor > 0
        assert own.ceiling > own.noise_floor
        assert own.normalised > 1  # the sample itself is below what the population would get

    def test_accuracy_has_trivial_predictors(self, survey, answers_from, models):
        accuracy = score_steerable(survey(), answers_from(survey(), models["always A"])).estimate("accuracy")
        assert set(accuracy.baselines) == {
            "majority option",
            "position marginal",
            "group-blind",
            "question-blind",
        }
        balanced = score_steerable(survey(), answers_from(survey(), models["always A"])).estimate(
            "balanced_accuracy"
        )
        assert balanced.value == pytest.approx(1 / 3)

    def test_a_question_blind_predictor_by_hand(self, answer):
        """Of the group's other two questions, the mean is (.4, .6), (.6, .4) and (.6, .4)."""
        options = (Option(text="yes"), Option(text="no"))
        shares = [(0.8, 0.2), (0.4, 0.6), (0.4, 0.6)]
        questions = QuestionSet(
            id="s",
            questions=tuple(
                Question(id=f"q{n}", text=str(n), options=options, shares={"a=1": p, "a=2": p})
                for n, p in enumerate(shares)
            ),
            groups=(Group(id="a=1"), Group(id="a=2")),
        )
        answers = [answer(question, "a=1", (1, 0)) for question in questions.questions]
        accuracy = score_steerable(questions, answers).estimate("accuracy")
        assert accuracy.value == pytest.approx(1 / 3)
        assert accuracy.baselines["question-blind"] == 0
        assert accuracy.baselines["group-blind"] == 1
        assert accuracy.baselines["majority option"] == pytest.approx(2 / 3)


class TestCounting:
    def test_pairs_whose_people_do_not_differ_are_left_out_and_counted(self, answer):
        options = (Option(text="yes"), Option(text="no"))
        questions = QuestionSet(
            id="s",
            questions=(
                Question(id="same", text="a", options=options, shares={"a=1": (0.5, 0.5), "a=2": (0.5, 0.5)}),
                Question(id="apart", text="b", options=options, shares={"a=1": (1, 0), "a=2": (0, 1)}),
            ),
            groups=(Group(id="a=1"), Group(id="a=2")),
        )
        answers = [
            answer(question, group, (0.5, 0.5))
            for question in questions.questions
            for group in question.groups
        ]
        rate = score_steerable(questions, answers).estimate("identification_rate")
        assert (rate.value, rate.n_cells, rate.n_unscored) == (0.5, 2, {"people alike": 2})  # ties count half

    def test_lost_answers_are_left_out_and_counted(self, survey, answer, models):
        made = survey(10)
        answers = [
            answer(question, group, models["perfect"](question, group))
            for question in made.questions
            for group in question.groups
        ]
        answers[0] = answer(made.questions[0], "party=A", None, outcome=Outcome.REFUSED)
        answers[3] = answer(made.questions[1], "party=B", None, outcome=Outcome.ERROR)
        scores = score_steerable(made, answers)
        assert scores.n_unscored == {"error": 1, "refused": 1}
        slope = scores.estimate("contrast_slope")
        assert (slope.n_cells, slope.n_unscored) == (8, {"error": 1, "refused": 1})
        rate = scores.estimate("identification_rate")
        # A comparison needs the answer for its own group alone.
        assert (rate.n_cells, rate.n_unscored) == (18, {"error": 1, "refused": 1})
        assert scores.estimate("accuracy").n_cells == 18

    def test_nothing_but_lost_answers(self, survey, answers_from):
        scores = score_steerable(survey(4), answers_from(survey(4), lambda *_: None, outcome=Outcome.REFUSED))
        assert scores.primary == "identification_rate"
        primary = scores.estimates[0]
        assert (primary.value, primary.reason) == (None, "nothing could be scored")
        assert scores.readings == (
            "Whether the groups are told apart cannot be said: nothing could be scored.",
            "How large the differences between groups are cannot be said: nothing could be scored.",
        )

    def test_groups_that_were_never_asked_for(self, survey):
        scores = score_steerable(survey(4), [], groups=["party=A", "party=B"])
        assert scores.n_unscored == {"not asked": 8}
        assert scores.estimates[0].value is None
        assert scores.contrasts == ()

    def test_a_single_group_has_no_pairs(self, survey, answer):
        made = survey(5)
        scores = score_steerable(made, [answer(one, "party=A", (0.2, 0.3, 0.5)) for one in made.questions])
        assert scores.estimates[0].value is None
        assert "no question was put to two groups" in scores.estimates[0].reason
        assert scores.estimate("own_total_variation").n_cells == 5

    def test_groups_of_different_groupings_are_no_pair(self, survey, answer):
        made = survey(5)
        renamed = QuestionSet(
            id="s",
            questions=tuple(
                Question(
                    id=one.id,
                    text=one.text,
                    options=one.options,
                    counts={"party=A": one.counts["party=A"], "sex=F": one.counts["party=B"]},
                )
                for one in made.questions
            ),
            groups=(Group(id="party=A"), Group(id="sex=F")),
        )
        answers = [answer(q, g, (0.2, 0.3, 0.5)) for q in renamed.questions for g in q.groups]
        assert score_steerable(renamed, answers).contrasts == ()

    def test_faulty_items(self, survey, answers_from, models):
        made = survey(10)
        answers = answers_from(made, models["perfect"])
        scores = score_steerable(made, answers, faulty={("q0", None), ("q1", "party=A")})
        assert scores.estimate("contrast_slope").n_cells == 10
        assert scores.estimate("contrast_slope", "without faulty items").n_cells == 8
        dropped = score_steerable(made, answers, faulty={("q0", None)}, drop_faulty=True)
        assert dropped.estimate("contrast_slope").n_cells == len(dropped.contrasts) == 9
        assert dropped.estimate("contrast_slope", "with faulty items").n_cells == 10

    def test_nothing_to_score(self, survey, answer):
        made = survey(3)
        unsteered = [answer(question, "all", (0.2, 0.3, 0.5)) for question in made.questions]
        with pytest.raises(DataError, match="no answer speaks for a group whose people's answers are known"):
            score_steerable(made, unsteered)
        faulty = {(question.id, None) for question in made.questions}
        with pytest.raises(DataError, match="all its items are faulty"):
            score_steerable(made, unsteered, groups=["party=A"], faulty=faulty, drop_faulty=True)
        with pytest.raises(ConfigurationError, match=r"Unknown preset .opinonqa..*opinionqa"):
            score_steerable(made, unsteered, groups=["party=A"], preset="opinonqa")


class TestSteering:
    def test_the_gain_over_the_unsteered_model(self, survey, answer, models):
        made = survey(20)
        steered = [answer(q, g, models["perfect"](q, g)) for q in made.questions for g in q.groups]
        unsteered = [answer(q, "all", (1, 0, 0)) for q in made.questions]
        gain = score_steerable(made, [*steered, *unsteered]).estimate("steering_gain")
        expected = [
            np.abs(np.subtract((1, 0, 0), q.target(g))).sum() / 2 for q in made.questions for g in q.groups
        ]
        assert gain.value == pytest.approx(np.mean(expected))
        with pytest.raises(KeyError):
            score_steerable(made, steered).estimate("steering_gain")

    def test_the_unsteered_model_held_against_named_groups_ignores_them(self, survey, answer):
        made = survey(20)
        unsteered = [answer(q, "all", (0.2, 0.3, 0.5)) for q in made.questions]
        scores = score_steerable(made, unsteered, groups=["party=A", "party=B"])
        assert value(scores, "contrast_slope") == 0
        with pytest.raises(KeyError):
            scores.estimate("steering_gain")


class TestPeople:
    def test_accuracy_is_spread_over_the_groups_that_people_belong_to(self, people, answers_from):
        made = people()

        def always_first(question, group):
            return (0.8, 0.1, 0.1)

        scores = score_steerable(made, answers_from(made, always_first))
        by_group = [value(scores, "accuracy", f"group=gender={name}") for name in "FM"]
        inequity = scores.estimate("value_inequity")
        assert inequity.value == pytest.approx(np.std(by_group))
        assert inequity.interval.low <= inequity.value <= inequity.interval.high
        assert inequity.value > 4 * inequity.baselines["chance"]
        assert not any(one.slice == "group=age=30" for one in scores.estimates)  # one group is no grouping

    def test_an_equal_model_has_no_more_spread_than_chance(self, people, answers_from):
        rng = np.random.default_rng(0)
        made = people(20, 60)
        scores = score_steerable(made, answers_from(made, lambda *_: rng.dirichlet([1.0] * 3)))
        inequity = scores.estimate("value_inequity")
        assert inequity.value < 4 * inequity.baselines["chance"]

    def test_single_persons_have_no_entropy_and_no_noise(self, people, answers_from):
        made = people()
        scores = score_steerable(made, answers_from(made, lambda *_: (0.5, 0.4, 0.1)))
        names = {one.name for one in scores.estimates}
        assert "entropy_ratio" not in names
        assert "contrast_slope_corrected" not in names
        assert scores.estimate("own_total_variation").noise_floor == 0
