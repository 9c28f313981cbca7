import math

import pytest
from pydantic import ValidationError

from pluralign.records import Estimate, Interval


def estimate(**changes):
    fields = {
        "name": "js_divergence_bits",
        "value": 0.1,
        "n_questions": 5,
        "n_cells": 10,
        "unit": "bits",
        "definition": "mean over cells",
        "lower_is_better": True,
    }
    return Estimate(**(fields | changes))


def test_an_estimate_survives_json():
    full = estimate(
        interval=Interval(low=0.05, high=0.2, method="bootstrap over questions"),
        n_unscored={"refused": 2},
        baselines={"uniform": 0.3},
        noise_floor=0.01,
        normalised=0.7,
    )
    assert Estimate.model_validate_json(full.model_dump_json()) == full


@pytest.mark.parametrize("changes", [{"value": None}, {"reason": "nothing was asked"}])
def test_a_value_is_there_or_the_reason_why_not(changes):
    with pytest.raises(
        ValidationError, match="must be given exactly when value is None, for 'js_divergence_bits'"
    ):
        estimate(**changes)
    assert estimate(value=None, reason="every answer was refused").value is None


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"value": math.nan}, ("value",)),
        ({"noise_floor": math.inf}, ("noise_floor",)),
        ({"baselines": {"uniform": math.nan}}, ("baselines", "uniform")),
        ({"n_questions": -1}, ("n_questions",)),
        ({"unit": " "}, ("unit",)),
    ],
)
def test_a_wrong_value_is_named_with_its_place(changes, location):
    with pytest.raises(ValidationError) as error:
        estimate(**changes)
    assert error.value.errors()[0]["loc"] == location


def test_an_interval_has_its_ends_in_order():
    with pytest.raises(ValidationError, match=r"low: 0\.2 is above high: 0\.1"):
        Interval(low=0.2, high=0.1, method="bootstrap")
    assert Interval(low=0.1, high=0.1, method="exact").level == 0.95


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(ValidationError, match="level"):
        Interval(low=0, high=1, level=level, method="bootstrap")


def test_an_estimate_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        estimate().value = 0
