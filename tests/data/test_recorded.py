import json

import pytest

from pluralign.data.files import load_file
from pluralign.data.recorded import read_answers, read_recorded, write_recorded
from pluralign.errors import DataError, StorageError
from pluralign.records import Answer, Condition, Group, Outcome, Severity, write_jsonl

TEA = {"id": 7, "question": "Tea or coffee?", "options": ["tea", "coffee", "Don't know"]}


def row(gold, pred, **fields):
    return {"gold_distribution": gold, "pred_distribution": pred, **fields}


@pytest.fixture
def recorded(tmp_path):
    def read(*rows):
        path = tmp_path / "published.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return read_recorded(path)

    return read


def test_groups_of_one_question(recorded):
    read = recorded(
        row([0.2, 0.7, 0.1], [0.5, 0.5, 0], **TEA, country="Belgium"),
        row([0.25, 0.75, 0], [0, 1, 0], **{**TEA, "id": 8}, attribute="RELIG_Atheist"),
        row([1, 0, 0], [1, 0, 0], **TEA, group="young", group_text="are under 30", n=50),
        row([0.5, 0.5, 0], [0, 0, 1], **TEA, gold_counts=[2, 2, 0], model="other", n_draws=30),
    )
    (question,) = read.questions.questions.questions
    assert (question.id, question.text) == ("7", "Tea or coffee?")
    assert [option.refusal for option in question.options] == [False, False, True]
    assert question.shares == {"country=Belgium": (0.2, 0.7, 0.1), "RELIG_Atheist": (0.25, 0.75, 0)}
    assert question.counts == {"young": (50, 0, 0), "all": (2, 2, 0)}
    assert read.questions.questions.groups == (
        Group(id="country=Belgium", text="live in Belgium"),
        Group(id="RELIG_Atheist", text='belong to the group "RELIG_Atheist"'),
        Group(id="young", text="are under 30"),
        Group(id="all"),
    )
    belgium, *_, everybody = read.answers
    assert belgium.condition == Condition(kind="persona", id="country=Belgium", text="live in Belgium")
    assert [answer.condition.group for answer in read.answers] == [
        "country=Belgium",
        "RELIG_Atheist",
        "young",
        "all",
    ]
    assert (belgium.probabilities, belgium.model_id, belgium.elicitation) == (
        (0.5, 0.5, 0),
        "published",
        "recorded",
    )
    assert (belgium.sample_size, belgium.n_draws) == (0, 0)
    assert (everybody.model_id, everybody.sample_size, everybody.n_draws) == ("other", 30, 30)
    assert len({answer.key for answer in read.answers}) == 4
    assert read.questions.findings == ()


def test_rows_with_nothing_but_distributions(recorded):
    read = recorded(row([0.5, 0.5], [1, 0]), row([0.5, 0.5], [0, 1]), row([1, 0], [1, 0], id="x"))
    questions = read.questions.questions.questions
    assert [question.id for question in questions] == ["q1", "q2", "x"]
    assert questions[0].option_texts == ("option 1", "option 2")
    assert [answer.question_id for answer in read.answers] == ["q1", "q2", "x"]


def test_ids_that_two_questions_share_are_told_apart(recorded):
    read = recorded(row([1, 0], [1, 0], id=1, question="A?"), row([1, 0], [1, 0], id=1, question="B?"))
    assert [question.id for question in read.questions.questions.questions] == ["1", "1#2"]


@pytest.mark.parametrize("pred", [None, [0.5, 0.5], [], [0, 0, 0], [0.25] * 4])
def test_a_prediction_that_is_not_there_is_never_uniform(recorded, pred):
    (answer,) = recorded(row([0.2, 0.7, 0.1], pred, **TEA, n_draws=5)).answers
    assert (answer.outcome, answer.probabilities) == (Outcome.UNPARSED, None)
    assert answer.sample_size == 0


