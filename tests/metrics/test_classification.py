import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.errors import DataError
from pluralign.metrics import (
    balanced_accuracy_of_sums,
    class_columns,
    group_columns,
    macro_f1_of_sums,
    spread_of_group_means_of_sums,
)


def whole(columns):
    return columns.sum(axis=1)[:, None]


def test_by_hand():
    # Class 0: 2 of 3 right, 1: 1 of 1, 2: predicted once, never right.
    sums = whole(class_columns([0, 0, 0, 1], [0, 0, 2, 1], n_classes=4))
    assert sums.ravel().tolist() == [2, 1, 0, 0, 3, 1, 0, 0, 2, 1, 1, 0]
    assert balanced_accuracy_of_sums(sums)[0] == pytest.approx((2 / 3 + 1) / 2)
    assert macro_f1_of_sums(sums)[0] == pytest.approx((4 / 5 + 1 + 0) / 3)


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(labels)
def test_agrees_with_counting(pairs):
    """Recall over the classes among the golds, F1 over those among golds and predictions, as scikit-learn has them."""
    golds, chosen = {gold for gold, _ in pairs}, {predicted for _, predicted in pairs}
    recalls = [
        np.mean([predicted == gold for gold, predicted in pairs if gold == name]) for name in sorted(golds)
    ]
    f1 = []
    for name in sorted(golds | chosen):
        hits = sum(gold == predicted == name for gold, predicted in pairs)
        misses = sum((gold == name) != (predicted == name) for gold, predicted in pairs)
        f1.append(2 * hits / (2 * hits + misses))
    sums = whole(class_columns(*zip(*pairs, strict=True), n_classes=4))
    assert balanced_accuracy_of_sums(sums)[0] == pytest.approx(np.mean(recalls))
    assert macro_f1_of_sums(sums)[0] == pytest.approx(np.mean(f1))


def test_the_spread_of_group_means_is_a_population_standard_deviation():
    columns = group_columns([1, 0, 1, 1, 0.5], [0, 0, 1, 1, 3], n_groups=5)
    assert spread_of_group_means_of_sums(whole(columns))[0] == pytest.approx(np.std([0.5, 1, 0.5]))


def test_nothing_has_no_value():
    assert np.isnan(spread_of_group_means_of_sums(np.zeros((4, 1)))[0])
    assert np.isnan(balanced_accuracy_of_sums(np.zeros((6, 1)))[0])


def test_refuses_what_is_no_class():
    with pytest.raises(DataError, match=r"gold\[1\] must be one of 0 to 1, not 2"):
        class_columns([0, 2], [0, 0], n_classes=2)
    with pytest.raises(DataError, match="equally long, not 2 and 1"):
        class_columns([0, 1], [0], n_classes=2)
    with pytest.raises(DataError, match=r"groups\[0\] must be one of 0 to 1, not -1"):
        group_columns([1.0], [-1], n_groups=2)
