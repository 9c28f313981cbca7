import pytest

from pluralign.errors import ConfigurationError
from pluralign.records.base import Record
from pluralign.records.yaml_file import read_record


class Inner(Record):
    depth: int = 1


class Outer(Record):
    title: str
    inner: Inner = Inner()


def read(tmp_path, text):
    path = tmp_path / "outer.yaml"
    path.write_text(text)
    return read_record(path, Outer, needed="fields", parts={"inner": Inner})


def test_a_record_is_read_with_its_parts(tmp_path):
    assert read(tmp_path, "title: t\ninner: {depth: 3}\n") == Outer(title="t", inner=Inner(depth=3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel: t\n", r"outer.yaml: titel: no such field. Did you mean 'title'"),
        ("title: t\ninner: {dept: 3}\n", r"outer.yaml: inner.dept: no such field. Did you mean 'depth'"),
        ("title: t\ninner: {depth: deep}\n", r"outer.yaml: inner.depth: .*given: 'deep'"),
        ("inner: {depth: 3}\n", r"outer.yaml: title: Field required"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, text)
