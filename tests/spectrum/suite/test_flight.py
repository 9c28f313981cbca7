import json

import numpy as np
import pytest

from pluralign.spectrum.suite.flight import N_USERS, WEIGHTS, shown, traveller
from pluralign.spectrum.tasks import row_generator


def test_choices_fall_on_the_three_flights_about_as_published():
    # 200 users x 20 contexts; the published generator gives 31 / 33 / 35 %. Choices of one user are independent
    # given the weights, ties go to the first flight.
    shares = []
    for seed in range(5):
        users = [traveller(row_generator("flight", "user", i, seed=seed)) for i in range(N_USERS)]
        choices = np.concatenate([user.choices for user in users])
        shares.append(np.bincount(choices, minlength=3) / len(choices))

    assert len(choices) == 4000
    assert np.abs(np.mean(shares, axis=0) - 1 / 3).max() < 0.03


def test_weights_come_from_the_four_values_and_are_never_all_zero():
    users = [traveller(row_generator("flight", "user", i, seed=0)) for i in range(1000)]

    weights = np.stack([user.weights for user in users])
    assert set(np.unique(weights)) == set(WEIGHTS)
    assert np.abs(weights).sum(axis=1).min() > 0
    # Each is uniform but for the redraw of all zeros: a mean of -0.25 x 256/255.
    assert weights.mean() == pytest.approx(-0.25, abs=0.05)
    flights = np.stack([user.flights for user in users])
    assert flights.shape == (1000, 20, 3, 4)
    assert flights.min() == 0
    assert flights.max() == 1
    assert set(np.unique(flights[..., 2])) == {0.0, 0.5, 1.0}


def test_what_is_shown_has_the_published_ranges():
    assert shown([0, 0, 0, 0]) == "departs 05:00, takes 0 h 45 min, 0 stops, $500"
    assert shown([1, 1, 1, 1]) == "departs 00:00, takes 16 h 00 min, 2 stops, $1,950"
    assert shown([0.5, 0.5, 0.5, 0.5]) == "departs 14:30, takes 8 h 22 min, 1 stop, $1,225"


def test_who_knows_the_profile_is_always_right(rows_of):
    rows = rows_of("flight")
    for index in range(0, N_USERS, 20):
        user = traveller(row_generator("flight", "user", index, seed=0))
        # What is shown -> the choice, by the utility.
        right = {
            tuple(shown(flight) for flight in context): str(int(np.argmax(context @ user.weights)) + 1)
            for context in user.flights
        }
        row = rows.row(index)
        assert row.description is not None
        assert len(row.examples) == 20
        for example in row.examples:
            assert example.output == right[tuple(json.loads(example.input).values())]


def test_there_are_two_hundred_users(rows_of):
    rows = rows_of("flight")

    assert rows.opened.n_rows == 200
    assert len({rows.row(index) for index in range(200)}) == 200
