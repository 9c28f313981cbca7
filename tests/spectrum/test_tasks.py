import json
import re
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from pluralign.errors import ConfigurationError
from pluralign.spectrum.process import Process, finite, percentages, with_options
from pluralign.spectrum.tasks import FAMILIES, Task, TaskSettings, build_rows, builtin_task, n_examples

FINITE = sorted(set(FAMILIES) - {"poisson", "geometric", "normal"})


@pytest.mark.parametrize("name", list(FAMILIES))
def test_500_rows_are_500_different_rows(name):
    task = builtin_task(name)
    rows = build_rows({name: 500}, tasks=[task], seed=0)

    assert len(set(rows)) == 500
    # Chance repeats are possible only among rows with few examples; a generator seeded anew repeats nearly all.
    assert len({task.row(index, seed=0) for index in range(500)}) >= 495


@pytest.mark.parametrize("name", list(FAMILIES))
def test_the_description_is_kept_in_four_of_five_rows(name):
    task = builtin_task(name, settings=TaskSettings(mean_examples=4))
    kept = sum(task.row(index, seed=5).description is not None for index in range(1000))

    assert binom.ppf(1e-5, 1000, 0.8) <= kept <= binom.ppf(1 - 1e-5, 1000, 0.8)


@pytest.mark.parametrize("mean", [2, 8, 64])
def test_the_number_of_examples_has_the_moments_of_its_formula(mean):
    rng = np.random.default_rng(0)
    drawn = np.array([n_examples(rng, mean=mean) for _ in range(20_000)])

    # Geometric(p): mean 1 / p, variance (1 - p) / p^2 with p = 2 / mean; Poisson: mean = variance = mean / 2.
    # Their sum: (mean / 2)^2 - mean / 2 + mean / 2 = (mean / 2)^2.
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.var() == pytest.approx((mean / 2) ** 2, rel=0.08)
    assert drawn.min() >= 1


@pytest.mark.parametrize("name", FINITE)
def test_outputs_follow_the_exact_distribution(name):
    task = builtin_task(name)
    n_checked = 0
    for index in range(12):
        process = task.process(index, seed=11)
        if process.distribution is None:
            continue
        outputs = process.draw(np.random.default_rng(index), 5000)
        observed = np.array([outputs.count(output) for output in process.distribution])
        expected = 5000 * np.array(list(process.distribution.values()))
        rare = expected < 5
        if rare.any():
            observed = np.append(observed[~rare], observed[rare].sum())
            expected = np.append(expected[~rare], expected[rare].sum())
        assert observed.sum() == 5000
        assert chisquare(observed, expected).pvalue > 1e-7
        n_checked += 1
    assert n_checked >= 4


@pytest.mark.parametrize(
    ("name", "pattern", "mean"),
    [
        ("poisson", r"Poisson\(lambda=([\d.]+)\)", lambda rate: rate),
        ("geometric", r"Geometric\(p=([\d.]+)\)", lambda prob: 1 / prob),
        ("normal", r"x ~ N\((-?[\d.]+),", lambda mu: mu),
    ],
)
def test_endless_families_have_the_mean_that_they_state(name, pattern, mean):
    for index in range(5):
        process = builtin_task(name).process(index, seed=2)
        stated = next(found[1] for text in process.descriptions if (found := re.search(pattern, text)))
        values = np.array(process.draw(np.random.default_rng(index), 4000), dtype=float)
        assert abs(values.mean() - mean(float(stated))) < 5 * values.std() / 4000**0.5


def test_stated_percentages_are_the_true_ones():
    for index in range(30):
        process = builtin_task("bernoulli").process(index, seed=4)
        text = next(text for text in process.descriptions if text.startswith("A ") and "shows" in text)
        side, percent = re.search(r"shows (\S+) (\d+)% of the time", text).groups()
        assert process.distribution[side] == pytest.approx(int(percent) / 100)


