import json

from pluralign.cli.app import main


def test_the_list_names_every_source_and_how_to_get_its_data(capsys):
    assert main(["spectrum", "list", "--json"]) == 0
    sources = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert sources["flight"]["split"] == "held_out"
    assert sources["flight"]["missing"] is None
    assert "compdemocracy/openData" in sources["polis_vote"]["missing"]

    assert main(["spectrum", "list"]) == 0
    output = capsys.readouterr().out
    assert "polis_vote: polis is not there: git clone" in output
    assert "CC BY 4.0" in output


def test_a_set_is_built_with_a_table_of_what_went_in(tmp_path, capsys, tiny_folder):
    out = tmp_path / "suite"
    arguments = [
        "--out",
        str(out),
        "--source",
        "zipf,dice,imdb",
        "--rows",
        "6",
        "--tokenizer",
        str(tiny_folder),
    ]
    assert main(["spectrum", "build", *arguments]) == 0
    result = capsys.readouterr()

    assert "left out: imdb: imdb is not there" in result.err
    lines = {line.split()[0]: line.split() for line in result.out.splitlines() if line.split()}
    assert lines["zipf"][1:4] == ["6", "6", "0"]
    assert lines["total"][1] == "12"
    assert (out / "train-00000.parquet").is_file()
    assert (out / "test-00000.parquet").is_file()
    assert main(["spectrum", "build", *arguments]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_task_of_ones_own_is_built_without_code(tmp_path, capsys):
    (tmp_path / "own.csv").write_text("output,group\na,Women\nb,Women\nc,Men\nd,Men\n", encoding="utf-8")
    (tmp_path / "suite.yaml").write_text("sources:\n  own.csv: {}\n", encoding="utf-8")
    command = ["spectrum", "build", "--out", str(tmp_path / "out"), "--config", str(tmp_path / "suite.yaml")]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sources"]["own"]["n_rows"] == 2

    assert main([*command, "--seed", "3"]) == 2
    assert "--config says what is built" in capsys.readouterr().err


def test_a_row_is_shown_with_its_roles(capsys, tiny_folder):
    assert main(["spectrum", "preview", "flight", "--model", str(tiny_folder), "--max-length", "4000"]) == 0
    result = capsys.readouterr()
    assert "<|im_start|>description\n" in result.out
    assert "<|im_start|>output\n" in result.out
    assert "20 examples" in result.err

    assert main(["spectrum", "preview", "flight", "--json", "--row", "3"]) == 0
    messages = json.loads(capsys.readouterr().out)["messages"]
    assert [message["role"] for message in messages[:3]] == ["description", "input", "output"]
    assert main(["spectrum", "preview", "flight", "--data", "/nowhere/at/all"]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_revisions_name_a_source(capsys):
    assert main(["spectrum", "preview", "flight", "--json", "--revision", "imdb"]) == 2
    assert "--revision: SOURCE=COMMIT is needed, not 'imdb'" in capsys.readouterr().err
    assert main(["spectrum", "preview", "flight", "--json", "--revision", "imbd=abc"]) == 2
    assert "Did you mean 'imdb'?" in capsys.readouterr().err
