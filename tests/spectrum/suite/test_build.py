import json
import subprocess
import sys

import pytest

from pluralign.errors import ConfigurationError
from pluralign.spectrum.recipe import TrainingRecipe, build_sequences
from pluralign.spectrum.suite import (
    DataPlace,
    Share,
    SuiteRecipe,
    Tokens,
    build_suite,
    plan_suite,
    read_sequences,
)
from pluralign.spectrum.suite import build as build_module

SMALL = {"mean_examples": 4.0, "max_examples": 8}


def plan(**shares):
    return plan_suite(
        SuiteRecipe(sources={name: Share(**share) for name, share in shares.items()}), place=DataPlace()
    )


def test_what_is_written_is_read_back_and_counted(tmp_path):
    wanted = plan(zipf={"rows": 300, **SMALL}, flight={"rows": 20}, events={"rows": 5, **SMALL})
    built = build_suite(wanted, out=tmp_path / "suite")
    train = list(read_sequences(built.path))
    held_out = list(read_sequences(built.path, split="held_out"))

    assert [len(train), len(held_out)] == [305, 20]
    assert len(set(train)) == 305
    zipf = [row for row in train if row.task == "zipf"]
    counts = built.parts["zipf"]
    assert counts.n_rows == len(zipf) == 300
    assert counts.n_described == sum(row.description is not None for row in zipf)
    assert counts.n_examples == sum(len(row.examples) for row in zipf)
    assert counts.n_tokens is None
    manifest = json.loads((built.path / "suite.json").read_text(encoding="utf-8"))
    assert manifest["sources"]["flight"]["n_rows"] == 20
    assert manifest["sources"]["flight"]["licence"] == "Apache-2.0"


def test_the_library_datasets_reads_it(tmp_path):
    datasets = pytest.importorskip("datasets")
    built = build_suite(plan(dice={"rows": 3, **SMALL}, zipf={"rows": 4, **SMALL}), out=tmp_path / "suite")
    loaded = datasets.load_dataset(str(built.path), cache_dir=str(tmp_path / "cache"))

    assert {name: len(rows) for name, rows in loaded.items()} == {"train": 4, "test": 3}
    assert set(loaded["train"][0]["messages"][-1]) == {"role", "content"}


def test_a_recipe_trains_on_what_was_built(tmp_path):
    built = build_suite(plan(zipf={"rows": 6, **SMALL}), out=tmp_path / "suite")
    recipe = TrainingRecipe(built=(str(built.path),), tasks={"events": 2})

    rows = build_sequences(recipe)
    assert rows[2:] == list(read_sequences(built.path))
    assert [row.task for row in rows[:2]] == ["events", "events"]


@pytest.mark.slow
def test_the_number_of_workers_changes_no_row(tmp_path):
    wanted = plan(zipf={"rows": 700, **SMALL}, events={"rows": 300, **SMALL}, flight={"rows": 30})
    alone = build_suite(wanted, out=tmp_path / "one")
    together = build_suite(wanted, out=tmp_path / "three", workers=3)

    assert alone.parts == together.parts
    for split in ("train", "held_out"):
        assert list(read_sequences(alone.path, split=split)) == list(
            read_sequences(together.path, split=split)
        )


def test_rows_are_the_same_in_another_process(tmp_path, rows_of):
    program = (
        "from pluralign.spectrum.suite import *\n"
        "plan = plan_suite(SuiteRecipe(sources={'flight': Share()}, seed=5), place=DataPlace())\n"
        "print(open_part(plan, 0).row(17).model_dump_json())"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert there.strip() == rows_of("flight", seed=5).row(17).model_dump_json()


def test_no_row_is_built_twice_and_rows_that_repeat_are_replaced(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "name: own\ndescriptions: [Letters]\nexamples: [a, b, c]\nmean_examples: null\nrows: 11\n",
        encoding="utf-8",
    )
    wanted = plan_suite(SuiteRecipe(sources={str(tmp_path / "own.yaml"): Share()}), place=DataPlace())
    built = build_suite(wanted, out=tmp_path / "suite")
    rows = list(read_sequences(built.path))

    # Three letters have six orders, each with and without the description: twelve rows.
    assert built.parts["own"].n_rows == len(set(rows)) == 11
    assert built.parts["own"].n_repeats > 0


def test_a_source_with_too_few_different_rows_gives_what_it_has(tmp_path):
    (tmp_path / "own.csv").write_text("output\na\nb\n", encoding="utf-8")
    wanted = plan_suite(SuiteRecipe(sources={str(tmp_path / "own.csv"): Share(rows=50)}), place=DataPlace())
    built = build_suite(wanted, out=tmp_path / "suite")

    assert built.parts["own"].n_asked == 50
    assert built.parts["own"].n_rows == 2
    assert len(list(read_sequences(built.path))) == 2


def test_a_source_that_ends_gives_all_its_rows(tmp_path):
    built = build_suite(plan(flight={"rows": 1000}), out=tmp_path / "suite")

    assert built.parts["flight"].n_rows == 200
    assert built.parts["flight"].n_repeats == 0


def test_files_are_cut_at_a_number_of_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(build_module, "ROWS_A_FILE", 200)
    built = build_suite(plan(zipf={"rows": 600, **SMALL}), out=tmp_path / "suite")

    assert sorted(path.name for path in built.path.glob("*.parquet")) == [
        f"train-0000{number}.parquet" for number in range(3)
    ]
    assert len(list(read_sequences(built.path))) == 600


def test_tokens_are_those_of_training(tmp_path, tiny_folder):
    from pluralign.models.loading import load_tokenizer
    from pluralign.spectrum import SpectrumFormat, check_rows

    wanted = plan(zipf={"rows": 20, **SMALL})
    built = build_suite(wanted, out=tmp_path / "suite", tokens=Tokens(str(tiny_folder), max_length=100))
    spectrum = SpectrumFormat.from_tokenizer(load_tokenizer(str(tiny_folder)))
    checked = check_rows(list(read_sequences(built.path)), spectrum=spectrum, max_length=100)

    assert built.parts["zipf"].n_tokens == checked.total.n_tokens
    assert built.parts["zipf"].n_supervised == checked.total.n_supervised
    assert built.parts["zipf"].described_share == checked.described_share


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "kept.txt").write_text("x", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="is not empty; name a new folder"):
        build_suite(plan(zipf={"rows": 2}), out=tmp_path)
    with pytest.raises(ConfigurationError, match="workers: 0 cannot build"):
        build_suite(plan(zipf={"rows": 2}), out=tmp_path / "new", workers=0)
