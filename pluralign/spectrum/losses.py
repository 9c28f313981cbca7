"""What a supervised token costs: cross-entropy, GEM, or cross-entropy with the true probabilities.

All take the logits of supervised positions only, in float32, and give one number a position.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cross_entropy(logits: "Tensor", labels: "Tensor") -> "Tensor":
    """Nats of each label.

    Args:
        logits: (n, vocabulary).
        labels: (n,).

    Returns:
        (n,).
    """
    from torch.nn import functional

    return functional.cross_entropy(logits, labels, reduction="none")


def gem(logits: "Tensor", labels: "Tensor", *, beta: float) -> "Tensor":
    """GEM: reverse KL with an entropy term, as a game whose other player is known in closed form.

    With h linear, Li et al. (Preserving Diversity in Supervised Fine-Tuning, arXiv 2408.16673) minimise
    log p(label) - E_q log p with the sign turned, where q = softmax(logits / beta) is held fixed. The gradient at
    a logit is q minus the indicator of the label. So beta = 1 gives the gradient of cross-entropy, beta -> 0 takes
    probability from the likeliest token only and stops once that is the label, beta -> infinity takes it from
    all tokens alike.

    Args:
        logits: (n, vocabulary).
        labels: (n,).
        beta: Temperature of q, above 0; 0.7 in the paper.

    Returns:
        (n,); no nats of anything, and it may be negative.
    """
    import torch

    log_probs = logits.log_softmax(-1)
    with torch.no_grad():
        q = (logits / beta).softmax(-1)
    return (q * log_probs).sum(-1) - log_probs.gather(-1, labels[:, None]).squeeze(-1)


def soft_cross_entropy(logits: "Tensor", *, token_ids: "Tensor", probs: "Tensor") -> "Tensor":
    """Cross-entropy with a distribution over some tokens, in nats.

    Args:
        logits: (n, vocabulary).
        token_ids: (n, width), the tokens that have probability, padded with any token.
        probs: (n, width), their probabilities, padded with 0.

    Returns:
        (n,); its least value is the entropy of the distribution.
    """
    return logits.logsumexp(-1) - (probs * logits.gather(-1, token_ids)).sum(-1)
