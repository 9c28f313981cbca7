"""Sources made of published files: each from a small file of its form, and from the file itself where it is there."""

import json

import numpy as np
import pytest

from pluralign.data.gsm8k import load_problems
from pluralign.errors import DataError
from pluralign.spectrum.suite.diffuse import is_measured, read_list


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def jsonl(path, *items):
    return written(path, "".join(json.dumps(item) + "\n" for item in items))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gsm8k_question", {(None, "q1"), (None, "q2")}),
        ("gsm8k_answer", {("q1", "a1"), ("q2", "a2")}),
        ("gsm8k_inverse", {("a1", "q1"), ("a2", "q2")}),
        (
            "gsm8k_problem",
            {(None, '{"question": "q1", "answer": "a1"}'), (None, '{"question": "q2", "answer": "a2"}')},
        ),
    ],
)
def test_gsm8k_in_four_directions(tmp_path, rows_of, name, expected):
    jsonl(
        tmp_path / "gsm8k/train.jsonl", {"question": "q1", "answer": "a1"}, {"question": "q2", "answer": "a2"}
    )
    row = rows_of(name, tmp_path).row(0)

    assert {(example.input, example.output) for example in row.examples} == expected


def test_no_task_shows_a_problem_that_is_asked_in_evaluations(shared_data, rows_of):
    held_out = load_problems(shared_data / "gsm8k/train.jsonl", part="held_out")
    kept = {each.question for each in held_out} | {each.answer for each in held_out}
    for name in ("gsm8k_question", "gsm8k_answer", "gsm8k_inverse"):
        # Every problem that a row could draw, not those that some rows happened to.
        instance = rows_of(name, shared_data).opened.instance(0, np.random.default_rng(0))
        assert instance.limit == 7473 - len(held_out)
        drawn = instance.draw(np.random.default_rng(0), instance.limit)
        assert len(drawn) == instance.limit
        assert not kept & {text for example in drawn for text in (example.input, example.output)}


def test_a_faulty_line_of_gsm8k_is_named(tmp_path, rows_of):
    jsonl(tmp_path / "gsm8k/train.jsonl", {"question": "q1", "answer": "a1"}, {"question": 3})

    with pytest.raises(
        DataError, match=r"train\.jsonl, line 2: an object with the texts 'question' and 'answer'"
    ):
        rows_of("gsm8k_answer", tmp_path)


def test_ambient(tmp_path, rows_of):
    reading = {"premise": "P read", "hypothesis": "H", "label": "neutral"}
    item = {
        "premise": "P",
        "hypothesis": "H",
        "premise_ambiguous": True,
        "hypothesis_ambiguous": False,
        "labels": "neutral, entailment",
        "disambiguations": [reading, {**reading, "label": "entailment"}],
    }
    plain = {**item, "premise": "Q", "premise_ambiguous": False, "labels": "neutral", "disambiguations": []}
    jsonl(tmp_path / "ambient/ambient_full.jsonl", item, plain)

    def found(name):
        return {(example.input, example.output) for example in rows_of(name, tmp_path).row(0).examples}

    first, second = '{"premise": "P", "hypothesis": "H"}', '{"premise": "Q", "hypothesis": "H"}'
    assert found("ambient_pair") == {(None, first), (None, second)}
    assert found("ambient_ambiguity") == {(first, "premise"), (second, "neither")}
    assert found("ambient_labels") == {(first, "neutral, entailment"), (second, "neutral")}
    assert found("ambient_disambiguation") == {
        (first, '{"read premise": "P read", "read hypothesis": "H", "label": "neutral"}'),
        (first, '{"read premise": "P read", "read hypothesis": "H", "label": "entailment"}'),
    }


def test_lists_lose_their_braces_and_what_is_said_of_them(tmp_path, rows_of):
    content = {
        "request": "Output a fruit, chosen at random. Output only the name between braces. Don't output code.",
        "targets": ["{Apple}", "{Fig}", "{Fig}", ""],
    }
    path = written(tmp_path / "diffuse_distributions/fruits/fruit-0.json", json.dumps(content))
    written(
        tmp_path / "diffuse_distributions/numbers/rng-0.json",
        json.dumps({**content, "targets": ["{1}", "{2}"]}),
    )

    assert read_list(path) == ("Output a fruit, chosen at random", ("Apple", "Fig"))
    rows = rows_of("diffuse", tmp_path, description_keep_prob=1.0)
    assert rows.opened.n_rows == 10
    assert rows.row(0).description == "Output a fruit, chosen at random, without replacement."
    assert {example.output for example in rows.row(0).examples} == {"Apple", "Fig"}
    assert {example.output for example in rows_of("diffuse_held_out", tmp_path).row(0).examples} == {"1", "2"}
    with pytest.raises(DataError, match=r"fruit-0\.json: a text 'request' and a list"):
        read_list(written(path, "[]"))


