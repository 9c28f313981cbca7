import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.spectrum.suite import get_source


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_yaml_file_is_a_task(tmp_path, rows_of):
    path = written(
        tmp_path,
        "coffee.yaml",
        "name: coffee\ndescriptions: [What people order, Orders at a bar]\nrows: 7\n"
        "examples:\n- flat white\n- {input: morning, output: espresso}\n- tea\n",
    )
    source = get_source(path)
    rows = rows_of(path)

    assert (source.name, source.split, source.n_rows) == ("coffee", "train", 7)
    found = {(example.input, example.output) for i in range(20) for example in rows.row(i).examples}
    assert found == {(None, "flat white"), ("morning", "espresso"), (None, "tea")}
    assert {rows.row(i).description for i in range(40)} == {None, "What people order", "Orders at a bar"}


def test_a_csv_file_is_a_task_without_words(tmp_path, rows_of):
    path = written(tmp_path, "colours.csv", "output\nred\nblue\n")
    row = rows_of(path).row(0)

    assert row.task == "colours"
    assert row.description is None
    assert {example.output for example in row.examples} == {"red", "blue"}


def test_groups_of_a_csv_file_are_rows_and_tell_who(tmp_path, rows_of):
    text = "input,output,group\nq1,yes,Women\nq2,no,Women\nq1,no,Men\nq2,no,Men\n"
    path = written(tmp_path, "survey.csv", text)
    rows = rows_of(path, description_keep_prob=1.0)

    assert get_source(path).n_rows == 2
    found = {rows.row(i).description: {(e.input, e.output) for e in rows.row(i).examples} for i in range(2)}
    assert found == {"Women": {("q1", "yes"), ("q2", "no")}, "Men": {("q1", "no"), ("q2", "no")}}


def test_a_table_beside_the_yaml_file_and_disjoint_rows(tmp_path, rows_of):
    written(tmp_path, "words.csv", "output\n" + "".join(f"w{i}\n" for i in range(40)))
    path = written(
        tmp_path,
        "words.yaml",
        "name: words\ndescriptions: [Words]\ntable: words.csv\nonce: true\nmean_examples: 4\n",
    )
    rows = rows_of(path)
    outputs = [e.output for i in range(rows.opened.n_rows) for e in rows.row(i).examples]

    assert sorted(outputs) == sorted(f"w{i}" for i in range(40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\nexample: [a, b]", r"own\.yaml: example: no such field\. Did you mean 'examples'\?"),
        ("name: x\nexamples: [a, b\n", r"own\.yaml: not valid YAML.*line \d, column \d"),
        ("name: x\nexamples: [a, 3]", r"own\.yaml: examples\.1.*\(given: 3\)"),
        ("name: x\nexamples: [a]", "one alone says nothing"),
        ("name: x", "either examples or a table is needed"),
        ("name: x\nexamples: [a, b]\ntable: t.csv", "and not both"),
        (
            "name: x\nexamples: [a, b]\nmean_examples: 1",
            r"mean_examples: .*greater than or equal to 2.*given: 1",
        ),
        ("examples: [a, b]", r"name: Field required"),
    ],
)
def test_what_is_wrong_in_a_yaml_file_is_named(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        get_source(written(tmp_path, "own.yaml", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input\na\n", r"own\.csv, line 1: the column 'output' is missing"),
        ("output,weight\na,1\nb,2\n", r"own\.csv, line 1: unknown column 'weight'"),
        ('output\na\n" "\n', r"own\.csv, line 3, column output: is empty"),
        ("output,group\na,x\nb,\n", r"own\.csv, line 3, column group: is empty"),
        ("output,group\na,x\nb,x\nc,y\n", r"own\.csv, line 4, column group: 'y' has this line only"),
        ("output\na,b\n", r"own\.csv, line 2: 2 cells for 1 columns"),
        ("output\na\n", r"own\.csv: holds 1 rows below its header, at least 2"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        get_source(written(tmp_path, "own.csv", text))
