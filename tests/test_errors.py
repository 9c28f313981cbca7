import json

import pytest

from pluralign import errors
from pluralign.errors import MissingExtraError, PluralignError, did_you_mean, require


def test_require_imports_what_is_there():
    assert require("json", extra="hf") is json
    assert require("xml.etree.ElementTree", extra="hf").__name__ == "xml.etree.ElementTree"


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part"])
def test_require_names_the_package_and_the_command(module):
    with pytest.raises(MissingExtraError) as error:
        require(module, extra="data")
    assert str(error.value) == (
        "This needs the package 'no_such_package', which is not installed. "
        "Install it with: pip install 'pluralign[data]'"
    )


def test_require_does_not_hide_what_an_installed_package_lacks(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import no_such_dependency\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        require("half_installed", extra="hf")


def test_exit_codes():
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, PluralignError)
    ]
    codes = {value.__name__: value.exit_code for value in classes if value.exit_code != 2}
    assert codes == {"InterruptedRunError": 3}
    assert len(classes) > 5
    assert issubclass(errors.DataError, ValueError)


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("anes69", ["anes96", "file"], " Did you mean 'anes96'?"),
        ("zebra", ["b", "a"], " Known: a, b."),
        ("zebra", [], ""),
    ],
)
def test_did_you_mean(name, known, hint):
    assert did_you_mean(name, known) == hint
