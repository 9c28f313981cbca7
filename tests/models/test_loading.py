import json
import shutil
from pathlib import Path

import pytest
import torch

from pluralign.errors import ConfigurationError, MissingExtraError, ModelError
from pluralign.models import TransformersModel, loading
from pluralign.models.loading import load_weights
from pluralign.models.protocol import Chat, Message

TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' }}{% endfor %}"
)


@pytest.fixture
def broken(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "broken"))


@pytest.fixture(scope="module")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory, chatml_tokenizer) -> Path:
    """A LoRA adapter with weights that are not zero, saved with a tokenizer that has another chat template."""
    import copy

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters") / "tuned"
    base = AutoModelForCausalLM.from_pretrained(tiny_folder)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.constant_(parameter, 0.05)
    model.save_pretrained(folder)
    tokenizer = copy.copy(chatml_tokenizer)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def logits(weights: loading.LoadedWeights) -> torch.Tensor:
    with torch.inference_mode():
        return weights.model(input_ids=torch.tensor([[5, 6, 7]])).logits


def test_a_saved_model_loads_with_the_same_logits(tiny_folder, tiny_weights):
    from transformers import AutoModelForCausalLM

    expected = AutoModelForCausalLM.from_pretrained(tiny_folder).eval()

    torch.testing.assert_close(
        logits(tiny_weights), expected(input_ids=torch.tensor([[5, 6, 7]])).logits, atol=0, rtol=0
    )
    assert tiny_weights.model.dtype == torch.float32
    assert tiny_weights.source_id == f"path:tiny@{tiny_weights.hashes['weights'][:12]}"
    assert not tiny_weights.model.training


def test_an_adapter_folder_brings_its_base_and_its_chat_template(adapter, tiny_folder, tiny_weights):
    tuned = load_weights(str(adapter))
    named = load_weights(str(tiny_folder), adapter=str(adapter))

    assert tuned.tokenizer.chat_template == named.tokenizer.chat_template == TEMPLATE
    assert (
        tuned.source_id == named.source_id == f"{tiny_weights.source_id}+tuned@{tuned.hashes['adapter'][:12]}"
    )
    torch.testing.assert_close(logits(tuned), logits(named), atol=0, rtol=0)
    assert (logits(tuned) - logits(tiny_weights)).abs().max() > 0.01
    assert TransformersModel(tuned).fingerprint()["adapter"] == tuned.hashes["adapter"]


def test_a_model_with_an_adapter_reads_trees_and_scores_as_each_string_by_itself(adapter, ask, naive, caplog):
    model = TransformersModel(load_weights(str(adapter)))
    [scores] = model.score_options([ask("Flip a fair coin.")], [["Heads.", "Heads or tails.", "Tails."]])
    expected = naive(
        model, ask("Flip a fair coin."), ["Heads.", "Heads or tails.", "Tails."], model.tokenizer.eos_token
    )
    assert scores.log_probs == pytest.approx(expected, abs=1e-4)
    assert "whole prompt" not in caplog.text


def test_an_adapter_without_a_tokenizer_takes_the_models(adapter, tmp_path, tiny_weights):
    bare = Path(shutil.copytree(adapter, tmp_path / "bare"))
    for name in ("tokenizer_config.json", "tokenizer.json", "chat_template.jinja"):
        (bare / name).unlink()

    assert load_weights(str(bare)).tokenizer.chat_template == tiny_weights.tokenizer.chat_template


def test_the_hash_tells_two_trainings_of_one_architecture_apart(broken, tiny_weights):
    copied = load_weights(str(broken))
    with torch.no_grad():
        next(copied.model.parameters()).add_(1e-3)
    copied.model.save_pretrained(broken)

    assert copied.hashes == tiny_weights.hashes
    assert load_weights(str(broken)).hashes != tiny_weights.hashes


def truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda f: (f / "config.json").unlink(),
            "holds no model: it has neither config.json nor adapter_config",
        ),
        (
            lambda f: (f / "config.json").write_text("{oops"),
            "path:broken cannot be loaded.*not a valid JSON file",
        ),
        (
            lambda f: (f / "config.json").write_text('{"model_type": "x"}'),
            "does not recognize this architecture",
        ),
        (lambda f: (f / "model.safetensors").unlink(), "no file named model.safetensors"),
        (
            lambda f: (f / "model.safetensors").write_bytes(b"no" * 99),
            "broken or incomplete: Error while deseria",
        ),
        (truncate, "broken or incomplete: Error while deserializing header"),
        (lambda f: (f / "tokenizer.json").write_text("{"), "The tokenizer of .*broken cannot be loaded"),
        (
            lambda f: (f / "adapter_config.json").write_text("{"),
            "adapter_config.json cannot be read: Expecting",
        ),
        (lambda f: (f / "adapter_config.json").write_text("{}"), "names no base model"),
    ],
)
def test_a_broken_folder_says_what_is_wrong(broken, damage, message):
    damage(broken)

    with pytest.raises(ModelError, match=message) as caught:
        load_weights(str(broken))
    assert "\n" not in str(caught.value)


def test_a_broken_adapter(adapter, tmp_path, tiny_folder):
    copied = Path(shutil.copytree(adapter, tmp_path / "copied"))
    (copied / "adapter_model.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match=r"The adapter .*copied cannot be loaded; its files are broken"):
        load_weights(str(copied))
    config = json.loads((copied / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "gone/"
    (copied / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"There is no model folder gone"):
        load_weights(str(copied))
    with pytest.raises(ModelError, match=r"holds no adapter: adapter_config.json is missing"):
        load_weights(str(tiny_folder), adapter=str(tiny_folder))
    with pytest.raises(ModelError, match=r"There is no adapter folder nowhere"):
        load_weights(str(tiny_folder), adapter="nowhere")
    with pytest.raises(ConfigurationError, match=r"is an adapter itself"):
        load_weights(str(adapter), adapter=str(adapter))


def test_names_that_lead_nowhere(tmp_path):
    file = tmp_path / "model.gguf"
    file.touch()
    with pytest.raises(
        ModelError, match=r"There is no model folder .*missing. Give a folder, a hub id such as"
    ):
        load_weights(str(tmp_path / "missing"))
    with pytest.raises(ModelError, match=r"model.gguf is a file; a model is a folder"):
        load_weights(str(file))
    with pytest.raises(
        ModelError, match=r"'org/name' is neither on this machine .* nor reachable on the hub"
    ):
        load_weights("org/name")
    with pytest.raises(ModelError, match=r"'short' at revision 'v1' is neither"):
        load_weights("hf:short", revision="v1")
    with pytest.raises(ModelError, match=r"adapter 'org/name' is neither a folder nor reachable on the hub"):
        loading._adapter_folder("org/name")


def test_devices_and_dtypes(tiny_folder):
    assert load_weights(str(tiny_folder), dtype="bfloat16", device="cpu").model.dtype == torch.bfloat16
    assert loading._dtype("auto", "cuda:1") == torch.bfloat16
    assert loading._dtype("auto", "mps") == torch.float16
    with pytest.raises(ConfigurationError, match=r"Unknown dtype 'float23'. Did you mean 'float32'"):
        load_weights(str(tiny_folder), dtype="float23", device="cpu")
    with pytest.raises(ConfigurationError, match=r"The device 'abacus' cannot be used"):
        load_weights(str(tiny_folder), device="abacus")


def test_spread_over_all_devices_scores_the_same(tiny_folder, tiny_weights, monkeypatch):
    import transformers

    asked = {}
    original = transformers.AutoModelForCausalLM.from_pretrained

    def remembering(*args, **kwargs):
        asked.update(kwargs)
        return original(*args, **kwargs)

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", remembering)
    spread = load_weights(str(tiny_folder), device="spread", dtype="float32")
    chat = [Chat((Message("user", "Tea or coffee?"),))]

    assert asked["device_map"] == "auto"
    scores = [
        TransformersModel(weights).score_options(chat, [["tea", "coffee"]])
        for weights in (spread, tiny_weights)
    ]
    assert scores[0][0].log_probs == pytest.approx(scores[1][0].log_probs, abs=1e-5)


def test_a_missing_extra_is_named(tiny_folder, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pluralign\[hf\]'"):
        load_weights(str(tiny_folder))
