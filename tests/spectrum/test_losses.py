import math

import pytest
import torch
from torch.nn import functional

from pluralign.spectrum.losses import cross_entropy, gem, soft_cross_entropy


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(3)
    return (2 * torch.randn(5, 7, generator=generator, dtype=torch.float64)).requires_grad_()


LABELS = torch.tensor([0, 3, 6, 2, 2])


def gradient(losses, logits):
    return torch.autograd.grad(losses.sum(), logits)[0]


def test_cross_entropy_is_the_nats_of_the_label(logits):
    expected = -logits.log_softmax(-1)[range(5), LABELS]
    torch.testing.assert_close(cross_entropy(logits, LABELS), expected)


def test_gem_by_hand():
    """Logits 0 and ln 3 are probabilities 1/4 and 3/4; with beta 1/2 q is 1/10 and 9/10."""
    loss = gem(torch.tensor([[0.0, math.log(3)]]), torch.tensor([0]), beta=0.5)
    expected = math.log(4) + 0.1 * math.log(1 / 4) + 0.9 * math.log(3 / 4)

    assert loss.item() == pytest.approx(expected, abs=1e-6)


def test_gem_with_beta_1_learns_as_cross_entropy_does(logits):
    """Its value is cross-entropy less the entropy of the model, which is held fixed in q."""
    probs = logits.softmax(-1)
    entropy = -(probs * probs.log()).sum(-1)

    torch.testing.assert_close(gem(logits, LABELS, beta=1.0), cross_entropy(logits, LABELS) - entropy)
    torch.testing.assert_close(
        gradient(gem(logits, LABELS, beta=1.0), logits), gradient(cross_entropy(logits, LABELS), logits)
    )


@pytest.mark.parametrize("beta", [0.3, 0.7, 2.0])
def test_the_gradient_of_gem_is_q_less_the_label(beta, logits):
    expected = (logits / beta).softmax(-1) - functional.one_hot(LABELS, 7)
    torch.testing.assert_close(gradient(gem(logits, LABELS, beta=beta), logits), expected)


def test_gem_at_its_limits(logits):
    """beta -> 0: from the likeliest token to the label, nothing where they are one; beta -> infinity: from all alike."""
    indicator = functional.one_hot(LABELS, 7)
    likeliest = functional.one_hot(logits.argmax(-1), 7)
    sharp = gradient(gem(logits, LABELS, beta=1e-4), logits)
    flat = gradient(gem(logits, LABELS, beta=1e9), logits)

    torch.testing.assert_close(sharp, (likeliest - indicator).double(), atol=1e-8, rtol=0)
    torch.testing.assert_close(flat, torch.full((5, 7), 1 / 7).double() - indicator, atol=1e-7, rtol=0)
    right = gem(logits, logits.argmax(-1), beta=1e-4)
    torch.testing.assert_close(gradient(right, logits), torch.zeros_like(logits), atol=1e-8, rtol=0)


def test_soft_targets_on_one_token_are_cross_entropy(logits):
    ids = torch.stack([LABELS, torch.zeros_like(LABELS)], dim=1)
    probs = torch.tensor([[1.0, 0.0]] * 5, dtype=torch.float64)

    torch.testing.assert_close(
        soft_cross_entropy(logits, token_ids=ids, probs=probs), cross_entropy(logits, LABELS)
    )


def test_soft_targets_are_least_at_the_distribution(logits):
    """There the loss is its entropy and the gradient is zero; the gradient is ever model less target."""
    ids = torch.arange(7).expand(5, 7)
    probs = torch.linspace(1, 7, 7).double().expand(5, 7) / 28
    right = probs.log().clone().requires_grad_()
    entropy = -(probs * probs.log()).sum(-1)

    torch.testing.assert_close(soft_cross_entropy(right, token_ids=ids, probs=probs), entropy)
    torch.testing.assert_close(
        gradient(soft_cross_entropy(right, token_ids=ids, probs=probs), right),
        torch.zeros(5, 7).double(),
        atol=1e-12,
        rtol=0,
    )
    torch.testing.assert_close(
        gradient(soft_cross_entropy(logits, token_ids=ids, probs=probs), logits), logits.softmax(-1) - probs
    )
