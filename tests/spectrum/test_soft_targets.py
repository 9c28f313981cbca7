import math

import pytest
import torch

from pluralign.errors import ConfigurationError, DataError
from pluralign.spectrum.ablations import with_loss_on
from pluralign.spectrum.batches import Batches
from pluralign.spectrum.checks import check_rows
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.losses import cross_entropy, soft_cross_entropy
from pluralign.spectrum.monitor import TokenGroups
from pluralign.spectrum.recipe import TrainingRecipe, build_sequences
from pluralign.spectrum.soft_targets import next_token_trie, with_soft_targets
from pluralign.spectrum.tasks import builtin_task


def test_the_trie_by_hand():
    """Options ab. 1/2, a. 1/8, b. 3/8 and one that never comes; 9 ends a turn."""
    trie = next_token_trie([((1, 2, 9), 0.5), ((1, 9), 0.125), ((2, 9), 0.375), ((7, 9), 0.0)])

    assert trie == {
        (): {1: 0.625, 2: 0.375},
        (1,): {2: 0.8, 9: 0.2},
        (1, 2): {9: 1.0},
        (2,): {9: 1.0},
    }


def test_expected_soft_and_hard_losses_are_the_same():
    """Over draws from the process, for any model: here one with random logits after each beginning."""
    options = [((1, 2, 9), 0.3), ((1, 3, 9), 0.25), ((1, 2, 4, 9), 0.2), ((5, 9), 0.25)]
    trie = next_token_trie(options)
    generator = torch.Generator().manual_seed(0)
    logits = {beginning: torch.randn(1, 10, generator=generator) for beginning in trie}
    hard = soft = 0.0
    for tokens, prob in options:
        for place, token in enumerate(tokens):
            at = logits[tokens[:place]]
            children = trie[tokens[:place]]
            hard += prob * cross_entropy(at, torch.tensor([token])).item()
            ids, probs = torch.tensor([list(children)]), torch.tensor([list(children.values())])
            soft += prob * soft_cross_entropy(at, token_ids=ids, probs=probs).item()

    assert hard == pytest.approx(soft, rel=1e-6)


def known(*outputs, distribution=(("heads", 0.25), ("tails", 0.75)), description="Coin"):
    return SpectrumSequence(
        description=description,
        examples=tuple(Example(output=output) for output in outputs),
        task="coin",
        distribution=distribution,
    )


def test_a_row_carries_the_targets_of_its_labels(tokenizer):
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    sequence = known("heads", "tails")
    row = spectrum.encode(sequence, max_length=1000)
    soft = with_soft_targets(row, sequence=sequence, spectrum=spectrum)
    supervised = [place for place, label in enumerate(row.labels) if label != -100]
    nats = 0.0
    for place in supervised:
        tokens, probs = soft.targets[place]
        assert sum(probs) == pytest.approx(1)
        nats -= math.log(probs[tokens.index(row.labels[place])])

    assert list(soft.targets) == supervised
    # The probabilities along an output multiply to its own.
    assert nats == pytest.approx(-math.log(0.25) - math.log(0.75))
    last = with_soft_targets(with_loss_on(row, "last_output"), sequence=sequence, spectrum=spectrum)
    assert list(last.targets) == list(range(*row.outputs[1]))


def test_targets_lie_in_the_batch_where_the_labels_do(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    sequences = [known("heads", "tails", "tails"), known("tails", description=None), known("tails")]
    rows = check_rows(sequences, spectrum=spectrum, max_length=1000, soft_targets=True).rows
    for packing in (None, 64):
        batch = Batches(rows, groups=TokenGroups(["coin"]), packing=packing).batch(rows)
        supervised = batch["labels"] != -100
        has_label = batch["target_ids"] == batch["labels"][..., None]

        assert torch.equal(batch["target_probs"].sum(-1) > 0.999, supervised)
        assert bool((batch["target_probs"] * has_label).sum(-1)[supervised].gt(0).all())


def test_what_is_not_known_is_refused(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    with pytest.raises(ConfigurationError, match=r"soft_targets needs the true distribution.*task 'coin'"):
        check_rows([known("heads", distribution=None)], spectrum=spectrum, max_length=100, soft_targets=True)
    with pytest.raises(DataError, match="none of those its distribution names"):
        check_rows([known("edge")], spectrum=spectrum, max_length=100, soft_targets=True)


def test_rows_of_known_processes_are_the_rows_of_any_other_loss():
    plain = TrainingRecipe(tasks={"categorical": 20, "dice": 10}, mean_examples=4)
    rows = build_sequences(plain.model_copy(update={"loss": "soft_targets"}))

    assert [row.model_copy(update={"distribution": None}) for row in rows] == build_sequences(plain)
    for row in rows:
        assert sum(prob for _, prob in row.distribution) == pytest.approx(1)
        assert {example.output for example in row.examples} <= {output for output, _ in row.distribution}
    assert dict(rows[0].distribution) == dict(builtin_task("categorical").process(0, seed=0).distribution)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"surveys": {"anes96": {"n_rows": 3}}}, "surveys: loss 'soft_targets' needs processes known"),
        ({"built": ["suite"]}, "built: loss 'soft_targets' needs processes known"),
        ({"tasks": {"dice": 3}, "loss_on": "all_tokens"}, "loss_on: descriptions have no true probabilities"),
    ],
)
def test_recipes_that_soft_targets_cannot_serve(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainingRecipe.model_validate({"loss": "soft_targets", **fields})


def test_a_task_without_closed_form_is_named(chatml):
    rows = build_sequences(TrainingRecipe(tasks={"poisson": 3}, loss="soft_targets"))
    with pytest.raises(ConfigurationError, match=r"task 'poisson' is not known in closed form"):
        check_rows(rows, spectrum=SpectrumFormat.from_tokenizer(chatml), max_length=500, soft_targets=True)
