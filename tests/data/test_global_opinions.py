import csv
import json
from collections import defaultdict

import pytest

from pluralign.data.global_opinions import load_global_opinions
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Group, Severity

TRUST = "Do you trust your neighbours?"


def row(question=TRUST, *, options=("Yes", "No", "DK/Refused"), source="GAS", **countries):
    """A row as the hub holds it: mappings and lists in Python's own notation."""
    selections = defaultdict(list, {name.replace("_", " "): shares for name, shares in countries.items()})
    return {
        "question": question,
        "selections": repr(selections),
        "options": repr(list(options)),
        "source": source,
    }


ROWS = [
    row(Belgium=[0.5, 0.4, 0.1], United_States=[0.25, 0.75, 0.0]),
    row('Is it "far", or isn\'t it?', options=["far", "near"], source="WVS", Belgium=[0.49, 0.5]),
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def hub(tmp_path):
    """Write rows as a folder laid out as on the hub; returns the folder."""

    def write(rows):
        folder = tmp_path / "llm_global_opinions"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        with (folder / "data" / "global_opinions.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return write


def test_a_folder_laid_out_as_on_the_hub(hub):
    loaded = load_global_opinions(path=hub(ROWS))
    trust, far = loaded.questions.questions
    assert (trust.id, trust.text) == ("GAS-1", TRUST)
    assert trust.option_texts == ("Yes", "No", "DK/Refused")
    assert [option.refusal for option in trust.options] == [False, False, True]
    assert trust.shares == {"country=Belgium": (0.5, 0.4, 0.1), "country=United States": (0.25, 0.75, 0)}
    assert trust.n_people("country=Belgium") is None
    assert (far.id, far.text) == ("WVS-2", 'Is it "far", or isn\'t it?')
    assert loaded.questions.groups == (
        Group(id="country=Belgium", text="live in Belgium"),
        Group(id="country=United States", text="live in the United States"),
    )
    assert "CC BY-NC-SA 4.0" in loaded.questions.source


def test_rounded_shares_are_normalised_with_a_note(hub):
    loaded = load_global_opinions(path=hub(ROWS))
    assert loaded.questions.questions[1].shares["country=Belgium"] == pytest.approx((0.49 / 0.99, 0.5 / 0.99))
    (note,) = loaded.findings
    assert (note.fault, note.severity, note.n_items) == ("rounded_shares", Severity.NOTE, 1)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_one_file(tmp_path, hub, ending):
    folder = hub(ROWS)
    path = folder / "data" / "global_opinions.csv"
    if ending == "jsonl":
        path = tmp_path / "mine.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in ROWS), encoding="utf-8")
    if ending == "parquet":
        from datasets import Dataset

        path = tmp_path / "mine.parquet"
        Dataset.from_list(ROWS).to_parquet(path)
    assert load_global_opinions(path=path).questions == load_global_opinions(path=folder).questions


def test_a_mapping_that_is_no_text(tmp_path):
    rows = [
        {"question": "A?", "selections": {"Kenya": [1, 0]}, "options": ["x", "y"], "source": "GAS"},
        {"question": "B?", "selections": {"Ghana": [0, 1]}, "options": ["x", "y"], "source": "GAS"},
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in rows), encoding="utf-8")
    loaded = load_global_opinions(path=path)
    assert [dict(question.shares) for question in loaded.questions.questions] == [
        {"country=Kenya": (1, 0)},
        {"country=Ghana": (0, 1)},
    ]
    assert loaded.findings == ()


def test_countries_and_limit(hub):
    folder = hub([*ROWS, row("Third?", Belgium=[1, 0, 0])])
    belgium = load_global_opinions(path=folder, countries=["Belgium"]).questions
    assert [group.id for group in belgium.groups] == ["country=Belgium"]
    assert {group for question in belgium.questions for group in question.shares} == {"country=Belgium"}
    america = load_global_opinions(path=folder, countries=["United States"]).questions
    assert [question.id for question in america.questions] == ["GAS-1"]
    two = load_global_opinions(path=folder, limit=2).questions
    assert [question.id for question in two.questions] == ["GAS-1", "WVS-2"]
    with pytest.raises(ConfigurationError, match="Did you mean 'Belgium'"):
        load_global_opinions(path=folder, countries=["Belguim"])
    with pytest.raises(ConfigurationError, match="limit: 0 questions"):
        load_global_opinions(path=folder, limit=0)


def test_the_kind_of_sample_is_no_place_to_live_in(hub):
    rows = [row()]
    rows[0]["selections"] = "{'India (Non-national sample)': [1, 0, 0]}"
    (group,) = load_global_opinions(path=hub(rows)).questions.groups
    assert group == Group(id="country=India (Non-national sample)", text="live in India")


@pytest.mark.parametrize(
    ("shares", "fault", "detail"),
    [
        ([0.5, 0.5], "wrong_length", "2 shares for 3 options"),
        ([0.5, 0.5, float("nan")], "not_numbers", "shares are numbers from 0 to 1: [0.5, 0.5, None]"),
        ([0.5, 0.7, -0.2], "not_numbers", "-0.2"),
        ([0.5, 0.3, 0.1], "not_normalised", "the shares sum to 0.9"),
        ("0.5", "not_numbers", "a list of 3 shares is needed, not '0.5'"),
    ],
)
def test_a_country_s_fault_leaves_out_the_country_and_keeps_the_rest(hub, shares, fault, detail):
    folder = hub([row(Belgium=[0.5, 0.4, 0.1], Chile=shares)])
    loaded = load_global_opinions(path=folder)
    assert set(loaded.questions.questions[0].shares) == {"country=Belgium"}
    assert [group.id for group in loaded.questions.groups] == ["country=Belgium"]
    (finding,) = loaded.findings
    assert (finding.fault, finding.severity) == (fault, Severity.UNUSABLE)
    assert (finding.question_id, finding.group) == ("GAS-1", "country=Chile")
    assert detail in finding.detail
    assert finding.where == f"{folder}, row 1"


def test_a_row_that_cannot_be_read_is_left_out(hub):
    rows = [
        row("", Belgium=[1, 0, 0]),
        row() | {"options": "['Yes', "},
        row() | {"options": "__import__('os').getcwd()"},
        row() | {"selections": "[0.5]"},
        row(Belgium=[1, 0, 0]),
    ]
    loaded = load_global_opinions(path=hub(rows))
    assert [question.id for question in loaded.questions.questions] == ["GAS-5"]
    assert [(finding.fault, finding.question_id) for finding in loaded.findings] == [
        ("no_text", "GAS-1"),
        ("unreadable", "GAS-2"),
        ("unreadable", "GAS-3"),
        ("unreadable", "GAS-4"),
    ]


def test_nothing_usable_is_an_error_that_names_the_first_fault(hub):
    with pytest.raises(
        DataError, match=r"holds no usable question\. The first fault: .*row 1: 2 shares for 3"
    ):
        load_global_opinions(path=hub([row(Chile=[0.5, 0.5])]))


def test_a_column_that_is_missing(hub):
    rows = [{name: value for name, value in row(Chile=[1, 0, 0]).items() if name != "options"}]
    with pytest.raises(
        DataError, match="the column 'options' is missing; it has: question, selections, source"
    ):
        load_global_opinions(path=hub(rows))


def test_the_hub_out_of_reach():
    with pytest.raises(DataError) as error:
        load_global_opinions()
    assert "Anthropic/llm_global_opinions: cannot be loaded: " in str(error.value)
    assert "and give it: --data path=FILE.csv" in str(error.value)


def test_files_and_splits_that_are_not_there(tmp_path, hub):
    with pytest.raises(DataError, match="there is no such file"):
        load_global_opinions(path=tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="cannot be loaded: "):
        load_global_opinions(path=hub(ROWS), split="test")
