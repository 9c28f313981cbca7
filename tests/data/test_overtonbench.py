import csv
import json
import math

import pytest

from pluralign.data.overtonbench import load_overtonbench
from pluralign.errors import DataError
from pluralign.records import Severity
from pluralign.records.rating import RepresentationRating


def row(user=1, *, model="gpt", rating=4, cluster=0, question_id="12", source="prism"):
    """A row as the hub holds it."""
    return {
        "user": user,
        "question_id": question_id,
        "question": "Should it be?",
        "model": model,
        "llm_response": 'Some say "yes",\nothers no.',
        "representation_rating": rating,
        "freeresponse": "I think so.",
        "cluster_kmeans": cluster,
        "source": source,
    }


ROWS = [row(), row(2, rating=5, cluster=1), row(1, model="r1", rating=2, source="prism")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def write(tmp_path):
    """Write rows to a file whose ending says the format; returns its path."""

    def write(rows, ending="csv", *, name="mine"):
        path = tmp_path / f"{name}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if ending == "csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        elif ending == "parquet":
            from datasets import Dataset

            Dataset.from_list(rows).to_parquet(path)
        else:
            path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_one_file_in_any_format(write, ending):
    loaded = load_overtonbench(path=write(ROWS, ending))
    assert loaded.findings == ()
    assert loaded.ratings == (
        RepresentationRating(user="1", question_id="12", model="gpt", rating=4, cluster="0", source="prism"),
        RepresentationRating(user="2", question_id="12", model="gpt", rating=5, cluster="1", source="prism"),
        RepresentationRating(user="1", question_id="12", model="r1", rating=2, cluster="0", source="prism"),
    )


def test_a_folder_laid_out_as_on_the_hub(write, tmp_path):
    write(ROWS, "jsonl", name="overtonbench/prism")
    write([*ROWS, row(3, source="modelslant")], "jsonl", name="overtonbench/full")
    (tmp_path / "overtonbench" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: full\n    path: full.jsonl\n  - split: prism\n    path: prism.jsonl\n---\n",
        encoding="utf-8",
    )
    folder = tmp_path / "overtonbench"
    assert len(load_overtonbench(path=folder).ratings) == 4
    assert len(load_overtonbench(path=folder, split="prism").ratings) == 3
    with pytest.raises(DataError, match="cannot be loaded"):
        load_overtonbench(path=folder, split="modelslant")


@pytest.mark.parametrize(
    ("faulty", "fault", "detail"),
    [
        (row(9, rating=None), "blank", "representation_rating: blank"),
        (row(9, cluster=None), "blank", "cluster_kmeans: blank"),
        (row(9, cluster=math.nan), "blank", "cluster_kmeans: blank"),
        (row(9, model="  "), "blank", "model: blank"),
        (row(9, rating=6), "no_rating", "rating: Input should be less than or equal to 5"),
        (row(9, rating=0.5), "no_rating", "rating: Input should be greater than or equal to 1"),
    ],
)
def test_a_row_without_a_rating_is_left_out_and_said(write, faulty, fault, detail):
    path = write([*ROWS, faulty], "parquet")
    loaded = load_overtonbench(path=path)
    # A column with a gap holds numbers with decimals; a cluster's id has none.
    assert loaded.ratings == load_overtonbench(path=write(ROWS, "parquet", name="sound")).ratings
    (finding,) = loaded.findings
    assert (finding.fault, finding.severity, finding.question_id) == (fault, Severity.UNUSABLE, "12")
    assert finding.detail.startswith(detail)
    assert finding.where == f"{path}, row 4"


def test_words_for_a_rating_are_no_rating(write):
    with pytest.raises(DataError, match=r"no usable rating\. The first fault: .*row 1: rating: .*'agree'"):
        load_overtonbench(path=write([row(rating="agree")]))


def test_what_is_missing_or_there_twice_is_an_error(write, tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load_overtonbench(path=tmp_path / "nothing.parquet")
    rows = [{name: value for name, value in row().items() if name != "cluster_kmeans"}]
    with pytest.raises(DataError, match="the column 'cluster_kmeans' is missing; it has: user, question_id"):
        load_overtonbench(path=write(rows))
    with pytest.raises(DataError, match="'1' rates the response of 'gpt' to question '12' 2 times"):
        load_overtonbench(path=write([row(), row()], name="twice"))


def test_the_hub_out_of_reach():
    with pytest.raises(DataError) as error:
        load_overtonbench(revision="0123abc")
    assert "elinorpd/overtonbench: cannot be loaded: " in str(error.value)
    assert "and give it: --data path=FILE.csv" in str(error.value)
