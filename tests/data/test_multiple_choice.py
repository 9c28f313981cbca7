"""ARC: rows as they are published, from files of both kinds and by the names of the hub."""

import json

import pytest

from pluralign.data import load_data, multiple_choice
from pluralign.data.multiple_choice import load_arc
from pluralign.errors import DataError


def row(name="Q1", *, key="B", texts=("iron", "ice", "oil"), labels=("A", "B", "C"), question="What melts?"):
    return {
        "id": name,
        "question": question,
        "choices": {"text": list(texts), "label": list(labels)},
        "answerKey": key,
    }


ROWS = [row(), row("Q2", key="1", labels=("1", "2", "3")), row("Q3", texts=("a", "b"), labels=("A", "B"))]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def written(path, rows):
    from datasets import Dataset

    if path.suffix == ".parquet":
        Dataset.from_list(rows).to_parquet(path)
    else:
        path.write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    return path


@pytest.mark.parametrize("name", ["arc.parquet", "arc.jsonl"])
def test_rows_become_questions_with_one_right_option(tmp_path, name):
    loaded = load_data("arc", {"path": str(written(tmp_path / name, ROWS)), "subset": "challenge"})
    first, second, third = loaded.questions.questions
    assert (first.id, first.text, first.option_texts) == (
        "challenge/Q1",
        "What melts?",
        ("iron", "ice", "oil"),
    )
    assert (first.truth, second.truth, third.truth) == ((0, 1, 0), (1, 0, 0), (0, 1))
    assert first.options_listed
    assert loaded.questions.id == "arc_challenge"
    assert not [each for each in loaded.findings if each.severity.value == "unusable"]


def test_options_need_not_be_listed(tmp_path):
    found = load_arc(path=written(tmp_path / "arc.jsonl", ROWS), listed=False)
    assert not any(question.options_listed for question in found.questions.questions)


@pytest.mark.parametrize(
    ("bad", "fault", "detail"),
    [
        (row("Q9", key="E"), "ambiguous_key", "answerKey 'E', labels A, B, C"),
        (row("Q9", labels=("A", "B", "B")), "ambiguous_key", "answerKey 'B'"),
        (row("Q9", texts=("a", " ", "c")), "no_text", "blank"),
        (row("Q9", question=" "), "no_text", "blank"),
        (row("Q9", labels=("A", "B")), "options_mismatch", "3 options have 2 labels"),
        (row("Q9", texts=("a",), labels=("A",), key="A"), "options_mismatch", "1 options"),
        (row("Q1"), "duplicate_id", "'Q1'"),
    ],
)
def test_a_faulty_row_is_left_out_and_named(tmp_path, bad, fault, detail):
    path = written(tmp_path / "arc.jsonl", [row(), bad])
    found = load_arc(path=path)
    assert len(found.questions.questions) == 1
    (finding,) = found.findings
    assert (finding.fault, finding.severity.value, finding.where) == (fault, "unusable", f"{path}, row 2")
    assert detail in finding.detail


def test_nothing_usable_and_missing_columns(tmp_path):
    with pytest.raises(DataError, match=r"holds no usable question\. answerKey 'E'"):
        load_arc(path=written(tmp_path / "bad.jsonl", [row(key="E")]))
    with pytest.raises(DataError, match="the column 'choices' is missing"):
        load_arc(path=written(tmp_path / "other.jsonl", [{"id": "a", "question": "b"}]))


@pytest.mark.parametrize(("subset", "config"), [("easy", "ARC-Easy"), ("challenge", "ARC-Challenge")])
def test_the_hub_is_asked_for_the_subset(monkeypatch, subset, config):
    asked = []
    monkeypatch.setattr(
        multiple_choice, "load_rows", lambda path, **given: asked.append((path, given)) or ROWS
    )
    load_arc(subset=subset, revision="abc")
    ((path, given),) = asked
    assert (path, given["config"], given["split"], given["revision"]) == (
        "allenai/ai2_arc",
        config,
        "test",
        "abc",
    )
