"""Problems of GSM8K: which are held out, and how numbers in solutions are read."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.data import gsm8k
from pluralign.data.gsm8k import (
    final_result,
    is_held_out,
    load_problems,
    marked_number,
    numbers_in,
    plain_number,
    reasoning,
)
from pluralign.errors import DataError

SOLVED = "She has 2 * 3 = <<2*3=6>>6.\nIn all 6 + 1,000 = <<6+1000=1006>>1006.\n#### 1,006"


def rows(n):
    return [
        {"question": f"Problem {number}?", "answer": f"It is {number}.\n#### {number}"} for number in range(n)
    ]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows(60)), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,234 and 12", ["1234", "12"]),
        ("-3, \u22124 and +5", ["-3", "-4", "5"]),
        ("20-5=15", ["20", "5", "15"]),  # no sign where something stands before it
        ("$1,350.50 or -$2", ["1350.50", "-2"]),
        ("a $.5 tip, 0.25 of it", ["0.5", "0.25"]),
        ("x2 and 72kg. 7.", ["72", "7"]),
        ("1,2345", ["1", "2345"]),  # no thousands
        ("\\boxed{18} **19**", ["18", "19"]),
        ("none", []),
    ],
)
def test_numbers(text, numbers):
    assert numbers_in(text) == [Decimal(each) for each in numbers]


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_a_number_is_read_as_it_is_written(number):
    for written in (plain_number(number), f"{number:,}", f"so {number} ."):
        assert numbers_in(written) == [number]


@pytest.mark.parametrize(
    ("text", "cut", "number"),
    [
        ("a 5\n#### 72", False, "72"),
        ("#### $1,450.00 dollars", False, "1450"),
        ("####-3.", False, "-3"),
        ("#### 72\n\n#### 5", False, "72"),  # the first mark
        ("#### 5 + 3 = 8", False, None),
        ("#### seven", False, None),
        ("#### 1/2", False, None),
        ("72", False, None),
        ("#### 13", True, None),  # perhaps 1300
        ("#### 13\n", True, "13"),
        ("#### 13 apples", True, "13"),
    ],
)
def test_marked_numbers(text, cut, number):
    assert marked_number(text, cut=cut) == (None if number is None else Decimal(number))


def test_a_published_solution_in_parts():
    assert final_result(SOLVED, where="x") == 1006
    assert reasoning(SOLVED) == "She has 2 * 3 = 6.\nIn all 6 + 1,000 = 1006."
    with pytest.raises(
        DataError, match=r"line 3: a solution ends with the line '#### ' and a number, not with '7'"
    ):
        final_result("It is\n7", where="line 3")


def test_plain_numbers():
    assert [plain_number(Decimal(text)) for text in ("1450", "72.00", "0.250", "-3", "100", "1E+3")] == [
        "1450", "72", "0.25", "-3", "100", "1000",
    ]  # fmt: skip


def test_parts_are_disjoint_and_by_words_alone(file):
    held_out, train = (load_problems(file, part=part) for part in ("held_out", "train"))
    assert {each.question for each in held_out} | {each.question for each in train} == {
        row["question"] for row in rows(60)
    }
    assert not {each.question for each in held_out} & {each.question for each in train}
    assert 0 < len(held_out) < len(train)
    assert all(is_held_out(f"  {each.question.upper()} ") for each in held_out)
    assert held_out[0].id == f"train/{int(held_out[0].question.split()[1][:-1]) + 1}"
    assert [each.question for each in load_problems(file, part="test")] == [
        row["question"] for row in rows(60)
    ]


def test_the_published_training_split(shared_data):
    path = shared_data / "gsm8k/train.jsonl"
    held_out, train = (load_problems(path, part=part) for part in ("held_out", "train"))
    assert (len(held_out), len(train)) == (940, 6533)
    # By its content: this one stays where it is, whatever else changes.
    assert held_out[0].question.startswith("Weng earns $12 an hour for babysitting.")
    for each in (*held_out, *train):
        final_result(each.answer, where=each.where)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_tables_hold_the_same_problems(tmp_path, file, ending):
    from datasets import Dataset

    table = Dataset.from_list(rows(60))
    path = tmp_path / f"train.{ending}"
    table.to_parquet(path) if ending == "parquet" else table.to_csv(path)
    problems = load_problems(path)
    assert [(each.id, each.question) for each in problems] == [
        (each.id, each.question) for each in load_problems(file)
    ]
    assert problems[0].where == f"{path}, train, row {problems[0].id.removeprefix('train/')}"


@pytest.mark.parametrize(("part", "split"), [("held_out", "train"), ("train", "train"), ("test", "test")])
def test_the_hub_is_asked_for_the_split_that_holds_the_part(monkeypatch, part, split):
    asked = []
    monkeypatch.setattr(gsm8k, "load_rows", lambda path, **given: asked.append((path, given)) or rows(60))
    load_problems(part=part, revision="abc")
    ((path, given),) = asked
    assert (path, given["config"], given["split"], given["revision"]) == (
        "openai/gsm8k",
        "main",
        split,
        "abc",
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('{"question": "a"}\n', r"line 1: an object with the texts 'question' and 'answer'"),
        ('{"question": " ", "answer": "x"}\n', r"line 1: an object with the texts"),
        ("[]\n", r"line 1: an object with the texts"),
        ("{\n", r"line 1"),
        ("", r"holds no problem of the part 'held_out', but 0 others"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, lines, message):
    path = tmp_path / "train.jsonl"
    path.write_text(lines)
    with pytest.raises(DataError, match=message):
        load_problems(path)
