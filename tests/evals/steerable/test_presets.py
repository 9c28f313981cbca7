"""The published ways to measure steering, by hand and against a direct computation."""

import numpy as np
import pytest

from pluralign.errors import ConfigurationError
from pluralign.evals import score_steerable
from pluralign.metrics import wasserstein_ordinal
from pluralign.records import Group, Option, Outcome, Question, QuestionSet

VK = tuple(Option(text=text) for text in ("Support", "Oppose", "Either"))


def keyed(labels, *, options=VK):
    """One situation with a value for each label."""
    eye = np.eye(len(options))
    questions = tuple(
        Question(
            id=f"s{number}",
            text=f"situation {number}",
            options=options,
            shares={f"vrd={value}": tuple(eye[label]) for value, label in row.items()},
        )
        for number, row in enumerate(labels)
    )
    values = dict.fromkeys(value for row in labels for value in row)
    return QuestionSet(
        id="vk", questions=questions, groups=tuple(Group(id=f"vrd={value}") for value in values)
    )


class TestModularPluralism:
    @pytest.fixture
    def scores(self, answer):
        made = keyed([{"a": 0, "b": 1}, {"a": 0, "b": 2}, {"a": 0, "b": 1}])
        eye = np.eye(3)
        chosen = {("s0", "a"): 0, ("s0", "b"): 2, ("s1", "a"): 0, ("s1", "b"): 2, ("s2", "a"): 1}
        answers = [
            answer(made.questions[int(s[1])], f"vrd={v}", eye[choice]) for (s, v), choice in chosen.items()
        ]
        answers.append(answer(made.questions[2], "vrd=b", None, outcome=Outcome.UNPARSED))
        return score_steerable(made, answers, preset="modular_pluralism_vk")

    def test_an_unreadable_answer_is_a_wrong_one(self, scores):
        assert scores.primary == scores.estimates[0].name == "modular_pluralism_vk.accuracy"
        assert scores.estimates[0].value == pytest.approx(3 / 6)
        assert scores.estimates[0].n_cells == 6
        assert scores.estimate("accuracy").value == pytest.approx(3 / 5)
        assert scores.estimate("modular_pluralism_vk.micro_f1").value == pytest.approx(3 / 6)

    def test_the_means_over_classes(self, scores):
        # Support 2 of 3, Oppose 0 of 2, Either 1 of 1.
        balanced = scores.estimate("modular_pluralism_vk.balanced_accuracy")
        assert balanced.value == pytest.approx((2 / 3 + 0 + 1) / 3)
        # Predicted twice, once, twice; unreadable once, which is a class of its own.
        macro = scores.estimate("modular_pluralism_vk.macro_f1")
        assert macro.value == pytest.approx((4 / 5 + 0 + 2 / 3 + 0) / 4)

    def test_binary_is_defined_on_the_label_alone(self, scores):
        binary = scores.estimate("modular_pluralism_vk.binary_accuracy")
        assert (binary.n_cells, binary.value) == (5, pytest.approx(2 / 5))
        assert binary.baselines["majority option"] == pytest.approx(3 / 5)
        balanced = scores.estimate("modular_pluralism_vk.binary_balanced_accuracy")
        assert balanced.value == pytest.approx((2 / 3 + 0) / 2)

    def test_other_questions_are_refused(self, survey, answers_from, models):
        with pytest.raises(ConfigurationError, match="Support, Oppose and Either, not low, middle, high"):
            score_steerable(
                survey(3), answers_from(survey(3), models["perfect"]), preset="modular_pluralism_vk"
            )


