import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pluralign.cli import main
from pluralign.data.files import load_file
from pluralign.data.recorded import read_answers

DOCUMENT = Path(__file__).parents[2] / "docs" / "data.md"
SHARES = "question_id,question,option,share\nq,Why?,a,0.33\nq,Why?,b,0.33\nq,Why?,c,0.33\n"


@pytest.fixture
def run(capsys):
    """Run the command line in this process: (exit status, stdout, stderr with spaces folded)."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


@pytest.fixture
def example(tmp_path):
    """Write the documentation's example in a language to a file of that ending."""

    def write(language):
        (block,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
        path = tmp_path / f"example.{language}"
        path.write_text(block, encoding="utf-8")
        return path

    return write


def test_ls_names_every_data_set_with_its_licence(run):
    status, out, err = run("data", "ls")
    assert (status, err) == (0, "")
    assert re.search(r"polis +A Polis conversation.*\n?.*CC BY 4\.0", out)
    status, out, _ = run("data", "ls", "--json")
    assert status == 0
    assert {"name", "what", "source", "licence"} == set(json.loads(out)[0])


@pytest.mark.parametrize(("language", "n_questions"), [("csv", 1), ("jsonl", 2)])
def test_check_counts_what_the_documented_examples_hold(run, example, language, n_questions):
    status, out, _ = run("data", "check", example(language), "--json")
    assert status == 0
    holds = json.loads(out)["holds"]
    assert holds["n_questions"] == n_questions
    young = next(group for group in holds["groups"] if group["id"] == "age=young")
    assert young == {"id": "age=young", "text": "are under 30", "n_questions": 1, "n_people": 199}


def test_check_in_words(run, example):
    status, out, _ = run("data", "check", example("jsonl"))
    assert status == 0
    assert "example: 2 questions with 2 to 3 options" in out
    assert re.search(r"age=young +are under 30 +1 +199", out)


def test_check_of_what_cannot_be_read(run, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(SHARES.replace("c,0.33", "c,x"))
    status, out, err = run("data", "check", path)
    assert (status, out) == (2, "")
    assert "mine.csv, line 4, column share: Input should be a valid number" in err
    status, _, err = run("data", "check", tmp_path / "mine.xlsx")
    assert status == 2
    assert "a file of questions ends in .csv" in err


def test_check_of_faulty_items(run, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("question_id,question,option,count\nq,Why?,Not selected,3\n")
    status, out, _ = run("data", "check", path)
    assert status == 1
    assert "of them can be scored but not asked: 1" in out
    assert "faulty" in out


def test_lint_counts_and_shows_examples(run, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(SHARES)
    status, out, err = run("data", "lint", path)
    assert status == 0
    assert re.search(r"rounded_shares +note +1 +- +shares that sum to 1", out)
    assert "rounded_shares: shares of a group: they sum to 1 only within 0.01" in out
    assert "1 questions read, 0 faulty items" in err
    _, out, _ = run("data", "lint", path, "--limit", "0")
    assert "only within 0.01 and were" not in out
    _, out, _ = run("data", "lint", path, "--json")
    (fault,) = [fault for fault in json.loads(out)["faults"] if fault["fault"] == "rounded_shares"]
    assert (fault["severity"], fault["n_items"], len(fault["findings"])) == ("note", 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("polsi",), "Unknown data adapter 'polsi'. Did you mean 'polis'?"),
        (("polis",), "lacks its argument 'path'"),
        (("polis", "--data", "path"), "A data argument is written name=value, not 'path'."),
        (("nothing.csv",), "nothing.csv: cannot be read"),
    ],
)
def test_a_source_that_cannot_be_had(run, arguments, message):
    status, out, err = run("data", "lint", *arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_convert_the_documented_example(run, example, tmp_path):
    status, out, err = run("data", "convert", example("json"), "--out", tmp_path / "new")
    assert status == 0
    questions, answers = map(Path, out.split())
    assert (questions.name, answers.name) == ("questions.jsonl", "answers.jsonl")
    loaded = load_file(path=questions).questions
    assert [(group.id, group.text) for group in loaded.groups] == [
        ("country=Belgium", "live in Belgium"),
        ("age=young", "are under 30"),
    ]
    assert [answer.outcome for answer in read_answers(answers)] == ["ok", "unparsed"]
    assert "1 questions, 2 answers, 1 of them unparsed" in err
    status, _, err = run("data", "convert", example("json"), "--out", tmp_path / "new")
    assert status == 2
    assert "is there already and is not overwritten" in err


def test_convert_says_what_it_leaves_out(run, tmp_path):
    path = tmp_path / "outputs.json"
    good = {"gold_distribution": [1, 0], "pred_distribution": [1, 0]}
    path.write_text(json.dumps([good, {**good, "gold_distribution": [0.5, 0.2]}]))
    status, _, err = run("data", "convert", path, "--out", tmp_path / "new")
    assert status == 0
    assert "unusable: not_normalised: 1; the first: " in err
    assert "item 2: gold_distribution: the shares sum to 0.7" in err


def test_importing_the_commands_loads_nothing_heavy():
    script = (
        "import sys, pluralign.cli.data\n"
        "assert not {'torch', 'pandas', 'datasets', 'scipy', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
