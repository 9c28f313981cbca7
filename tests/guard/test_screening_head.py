import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from pluralign.errors import ConfigurationError, DataError
from pluralign.guard.screening_head import ScreeningHead, load_head, mean_vectors
from pluralign.guard.statements import Stretch

FIELDS = {
    "version": "t",
    "encoder_sha256": "0" * 64,
    "n_layers": 4,
    "weights": (2.0, -1.0),
    "bias": 0.5,
    "categories": {"child_abuse": (1.0, 0.0, 0.0), "serious_crime": (0.0, 1.0, 0.5)},
    "lengths": (1, 4),
    "refuse_above": (1.0, 3.0),
    "serve_below": -1.0,
}


def test_logits_and_category_by_hand():
    head = ScreeningHead(**FIELDS)
    np.testing.assert_allclose(head.logits(np.array([[1.0, 0.0], [0.6, 0.8]])), [2.5, 0.9])
    assert head.category(np.array([1.0, 0.0])) == "child_abuse"
    assert head.category(np.array([0.6, 0.8])) == "serious_crime"


def test_the_threshold_rises_with_the_logarithm_of_the_length_and_then_stays():
    head = ScreeningHead(**FIELDS)
    assert [head.threshold(n) for n in (1, 2, 4, 50)] == pytest.approx([1.0, 2.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"refuse_above": (3.0, 1.0)}, "may not have a lower threshold"),
        ({"lengths": (4, 1)}, "the lengths rise"),
        ({"refuse_above": (1.0,)}, "one threshold a length"),
        ({"serve_below": 2.0}, "may not lie above refuse_above"),
        ({"categories": {"child_abuse": (1.0, 0.0)}}, "one number more than weights"),
        ({"bias": float("nan")}, "finite"),
    ],
)
def test_a_head_that_cannot_be_is_refused(change: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        ScreeningHead(**{**FIELDS, **change})


def test_a_file_that_is_missing_or_holds_something_else_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"none\.json cannot be read"):
        load_head(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text(json.dumps({**FIELDS, "serve_below": 9}))
    with pytest.raises(DataError, match=r"bad\.json"):
        load_head(tmp_path / "bad.json")


def test_a_mean_is_weighted_by_words_and_of_unit_length():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = mean_vectors(vectors, [4, 3, 1], stretches=[Stretch(0, 2), Stretch(1, 3)])
    np.testing.assert_allclose(found, [[0.8, 0.6], [0.0, 1.0]])
    assert mean_vectors(vectors[:1], [4], stretches=[]).shape == (0, 2)
