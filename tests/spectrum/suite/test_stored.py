import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import DataError
from pluralign.spectrum.format import Example, SpectrumSequence
from pluralign.spectrum.suite.stored import read_sequences, schema, to_batch

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
EXAMPLES = st.builds(
    Example, input=st.none() | st.text(st.characters(exclude_categories=["Cs"])), output=TEXT
)
SEQUENCES = st.builds(
    SpectrumSequence,
    description=st.none() | TEXT,
    examples=st.lists(EXAMPLES, min_size=1, max_size=4).map(tuple),
    task=st.text(st.characters(exclude_categories=["Cs"])),
)


def stored(path, batch):
    with parquet.ParquetWriter(path, batch.schema) as writer:
        writer.write_batch(batch)
    return path


@settings(max_examples=40, deadline=None)
@given(sequences=st.lists(SEQUENCES, min_size=1, max_size=5))
def test_sequences_come_back_exactly(tmp_path_factory, sequences):
    path = stored(tmp_path_factory.mktemp("rows") / "train-00000.parquet", to_batch(sequences))

    assert list(read_sequences(path)) == sequences
    with pytest.raises(DataError, match=r"was not built to its end, suite\.json is missing"):
        list(read_sequences(path.parent))
    (path.parent / "suite.json").write_text("{}", encoding="utf-8")
    assert list(read_sequences(path.parent)) == sequences


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([("user", "x")], r"row 1, message 1: the role 'user' is not expected here"),
        ([("output", "x"), ("description", "y")], r"row 1, message 2: the role 'description'"),
        ([("input", "x")], "row 1: the last input has no output"),
        ([("input", "x"), ("input", "y"), ("output", "z")], r"row 1, message 2: the role 'input'"),
        ([("description", "x")], "row 1: examples: "),
    ],
)
def test_rows_that_are_no_sequence_are_named(tmp_path, messages, message):
    turns = [{"role": role, "content": content} for role, content in messages]
    batch = pa.RecordBatch.from_pydict({"messages": [turns], "task": ["t"]}, schema=schema())
    path = stored(tmp_path / "rows.parquet", batch)

    with pytest.raises(DataError, match=message):
        list(read_sequences(path))


def test_files_that_are_not_there_or_of_another_kind_are_named(tmp_path):
    with pytest.raises(DataError, match=r"holds no train-\*\.parquet"):
        list(read_sequences(tmp_path))
    with pytest.raises(DataError, match=r"none\.parquet: there is no such file"):
        list(read_sequences(tmp_path / "none.parquet"))
    (tmp_path / "text.parquet").write_text("no table", encoding="utf-8")
    with pytest.raises(DataError, match=r"text\.parquet: cannot be read as Parquet"):
        list(read_sequences(tmp_path / "text.parquet"))
    path = stored(tmp_path / "other.parquet", pa.RecordBatch.from_pydict({"text": ["a"]}))
    with pytest.raises(DataError, match="the column 'messages' is missing"):
        list(read_sequences(path))
