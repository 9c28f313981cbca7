import numpy as np
import pytest

from pluralign.raters import Decoded, Given, HeldOut, Rating, base_rates, cell_scores
from pluralign.raters.decoding import Case
from pluralign.records import Option, Question


def question(name, options=("Yes", "No")):
    return Question(id=name, text=f"{name}?", options=tuple(Option(text=text) for text in options))


def decoded(choices, probs, *, n_raters=None, unscored=None):
    """Ratings handed out to raters in turn; `probs`: representation -> probability of option 0, by rating."""
    n_raters = n_raters or len(choices)
    cases = tuple(
        Case(f"r{index % n_raters}", Rating(question(f"q{index}"), choice), {}, {})
        for index, choice in enumerate(choices)
    )
    lost = unscored or {}
    return Decoded(
        cases=cases,
        log_probs={
            given: np.log(np.stack([np.array(own, dtype=float), 1 - np.array(own, dtype=float)], axis=1))
            for given, own in probs.items()
        },
        valid_mass_probs={given: np.full(len(choices), 0.5) for given in probs},
        unscored={given: tuple(lost.get(given, [None] * len(choices))) for given in probs},
    )


def held_out(found, train=()):
    return HeldOut(found, base_rates=base_rates(found, train))


def by_key(found, train=()):
    return {(each.name, each.slice): each for each in held_out(found, train).estimates()}


def test_losses_information_and_shares_by_hand():
    choices = [0, 0, 1, 1]
    found = by_key(
        decoded(
            choices,
            {
                Given.NONE: [0.5] * 4,
                Given.EXAMPLES: [0.8, 0.8, 0.2, 0.2],
                Given.PROFILE: [0.6, 0.6, 0.4, 0.4],
            },
        )
    )
    ln = np.log
    assert found["nll_nats", "given=none"].value == pytest.approx(ln(2))
    assert found["nll_nats", "given=examples"].value == pytest.approx(-ln(0.8))
    information = found["usable_information_nats", "given=profile"]
    assert information.value == pytest.approx(ln(2) + ln(0.6))
    # Every rater gains the same, so that no resample differs.
    assert (information.interval.low, information.interval.high) == pytest.approx([information.value] * 2)
    assert information.interval.method.startswith("bootstrap over 4 raters")
    preserved = found["information_preserved", "given=profile"]
    assert preserved.value == pytest.approx((ln(2) + ln(0.6)) / (ln(2) + ln(0.8)))
    assert found["accuracy", "given=profile"].value == 1
    assert found["accuracy", "given=none"].value == 0.5
    assert found["valid_mass_prob", "given=none"].value == pytest.approx(0.5)


def test_the_headline_comes_first():
    probs = {given: [0.6] * 4 for given in (Given.NONE, Given.EXAMPLES, Given.PROFILE)}
    first = held_out(decoded([0, 1, 0, 1], probs)).estimates()[0]
    assert (first.name, first.slice) == ("usable_information_nats", "given=profile")


def test_a_share_of_nothing_is_not_given():
    rng = np.random.default_rng(0)
    probs = {Given.NONE: [0.5] * 40, Given.EXAMPLES: rng.uniform(0.3, 0.7, 40), Given.PROFILE: [0.6] * 40}
    found = by_key(decoded(rng.integers(2, size=40), probs, n_raters=8))
    preserved = found["information_preserved", "given=profile"]
    assert preserved.value is None
    assert "is not clearly above 0: there is nothing of which a share could be preserved" in preserved.reason


