import json

import pytest

from pluralign.data.files import load_file, write_questions
from pluralign.data.processes import load_processes
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Group, Option, Question, QuestionSet, write_jsonl


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
    loaded = load_file(path=path, group_texts={"young": "are under 30"}, source="A poll, CC0.").questions
    assert loaded.questions == questions
    assert [(group.id, group.text) for group in loaded.groups] == [("young", "are under 30"), ("all", None)]
    assert (loaded.id, loaded.source) == ("drinks", "A poll, CC0.")
    named = load_file(path=str(path), name="mine", group_texts={"young": "are under 30"})
    assert named.questions.id == "mine"


def test_a_set_written_and_read_is_the_same_set(path):
    written = load_processes(n_urns=3)
    write_jsonl(path, written.questions)
    read = load_file(path=path, name=written.id, source=written.source).questions
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
    with pytest.raises(DataError, match="line 1 and line 3 both have the id 'q1'; ids must differ"):
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


def test_groups_in_words_survive_writing_and_reading(path):
    written = QuestionSet(
        id="drinks",
        questions=(
            question("q1", counts={"all": (5, 5)}, shares={"young": (0.25, 0.75)}),
            question("q2", counts={"old": (1, 2.5)}, effective_n={"old": 3}),
        ),
        groups=(
            Group(id="all"),
            Group(id="young", text="are under 30"),
            Group(id="old", text="are over 60", personas={"qa": "I am old."}),
        ),
    )
    write_questions(path, written)
    assert load_file(path=path).questions == written
    assert load_file(path=path, group_texts={"old": "are over 70"}).questions.groups[2].text == "are over 70"


def test_a_list_in_json_and_lines_in_jsonl_are_one(path):
    write_questions(path, load_processes(n_urns=1))
    as_list = path.with_suffix(".json")
    as_list.write_text(json.dumps([json.loads(line) for line in path.read_text().splitlines()], indent=2))
    assert load_file(path=as_list).questions.questions == load_file(path=path).questions.questions


def test_a_byte_order_mark_and_separators_within_text(path):
    line = question("q1").model_dump_json().replace("Tea or", "Tea\u2028or")
    path.write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")
    assert load_file(path=path).questions.questions[0].text == "Tea\u2028or coffee?"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{}", "a.json: holds dict, a list of questions is needed."),
        ("a.json", "[{}, ]", "a.json: not JSON: "),
        ("a.json", '[{"id": "q"}]', "a.json, item 1: not a valid Question: text: Field required"),
        ("a.jsonl", '{"group": {"id": " "}}', "a.jsonl, line 1: not a valid GroupLine: group.id:"),
        (
            "a.json",
            '[{"id": "q", "text": "T?", "options": [{"text": "a"}], "counts": {"all": [NaN]}}]',
            "a.json, item 1: not a valid Question: counts.all.0: Input should be a finite number",
        ),
        ("a.cvs", "", "a.cvs: a file of questions ends in .csv, .tsv, .json, .jsonl. Did you mean '.csv'?"),
        ("a", "", "a: a file of questions ends in .csv"),
    ],
)
def test_other_files_that_cannot_be_read(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_file(path=tmp_path / name)
    assert message in str(error.value)


def test_a_table_s_groups_need_words_too(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("question_id,question,option,group,count\nq,Why?,a,old,1\nq,Why?,b,old,2\n")
    with pytest.raises(
        ConfigurationError, match=r"has counts for \['old'\].* in the column group_text of a CSV"
    ):
        load_file(path=path)
    assert load_file(path=path, group_texts={"old": "are old"}).questions.groups == (
        Group(id="old", text="are old"),
    )
