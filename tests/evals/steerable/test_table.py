"""Which pairs there are, and how some of them are drawn."""

from itertools import combinations

import numpy as np
import pytest

from pluralign.evals.cells import make_cells
from pluralign.evals.steerable.table import distances, grouping, make_pairs, make_table
from pluralign.records import Group, Option, Question, QuestionSet

OPTIONS = (Option(text="yes"), Option(text="no"))


@pytest.fixture
def table(answer):
    """Five questions to 2 to 6 of three parties, two sexes and two groups without grouping, in a mixed-up order."""
    groups = ("sex=F", "party=B", "young", "party=A", "old", "sex=M", "party=C")
    rng = np.random.default_rng(0)
    questions = tuple(
        Question(
            id=f"q{number}",
            text=str(number),
            options=OPTIONS,
            shares=dict.fromkeys(rng.permutation(groups)[: number + 2].tolist(), (0.5, 0.5)),
        )
        for number in range(5)
    )
    made = QuestionSet(
        id="s", questions=questions, groups=tuple(map(Group.model_validate, [{"id": g} for g in groups]))
    )
    answers = [answer(q, g, (0.3, 0.7)) for q in questions for g in q.groups]
    return made, make_table(made, make_cells(made, answers), unsteered={})


def keys(table, pairs):
    return [
        (table.cells[a].question.id, table.cells[a].group, table.cells[b].group)
        for a, b in zip(pairs.first, pairs.second, strict=True)
    ]


def test_all_pairs_of_one_grouping_in_order_of_the_groups(table):
    made, laid_out = table
    order = [group.id for group in made.groups]
    expected = {
        (question.id, first, second)
        for question in made.questions
        for first, second in combinations(sorted(question.groups, key=order.index), 2)
        if grouping(first) == grouping(second)
    }
    pairs = make_pairs(laid_out, seed=0)
    assert len(expected) > 5
    assert sorted(keys(laid_out, pairs)) == sorted(expected)
    assert pairs.n_possible == len(expected)


def test_so_many_are_drawn_by_the_seed(table):
    _, laid_out = table
    every = set(keys(laid_out, make_pairs(laid_out, seed=0)))
    some = make_pairs(laid_out, limit=4, seed=1)
    assert (len(some.first), some.n_possible) == (4, len(every))
    assert set(keys(laid_out, some)) < every
    assert keys(laid_out, some) == keys(laid_out, make_pairs(laid_out, limit=4, seed=1))
    assert any(
        keys(laid_out, some) != keys(laid_out, make_pairs(laid_out, limit=4, seed=s)) for s in (2, 3, 4)
    )


def test_many_people_give_every_pair_once(answer):
    groups = tuple(Group(id=f"person={number}") for number in range(60))
    question = Question(id="q", text="?", options=OPTIONS, shares={group.id: (1, 0) for group in groups})
    made = QuestionSet(id="s", questions=(question,), groups=groups)
    cells = make_cells(made, [answer(question, group.id, (0.5, 0.5)) for group in groups])
    pairs = make_pairs(make_table(made, cells, unsteered={}), seed=0)
    found = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert found == set(combinations(range(60), 2))


def test_what_was_not_asked_is_in_no_pair(table, answer):
    made, _ = table
    cells = make_cells(
        made, [answer(made.questions[4], "party=A", (0.3, 0.7))], groups=[g.id for g in made.groups]
    )
    pairs = make_pairs(make_table(made, cells, unsteered={}), seed=0)
    assert (len(pairs.first), pairs.n_possible) == (0, 0)


def test_a_missing_row_has_no_distance():
    found = distances(np.array([[1.0, 0.0], [np.nan, np.nan]]), np.array([[0.0, 1.0], [0.5, 0.5]]))
    assert found[0] == 1
    assert np.isnan(found[1])