def test_rounding_is_noted(recorded):
    read = recorded(row([0.33, 0.33, 0.33], [0.5, 0.3, 0.205], **TEA), row([1, 0], [1, 0]))
    assert read.answers[0].probabilities == pytest.approx((0.5 / 1.005, 0.3 / 1.005, 0.205 / 1.005))
    assert read.questions.questions.questions[0].shares["all"] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert [(note.fault, note.severity, note.n_items) for note in read.questions.findings] == [
        ("rounded_shares", Severity.NOTE, 1),
        ("rounded_shares", Severity.NOTE, 1),
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            row([1, 0], [0.5, 0.2]),
            "item 2: pred_distribution: the shares sum to 0.7: [0.5, 0.2]. Give shares",
        ),
        (row([1, 0], [float("nan"), 1]), "item 2: pred_distribution: shares are numbers from 0 to 1"),
        (row([1, 0], "tea"), "item 2: pred_distribution: a list of 2 shares is needed, not 'tea'"),
        ({"gold_distribution": [1, 0]}, "item 2: pred_distribution: Field required"),
        (
            row([1, 0], [1, 0], group="a", country="b"),
            "item 2: group, country, attribute: a row is about one",
        ),
        (row([1, 0], [1, 0], n=0), "item 2: n: Input should be greater than 0"),
        (row([1, 0], [1, 0], n=2, gold_counts=[2, 0]), "item 2: n, gold_counts: the counts say how many"),
        (row([1, 0], [1, 0], options=["a", " "]), "item 2: options.1: String should match"),
        ([1, 0], "item 2: holds list, a row with gold_distribution is needed."),
    ],
)
def test_a_malformed_row_is_named(recorded, wrong, message):
    with pytest.raises(DataError) as error:
        recorded(row([1, 0], [1, 0]), wrong)
    assert message in str(error.value)


def test_a_group_in_two_wordings(recorded):
    with pytest.raises(DataError, match=r"item 2: group_text: the group 'g' is 'b' here but 'a' in .*item 1"):
        recorded(
            row([1, 0], [1, 0], group="g", group_text="a"), row([1, 0], [1, 0], group="g", group_text="b")
        )


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (row([0.5, 0.4, 0], [1, 0, 0], **TEA), "not_normalised"),
        (row([0.5, 0.5], [1, 0, 0], **TEA), "wrong_length"),
        (row(None, [1, 0, 0], **TEA), "not_numbers"),
        (row([float("nan"), 0.5, 0.5], [1, 0, 0], **TEA), "not_numbers"),
        (row([0.2, 0.7, 0.1], [1, 0, 0], **TEA, group="g"), "repeated_row"),
        (row([0.3, 0.6, 0.1], [1, 0, 0], **TEA, group="g", model="other"), "gold_differs"),
        (row([1, 0, 0], [1, 0, 0], **TEA, gold_counts=[0, 0, 0]), "wrong_length"),
        (row([1, 0, 0], [1, 0, 0], **TEA, gold_counts=[1, 3, 0]), "counts_differ"),
    ],
)
def test_a_row_whose_people_are_at_fault_is_left_out(recorded, wrong, fault):
    read = recorded(row([0.2, 0.7, 0.1], [1, 0, 0], **TEA, group="g"), wrong)
    assert len(read.answers) == 1
    (finding,) = read.questions.findings
    assert (finding.fault, finding.severity, finding.question_id) == (fault, Severity.UNUSABLE, "7")
    assert finding.where.endswith("published.json, item 2")


def test_no_usable_row_at_all(recorded):
    with pytest.raises(
        DataError, match=r"holds no usable row\. The first fault: .*item 1: gold_distribution"
    ):
        recorded(row([0.5, 0.4], [1, 0]))
    with pytest.raises(DataError, match=r"holds no usable row\.$"):
        recorded()


