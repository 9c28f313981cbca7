import pytest

from pluralign.data.tables import COLUMNS, read_table
from pluralign.errors import DataError
from pluralign.records import Group, Option

COUNTS = """\
question_id,question,option,value,refusal,group,group_text,count,effective_n
tea,"Tea, or coffee?",tea,1,,young,are under 30,3,5.5
tea,"Tea, or coffee?",coffee,2,,young,,4,
tea,"Tea, or coffee?",Don't know,,yes,young,,0,
tea,"Tea, or coffee?",Don't know,,yes,all,,1,
tea,"Tea, or coffee?",tea,1,,all,,10,
tea,"Tea, or coffee?",coffee,2,,all,,20.5,
milk,Milk?,Yes,,,all,,2,
milk,Milk?,No,,,all,,0,
"""
SHARES = "question_id,question,option,share\nq,Why?,a,0.33\nq,Why?,b,0.33\nq,Why?,c,0.33\n"
MINIMAL = "question_id,question,option,count\n"


@pytest.fixture
def table(tmp_path):
    def read(content):
        path = tmp_path / "mine.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return read


def test_counts_of_groups(table):
    contents = table(COUNTS)
    tea, milk = contents.questions
    assert (tea.id, tea.text) == ("tea", "Tea, or coffee?")
    assert tea.options == (
        Option(text="tea", value=1),
        Option(text="coffee", value=2),
        Option(text="Don't know", refusal=True),
    )
    assert tea.counts == {"young": (3, 4, 0), "all": (10, 20.5, 1)}
    assert tea.effective_n == {"young": 5.5}
    assert milk.counts == {"all": (2, 0)}
    assert list(contents.groups.values()) == [Group(id="young", text="are under 30"), Group(id="all")]
    assert contents.findings == ()


def test_rounded_shares_are_normalised_and_noted(table):
    contents = table(SHARES)
    assert contents.questions[0].shares["all"] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert [(finding.fault, finding.n_items) for finding in contents.findings] == [("rounded_shares", 1)]


def test_shares_that_sum_to_one_are_left_alone(table):
    contents = table(SHARES.replace("c,0.33", "c,0.34"))
    assert contents.questions[0].shares["all"] == (0.33, 0.33, 0.34)
    assert contents.findings == ()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + COUNTS.encode(),
        COUNTS.replace("\n", "\r\n"),
        COUNTS.replace("\n", "\r"),
        COUNTS + "\n , ,,,,,,,\n",
        COUNTS.replace("tea,1", " tea , 1"),
    ],
)
def test_what_spreadsheet_programs_make_of_it(table, content):
    assert table(content).questions == table(COUNTS).questions


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(table, separator):
    content = COUNTS.replace("Tea, or", "Tea or")
    assert table(content.replace(",", separator)).questions == table(content).questions


def test_a_question_may_span_lines_that_do_not_stand_together(table):
    lines = COUNTS.splitlines(keepends=True)
    shuffled = "".join([lines[0], *lines[1::2], *lines[2::2]])
    assert {q.id: q.counts["all"] for q in table(shuffled).questions}["milk"] == (2, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: the column 'question_id' is missing. Needed: question_id, question, option, count."),
        (
            "question_id,question,opton,count\n",
            "line 1: unknown column 'opton'. Did you mean 'option'?",
        ),
        ("question_id,question,option,\n", "line 1: column 4 has no name. Known: count,"),
        ("question_id,question,option,option,count\n", "the column 'option' stands there twice."),
        ("question_id,question,option\n", "line 1: either a column 'count'"),
        ("question_id,question,option,count,share\n", "and not both."),
        ("question_id,question,option,share,effective_n\n", "goes with counts, not with shares"),
        (MINIMAL, "holds no lines below its header."),
        (MINIMAL + "q,Why?,a,many\n", "line 2, column count: Input should be a valid number"),
        (MINIMAL + "q,Why?,a,-1\n", "line 2, column count: Input should be greater than or equal to 0"),
        (MINIMAL + "q,Why?,a,nan\n", "line 2, column count: Input should be a finite number"),
        (MINIMAL + "q,Why?,a,\n", "line 2, column count: is empty."),
        (MINIMAL + "q,Why?,,1\n", "line 2, column option: is empty."),
        (MINIMAL + "q,Why, oh why?,a,1\n", "line 2: 5 cells for 4 columns. A cell that holds ','"),
        (MINIMAL + 'q,"Why?,a,1\n', "not readable as CSV: unexpected end of data"),
        (MINIMAL + "q,Why?,a,1\nq,Why?,a,2\n", "line 3, column option: 'a' of question 'q', group 'all'"),
        (
            MINIMAL + "q,Why?,a,1\nq,What?,b,2\n",
            "line 3, column question: question 'q' has 'What?' here but 'Why?' in line 2.",
        ),
        (
            MINIMAL.replace("count", "count,value") + "q,Why?,a,1,x\n",
            "line 2, column value: Input should be a valid number",
        ),
        (SHARES.replace("c,0.33", "c,33"), "line 4, column share: Input should be less than or equal to 1"),
        (
            SHARES.replace("c,0.33", "c,0.30"),
            "line 2, column share: question 'q', group 'all': the shares sum to 0.96: [0.33, 0.33, 0.3]; "
            "they must sum to 1.",
        ),
        (SHARES.replace(",", ";").replace("0.33", "0,33"), "line 2, column share: Input should be a valid"),
    ],
)
def test_a_mistake_is_named_with_its_place(table, content, message):
    with pytest.raises(DataError) as error:
        table(content)
    assert message in str(error.value)
    assert "mine.csv" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "tea,1,,all",
            "teas,1,,all",
            "line 6, column option: group 'all' has the option 'teas' of question 'tea', which group 'young' "
            "lacks. Did you mean 'tea'?",
        ),
        (
            '"Tea, or coffee?",tea,1,,all,,10,\ntea,',
            "",
            "column option: group 'all' lacks the option",
        ),
        (
            "tea,1,,all",
            "tea,7,,all",
            "line 6, column value: option 'tea' of question 'tea' has 7.0 here but 1.0 in line 2.",
        ),
        (
            "coffee,2,,young,,4",
            "coffee,2,,young,are over 60,4",
            "line 3, column group_text: group 'young' has 'are over 60' here but 'are under 30' in line 2.",
        ),
    ],
)
def test_groups_that_contradict_each_other(table, old, new, message):
    with pytest.raises(DataError) as error:
        table(COUNTS.replace(old, new))
    assert message in str(error.value)


def test_a_file_that_is_not_utf8(table):
    with pytest.raises(
        DataError, match=r"mine\.csv, line 3: not UTF-8 \(byte 0xe9\)\. Save the file as UTF-8"
    ):
        table((MINIMAL + "q,Why?,a,1\nq,Why?,café,1\n").encode("latin-1"))


def test_the_columns_are_these():
    assert COLUMNS == (
        "question_id",
        "question",
        "option",
        "value",
        "refusal",
        "group",
        "group_text",
        "count",
        "share",
        "effective_n",
    )
