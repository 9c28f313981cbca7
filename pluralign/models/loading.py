"""Weights and tokenizer from the embedded model, a model hub or a folder, with or without a PEFT adapter."""

import contextlib
import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.errors import ConfigurationError, ModelError, did_you_mean, require
from pluralign.models import embedded
from pluralign.models.protocol import HUB_ID

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# A device that is all of them: accelerate lays the layers out.
SPREAD = "spread"

_ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_FILES = ["adapter_*", "tokenizer*", "*.jinja", "special_tokens_map.json", "added_tokens.json"]
# Saved beside the weights, but hashed elsewhere (tokenizer) or of no weight for the scores.
_NOT_WEIGHTS = {"tokenizer_config.json", "generation_config.json", "training_args.bin", "optimizer.bin"}
# A weight file is identified by its header, its size and this many blocks of 64 KiB spread over it: enough to
# tell two trainings of one architecture apart, without reading many gigabytes at every start.
_N_BLOCKS, _BLOCK_BYTES = 64, 65536


@dataclass(frozen=True)
class LoadedWeights:
    """A model in memory.

    Attributes:
        model: The causal language model, in evaluation mode, on its device.
        tokenizer: Its tokenizer, with the adapter's chat template where the adapter brings one.
        source_id: Model and adapter with their revisions or hashes.
        hashes: "weights" and, where there is one, "adapter": what identifies the parameters.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    source_id: str
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Source:
    """Where a model lies: what from_pretrained takes, how ids name it, and what is known of its weights.

    `digest` identifies the weights where that is known without reading them; `commit` pins a hub model.
    """

    where: str
    label: str
    digest: str | None = None
    commit: str | None = None


def load_weights(
    name: str,
    *,
    revision: str | None = None,
    adapter: str | None = None,
    dtype: str = "auto",
    device: str = "auto",
    progress: bool = False,
) -> LoadedWeights:
    """Load a causal language model and its tokenizer.

    Args:
        name: "embedded", a hub id ("org/name", or "hf:name"), or a folder. A folder that holds a PEFT
            adapter is loaded as that adapter on the base model it names.
        revision: Hub revision of the model.
        adapter: Folder or hub id of a PEFT adapter to put on the model.
        dtype: "auto" (bfloat16 on CUDA, float16 on MPS, float32 on CPU), "float32", "bfloat16", "float16".
        device: "auto" (CUDA, else MPS, else CPU), a torch device, or "spread": layers over all cards, and what they
            cannot hold in main memory, for models larger than one card.
        progress: Show the libraries' progress bars on stderr.

    Raises:
        ModelError: There is no such model, or it is broken; says where and why.
        ConfigurationError: Unknown dtype or device, or two adapters at once.
        MissingExtraError: torch, transformers or peft is not installed.
    """
    transformers = require("transformers", extra="hf")
    spread = device == SPREAD
    target = resolve_device("auto" if spread else device)
    precision = _dtype(dtype, target)
    placed = {}
    if spread:
        require("accelerate", extra="train")
        placed = {"device_map": "auto"}
    if (Path(name) / _ADAPTER_CONFIG).is_file():
        if adapter is not None:
            raise ConfigurationError(f"{name} is an adapter itself, so {adapter} cannot be put on it too.")
        adapter, name = name, _base_of(Path(name))
    with progress_bars(progress):
        source = _find(name, revision=revision, progress=progress)
        addition = None if adapter is None else _adapter_folder(adapter)
        with naming_broken_files(source.label):
            model = transformers.AutoModelForCausalLM.from_pretrained(
                source.where, revision=source.commit, dtype=precision, **placed
            )
        hashes = {"weights": source.digest or _folder_hash(Path(source.where))}
        source_id = f"{source.label}@{hashes['weights'][:12]}"
        if addition is not None:
            model = _with_adapter(model, addition)
            hashes["adapter"] = _folder_hash(addition)
            source_id += f"+{addition.name}@{hashes['adapter'][:12]}"
        tokenizer = _load_tokenizer(source, addition)
    if not spread:
        model = model.to(target)
    return LoadedWeights(model=model.eval(), tokenizer=tokenizer, source_id=source_id, hashes=hashes)


def load_tokenizer(name: str, *, revision: str | None = None) -> "PreTrainedTokenizerBase":
    """Load the tokenizer of a model without its weights; names as in `load_weights`.

    Raises:
        ModelError: There is no such model, or its tokenizer is broken.
        MissingExtraError: transformers is not installed.
    """
    require("transformers", extra="hf")
    folder = Path(name)
    if (folder / _ADAPTER_CONFIG).is_file():
        return _load_tokenizer(_find(_base_of(folder), revision=revision, progress=False), folder)
    return _load_tokenizer(_find(name, revision=revision, progress=False), None)


def _find(name: str, *, revision: str | None, progress: bool) -> _Source:
    """Where the model of a name lies; hub ids are pinned to the commit that their revision names now."""
    if name == "embedded" or embedded.is_embedded_folder(name):
        folder = embedded.embedded_folder(progress=progress)
        return _Source(str(folder), label=embedded.LABEL, digest=embedded.GGUF_SHA256)
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(
                f"The folder {path} holds no model: it has neither config.json nor {_ADAPTER_CONFIG}."
            )
        return _Source(str(path), label=f"path:{path.resolve().name}")
    if path.is_file():
        raise ModelError(f"{path} is a file; a model is a folder with config.json, weights and tokenizer.")
    hub_id = name.removeprefix("hf:")
    if hub_id == name and not HUB_ID.fullmatch(name):
        raise ModelError(
            f"There is no model folder {path}. Give a folder, a hub id such as 'org/name', or 'embedded'."
        )
    from transformers.utils import cached_file

    try:
        config = cached_file(hub_id, "config.json", revision=revision)
    except (OSError, ValueError) as error:
        at = f" at revision {revision!r}" if revision else ""
        raise ModelError(
            f"The model {hub_id!r}{at} is neither on this machine (there is no folder {path}, and it is not in "
            f"the Hugging Face cache) nor reachable on the hub: {first_line(error)}"
        ) from error
    commit = Path(config).parent.name
    return _Source(hub_id, label=f"hf:{hub_id}", digest=commit, commit=commit)


def _base_of(adapter: Path) -> str:
    """The base model that an adapter folder names."""
    path = adapter / _ADAPTER_CONFIG
    try:
        base = json.loads(path.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {first_line(error)}") from error
    if not base:
        raise ModelError(f"{path} names no base model: 'base_model_name_or_path' is missing or empty.")
    return str(base)


def _adapter_folder(adapter: str) -> Path:
    path = Path(adapter).expanduser()
    if path.is_dir():
        if not (path / _ADAPTER_CONFIG).is_file():
            raise ModelError(f"The folder {path} holds no adapter: {_ADAPTER_CONFIG} is missing.")
        return path
    if not HUB_ID.fullmatch(adapter):
        raise ModelError(f"There is no adapter folder {path}.")
    hub = require("huggingface_hub", extra="hf")
    try:
        return Path(hub.snapshot_download(adapter, allow_patterns=_ADAPTER_FILES))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The adapter {adapter!r} is neither a folder nor reachable on the hub: {first_line(error)}"
        ) from error


def _with_adapter(model: "PreTrainedModel", folder: Path) -> "PreTrainedModel":
    peft = require("peft", extra="train")
    with naming_broken_files(f"adapter {folder}"), warnings.catch_warnings():
        # peft's own use of names that transformers has since renamed.
        warnings.simplefilter("ignore", FutureWarning)
        adapted: PreTrainedModel = peft.PeftModel.from_pretrained(model, str(folder))
    return adapted


def _load_tokenizer(source: _Source, adapter: Path | None) -> "PreTrainedTokenizerBase":
    """The tokenizer: the one saved with the adapter, which may hold a chat template of its own, else the model's."""
    from transformers import AutoTokenizer

    own = adapter is not None and (adapter / "tokenizer_config.json").is_file()
    where, commit = (str(adapter), None) if own else (source.where, source.commit)
    with naming_broken_files(f"tokenizer of {where}"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(where, revision=commit)
    return tokenizer


@contextlib.contextmanager
def naming_broken_files(what: str) -> Iterator[None]:
    """Turn what the libraries raise over files that are missing, cut off or malformed into a ModelError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"The {what} cannot be loaded; its files are broken or incomplete: {first_line(error)}"
        ) from error


def first_line(error: Exception) -> str:
    """The first line of what a library says, or the kind of its error where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _folder_hash(folder: Path) -> str:
    """sha256 that identifies the configuration and the weights in a folder."""
    digest = hashlib.sha256()
    files = [*folder.glob("*config.json"), *folder.glob("*.safetensors"), *folder.glob("*.bin")]
    for path in sorted(files):
        if path.name in _NOT_WEIGHTS:
            continue
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            for start in range(0, size, max(size // _N_BLOCKS, _BLOCK_BYTES)):
                file.seek(start)
                digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()


def resolve_device(name: str) -> str:
    """The torch device of a name; "auto" takes CUDA, else MPS, else the CPU.

    Raises:
        ConfigurationError: There is no such device here.
    """
    torch = require("torch", extra="hf")
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError(f"The device {name!r} cannot be used: {first_line(error)}") from error
    return name


def _dtype(name: str, device: str) -> Any:
    torch = require("torch", extra="hf")
    automatic = {"cuda": torch.bfloat16, "mps": torch.float16}.get(device.partition(":")[0], torch.float32)
    known = {
        "auto": automatic,
        "float32": torch.float32,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
    }
    if name not in known:
        raise ConfigurationError(f"Unknown dtype {name!r}.{did_you_mean(name, known)}")
    return known[name]


@contextlib.contextmanager
def progress_bars(shown: bool) -> Iterator[None]:
    """Show or hide transformers' own progress bars, and put the switch back afterwards."""
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled()
    switch = {True: logging.enable_progress_bar, False: logging.disable_progress_bar}
    switch[shown]()
    try:
        yield
    finally:
        switch[before]()
