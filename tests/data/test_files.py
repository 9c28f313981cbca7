import pytest

from pluralign.data.files import load_file
from pluralign.data.processes import load_processes
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Option, Question, write_jsonl


def question(question_id, **fields):
    return Question(
        id=question_id, text="Tea or coffee?", options=(Option(text="tea"), Option(text="coffee")), **fields
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "drinks.jsonl"


def test_questions_and_groups_of_a_file(path):
    questions = (
        question("q1", counts={"young": (3, 4)}),
        question("q2", counts={"all": (5.5, 4), "young": (1, 2)}, effective_n={"all": 8}),
        question("q3"),
    )
    write_jsonl(path, questions)
    loaded = load_file(path=path, group_texts={"young": "are under 30"}, source="A poll, CC0.")
    assert loaded.questions == questions
    assert [(group.id, group.text) for group in loaded.groups] == [("young", "are under 30"), ("all", None)]
    assert (loaded.id, loaded.source) == ("drinks", "A poll, CC0.")
    assert load_file(path=str(path), name="mine", group_texts={"young": "are under 30"}).id == "mine"


def test_a_set_written_and_read_is_the_same_set(path):
    written = load_processes(n_urns=3)
    write_jsonl(path, written.questions)
    read = load_file(path=path, name=written.id, source=written.source)
    assert read.digest == written.digest


def test_a_missing_file(path):
    with pytest.raises(DataError, match=r"drinks\.jsonl: cannot be read: .*No such file"):
        load_file(path=path)


@pytest.mark.parametrize("content", ["", "\n  \n"])
def test_an_empty_file(path, content):
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"drinks\.jsonl: holds no questions"):
        load_file(path=path)


def test_a_malformed_line_is_named(path):
    path.write_text(question("q1").model_dump_json() + '\n\n{"id": "q2"\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"drinks\.jsonl, line 3: not a valid Question: Invalid JSON"):
        load_file(path=path)


def test_a_wrong_field_is_named(path):
    path.write_text('{"id": "q1", "text": "Tea?", "options": []}\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 1: not a valid Question: options: question 'q1' has none"):
        load_file(path=path)


def test_an_id_twice_is_named_with_both_places(path):
    write_jsonl(path, [question("q1"), question("q2"), question("q1")])
    with pytest.raises(DataError, match="questions 1 and 3 both have the id 'q1'; ids must differ"):
        load_file(path=path)


def test_a_group_without_words_is_not_taken_for_the_population(path):
    write_jsonl(path, [question("q1", counts={"all": (5, 5), "young": (1, 2)})])
    for texts in (None, {"young": " "}):
        with pytest.raises(
            ConfigurationError, match=r"has counts for \['young'\], of which no words are given"
        ):
            load_file(path=path, group_texts=texts)


def test_words_for_a_group_that_does_not_occur(path):
    write_jsonl(path, [question("q1", counts={"all": (5, 5)})])
    with pytest.raises(ConfigurationError, match=r"has counts for \['old'\]; it has: all\."):
        load_file(path=path, group_texts={"old": "are over 60"})