def test_lines_of_jsonl(tmp_path):
    path = tmp_path / "published.jsonl"
    path.write_text(f"{json.dumps(row([1, 0], [1, 0]))}\n\n{{\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"published\.jsonl, line 3: not JSON: Expecting property name"):
        read_recorded(path)
    path.write_text(f"{json.dumps(row([1, 0], [1, 0]))}\n", encoding="utf-8")
    assert len(read_recorded(path).answers) == 1


def test_what_is_written_is_read_again(recorded, tmp_path):
    read = recorded(
        row([0.2, 0.7, 0.1], [0.5, 0.5, 0], **TEA, country="Belgium"),
        row([0.25, 0.75, 0], None, **TEA, group="young", group_text="are under 30", n=8),
        row([0.5, 0.5], [1, 0]),
    )
    questions, answers = write_recorded(read, tmp_path / "new" / "folder")
    again = load_file(path=questions).questions
    assert again.questions == read.questions.questions.questions
    assert again.groups == read.questions.questions.groups
    assert read_answers(answers) == read.answers
    with pytest.raises(StorageError, match=r"questions\.jsonl is there already and is not overwritten"):
        write_recorded(read, questions.parent)


def answer(key, **fields):
    given = {"question_id": "q", "model_id": "m", "elicitation": "logprob", "outcome": Outcome.REFUSED}
    return Answer(key=key, **{**given, **fields})


def test_the_last_answer_of_a_key_counts_and_a_torn_line_is_passed_over(tmp_path):
    path = tmp_path / "answers.jsonl"
    first, second, third = answer("a"), answer("b"), answer("a", outcome=Outcome.UNPARSED)
    write_jsonl(path, [first, second, third])
    assert read_answers(path) == (third, second)
    with path.open("a", encoding="utf-8") as file:
        file.write(answer("c").model_dump_json()[:40])
    assert read_answers(path) == (third, second)
    write_jsonl(path, [second, third])
    path.write_bytes(path.read_bytes() + '{"key": "é'.encode()[:-1])
    assert read_answers(path) == (second, third)
    path.write_text(answer("c").model_dump_json(), encoding="utf-8")
    assert [row.key for row in read_answers(path)] == ["c"]


def test_answers_that_cannot_be_read(tmp_path):
    path = tmp_path / "answers.jsonl"
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_answers(path)
    path.write_text("\n")
    with pytest.raises(DataError, match="holds no answers"):
        read_answers(path)
    path.write_text(f"{answer('a').model_dump_json()}\n{{\n{answer('b').model_dump_json()}\n")
    with pytest.raises(DataError, match=r"answers\.jsonl, line 2: not a valid Answer: Invalid JSON"):
        read_answers(path)
    path.write_text('{"key": "a"}')
    with pytest.raises(DataError, match="line 1: not a valid Answer: question_id: Field required"):
        read_answers(path)


@pytest.mark.parametrize(
    ("file", "n_questions", "n_rows", "n_repeated"),
    [
        ("steerable_test_opinionqa_small", 1011, 4475, 2),
        ("distributional_test_globalopinionqa_small", 1270, 5752, 0),
        ("distributional_test_moralchoice", 1367, 1367, 0),
    ],
)
def test_the_published_files_of_modular_pluralism(
    shared_data, tmp_path, file, n_questions, n_rows, n_repeated
):
    rows = json.loads((shared_data / "modular_pluralism" / f"{file}.json").read_text(encoding="utf-8"))
    path = tmp_path / f"{file}.json"
    path.write_text(json.dumps([{**each, "pred_distribution": each["gold_distribution"]} for each in rows]))
    read = read_recorded(path)
    questions = {question.id: question for question in read.questions.questions.questions}
    assert len(questions) == n_questions
    assert [finding.fault for finding in read.questions.findings] == ["repeated_row"] * n_repeated
    assert len(read.answers) == n_rows - n_repeated
    for answer in read.answers:
        assert answer.probabilities == questions[answer.question_id].target(answer.condition.group)
