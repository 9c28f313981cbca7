"""Names of runs' folders, and what their config.json says."""

from pathlib import Path

import pytest

from pluralign.errors import StorageError
from pluralign.evaluation.folders import evaluator_of, read_run_record, run_folder, unused_folder
from pluralign.evaluation.spec import RunConfig


def test_a_folder_is_named_after_what_is_run():
    found = run_folder("overton/polis", model="hf:org/name@1", digest="0123456789ab")
    assert found == Path("runs/overton_polis--hf_org_name@1--01234567")


def test_a_fresh_run_takes_a_new_folder(tmp_path):
    there = tmp_path / "run"
    assert run_folder("a", model="m", digest="d", out=there, fresh=True) == there
    there.mkdir()
    (tmp_path / "run-2").mkdir()
    assert run_folder("a", model="m", digest="d", out=there) == there
    assert run_folder("a", model="m", digest="d", out=there, fresh=True) == unused_folder(there)
    assert unused_folder(there).name == "run-3"


def test_the_evaluator_of_a_run(tmp_path):
    (tmp_path / "config.json").write_text('{"spec": {"evaluator": "coverage"}}', encoding="utf-8")
    assert evaluator_of(tmp_path) == "coverage"
    (tmp_path / "config.json").write_text('{"spec": 3}', encoding="utf-8")
    assert evaluator_of(tmp_path) == ""
    with pytest.raises(StorageError, match=r"config\.json: spec"):
        read_run_record(tmp_path / "config.json", RunConfig)
    with pytest.raises(StorageError, match="cannot be read"):
        evaluator_of(tmp_path / "nowhere")
