"""In-context steerability by hand."""

from math import log

import pytest

from pluralign.errors import DataError
from pluralign.evals.sequences import compare_sequence_outputs, score_sequence_outputs
from pluralign.evals.sequences.scoring import ACCURACY, ECE, FIRST_TOKEN, LOSS, TEXT_LOSS, TOKENS

TEXTS = {"a": ("x", "y", "x"), "b": ("y", "y", "x")}


@pytest.fixture
def rows(row, output):
    return [
        # The first output costs a hundred nats: it must not be seen in any mean.
        row("a", output(0, -100.0, -1.0), output(1, -2.0, -1.0, right=2), output(2, -4.0, -1.0, right=1)),
        row("b", output(0, -100.0, -1.0), output(1, -1.0, -0.5), output(2, -3.0, -0.5, right=2)),
    ]


def test_means_leave_the_first_output_out(rows):
    scores = score_sequence_outputs(rows, outputs=TEXTS)
    assert scores.primary == LOSS == scores.estimates[0].name
    assert scores.estimate(LOSS).value == pytest.approx((3 + 5 + 1.5 + 3.5) / 4)
    assert scores.estimate(TEXT_LOSS).value == pytest.approx((2 + 4 + 1 + 3) / 4)
    assert scores.estimate(ACCURACY).value == pytest.approx(0.5)
    assert scores.estimate(FIRST_TOKEN).value == pytest.approx(0.75)
    assert scores.estimate(TOKENS).value == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert scores.estimate(LOSS).n_questions == 2
    assert scores.estimate(LOSS).interval.method.startswith("bootstrap over sequences")


def test_indices_are_those_of_the_examples_whatever_is_scored(row, output, rows):
    """Without the first outputs, as under a layout without description, nothing changes."""
    bare = [row(each.sequence_id, *each.outputs[1:]) for each in rows]
    with_first, without = (score_sequence_outputs(each, outputs=TEXTS) for each in (rows, bare))
    for name in (LOSS, TEXT_LOSS, ACCURACY):
        assert with_first.estimate(name).value == without.estimate(name).value
    assert without.estimate("nll_nats", "examples=0").value is None
    assert without.estimate("nll_nats", "examples=1").value == pytest.approx((3 + 1.5) / 2)


def test_positions(rows):
    scores = score_sequence_outputs(rows, outputs=TEXTS)
    found = {each.slice: each.value for each in scores.estimates if each.name == "nll_nats"}
    assert found == {
        "examples=0": pytest.approx(101),
        "examples=1": pytest.approx(2.25),
        "examples=2": pytest.approx(4.25),
    }
    assert scores.estimate("accuracy", "examples=2").value == pytest.approx(0.5)


def test_of_many_positions_powers_of_two_and_the_last(row, output):
    texts = {"a": ("x",) * 12}
    rows = [row("a", *(output(i, -1.0, -1.0) for i in range(12)))]
    found = [e.slice for e in score_sequence_outputs(rows, outputs=texts).estimates if e.name == "nll_nats"]
    assert found == [f"examples={i}" for i in (0, 1, 2, 4, 8, 11)]


def test_trivial_predictors_stand_beside(rows):
    scores = score_sequence_outputs(rows, outputs=TEXTS, options=("x", "y"))
    assert scores.estimate(LOSS).baselines["uniform"] == pytest.approx(log(2))
    assert scores.estimate(TEXT_LOSS).baselines == scores.estimate(LOSS).baselines
    # Own marginal: a: y after x, x after x and y (a tie); b: y after y, x after y and y.
    assert scores.estimate(ACCURACY).baselines["own marginal"] == pytest.approx((0 + 0.5 + 1 + 0) / 4)
    assert scores.estimate("accuracy", "examples=1").baselines["own marginal"] == pytest.approx(0.5)
    assert "best trivial predictor" in " ".join(scores.readings)
    assert not score_sequence_outputs(rows, outputs=TEXTS).estimate(LOSS).baselines


def test_sequences_that_failed_are_counted(row, rows):
    texts = {**TEXTS, "c": ("x", "x", "x")}
    scores = score_sequence_outputs([*rows, row("c", error="too long")], outputs=texts)
    assert scores.n_unscored == {"error": 1}
    assert scores.estimate(LOSS).n_unscored == {"error": 1}
    assert scores.estimate(ECE).n_unscored == {"error": 1}
    assert scores.estimate(LOSS).value == score_sequence_outputs(rows, outputs=TEXTS).estimate(LOSS).value
    assert not scores.is_complete(max_unscored_share=0.05)


def test_nothing_but_failures(row):
    scores = score_sequence_outputs([row("a", error="too long")], outputs=TEXTS)
    assert scores.estimate(LOSS).reason == "error"
    assert scores.estimate(ECE).value is None
    assert scores.readings == ()


def test_differences_are_paired_by_sequence(row, output, rows):
    better = [
        row(
            each.sequence_id,
            *(output(o.index, *(value / 2 for value in o.log_probs), right=2) for o in each.outputs),
        )
        for each in rows
    ]
    ours, theirs = (score_sequence_outputs(each, outputs=TEXTS) for each in (better, rows))
    found = {c.name: c for c in compare_sequence_outputs(first=("ours", ours), second=("theirs", theirs))}
    assert found[LOSS].difference == pytest.approx(-3.25 / 2)
    assert found[ACCURACY].difference == pytest.approx(0.5)
    assert found[LOSS].n_questions == 2


def test_rows_of_other_sequences_are_refused(rows):
    with pytest.raises(DataError, match="'a' was scored, but it is none of those asked"):
        score_sequence_outputs(rows, outputs={"b": TEXTS["b"]})
    with pytest.raises(DataError, match="no sequence"):
        score_sequence_outputs([], outputs=TEXTS)
