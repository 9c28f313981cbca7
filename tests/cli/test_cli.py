import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from pluralign.cli import main

ANES, PROCESSES = "distributional/anes96", "distributional/known-processes"


@pytest.fixture
def run(capsys):
    """Run the command line in this process: (exit status, stdout, stderr with spaces folded)."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


def test_eval_run_prints_a_table_and_where_the_results_lie(run, tmp_path):
    status, out, err = run("eval", "run", ANES, "--model", "scripted:uniform", "--out", tmp_path / "r")
    assert status == 0
    assert "Jensen-Shannon" in out
    assert "uniform" in out
    assert "not scored: none of 47" in err
    assert str(tmp_path / "r") in err


def test_json_on_stdout_is_json_and_nothing_else(run, tmp_path):
    for arguments in (
        ("eval", "ls", "--json"),
        ("eval", "show", ANES, "--json"),
        (
            "eval",
            "run",
            PROCESSES,
            "--model",
            "scripted:uniform",
            "--limit",
            "2",
            "--out",
            tmp_path,
            "--json",
        ),
        ("eval", "show", tmp_path, "--json"),
        ("eval", "resume", tmp_path, "--json"),
        ("models", "ls", "--json"),
        ("doctor", "--json"),
    ):
        status, out, _ = run(*arguments)
        assert status == 0
        assert json.loads(out)


def test_a_run_s_table_as_markdown(run, tmp_path):
    run("eval", "run", PROCESSES, "--model", "scripted:uniform", "--limit", "2", "--out", tmp_path)
    status, out, _ = run("eval", "show", tmp_path, "--markdown")
    assert status == 0
    assert out.startswith("| Metric | Over | scripted:uniform |")


def test_dry_run_shows_the_exact_prompt_and_asks_nothing(run, tmp_path, tiny_folder):
    status, out, _ = run(
        "eval", "run", PROCESSES, "--model", tiny_folder, "--dry-run", "--out", tmp_path / "r"
    )
    assert status == 0
    assert "44 work units, 52 prompts" in out
    assert "<|im_start|>user\nFlip a fair coin." in out
    assert out.index("<|im_start|>assistant") < out.index("options scored: heads; tails")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("eval", "run", "distributional/anse96"),
            "Unknown evaluation 'distributional/anse96'. Did you mean",
        ),
        (("eval", "run", ANES, "--model", "/nowhere/model"), "There is no model folder /nowhere/model"),
        (("eval", "run", ANES, "--model", "embeded"), "Did you mean 'embedded'"),
        (("eval", "run", ANES, "--model", "scripted:uniform", "--groups", "partyy"), "Did you mean 'party'"),
        (("eval", "rnu", ANES), "No such command 'rnu'. Did you mean 'run'"),
        (("eval", "run", ANES, "--limit", "0"), "Invalid value for '--limit'"),
        (("train", "run", "--config", "/nowhere.yaml", "--out", "x"), "/nowhere.yaml: cannot be read"),
        (("models", "get", "embeded"), "Did you mean 'embedded'"),
        (("quickstart", "--model", "/nowhere/model"), "There is no model folder"),
    ],
)
def test_a_mistake_is_one_clear_message_and_exit_2(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*arguments)
    assert status == 2
    assert message in err
    assert "Traceback" not in err + out


def test_debug_shows_the_traceback(tmp_path, monkeypatch):
    from pluralign.errors import ConfigurationError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError):
        main(["--debug", "eval", "run", "nothing"])


def test_a_tokenizer_without_a_chat_template(run, tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "base")
    for template in folder.glob("*.jinja"):
        template.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    status, _, err = run("eval", "run", PROCESSES, "--model", folder, "--out", tmp_path / "r")
    assert status == 2
    assert "cannot chat. Use an instruct model, or save a chat template with the tokenizer." in err
    assert not (tmp_path / "r").exists()


def test_a_broken_model_folder(run, tmp_path, tiny_folder):
    folder = shutil.copytree(tiny_folder, tmp_path / "broken")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    status, _, err = run("eval", "run", PROCESSES, "--model", folder, "--out", tmp_path / "r")
    assert status == 2
    assert "cannot be loaded; its files are broken or incomplete" in err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not a valid Question: Invalid JSON"),
        (
            '{"id": "b", "text": " ", "options": [{"text": "x"}, {"text": "y"}]}',
            "line 2: not a valid Question: text:",
        ),
        ('{"id": "b", "text": "B?", "options": []}', "question 'b' has none"),
        (
            '{"id": "b", "text": "B?", "options": [{"text": "x"}, {"text": "y"}], "truth": [0.5, 0.6]}',
            "must sum to 1, they sum to 1.1",
        ),
    ],
)
def test_a_wrong_line_in_a_questions_file_is_named(run, tmp_path, line, message):
    questions = tmp_path / "questions.jsonl"
    good = '{"id": "a", "text": "A?", "options": [{"text": "x"}, {"text": "y"}], "truth": [0.5, 0.5]}'
    questions.write_text(f"{good}\n{line}\n")
    spec = tmp_path / "mine.yaml"
    spec.write_text(
        "id: mine/questions\nversion: 1-A\ntitle: Mine\nevaluator: distributional\n"
        f"data: {{adapter: file, arguments: {{path: '{questions}'}}}}\nsource: {{name: me, licence: CC0-1.0}}\n"
    )
    status, _, err = run("eval", "run", spec, "--model", "scripted:uniform", "--out", tmp_path / "r")
    assert status == 2
    assert "questions.jsonl, line 2" in err
    assert message in err


RECIPE = """
model: {model}
tasks: {{categorical: 24}}
n_steps: {n_steps}
batch_size: 4
device_batch_size: 4
max_length: 256
mean_examples: 4
save_steps: 2
lora: {{rank: 2, alpha: 4}}
"""


@pytest.fixture
def recipe(tmp_path, tiny_folder):
    def write(n_steps=3):
        path = tmp_path / "recipe.yaml"
        path.write_text(RECIPE.format(model=tiny_folder, n_steps=n_steps))
        return path

    return write


def test_train_check_and_preview_need_no_weights(run, recipe):
    status, out, _ = run("train", "check", "--config", recipe(), "--json")
    assert status == 0
    total = json.loads(out)["total"]
    assert total["n_rows"] == 24
    assert 0 < total["n_supervised"] < total["n_tokens"]
    status, out, _ = run("train", "preview", "--config", recipe(), "--n", "2")
    assert status == 0
    assert out.count("<|im_start|>output") >= 2


def test_train_run_saves_a_model_that_eval_run_takes(run, recipe, tmp_path):
    status, out, err = run("train", "run", "--config", recipe(), "--out", tmp_path / "tuned")
    assert status == 0, err
    adapter = out.strip()
    assert (tmp_path / "tuned" / "adapter" / "chat_template.jinja").exists()
    status, out, err = run("eval", "run", PROCESSES, "--limit", "2", "--model", adapter, "--dry-run")
    assert status == 0, err
    assert "<|im_start|>description\nFlip a fair coin." in out


@pytest.mark.slow
def test_ctrl_c_during_training_keeps_what_was_learnt(recipe, tmp_path):
    command = [
        sys.executable,
        "-m",
        "pluralign",
        "train",
        "run",
        "-c",
        recipe(n_steps=100_000),
        "--out",
        tmp_path / "t",
    ]
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "t").glob("checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Training was stopped at step" in err
    assert "Traceback" not in err
    assert (tmp_path / "t" / "interrupted" / "adapter_model.safetensors").exists()


def test_no_command_at_all_prints_help(run):
    status, out, err = run()
    assert status == 2
    assert "quickstart" in out + err


def test_a_profile_is_steered_with_in_the_way_that_is_given(run, tmp_path):
    steer = (
        "eval",
        "run",
        "steerable/profiles",
        "--profile",
        "utilitarianism",
        "--model",
        "scripted:uniform",
    )
    for way in ("user", "persona"):
        assert run(*steer, "--limit", "3", "--way", way, "--out", tmp_path / way)[0] == 0

    status, out, _ = run("compare", tmp_path / "user", tmp_path / "persona", "--json")
    assert status == 0
    assert {(each["first"], each["second"]) for each in json.loads(out)} == {
        ("scripted:uniform (way user)", "scripted:uniform (way persona)")
    }
    status, _, err = run(*steer, "--way", "synthesis")
    assert status == 2
    assert "--way: steerable/profiles asks closed questions" in err
