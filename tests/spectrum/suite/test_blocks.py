import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from pluralign.errors import DataError
from pluralign.spectrum.format import Example
from pluralign.spectrum.suite.blocks import (
    FACT_DROP_PROB,
    Person,
    chunks,
    individuals,
    permuted,
    pool,
    sampled,
    strings,
    table,
)
from pluralign.spectrum.suite.source import Rows
from pluralign.spectrum.tasks import TaskSettings

ITEMS = strings([f"item {i}" for i in range(50)])


def rows(opened, **settings):
    return Rows(name="task", opened=opened, settings=TaskSettings(**settings), seed=3)


def test_strings_have_no_input_and_are_not_blank():
    assert strings(["a", " ", "b"]) == (Example(output="a"), Example(output="b"))


def test_a_table_writes_one_variable_bare_and_several_as_json():
    data = [{"x": 1, "y": "é", "z": "c"}]

    assert table(data, generated=["x"], given=["y"]) == (Example(input="é", output="1"),)
    (example,) = table(data, generated=["x", "y"])
    assert example.input is None
    assert example.output == '{"x": 1, "y": "é"}'
    assert json.loads(example.output) == {"x": 1, "y": "é"}


def test_the_description_is_kept_in_four_of_five_rows():
    made = rows(sampled([pool(ITEMS, ["one", "two"])]))
    texts = [made.row(index).description for index in range(1000)]
    kept = sum(text is not None for text in texts)

    assert binom.ppf(1e-5, 1000, 0.8) <= kept <= binom.ppf(1 - 1e-5, 1000, 0.8)
    assert set(texts) == {"one", "two", None}


def test_the_number_of_examples_has_the_mean_and_variance_of_its_formula():
    many = strings([str(i) for i in range(400)])
    made = rows(sampled([pool(many, ["d"])]), mean_examples=20, max_examples=400, description_keep_prob=1.0)
    drawn = np.array([len(made.row(index).examples) for index in range(3000)])

    # Geometric(2 / m) + Poisson(m / 2): mean m, variance (m / 2)^2.
    assert drawn.mean() == pytest.approx(20, rel=0.05)
    assert drawn.var() == pytest.approx(100, rel=0.15)


def test_a_pool_repeats_nothing_and_every_order_is_as_likely():
    made = rows(sampled([pool(strings(["a", "b", "c"]), ["d"])]), mean_examples=None)
    orders = ["".join(example.output for example in made.row(index).examples) for index in range(1200)]

    assert {frozenset(order) for order in orders} == {frozenset("abc")}
    for order in ("abc", "acb", "bac", "bca", "cab", "cba"):
        assert 130 <= orders.count(order) <= 270  # 200 expected, five standard deviations of 13


def test_pools_come_by_turns_and_too_short_ones_are_left_out():
    pools = [pool(strings(["a", "b"]), ["first"]), pool(strings(["x"]), ["short"]), pool(ITEMS, ["second"])]
    made = rows(sampled(pools), description_keep_prob=1.0)

    assert [made.row(index).description for index in range(4)] == ["first", "second", "first", "second"]
    assert permuted(pools, n_orders=10).n_rows == 20
    with pytest.raises(DataError, match="has 2 of them"):
        sampled(pools[1:2])


@pytest.mark.parametrize("n_items", [2, 3, 50, 51])
def test_chunks_hold_everything_once(n_items):
    items = strings([str(i) for i in range(n_items)])
    settings = TaskSettings(mean_examples=6, max_examples=9)
    opened = chunks(items, ["d"], name="task", settings=settings, seed=0)
    made = Rows(name="task", opened=opened, settings=settings, seed=0)
    outputs = [[example.output for example in made.row(index).examples] for index in range(opened.n_rows)]

    assert sorted(int(output) for row in outputs for output in row) == list(range(n_items))
    assert all(2 <= len(row) <= 10 for row in outputs)
    again = Rows(
        name="task",
        opened=chunks(items, ["d"], name="task", settings=settings, seed=0),
        settings=settings,
        seed=0,
    )
    assert again.row(opened.n_rows - 1) == made.row(opened.n_rows - 1)


def test_chunks_of_a_single_example_are_refused():
    with pytest.raises(DataError, match="task: 1 examples"):
        chunks(ITEMS[:1], [], name="task", settings=TaskSettings(), seed=0)


def test_a_row_holds_one_person_and_drops_three_facts_of_ten():
    people = [
        Person(
            examples=strings([f"{i} yes", f"{i} no", f"{i} maybe"]),
            wordings=("Answers.",),
            facts={"age": str(i), "sex": "f"},
        )
        for i in range(800)
    ]
    lonely = replace(people[0], examples=people[0].examples[:1])
    opened = individuals([lonely, *people], name="task", seed=0)
    made = rows(opened, description_keep_prob=1.0)
    built = [made.row(index) for index in range(opened.n_rows)]

    assert opened.n_rows == 800
    whose = [{example.output.split()[0] for example in row.examples} for row in built]
    assert all(len(names) == 1 for names in whose)
    assert len({name for names in whose for name in names}) == 800
    n_ages = sum("age: " in row.description for row in built)
    keep = 1 - FACT_DROP_PROB
    assert binom.ppf(1e-5, 800, keep) <= n_ages <= binom.ppf(1 - 1e-5, 800, keep)
    n_bare = sum(row.description == "Answers." for row in built)
    assert binom.ppf(1e-5, 800, 0.09) <= n_bare <= binom.ppf(1 - 1e-5, 800, 0.09)
    with pytest.raises(DataError, match="nobody has 2 answers"):
        individuals([lonely], name="task", seed=0)
