"""A prompt with its options in one row, by hand; that it scores rightly is tested in test_option_scoring.py."""

import numpy as np
import pytest

from pluralign.models.token_tree import token_tree, tree_obstacle

# Prompt 7 8; options "1 2 9", "1 3 9", "1 9", "4 9": 9 ends them, and 1 stands there once.
TREE = token_tree([7, 8], [[1, 2, 9], [1, 3, 9], [1, 9], [4, 9]])


def test_what_options_share_is_read_once_and_what_ends_them_is_not_read():
    assert TREE.tokens == [7, 8, 1, 2, 3, 4]
    assert TREE.parents == (-1, 0, 1, 2, 2, 1)


def test_every_token_of_an_option_is_scored_after_the_one_before_it():
    assert TREE.steps == (
        ((1, 1), (2, 2), (3, 9)),
        ((1, 1), (2, 3), (4, 9)),
        ((1, 1), (2, 9)),
        ((1, 4), (5, 9)),
    )
    assert TREE.scored_places == {1, 2, 3, 4, 5}


def test_what_was_read_before_is_left_out():
    assert TREE.without(1) == token_tree([8], [[1, 2, 9], [1, 3, 9], [1, 9], [4, 9]])
    assert TREE.without(0) == TREE


def test_a_token_sees_its_own_branch_only():
    expected = [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]
    assert (TREE.visible() == np.array(expected, dtype=bool)).all()
    assert TREE.depths().tolist() == [0, 1, 2, 3, 3, 2]


@pytest.mark.parametrize(
    ("attention", "obstacle"),
    [("sdpa", None), ("eager", None), ("flash_attention_2", "its attention is 'flash_attention_2'")],
)
def test_attention_that_takes_no_mask_of_ours_is_an_obstacle(tiny_weights, monkeypatch, attention, obstacle):
    monkeypatch.setattr(tiny_weights.model.config, "_attn_implementation_internal", attention)
    assert tree_obstacle(tiny_weights.model) == obstacle


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_both_kinds_of_attention_score_alike(tiny_weights, ask, naive, monkeypatch, attention):
    from pluralign.models import TransformersModel

    monkeypatch.setattr(tiny_weights.model.config, "_attn_implementation_internal", attention)
    model = TransformersModel(tiny_weights)
    prompts = [ask("Flip a fair coin."), ask("?")]
    options = [["Heads.", "Heads or tails.", "Tails."], ["x"]]
    found = model.score_options(prompts, options)
    for scores, prompt, own in zip(found, prompts, options, strict=True):
        np.testing.assert_allclose(
            scores.log_probs, naive(model, prompt, own, "<|im_end|>"), rtol=0, atol=1e-4
        )
