import pytest

from pluralign.data import ADAPTERS, load_questions
from pluralign.data.anes96 import load_anes96
from pluralign.data.files import load_file
from pluralign.data.processes import load_processes
from pluralign.errors import ConfigurationError


def test_names_lead_to_adapters():
    assert list(ADAPTERS) == ["anes96", "file", "processes"]
    assert ADAPTERS.get("anes96") is load_anes96
    assert ADAPTERS.get("file") is load_file
    assert ADAPTERS.get("processes") is load_processes


def test_arguments_reach_the_adapter():
    loaded = load_questions("processes", {"families": ["urn"], "n_urns": 2, "seed": 5})
    assert loaded == load_processes(families=["urn"], n_urns=2, seed=5)


@pytest.mark.parametrize(
    ("adapter", "arguments", "message"),
    [
        ("anes69", {}, "Unknown data adapter 'anes69'. Did you mean 'anes96'?"),
        (
            "anes96",
            {"question": ["vote"]},
            "The data adapter 'anes96' has no argument 'question'. It takes: questions, groups.",
        ),
        (
            "file",
            {},
            "The data adapter 'file' lacks its argument 'path'. It takes: path, name, group_texts, source.",
        ),
        ("processes", {"n_urns": "many"}, "Data argument processes.n_urns: Input should be a valid integer"),
        (
            "processes",
            {"families": "urn"},
            "Data argument processes.families: 'str' instances are not allowed",
        ),
    ],
)
def test_wrong_arguments(adapter, arguments, message):
    with pytest.raises(ConfigurationError) as error:
        load_questions(adapter, arguments)
    assert str(error.value).startswith(message)
