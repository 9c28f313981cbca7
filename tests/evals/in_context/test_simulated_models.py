"""A model that reads a person from answers, one that takes no notice of them, and one that only counts."""

import math

import pytest

from pluralign.evals import EVALUATORS, compare_in_context, score_in_context

LN2 = math.log(2)
ENTROPY = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)  # of somebody whose kind is known


@pytest.fixture(scope="module")
def scores(world, simulated, asked):
    return {name: score_in_context(world, asked(world, script)) for name, script in simulated.items()}


def values(scores, name):
    return [scores.estimate(name, f"examples={k}").value for k in range(9)]


def test_the_reader_s_loss_falls_from_not_knowing_to_knowing_the_kind(scores):
    """Without examples either answer has probability 1/2; after eight the kind is all but certain."""
    curve = values(scores["reader"], "nll_nats")

    assert curve[0] == pytest.approx(LN2)
    # 60 people: the mean of -ln p has a standard error of sqrt(.9 * .1) * ln 9 / sqrt(60) = 0.085.
    assert curve[8] == pytest.approx(ENTROPY, abs=3 * 0.085)
    assert curve[1] < curve[0] - 0.1
    gain = scores["reader"].estimate("gain_nats", "examples=8")
    assert gain.value == pytest.approx(LN2 - curve[8])
    assert gain.interval.low > 0.1
    assert gain.interval.method == "bootstrap over people, percentile, 2000 resamples"
    assert scores["reader"].estimate("accuracy", "examples=8").value > 0.8


def test_the_curve_of_a_model_that_takes_no_notice_is_flat(scores, world):
    gain = scores["blind"].estimate("gain_nats")

    assert gain.interval.low < 0 < gain.interval.high
    agreeing = scores["blind"].estimate("accuracy").value  # it always says "Agree"
    assert scores["blind"].estimate("nll_nats").value == pytest.approx(
        -agreeing * math.log(0.6) - (1 - agreeing) * math.log(0.4)
    )


def test_a_model_that_counts_is_its_own_baseline(scores):
    for k in range(9):
        loss = scores["counter"].estimate("nll_nats", f"examples={k}")
        assert loss.baselines["own marginal"] == pytest.approx(loss.value)
    gain = scores["counter"].estimate("gain_nats", "examples=8")
    assert gain.baselines["own marginal"] == pytest.approx(gain.value)


def test_what_the_numbers_say(scores):
    reader, blind, counter = (scores[name].readings for name in ("reader", "blind", "counter"))

    assert reader[0].startswith("After 8 own answers the loss is 0.")
    assert "below that without any (0." in reader[0]
    assert reader[0].endswith("95 %, bootstrap over people, percentile, 2000 resamples): the examples help.")
    assert reader[1].endswith("the model reads more than frequencies.")
    assert blind[0].endswith("whether the examples help is open.")
    assert blind[1].endswith("which is better is open.")
    assert counter[1] == (
        "After 8 own answers the loss is 0.000 nats below that of counting which options the person has chosen so far "
        "(0.000 to 0.000, 95 %, bootstrap over people, percentile, 2000 resamples): which is better is open."
    )


def test_other_people_know_the_statement_and_not_the_person(scores):
    """Both kinds are equally many, so that what others say is worth a coin flip."""
    loss = scores["reader"].estimate("nll_nats")

    assert loss.baselines["uniform"] == pytest.approx(LN2)
    assert loss.baselines["other people"] == pytest.approx(LN2, abs=0.03)
    assert loss.baselines["position marginal"] == pytest.approx(LN2, abs=0.03)


def test_the_comparison_tells_the_reader_from_the_blind(world, simulated, asked):
    first, second = ((name, asked(world, simulated[name])) for name in ("reader", "blind"))
    found = {(one.name, one.slice): one for one in compare_in_context(world, first=first, second=second)}

    last = found["nll_nats", "examples=8"]
    assert (last.first, last.second, last.n_cells) == ("reader", "blind", 60)
    assert last.interval.high < 0
    assert last.p_value < 0.01
    assert "over people" in last.interval.method
    assert found["gain_nats", "all"].difference > 0.2
    start = found["nll_nats", "examples=0"]
    assert start.interval.low < 0.05
    assert EVALUATORS["in_context"].compare is compare_in_context


def test_learning_how_to_answer_is_not_taken_for_reading_the_person(world, asked):
    """Without examples it all but rules out one of the options; with them it gives both 1/2, whoever the person is."""

    def script(text, option):
        sure = "assistant" not in text
        return math.log(
            {"Agree": 0.999 if sure else 0.5, "Disagree": 0.001 if sure else 0.5}.get(option, 1e-30)
        )

    scores = score_in_context(world, asked(world, script))

    worse = scores.estimate("nll_nats", "examples=0").value - LN2
    assert scores.estimate("gain_nats", "examples=8").value == pytest.approx(worse)
    assert scores.readings[0].endswith(
        f"the examples help, but without any the model does {worse:.3f} nats worse than uniform answers, so that a "
        "part of the help is to show what an answer looks like."
    )