def test_intervals_are_over_raters_and_not_over_ratings():
    # Each rater's ten ratings are all alike: forty ratings are worth four.
    choices = [index % 4 < 2 for index in range(40)]
    probs = {Given.NONE: [0.5] * 40, Given.PROFILE: [0.9] * 40}
    by_rater = by_key(decoded(np.array(choices, dtype=int), probs, n_raters=4))
    by_rating = by_key(decoded(np.array(choices, dtype=int), probs, n_raters=40))
    widths = [
        each["usable_information_nats", "given=profile"].interval.high
        - each["usable_information_nats", "given=profile"].interval.low
        for each in (by_rater, by_rating)
    ]
    assert widths[0] > 2.5 * widths[1]


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    p = 0.7  # the profile's decoder is right about P(option 0); without it 0.5
    truth = np.log(2) + p * np.log(p) + (1 - p) * np.log(1 - p)
    covered = 0
    for _ in range(150):
        choices = (rng.random(240) > p).astype(int)
        found = held_out(decoded(choices, {Given.NONE: [0.5] * 240, Given.PROFILE: [p] * 240}, n_raters=40))
        interval = found.estimates()[0].interval
        covered += interval.low <= truth <= interval.high
    assert covered / 150 > 0.88


def test_baselines_know_train_ratings_only():
    # Three of four train ratings say No; one is added to each count: 2/6 and 4/6.
    train = [Rating(question("t"), choice) for choice in (1, 1, 1, 0)]
    found = by_key(decoded([0, 1, 1], {Given.NONE: [0.5] * 3, Given.PROFILE: [0.5] * 3}), train)
    loss = found["nll_nats", "given=none"]
    assert loss.baselines["base rate"] == pytest.approx(-(np.log(2 / 6) + 2 * np.log(4 / 6)) / 3)
    assert loss.baselines["uniform"] == pytest.approx(np.log(2))
    assert loss.baselines["rating entropy"] == pytest.approx(-(np.log(1 / 3) + 2 * np.log(2 / 3)) / 3)
    assert found["accuracy", "given=none"].baselines == pytest.approx({"uniform": 0.5, "majority": 2 / 3})


def test_base_rates_are_by_the_options():
    cases = decoded([0, 0], {Given.NONE: [0.5, 0.5]})
    other = Rating(question("t", ("Agree", "Disagree", "Pass")), 2)
    assert np.exp(base_rates(cases, [other] * 5)) == pytest.approx(np.full((2, 2), 0.5))


def test_all_representations_are_compared_on_the_same_ratings():
    lost = {Given.PROFILE: ["no profile: unparsed", None, None, None]}
    found = by_key(
        decoded([0, 0, 1, 1], {Given.NONE: [0.9] * 4, Given.PROFILE: [0.9, 0.5, 0.5, 0.5]}, unscored=lost)
    )
    loss = found["nll_nats", "given=none"]
    assert loss.n_cells == 3
    assert loss.value == pytest.approx(-(np.log(0.9) + 2 * np.log(0.1)) / 3)
    assert loss.n_unscored == {"not predicted under another representation": 1}
    assert found["nll_nats", "given=profile"].n_unscored == {"no profile: unparsed": 1}


def test_a_representation_that_predicts_nothing_costs_the_others_nothing():
    lost = {Given.PROFILE: ["no profile: unparsed"] * 4}
    found = by_key(decoded([0, 0, 1, 1], {Given.NONE: [0.6] * 4, Given.PROFILE: [0.5] * 4}, unscored=lost))
    assert found["nll_nats", "given=none"].n_cells == 4
    information = found["usable_information_nats", "given=profile"]
    assert information.value is None
    assert information.reason == "profile: no profile: unparsed"
    assert found["information_preserved", "given=profile"].reason == "profile: no profile: unparsed"


def test_cells_hold_the_loss_under_each_representation():
    lost = {Given.NONE: ["error", None], Given.PROFILE: ["no profile", None]}
    cells = cell_scores(decoded([0, 1], {Given.NONE: [0.8] * 2, Given.PROFILE: [0.4] * 2}, unscored=lost))
    assert (cells[0].group, cells[0].unscored, cells[0].values) == ("r0", "error, no profile", {})
    assert cells[1].values == pytest.approx({
        "nll_nats given=none": -np.log(0.2),
        "nll_nats given=profile": -np.log(0.6),
    })
