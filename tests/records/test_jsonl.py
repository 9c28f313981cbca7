import hashlib
import math

import pytest

from pluralign.errors import DataError
from pluralign.records import Group, Option, Question, canonical_json, content_hash, read_jsonl, write_jsonl

QUESTIONS = [
    Question(
        id=f"q{number}",
        text="Thé ou café ?\nRépondez.",
        options=(Option(text="thé"), Option(text="café")),
        counts={"all": (number, 0.1)},
    )
    for number in range(3)
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "questions.jsonl"


def test_records_come_back_as_they_were_written(path):
    write_jsonl(path, QUESTIONS)
    assert list(read_jsonl(path, Question)) == QUESTIONS
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_blank_lines_are_passed_over_but_counted(path):
    path.write_text('{"id": "a"}\n\n  \n{"id": ""}\n', encoding="utf-8")
    groups = read_jsonl(path, Group)
    assert next(groups) == Group(id="a")
    with pytest.raises(DataError, match=r"questions\.jsonl, line 4: not a valid Group: id: "):
        next(groups)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('["a"]', "line 1: not a valid Group: Input should be an object (given: ['a'])"),
        ('{"text": "x"}', "line 1: not a valid Group: id: Field required"),
        (
            '{"id": "a", "name": 1}',
            "line 1: not a valid Group: name: Extra inputs are not permitted (given: 1)",
        ),
        ('{"id": 3}', "line 1: not a valid Group: id: Input should be a valid string (given: 3)"),
        (
            '{"id": 3, "text": 4}',
            "id: Input should be a valid string (given: 3); text: Input should be a valid string (given: 4)",
        ),
    ],
)
def test_a_bad_line_is_described(path, line, message):
    path.write_text(line, encoding="utf-8")
    with pytest.raises(DataError) as error:
        list(read_jsonl(path, Group))
    assert str(error.value).endswith(message)


def test_a_torn_line_is_described(path):
    path.write_text('{"id": "a"}\n{"id": "b', encoding="utf-8")
    with pytest.raises(DataError, match="line 2: not a valid Group: Invalid JSON: EOF while parsing"):
        list(read_jsonl(path, Group))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused_in_a_file(path, number):
    path.write_text(f'{{"text": "tea", "value": {number}}}', encoding="utf-8")
    with pytest.raises(
        DataError, match=r"line 1: not a valid Option: value: Input should be a finite number"
    ):
        list(read_jsonl(path, Option))


def test_a_file_that_cannot_be_read(path):
    with pytest.raises(DataError, match=r"questions\.jsonl: cannot be read: .*No such file"):
        list(read_jsonl(path, Group))
    path.write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(DataError, match=r"questions\.jsonl: cannot be read: .*utf-8"):
        list(read_jsonl(path, Group))


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": [1, 2.5], "a": "é"}) == '{"a":"é","b":[1,2.5]}'
    assert content_hash({"b": 1, "a": 2}) == content_hash({"a": 2, "b": 1})
    assert content_hash([1, 2]) != content_hash([2, 1])


def test_the_hash_is_sha256_of_the_utf8_text():
    assert content_hash({"a": "é"}) == hashlib.sha256(b'{"a":"\xc3\xa9"}').hexdigest()
    # sha256 of "{}"; a changed value would orphan every row on disk.
    assert content_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", [math.nan, math.inf, [1, {"a": -math.inf}]])
def test_canonical_json_refuses_what_json_has_no_number_for(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(value)
