import json

import pytest

from pluralign.errors import DataError
from pluralign.windows.values import load_value_windows


def row(**changes):
    return {
        "situation": "Lying",
        "vrd": ["Honesty", "Kindness", "Honesty"],
        "explanation": ["Lies break trust.", " Lies may spare pain. ", "Truth is owed."],
        "input": "Please comment on the following situation: Lying.",
        "output": None,
        "id": 7,
    } | changes


@pytest.fixture
def load(tmp_path):
    def _load(content):
        path = tmp_path / "overton.json"
        path.write_text(json.dumps(content))
        return load_value_windows(path=path)

    return _load


def test_a_viewpoint_is_a_value_in_its_explanation(load):
    loaded = load([row(), row(situation="Stealing", vrd=["Property"], explanation=["It is theirs."])])
    lying, stealing = loaded.windows
    assert lying.prompt == "Please comment on the following situation: Lying."
    assert [(view.id, view.statements) for view in lying.viewpoints] == [
        ("Honesty", ("Lies break trust.",)),
        ("Kindness", ("Lies may spare pain.",)),
        ("Honesty#2", ("Truth is owed.",)),
    ]
    assert lying.n_people is None
    assert lying.weights is None
    assert lying.id.startswith("valuekaleidoscope/")
    assert lying.id != stealing.id
    assert "a model's window" in loaded.made


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "holds no list of rows"),
        ([], "holds no list of rows"),
        ([row(), row(situation=" ")], "row 2: situation"),
        ([row(vrd=["Honesty"])], "row 1: one explanation for each value.*1 values in vrd and 3"),
        ([row(vrd=[], explanation=[])], "row 1: one explanation"),
        ([row(explanation=["a", "b", " "])], r"row 1: explanation\.2"),
        ([row(), row()], "row 2: the situation 'Lying' stands in an earlier row"),
        ([{"situation": "Lying"}], "row 1: vrd: Field required"),
    ],
)
def test_a_malformed_file(load, content, words):
    with pytest.raises(DataError, match=f"overton.json.*{words}"):
        load(content)


def test_the_published_file(shared_data):
    path = shared_data / "modular_pluralism/overton_test_valuekaleidoscope_small.json"
    windows = load_value_windows(path=path).windows
    assert len(windows) == 626
    views = [view for window in windows for view in window.viewpoints]
    assert len(views) / 626 == pytest.approx(7.1, abs=0.05)
    assert sum(len(view.statements[0].split()) for view in views) / len(views) == pytest.approx(21, abs=0.5)
