"""Problems with four numbers: one result, and three that could be it."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.data import load_data
from pluralign.data.gsm8k import Problem, load_problems
from pluralign.data.gsm8k_choices import wrong_results
from pluralign.elicitation.asking import PromptStyle, prompt_for
from pluralign.records import Condition


def problem(
    question="Ann has 3 bags of 40 nuts and eats 20. How many?", answer="3*40=120.\n120-20=100.\n#### 100"
):
    return Problem("train/1", question, answer, "line 1")


def test_wrong_numbers_are_of_the_problem_or_near_the_result():
    found = wrong_results(problem(), result=Decimal(100))
    assert len(found) == 3
    steps = {3, 40, 120, 20}
    slips = {101, 99, 102, 98, 110, 90, 200, 50, 1000, 103, 97, 140, 60, 80}
    assert set(found) <= steps | slips
    assert found == wrong_results(problem(), result=Decimal(100))


@given(
    st.lists(st.integers(1, 500), max_size=6),
    st.one_of(st.integers(1, 10**6).map(Decimal), st.decimals(Decimal("0.01"), 10**4, places=2)),
)
def test_wrong_numbers_are_three_differ_and_look_like_results(given_numbers, result):
    asked = problem(f"Of {given_numbers}?", f"{given_numbers}\n#### {result}")
    found = wrong_results(asked, result=result)
    assert len(set(found)) == len(found) == 3
    assert all(number > 0 and number != result for number in found)
    if result == int(result):
        assert all(number == int(number) for number in found)


def test_questions_of_the_published_problems(shared_data):
    path = str(shared_data / "gsm8k/train.jsonl")
    loaded = load_data("gsm8k_choices", {"path": path})
    assert not loaded.findings
    questions = loaded.questions.questions
    problems = {each.id: each for each in load_problems(path)}
    assert len(questions) == len(problems) == 940
    places, ranks = Counter(), Counter()
    for question in questions:
        assert sorted(question.truth) == [0, 0, 0, 1]
        place = question.truth.index(1)
        places[place] += 1
        values = [Decimal(text) for text in question.option_texts]
        ranks[sorted(values).index(values[place])] += 1
        assert problems[question.id].answer.replace(",", "").endswith(f"#### {question.option_texts[place]}")
    # Neither place nor size tells: within four standard deviations of a quarter of 940 each.
    for counts in (places, ranks):
        assert set(counts) == {0, 1, 2, 3}
        assert all(abs(n - 235) < 4 * 13.3 for n in counts.values())


@pytest.mark.parametrize("listed", [True, False])
def test_numbers_are_listed_or_asked_for(tmp_path, listed):
    rows = [{"question": f"Problem {n}?", "answer": f"It is so.\n#### {n + 5}"} for n in range(30)]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    loaded = load_data("gsm8k_choices", {"path": str(path), "part": "test", "listed": listed})
    question = loaded.questions.questions[0]
    assert len(loaded.questions.questions) == 30
    prompt = prompt_for(question, order=range(4), condition=Condition(), style=PromptStyle.CHAT)
    asked = prompt.messages[0].content
    assert all((f"- {option}" in asked) is listed for option in question.option_texts)
    assert ("a number and nothing else" in asked) is not listed
