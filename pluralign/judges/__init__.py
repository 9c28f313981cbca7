"""Judges of texts: whether one states another (`Entailment`). Importing this loads no model.

A judge is named by the caller: "embedded", "nli:<hub id or folder>", "model:<model name>".
"""

from collections.abc import Callable
from pathlib import Path

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.judges.entailment import Entailed, Entailment, Pair
from pluralign.registry import Registry

__all__ = ["JUDGES", "Entailed", "Entailment", "Pair", "load_entailment"]

# By what a judge's name begins with, up to the colon; each takes what stands behind it, and a device.
JUDGES: Registry[Callable[[str, str], Entailment]] = Registry(
    "judge",
    {
        "embedded": "pluralign.judges.loading:load_embedded",
        "nli": "pluralign.judges.loading:load_nli",
        "model": "pluralign.judges.loading:load_prompted",
    },
)
_NAMED = {"embedded": "", "nli": "<hub id or folder>", "model": "<model name>"}


def load_entailment(name: str, *, device: str = "auto", cache: Path | None = None) -> Entailment:
    """Load a judge by its name.

    Args:
        name: "embedded", "nli:<hub id or folder>" (an NLI cross-encoder), or "model:<model name>" (a prompted language
            model, named as in `load_model`). There is no default: nothing is judged by the model under test because
            nobody said otherwise.
        device: "auto" (CUDA, else MPS, else CPU) or a torch device.
        cache: JSONL file in which verdicts are kept; None keeps none.

    Raises:
        ConfigurationError: The name is none of these.
        ModelError: The judge's weights cannot be loaded.
        MissingExtraError: An optional dependency is not installed.
    """
    prefix, _, rest = name.partition(":")
    ways = [f"{way}:{what}" if what else way for way, what in sorted(_NAMED.items())]
    if prefix not in JUDGES:
        raise ConfigurationError(
            f"Unknown judge {name!r}.{did_you_mean(prefix, JUDGES)} Judges are named {', '.join(ways)}."
        )
    wanted = _NAMED.get(prefix)
    if wanted and not rest:
        raise ConfigurationError(f"The judge {name!r} is not complete: it is named {prefix}:{wanted}.")
    if wanted == "" and rest:
        raise ConfigurationError(
            f"The judge {prefix!r} takes nothing behind its name, and {name!r} has {rest!r}."
        )
    judge = JUDGES.get(prefix)(rest, device)
    if cache is None:
        return judge
    from pluralign.judges.kept import KeptEntailment

    return KeptEntailment(judge, cache)
