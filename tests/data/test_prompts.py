"""Open prompts in files: three endings, and what is wrong with a file."""

import pytest

from pluralign.data.prompts import load_prompts
from pluralign.errors import DataError


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_jsonl_with_ids_other_fields_and_the_name_query(tmp_path):
    text = '{"id": "a", "prompt": "Tell a joke.", "category": "x"}\n\n{"query": "Name a cat."}\n'
    found = load_prompts(written(tmp_path, "mine.jsonl", text), source="mine, CC0")
    assert [(each.id, each.text) for each in found.prompts] == [
        ("a", "Tell a joke."),
        ("line 3", "Name a cat."),
    ]
    assert (found.id, found.source) == ("mine", "mine, CC0")


def test_csv_and_text(tmp_path):
    table = load_prompts(written(tmp_path, "mine.csv", 'id,prompt\n7,"Tell a joke, please."\n'))
    assert [(each.id, each.text) for each in table.prompts] == [("7", "Tell a joke, please.")]
    lines = load_prompts(written(tmp_path, "mine.txt", "Tell a joke.\n\nName a cat.\n"))
    assert [(each.id, each.text) for each in lines.prompts] == [
        ("line 1", "Tell a joke."),
        ("line 3", "Name a cat."),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", "", "holds no prompt"),
        ("a.jsonl", "[1]\n", "line 1: an object with the field 'prompt' is needed"),
        ("a.jsonl", '{"text": "x"}\n', "line 1: 'prompt' must be words, not None"),
        ("a.jsonl", '{"prompt": "x"}\n{"prompt": " "}\n', "line 2: 'prompt' must be words, not ' '"),
        ("a.jsonl", '{"prompt": "x", "id": [1]}\n', "line 1: 'id' must be a name"),
        (
            "a.jsonl",
            '{"prompt": "x", "id": 1}\n{"prompt": "y", "id": "1"}\n',
            "the id '1' stands there twice",
        ),
        ("a.csv", "question\nx\n", "line 2: 'prompt' must be words, not None"),
        ("a.json", "{}", "a file of prompts ends in"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        load_prompts(written(tmp_path, name, text))


def test_noveltybench_has_a_hundred_prompts(shared_data):
    found = load_prompts(shared_data / "noveltybench" / "curated.jsonl")
    assert len(found.prompts) == 100
    assert found.prompts[0].id == "curated-0"
