"""Judges from what stands behind the colon of their names; see `load_entailment`."""

from pluralign.judges.entailment import Entailment


def load_embedded(_: str, device: str) -> Entailment:
    """The embedded judge: all-MiniLM-L6-v2 and a head of a few numbers."""
    from pluralign.judges.embedded import load_embedded_entailment

    return load_embedded_entailment(device=device)


def load_nli(name: str, device: str) -> Entailment:
    """An NLI cross-encoder from the hub or a folder."""
    from pluralign.judges.cross_encoder import load_cross_encoder

    return load_cross_encoder(name, device=device)


def load_prompted(name: str, device: str) -> Entailment:
    """A prompted language model."""
    from pluralign.judges.prompted import PromptedEntailment
    from pluralign.models import load_model

    return PromptedEntailment(load_model(name, device=device))