def test_titanic(tmp_path, rows_of):
    header = "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Parch,Ticket,Fare,Cabin,Embarked"
    written(
        tmp_path / "titanic/titanic.csv",
        f'{header}\n1,0,3,"Doe, Mr. John",male,,1,0,A5,7.25,,S\n2,1,1,"Roe, Mrs. Jane",female,38,0,0,P1,71.3,C85,C\n',
    )
    found = {
        example.output: json.loads(example.input)
        for example in rows_of("titanic_survival", tmp_path).row(0).examples
    }

    assert found.keys() == {"yes", "no"}
    assert found["no"]["age"] == "unknown"
    assert "survived" not in found["yes"]
    whole = [json.loads(example.output) for example in rows_of("titanic_passenger", tmp_path).row(0).examples]
    assert {(row["name"], row["survived"]) for row in whole} == {
        ("Doe, Mr. John", "no"),
        ("Roe, Mrs. Jane", "yes"),
    }


def test_habermas_holds_every_question_once(tmp_path, rows_of):
    questions = [{"id": str(i), "question": f"Should we {i}?"} for i in range(90)]
    written(tmp_path / "habermas/questions.json", json.dumps([*questions, questions[0]]))
    rows = rows_of("habermas_question", tmp_path)
    outputs = [e.output for index in range(rows.opened.n_rows) for e in rows.row(index).examples]

    assert sorted(outputs) == sorted(item["question"] for item in questions)
    written(tmp_path / "habermas/questions.json", '[{"id": "1"}]')
    with pytest.raises(DataError, match=r"questions\.json: not a list of questions: 0\.question"):
        rows_of("habermas_question", tmp_path)


@pytest.mark.parametrize(
    ("name", "n_rows"),
    [
        ("ambient_ambiguity", None),
        ("ambient_disambiguation", None),
        ("diffuse", 210),
        ("diffuse_held_out", 60),
        ("gsm8k_problem", None),
        ("social_choice_text", 200),
        ("social_choice_rating", 400),
        ("titanic_survival", None),
    ],
)
def test_the_published_files(shared_data, rows_of, name, n_rows):
    rows = rows_of(name, shared_data)

    if n_rows is None:
        assert rows.opened.n_rows is None
    else:
        assert rows.opened.n_rows is not None
        assert 0.5 * n_rows <= rows.opened.n_rows <= n_rows
    assert rows.row(1) == rows_of(name, shared_data).row(1)
    assert len(rows.row(1).examples) >= 2


def test_the_published_lists_are_27_without_the_empty_one(shared_data):
    folder = shared_data / "diffuse_distributions"
    lists = {path.relative_to(folder).as_posix(): read_list(path)[1] for path in folder.glob("*/*.json")}
    sizes = {
        name.rpartition("/")[2].removesuffix(".json"): len(items) for name, items in lists.items() if items
    }

    assert len(sizes) == 27
    expected = {
        "rng-0": 10,
        "rng-1": 100,
        "prime-0": 15,
        "prime-1": 25,
        "day-0": 7,
        "june-0": 30,
        "december-0": 31,
    }
    assert {name: sizes[name] for name in expected} == expected
    assert sum(is_measured(name) for name, items in lists.items() if items) == 6


def test_multipico_tells_who_rates(shared_data, rows_of):
    rows = rows_of("multipico", shared_data, description_keep_prob=1.0)
    built = [rows.row(index) for index in range(60)]

    assert 450 <= rows.opened.n_rows <= 506
    assert {example.output for row in built for example in row.examples} == {"Ironic", "Not ironic"}
    described = [row.description.partition("\nAbout this person: ")[2] for row in built]
    assert sum("gender: " in text for text in described) > 20
    assert sum(not text for text in described) > 0
