import inspect
import subprocess
import sys

import pytest

from pluralign.errors import ConfigurationError
from pluralign.records import WindowSet
from pluralign.windows import WINDOWS, load_windows

PETS = "{id: pets, windows: [{id: a, prompt: Why?, viewpoints: [{id: v, statements: [Yes.]}]}]}"


def test_every_kind_can_be_loaded_by_keywords_from_a_path():
    assert list(WINDOWS) == ["file", "polis", "social_choice", "social_choice_ratings", "value_kaleidoscope"]
    for kind in WINDOWS:
        parameters = inspect.signature(WINDOWS.get(kind)).parameters.values()
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters)
        assert "path" in {parameter.name for parameter in parameters}


def test_arguments_reach_the_loader(tmp_path):
    path = tmp_path / "pets.yaml"
    path.write_text(PETS)
    assert isinstance(load_windows("file", path=str(path)), WindowSet)


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("polsi", {}, r"Unknown kind of windows 'polsi'\. Did you mean 'polis'\?"),
        (
            "polis",
            {},
            "The windows 'polis' lack their argument 'path'. They take: path, conversations, groups",
        ),
        ("polis", {"path": "x", "group": "x"}, r"no argument 'group'\. Did you mean 'groups'\?"),
        (
            "polis",
            {"path": "x", "groups": "ours"},
            "'groups' of the windows 'polis': .*'clusters' or 'published'",
        ),
        ("polis", {"path": "x", "n_statements": "many"}, "'n_statements' of the windows 'polis': .*integer"),
        ("polis", {"path": "x", "about_voters": {"x": ["y"]}}, "'about_voters' of the windows 'polis': x.0"),
        ("social_choice", {"path": "x"}, "'social_choice' lack their argument 'prompts'"),
    ],
)
def test_a_kind_or_argument_that_is_wrong(kind, arguments, words):
    with pytest.raises(ConfigurationError, match=words):
        load_windows(kind, **arguments)


def test_the_registry_loads_nothing_heavy():
    code = (
        "import sys, pluralign.windows; sys.exit(bool({'torch', 'scipy', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
