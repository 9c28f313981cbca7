import pytest

from pluralign.errors import DataError
from pluralign.spectrum.suite import DataPlace, Needs
from pluralign.spectrum.suite.source import find, get_file


def test_a_table_is_found_with_any_ending(tmp_path):
    (tmp_path / "a.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "b").mkdir()

    assert find(tmp_path, "a") == tmp_path / "a.jsonl"
    assert find(tmp_path, "b") == tmp_path / "b"
    assert find(tmp_path, "c") is None


def test_what_is_missing_is_said_with_how_to_get_it(tmp_path):
    (tmp_path / "a.csv").write_text("", encoding="utf-8")
    needs = Needs(files=("a", "b/c.csv"), how="ask for it")

    assert needs.missing(DataPlace(folder=tmp_path)) == f"b/c.csv is not there in {tmp_path}: ask for it"
    assert needs.missing(DataPlace()) == "a is not there: ask for it"
    assert Needs(files=("a",), how="x").missing(DataPlace(folder=tmp_path)) is None
    # Only what lies on the hub as one table can be had from there.
    assert needs.missing(DataPlace(hub=True)) is not None


def test_a_place_without_a_folder_has_no_paths():
    with pytest.raises(DataError, match="polis: no folder of data is given"):
        DataPlace().path("polis")


def test_a_file_comes_from_the_folder_before_the_hub(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def download(repository, file, **given):
        asked.append((repository, file, given))
        return str(tmp_path / "cached.jsonl")

    monkeypatch.setattr(hub, "hf_hub_download", download)
    (tmp_path / "here.jsonl").write_text("", encoding="utf-8")
    place = DataPlace(folder=tmp_path, hub=True, revisions=(("task", "abc"),))

    assert get_file(place, "here.jsonl", hub_id="org/set", source="task") == tmp_path / "here.jsonl"
    assert asked == []
    found = get_file(place, "set/there.jsonl", hub_id="org/set", source="task")
    assert found == tmp_path / "cached.jsonl"
    assert asked == [("org/set", "there.jsonl", {"repo_type": "dataset", "revision": "abc"})]
    with pytest.raises(
        DataError, match=r"there\.jsonl: is not in the folder of data, and the hub is not to be"
    ):
        get_file(DataPlace(), "there.jsonl", hub_id="org/set", source="task")


def test_a_hub_out_of_reach_is_named(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def refuse(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    with pytest.raises(DataError, match=r"org/set: a\.jsonl cannot be had from the hub: no route"):
        get_file(DataPlace(hub=True), "a.jsonl", hub_id="org/set", source="task")
