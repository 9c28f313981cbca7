"""What a test is given: files that are there, that are not, and that are wrong."""

import hashlib

import pytest

from pluralign.errors import DataError
from pluralign.guard.measuring.inputs import LabelledText, profile_of
from pluralign.guard.verdict import Passage, Ruling

ROW = {"id": "pair-0-u", "pair": 0, "label": "refuse", "category": "violence", "text": "Harm is good."}


def test_a_profile_of_statements():
    document = profile_of("I keep bees.", "I share.", language="en")
    assert document.passages == (
        Passage(field="values[0].statement", text="I keep bees."),
        Passage(field="values[1].statement", text="I share."),
    )
    assert document.language == "en"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (None, "needs --data FOLDER with guard/contrast_dev.jsonl in it"),
        ({}, "guard/contrast_dev.jsonl is not in"),
    ],
)
def test_a_published_file_that_is_missing_is_noted_and_told(inputs_of, files, why):
    told = []
    inputs = inputs_of("contrast", files, tell=told.append)
    assert inputs.rows("contrast_dev", LabelledText) == []
    ((what, reason),) = inputs.skipped.items()
    assert what == "T1, other author, English (contrast_dev)"
    assert why in reason
    assert len(told) == 1


def test_rows_and_hashes_of_what_was_read(inputs_of, tmp_path):
    inputs = inputs_of("contrast", {"guard/contrast_dev.jsonl": [ROW]})
    (row,) = inputs.held_out("contrast_dev")
    assert (row.pair, row.label, row.language) == (0, "refuse", "en")
    content = (tmp_path / "data/guard/contrast_dev.jsonl").read_bytes()
    assert inputs.hashes == {"contrast_dev/guard/contrast_dev.jsonl": hashlib.sha256(content).hexdigest()}
    assert inputs.skipped == {}
    assert {row.split for row in inputs.held_out("contrast_en")} == {"held_out"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([ROW | {"label": "maybe"}], "line 1.*label"),
        ([ROW, ROW | {"text": " "}], "line 2.*text"),
        ("{}", "line 1"),
        ("not json\n", "line 1"),
        ("", "holds no rows"),
    ],
)
def test_a_file_that_does_not_hold_what_it_should(inputs_of, content, message):
    with pytest.raises(DataError, match=message):
        inputs_of("contrast", {"guard/contrast_dev.jsonl": content}).rows("contrast_dev", LabelledText)


def test_decisions_come_in_order_whatever_the_chunks(inputs_of, guard_of):
    texts = [f"Statement {number}." for number in range(300)]
    odd = dict.fromkeys(texts[::7], Ruling.UNSURE)
    told = []
    inputs = inputs_of("contrast", tell=told.append)
    decisions = inputs.decide(guard_of(odd), [profile_of(text) for text in texts], what="all")
    assert [d.ruling is Ruling.UNSURE for d in decisions] == [number % 7 == 0 for number in range(300)]
    assert told == ["T1, all: 300"]
