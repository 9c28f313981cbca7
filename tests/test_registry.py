import json
import math
import subprocess
import sys
from types import ModuleType

import pytest

from pluralign.errors import ConfigurationError
from pluralign.registry import Registry, lazy_attribute


@pytest.fixture
def codecs():
    return Registry("codec", {"json": "json:loads", "csv": "csv:reader"})


def test_names_lead_to_objects(codecs):
    assert codecs.get("json") is json.loads
    assert list(codecs) == ["csv", "json"]
    assert "json" in codecs
    assert "xml" not in codecs


def test_an_entry_can_be_added_once(codecs):
    codecs.register("dump", "json:dumps")
    assert codecs.get("dump") is json.dumps
    with pytest.raises(ConfigurationError, match=r"^The codec 'dump' is already registered\.$"):
        codecs.register("dump", "json:loads")
    assert codecs.get("dump") is json.dumps


def test_entries_are_a_copy():
    entries = {"json": "json:loads"}
    Registry("codec", entries).register("csv", "csv:reader")
    assert entries == {"json": "json:loads"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jason", "Unknown codec 'jason'. Did you mean 'json'?"),
        ("zzz", "Unknown codec 'zzz'. Known: csv, json."),
    ],
)
def test_an_unknown_name(codecs, name, message):
    with pytest.raises(ConfigurationError) as error:
        codecs.get(name)
    assert str(error.value) == message


def test_nothing_is_imported_before_it_is_asked_for():
    script = (
        "import sys; from pluralign.registry import Registry\n"
        "registry = Registry('reader', {'table': 'sqlite3:connect'})\n"
        "assert 'table' in registry and 'sqlite3' not in sys.modules\n"
        "registry.get('table'); assert 'sqlite3' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_export_is_imported_on_first_use_and_kept(monkeypatch):
    package = ModuleType("some_package")
    monkeypatch.setitem(sys.modules, "some_package", package)
    assert lazy_attribute("some_package", "sqrt", exports={"sqrt": "math"})(9) == 3
    assert package.sqrt is math.sqrt
    with pytest.raises(AttributeError, match="module 'some_package' has no attribute 'root'"):
        lazy_attribute("some_package", "root", exports={"sqrt": "math"})