def test_stated_counts_of_an_urn_are_the_true_ones():
    for index in range(30):
        process = builtin_task("urn").process(index, seed=4)
        text = next(text for text in process.descriptions if text.startswith("Urn: "))
        counts = {colour: int(n) for n, colour in re.findall(r"(\d+) (\w+)", text)}
        total = sum(counts.values())
        assert process.distribution == pytest.approx({c: n / total for c, n in counts.items()})
        assert 2 <= len(counts) <= 5


def test_lists_without_replacement_repeat_nothing():
    task = builtin_task("lists", settings=TaskSettings(mean_examples=40))
    processes = [task.process(index, seed=0) for index in range(50)]
    limited = [process for process in processes if process.limit is not None]

    assert 10 < len(limited) < 40
    for process in limited:
        outputs = process.draw(np.random.default_rng(0), process.limit)
        assert len(set(outputs)) == process.limit
    for index in range(50):
        row, limit = task.row(index, seed=0), processes[index].limit
        assert limit is None or len(row.examples) <= limit


def test_rows_are_the_same_in_another_process():
    names = ["categorical", "lists", "normal"]
    program = (
        "import json; from pluralign.spectrum.tasks import builtin_task\n"
        f"print(json.dumps([builtin_task(n).row(7, seed=3).model_dump() for n in {names}]))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    here = [builtin_task(name).row(7, seed=3).model_dump() for name in reversed(names)]

    assert json.loads(there) == json.loads(json.dumps(here[::-1]))


def test_a_row_without_description_has_a_second_output_to_learn_from():
    task = builtin_task("dice", settings=TaskSettings(mean_examples=2, description_keep_prob=0.0))
    rows = [task.row(index, seed=0) for index in range(200)]

    assert all(row.description is None for row in rows)
    assert min(len(row.examples) for row in rows) == 2


def test_option_lists_are_complete_and_shuffled():
    rng = np.random.default_rng(0)
    texts = {with_options("Which?", ["a1", "b2", "c3"], rng=rng) for _ in range(300)}

    assert "Which?\nOptions: c3; a1; b2" in texts
    assert "Which?\nAnswer with one of: a1; b2; c3" in texts
    assert all(option in text for text in texts for option in ("a1", "b2", "c3"))
    assert len(texts) == 6 * 6


def test_percentages_are_whole_and_sum_to_100():
    rng = np.random.default_rng(0)
    for n in range(2, 12):
        values = percentages(rng, n)
        assert sum(values) == 100
        assert min(values) >= 1
        assert len(values) == n


def test_a_point_mass_always_gives_its_outcome():
    process = finite({"a": 0.0, "b": 3.0}, ["x"])

    assert process.distribution == {"a": 0.0, "b": 1.0}
    assert process.draw(np.random.default_rng(0), 50) == ["b"] * 50


def test_an_unknown_task_is_named():
    with pytest.raises(ConfigurationError, match=r"Unknown spectrum task 'dise'\. Did you mean 'dice'\?"):
        builtin_task("dise")
    with pytest.raises(ConfigurationError, match=r"unknown task 'urm'\. Did you mean 'urn'\?"):
        build_rows({"urm": 3}, tasks=[builtin_task("urn")], seed=0)
    with pytest.raises(ConfigurationError, match=r"mean_examples: 1 is below 2"):
        TaskSettings(mean_examples=1)


def test_a_task_with_too_few_rows_says_so():
    constant = Process(descriptions=("d",), draw=lambda _, n: ["x"] * n, limit=2)
    task = Task(name="constant", family=lambda _: constant)

    with pytest.raises(ConfigurationError, match=r"'constant' gave only \d distinct rows in 220 draws, 10"):
        build_rows({"constant": 10}, tasks=[task], seed=0)


def test_as_many_examples_as_there_are():
    listed = Process(descriptions=("d",), draw=lambda _, n: ["x"] * n, limit=7)
    endless = Process(descriptions=("d",), draw=lambda _, n: ["x"] * n)
    everything = TaskSettings(mean_examples=None, max_examples=9)

    assert len(Task("listed", lambda _: listed, everything).row(0, seed=0).examples) == 7
    with pytest.raises(ConfigurationError, match="endless: mean_examples is needed: the process has no end"):
        Task("endless", lambda _: endless, everything).row(0, seed=0)
