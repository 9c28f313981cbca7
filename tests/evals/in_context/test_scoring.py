"""Three people by hand: losses, baselines, gains, what cannot be scored, and what is refused."""

import math

import pytest

from pluralign.elicitation.conditions import in_context
from pluralign.errors import ConfigurationError, DataError
from pluralign.evals import compare_in_context, score_in_context
from pluralign.evals.in_context.scoring import N_EXAMPLES
from pluralign.records import Condition, Group, Option, Outcome, Question, QuestionSet

ANN, BOB, CID = (Group(id=f"person={name}") for name in ("Ann", "Bob", "Cid"))
YES_NO = (Option(text="Yes"), Option(text="No"))
SCALE = (Option(text="low"), Option(text="middle"), Option(text="high"))


def question(name, options, **choices):
    counts = {
        f"person={who}": tuple(float(index == choice) for index in range(len(options)))
        for who, choice in choices.items()
    }
    return Question(id=name, text=f"What of {name}?", options=options, counts=counts)


# Ann says Yes, Yes, low; Bob No, Yes, high; Cid No, -, high.
TEA, MILK = question("tea", YES_NO, Ann=0, Bob=1, Cid=1), question("milk", YES_NO, Ann=0, Bob=0)
AGE = question("age", SCALE, Ann=0, Bob=2, Cid=2)
QUESTIONS = QuestionSet(id="three", questions=(TEA, MILK, AGE), groups=(ANN, BOB, CID))


@pytest.fixture
def answers(answer):
    """Ann: tea, milk, age; Bob: age, then tea."""
    return [
        answer("tea", in_context(ANN, answered=[]), (0.5, 0.5), mass=0.9),
        answer("milk", in_context(ANN, answered=[(TEA, 0)]), (0.8, 0.2), mass=0.7),
        answer("age", in_context(ANN, answered=[(TEA, 0), (MILK, 0)]), (0.25, 0.25, 0.5), mass=0.5),
        answer("age", in_context(BOB, answered=[]), (0.2, 0.4, 0.4), mass=0.3),
        answer("tea", in_context(BOB, answered=[(AGE, 2)]), (0.1, 0.9), mass=0.1),
    ]


def test_losses_and_accuracy(answers):
    scores = score_in_context(QUESTIONS, answers)
    losses = [-math.log(p) for p in (0.5, 0.8, 0.25, 0.4, 0.9)]

    assert scores.primary == "nll_nats"
    assert scores.estimates[0].name == "nll_nats"
    assert scores.estimates[0].slice == "all"
    assert scores.estimate("nll_nats").value == pytest.approx(sum(losses) / 5)
    assert scores.estimate("nll_nats", "examples=0").value == pytest.approx((losses[0] + losses[3]) / 2)
    assert scores.estimate("nll_nats", "examples=1").value == pytest.approx((losses[1] + losses[4]) / 2)
    assert scores.estimate("nll_nats", "examples=2").value == pytest.approx(losses[2])
    # Right: Ann's tea (tie, the first counts) and milk, Bob's tea; Bob's age ties at middle, which comes first.
    assert scores.estimate("accuracy").value == pytest.approx(3 / 5)
    assert scores.estimate("valid_mass_prob").value == pytest.approx(0.5)
    assert scores.estimate("nll_nats").n_cells == 5
    assert scores.estimate("nll_nats").n_questions == 3


def test_gains_are_paired_within_a_person(answers):
    scores = score_in_context(QUESTIONS, answers)
    ann, bob = math.log(0.8 / 0.5), math.log(0.9 / 0.4)

    assert scores.estimate("gain_nats", "examples=1").value == pytest.approx((ann + bob) / 2)
    assert scores.estimate("gain_nats", "examples=2").value == pytest.approx(math.log(0.25 / 0.5))
    assert scores.estimate("gain_nats").value == pytest.approx((ann + bob + math.log(0.5)) / 3)
    with pytest.raises(KeyError):
        scores.estimate("gain_nats", "examples=0")


def test_intervals_are_over_people(answers):
    """Two people: a resample is one of them twice, or both, so that the interval lies between their means."""
    scores = score_in_context(QUESTIONS, answers)
    interval = scores.estimate("nll_nats", "examples=1").interval

    assert (interval.low, interval.high) == pytest.approx((-math.log(0.9), -math.log(0.8)))
    assert scores.estimate("nll_nats", "examples=2").interval is None  # Ann alone


def test_baselines_by_hand(answers):
    """Add-one: (c + 1) / (n + K)."""
    cells = {
        (cell.question_id, cell.group): cell.baselines for cell in score_in_context(QUESTIONS, answers).cells
    }
    nats = {key: {name: math.exp(-value) for name, value in own.items()} for key, own in cells.items()}

    # Ann on tea: others said No twice. Others on milk, the other question of two options: Bob said Yes.
    assert nats["tea", "person=Ann"] == pytest.approx({
        "uniform": 1 / 2,
        "position marginal": 2 / 3,
        "own marginal": 1 / 2,
        "other people": 1 / 4,
    })
    # On milk she has said Yes to tea before; others said Yes once to milk, and No twice to tea.
    assert nats["milk", "person=Ann"] == pytest.approx({
        "uniform": 1 / 2,
        "position marginal": 1 / 4,
        "own marginal": 2 / 3,
        "other people": 2 / 3,
    })
    # No other question has the options of age, nor as many: nothing to count.
    assert nats["age", "person=Ann"] == pytest.approx({"uniform": 1 / 3, "other people": 1 / 5})
    # Bob's only example is age, which has other options than tea.
    assert nats["tea", "person=Bob"] == pytest.approx({
        "uniform": 1 / 2,
        "position marginal": 1 / 3,
        "own marginal": 1 / 2,
        "other people": 2 / 4,
    })


