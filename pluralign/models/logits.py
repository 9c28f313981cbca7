"""Logits where they are wanted, and nowhere else: those of all places of a batch would fill the memory."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


def chosen_logits(
    model: "nn.Module", *, head: "nn.Module", choose: "Callable[[Tensor], Tensor]", inputs: dict[str, Any]
) -> "Tensor":
    """Run a model and project only chosen places onto the vocabulary.

    The output head is told to pass on those places only, so that whatever the model does to its logits
    (soft-capping, scaling) happens as ever.

    Args:
        model: A causal language model.
        head: Its output head, or a ModuleList of those of a mixture.
        choose: Maps (rows, places, ...) to the n chosen places, (n, ...).
        inputs: What the model is called with.

    Returns:
        Logits, (n, vocabulary).
    """
    from torch import nn

    selected = False

    def select(_module: "nn.Module", args: tuple[Any, ...]) -> tuple[Any, ...]:
        nonlocal selected
        selected = True
        return (choose(args[0]).unsqueeze(0), *args[1:])

    heads = head if isinstance(head, nn.ModuleList) else [head]
    handles = [each.register_forward_pre_hook(select) for each in heads]
    try:
        logits: Tensor = model(**inputs).logits
    finally:
        for handle in handles:
            handle.remove()
    # Some models multiply by the head's weight without calling the head; their logits come in full.
    return logits[0] if selected else choose(logits)


def log_normalisers(logits: "Tensor") -> "Tensor":
    """What is subtracted from float32 logits to make them log-probabilities, nats: one number a row."""
    # On a CPU torch's own float32 log_softmax is off by 1e-5 nats a token over a vocabulary of 49,000, always to
    # the same side, so that it adds up over an option; logsumexp keeps to 1e-6.
    return logits.logsumexp(-1, keepdim=True)