class TestOpinionQA:
    @pytest.fixture
    def made(self, survey):
        return survey(30, topics=("work", "home", "law"))

    def rep(self, question, group, prediction):
        return 1 - wasserstein_ordinal(question.target(group), prediction, [0, 1, 2])

    def test_the_best_form_by_representativeness(self, made, answer):
        forms = {"qa": (0.6, 0.2, 0.2), "bio": (0.2, 0.6, 0.2), "portray": (0.1, 0.3, 0.6)}
        default = (0.5, 0.3, 0.2)
        answers = [
            answer(q, g, p, form=f) for q in made.questions for g in q.groups for f, p in forms.items()
        ]
        answers += [answer(q, "all", default) for q in made.questions]
        scores = score_steerable(made, answers, preset="opinionqa")

        def mean(group, prediction):
            return np.mean([self.rep(q, group, prediction) for q in made.questions])

        groups = ("party=A", "party=B")
        best = [max(mean(group, p) for p in forms.values()) for group in groups]
        steered = scores.estimates[0]
        assert (steered.name, steered.slice) == ("opinionqa.representativeness", "all")
        assert steered.value == pytest.approx(np.mean(best))
        assert scores.estimate(steered.name, "group=party=A").value == pytest.approx(best[0])
        for form, p in forms.items():
            expected = np.mean([mean(group, p) for group in groups])
            assert scores.estimate(steered.name, f"form={form}").value == pytest.approx(expected)
        unsteered = scores.estimate("opinionqa.representativeness_default")
        assert unsteered.value == pytest.approx(np.mean([mean(group, default) for group in groups]))
        assert steered.ceiling > steered.baselines["uniform"]

    def test_every_group_weighs_the_same(self, made, answer):
        asked = {"party=A": made.questions, "party=B": made.questions[:5]}
        answers = [answer(q, g, (0.2, 0.6, 0.2)) for g, questions in asked.items() for q in questions]
        steered = score_steerable(made, answers, preset="opinionqa").estimates[0]
        by_group = [np.mean([self.rep(q, g, (0.2, 0.6, 0.2)) for q in asked[g]]) for g in asked]
        assert steered.value == pytest.approx(np.mean(by_group))

    def test_consistency_by_hand(self, answer):
        """Unsteered, the model is A on two topics of three and overall."""
        options = tuple(Option(text=str(place), value=place) for place in range(2))
        shares = {"party=A": (1, 0), "party=B": (0, 1)}
        said = {"work": [(0.9, 0.1), (0.8, 0.2)], "home": [(0.7, 0.3)], "law": [(0.4, 0.6)]}
        questions = tuple(
            Question(id=f"{topic}{n}", text=f"{topic}{n}", options=options, shares=shares, topic=topic)
            for topic, answers in said.items()
            for n in range(len(answers))
        )
        made = QuestionSet(id="s", questions=questions, groups=(Group(id="party=A"), Group(id="party=B")))
        predictions = [p for answers in said.values() for p in answers]
        answers = [answer(q, "all", p) for q, p in zip(questions, predictions, strict=True)]
        answers += [answer(q, g, (0.5, 0.5)) for q in questions for g in q.groups]
        consistency = score_steerable(made, answers, preset="opinionqa").estimate("opinionqa.consistency")
        assert consistency.value == pytest.approx(2 / 3)
        assert consistency.baselines == {"chance": 0.5}
        assert consistency.n_questions == 4

    def test_without_unsteered_answers_there_is_no_default(self, made, answers_from, models):
        scores = score_steerable(made, answers_from(made, models["perfect"]), preset="opinionqa")
        names = {one.name for one in scores.estimates}
        assert not names & {"opinionqa.representativeness_default", "opinionqa.consistency"}
        assert scores.estimates[0].value == pytest.approx(1)


def test_steer_bench_counts_positions(answer):
    options = [tuple(Option(text=f"{letter}{n}") for letter in "ABCD") for n in range(3)]
    keys = [("community=r/x", 1), ("community=r/y", 1), ("community=r/x", 3)]
    questions = tuple(
        Question(id=f"x_y/{n}", text=str(n), options=options[n], shares={group: tuple(np.eye(4)[key])})
        for n, (group, key) in enumerate(keys)
    )
    made = QuestionSet(
        id="s", questions=questions, groups=(Group(id="community=r/x"), Group(id="community=r/y"))
    )
    answers = [answer(questions[0], "community=r/x", np.eye(4)[1])]
    answers.append(answer(questions[1], "community=r/y", None, outcome=Outcome.TRUNCATED))
    answers.append(answer(questions[2], "community=r/x", np.eye(4)[0]))
    primary = score_steerable(made, answers, preset="steer_bench").estimates[0]
    assert (primary.name, primary.value) == ("steer_bench.accuracy", pytest.approx(1 / 3))
    assert primary.baselines["majority option"] == pytest.approx(2 / 3)


def test_indievalue(people, answers_from):
    made = people()
    scores = score_steerable(made, answers_from(made, lambda *_: (0.8, 0.1, 0.1)), preset="indievalue")
    accuracy, inequity = scores.estimates[0], scores.estimate("indievalue.value_inequity")
    assert accuracy.name == "indievalue.accuracy"
    # Everybody answered everything, so that people weigh what their cells weigh.
    assert accuracy.value == pytest.approx(scores.estimate("accuracy").value)
    assert inequity.value == pytest.approx(100 * scores.estimate("value_inequity").value)
    assert inequity.unit == "percentage points"


def test_indievalue_weighs_people_alike(people, answer):
    made = people(2, 10)
    eye = np.eye(3)
    first = [answer(q, "person=0", q.target("person=0")) for q in made.questions]  # always right
    last = made.questions[0]
    wrong = answer(last, "person=1", eye[(np.argmax(last.target("person=1")) + 1) % 3])
    accuracy = score_steerable(made, [*first, wrong], preset="indievalue").estimates[0]
    assert accuracy.value == pytest.approx((1 + 0) / 2)