def test_baselines_that_do_not_exist_everywhere_say_where(answers):
    loss = score_in_context(QUESTIONS, answers).estimate("nll_nats")

    assert loss.baseline_cells == {"own marginal": 3, "position marginal": 3}
    assert loss.baselines["own marginal"] == pytest.approx(-sum(map(math.log, (1 / 2, 2 / 3, 1 / 2))) / 3)


def test_uniform_accuracy_is_one_in_k(answers):
    accuracy = score_in_context(QUESTIONS, answers).estimate("accuracy")

    assert accuracy.baselines["uniform"] == pytest.approx((1 / 2 * 3 + 1 / 3 * 2) / 5)


def test_cells_say_how_many_examples_there_were(answers):
    cells = score_in_context(QUESTIONS, answers).cells

    assert [cell.values[N_EXAMPLES] for cell in cells] == [0, 1, 2, 0, 1]
    assert cells[1].values["gain_nats"] == pytest.approx(math.log(1.6))
    assert cells[1].n_people == 1


def test_an_answer_that_is_ruled_out_is_infinite_and_counted(answers, answer):
    ruled_out = answer("tea", in_context(BOB, answered=[(AGE, 2)]), (1.0, 0.0))
    scores = score_in_context(QUESTIONS, [*answers[:4], ruled_out])

    loss = scores.estimate("nll_nats")
    assert loss.value is None
    assert loss.reason == "infinite at 1 of 5 turns: the model rules out what the person answered"
    assert scores.estimate("nll_nats", "examples=0").value is not None
    assert scores.estimate("gain_nats", "examples=1").reason.startswith("infinite at 1 of 2 turns")
    assert scores.cells[4].values["nll_nats"] is None
    assert scores.estimate("accuracy").value == pytest.approx(2 / 5)


def test_the_reading_of_an_infinite_loss(answers, answer):
    ruled_out = answer("tea", in_context(BOB, answered=[(AGE, 2)]), (1.0, 0.0))

    assert score_in_context(QUESTIONS, [*answers[:2], answers[3], ruled_out]).readings == (
        "After one own answer the model rules out what the person answered at 1 of 2 turns, so that its loss is "
        "infinite: the accuracy says how it fares.",
    )


def test_what_is_not_scored_is_counted(answers, answer):
    lost = answer("tea", in_context(BOB, answered=[(AGE, 2)]), None, outcome=Outcome.UNPARSED, mass=0.0)
    scores = score_in_context(QUESTIONS, [*answers[:4], lost])

    assert scores.n_unscored == {"unparsed": 1}
    assert scores.estimate("nll_nats").n_unscored == {"unparsed": 1}
    assert scores.estimate("nll_nats").n_cells == 4
    assert scores.cells[4].unscored == "unparsed"
    assert scores.estimate("valid_mass_prob").value == pytest.approx((0.9 + 0.7 + 0.5 + 0.3 + 0) / 5)


def test_faulty_items_are_left_out_on_demand(answers):
    both = score_in_context(QUESTIONS, answers, faulty=[("age", None)])
    assert both.estimate("nll_nats").n_cells == 5
    assert both.estimate("nll_nats", "without faulty items").n_cells == 3

    sound = score_in_context(QUESTIONS, answers, faulty=[("tea", "person=Bob")], drop_faulty=True)
    assert sound.estimate("nll_nats").n_cells == 4
    assert sound.estimate("nll_nats", "with faulty items").n_cells == 5
    with pytest.raises(DataError, match="all items are faulty"):
        score_in_context(
            QUESTIONS, answers, faulty=[(name, None) for name in ("tea", "milk", "age")], drop_faulty=True
        )


def test_only_the_people_asked_for(answers):
    scores = score_in_context(QUESTIONS, answers, groups=["person=Bob"])

    assert {cell.group for cell in scores.cells} == {"person=Bob"}
    assert scores.readings[0].endswith("one person tells nothing of others.")


def test_what_makes_no_sense_is_refused(answers, answer):
    with pytest.raises(ConfigurationError, match="Unknown preset 'opinionqa'"):
        score_in_context(QUESTIONS, answers, preset="opinionqa")
    with pytest.raises(ConfigurationError, match="Unknown preset 'opinionqa'"):
        compare_in_context(QUESTIONS, first=("a", answers), second=("b", answers), preset="opinionqa")
    with pytest.raises(DataError, match="no answer was given after a person's own answers"):
        score_in_context(QUESTIONS, [answer("tea", Condition(), (0.5, 0.5))])
    with pytest.raises(DataError, match="'person=Cid' to question 'milk', which this person did not answer"):
        score_in_context(QUESTIONS, [answer("milk", in_context(CID, answered=[]), (0.5, 0.5))])


def test_a_comparison_takes_the_turns_that_both_answered(answers, answer):
    other = [
        answer("tea", in_context(ANN, answered=[]), (0.25, 0.75)),
        answer("tea", in_context(ANN, answered=[(MILK, 0)]), (0.25, 0.75)),  # after other examples: no pair
        answer("age", in_context(BOB, answered=[]), (0.4, 0.4, 0.2)),
    ]
    found = {
        (one.name, one.slice): one
        for one in compare_in_context(QUESTIONS, first=("a", answers), second=("b", other))
    }

    loss = found["nll_nats", "all"]
    assert loss.n_cells == 2
    assert loss.difference == pytest.approx((math.log(0.25 / 0.5) + math.log(0.2 / 0.4)) / 2)
    assert ("gain_nats", "all") not in found
    assert ("nll_nats", "examples=1") not in found
