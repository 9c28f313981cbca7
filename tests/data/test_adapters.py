import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pluralign.data import ADAPTERS, load_data, read_arguments, resolve_source
from pluralign.data.anes96 import load_anes96
from pluralign.data.catalogue import CATALOGUE
from pluralign.data.files import load_file
from pluralign.data.global_opinions import load_global_opinions
from pluralign.data.overview import READING_FAULTS
from pluralign.data.processes import load_processes
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Finding, Severity

DOCUMENT = Path(__file__).parents[2] / "docs" / "data.md"
TINY = Finding(fault="tiny", severity=Severity.NOTE, detail="three people")


@pytest.fixture
def linted(monkeypatch):
    """Lint that finds one fault in everything; returns the ids of the sets it was shown."""
    shown = []
    module = ModuleType("pluralign.data.lint")
    module.lint = lambda questions: (shown.append(questions.id), (TINY,))[1]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return shown


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("question_id,question,option,share\nq,Why?,a,0.33\nq,Why?,b,0.33\nq,Why?,c,0.33\n")
    return path


def documented(section):
    """Rows of a table in the documentation, as tuples of cells."""
    text = DOCUMENT.read_text(encoding="utf-8")
    block = re.search(rf"<!-- {section} -->\n(.*?)<!-- /{section} -->", text, re.DOTALL)[1]
    return [tuple(cell.strip(" `") for cell in line.split("|")[1:-1]) for line in block.splitlines()[2:]]


def test_names_lead_to_adapters():
    assert list(ADAPTERS) == [
        "anes96",
        "anes96_people",
        "arc",
        "file",
        "global_opinions",
        "global_values",
        "gsm8k_choices",
        "modular_pluralism",
        "moralchoice",
        "multipico",
        "nytimes_books",
        "pew",
        "polis",
        "polis_people",
        "processes",
        "profiles",
        "steer_bench",
        "value_kaleidoscope",
    ]
    assert ADAPTERS.get("anes96") is load_anes96
    assert ADAPTERS.get("file") is load_file
    assert ADAPTERS.get("global_opinions") is load_global_opinions
    assert ADAPTERS.get("processes") is load_processes


@pytest.mark.parametrize("name", [adapter.name for adapter in CATALOGUE])
def test_every_adapter_is_there(name):
    assert callable(ADAPTERS.get(name))


def test_the_documentation_lists_the_adapters():
    assert documented("adapters") == [(a.name, a.what, a.path or "-", a.source, a.licence) for a in CATALOGUE]


def test_arguments_reach_the_adapter():
    loaded = load_data("processes", {"families": ["urn"], "n_urns": 2, "seed": 5}).questions
    assert loaded == load_processes(families=["urn"], n_urns=2, seed=5)


def test_findings_of_the_adapter_come_before_those_of_lint(linted, table):
    loaded = load_data("file", {"path": str(table)})
    assert [finding.fault for finding in loaded.findings] == ["rounded_shares", "tiny"]
    assert load_data("processes", {"families": ["coin"]}).findings == (TINY,)
    assert linted == ["mine", "processes"]


def test_a_source_is_a_file_or_a_name_with_arguments(linted, table):
    assert resolve_source(str(table), {}).questions.id == "mine"
    assert resolve_source(str(table), {"name": "other"}).questions.id == "other"
    urns = resolve_source("processes", read_arguments(["families=[urn]", "n_urns=2", "seed=5"])).questions
    assert urns == load_processes(families=["urn"], n_urns=2, seed=5)
    people = resolve_source(
        "anes96", read_arguments(['groups=["income=Under $20,000", all]'])
    ).questions.groups
    assert [group.id for group in people] == ["income=Under $20,000", "all"]


@pytest.mark.parametrize(
    ("source", "assignments", "message"),
    [
        ("polsi", [], "Unknown data adapter 'polsi'. Did you mean 'polis'?"),
        ("processes", ["n_urns"], "A data argument is written name=value, not 'n_urns'."),
        (
            "processes",
            ["seed=1", "seed=2"],
            "The data argument 'seed' is given twice; a list is written seed=[",
        ),
        ("processes", ["families=[urn"], "families=[urn: not a list or mapping: "),
        ("processes", ["n_urns=many"], "Data argument processes.n_urns: Input should be a valid integer"),
        ("processes", ["families=urn"], "Data argument processes.families: 'str' instances are not allowed"),
    ],
)
def test_sources_that_cannot_be_resolved(source, assignments, message):
    with pytest.raises(ConfigurationError) as error:
        resolve_source(source, read_arguments(assignments))
    assert str(error.value).startswith(message)


def test_a_file_that_is_not_there():
    with pytest.raises(DataError, match=r"nothing\.csv: cannot be read: No such file or directory"):
        resolve_source("nothing.csv", {})


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
        load_data(adapter, arguments)
    assert str(error.value).startswith(message)


def test_where_a_file_that_is_not_given_can_be_had():
    with pytest.raises(ConfigurationError) as error:
        load_data("moralchoice", {})
    assert str(error.value).endswith(
        "'path' is the folder of low_ambiguity.csv and high_ambiguity.csv. Published at "
        "https://github.com/ninodimontalcino/moralchoice; licence: MIT. Give it as --data path=..., or in a "
        "specification as data.arguments.path."
    )


def test_the_documentation_lists_the_faults():
    from pluralign.data.lint import FAULTS

    assert dict(documented("faults")) == {**READING_FAULTS, **FAULTS}
