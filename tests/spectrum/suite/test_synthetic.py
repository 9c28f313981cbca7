import re

import numpy as np
import pytest

from pluralign.metrics.distances import js_divergence_nats_smoothed
from pluralign.spectrum.suite.synthetic import published_urn


def urns(n):
    return [published_urn(np.random.default_rng(index)) for index in range(n)]


def test_the_urn_has_one_wording_which_states_the_true_counts():
    for process in urns(50):
        (text,) = process.descriptions
        found = re.fullmatch(
            r"There is an urn with the following balls shuffled together: (.+)\. "
            r"Draw a ball at random, and tell me the color \(lowercase\)\.",
            text,
        )
        counts = {colour: int(n) for n, colour in re.findall(r"(\d+) (\w+) ball", found[1])}
        total = sum(counts.values())
        assert process.distribution == pytest.approx({c: n / total for c, n in counts.items()})
        assert 2 <= len(counts) <= 5
        assert all(1 <= n <= 10 for n in counts.values())


def test_the_urn_has_the_published_baselines():
    # Uniform .039 to .0407, the mode alone .2083 to .215 over seeds, in nats, for 1000 urns.
    uniform, mode = [], []
    for process in urns(1000):
        truth = np.array(list(process.distribution.values()))
        uniform.append(js_divergence_nats_smoothed(np.full(len(truth), 1 / len(truth)), truth))
        mode.append(js_divergence_nats_smoothed(np.eye(len(truth))[truth.argmax()], truth))

    assert np.mean(uniform) == pytest.approx(0.0400, abs=0.003)
    assert np.mean(mode) == pytest.approx(0.212, abs=0.008)


def test_a_family_makes_rows_of_outputs_alone(rows_of):
    rows = rows_of("dice", mean_examples=4)

    assert rows.opened.n_rows is None
    built = [rows.row(index) for index in range(50)]
    assert len(set(built)) == 50
    assert all(example.input is None for row in built for example in row.examples)
    assert {row.task for row in built} == {"dice"}
    assert all(row.description for row in built)
