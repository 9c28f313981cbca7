"""Prompts with their options in one row, by hand; that they score rightly is tested in test_option_scoring.py."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.models.token_tree import OptionTokens, token_tree, tree_obstacle

# Prompt 7 8; options "1 2 9", "1 3 9", "1 9", "4 9": 9 ends them, and 1 stands there once.
OPTIONS = ([1, 2, 9], [1, 3, 9], [1, 9], [4, 9])
TREE = token_tree([OptionTokens([7, 8], OPTIONS)])

# The second prompt goes on the first one and its option "1 2 9"; the third parts from it behind 7.
NESTED = token_tree([
    OptionTokens([7, 8], ([1, 2, 9], [3, 9])),
    OptionTokens([7, 8, 1, 2, 9, 5], ([1, 9], [3, 9])),
    OptionTokens([7, 6], ([1, 9],)),
])

tokens = st.lists(st.integers(0, 2), min_size=1, max_size=6)
prompts = st.lists(
    st.builds(OptionTokens, tokens, st.lists(tokens, min_size=1, max_size=3).map(tuple)),
    min_size=1,
    max_size=5,
)


def test_what_options_share_is_read_once_and_what_ends_them_is_not_read():
    assert TREE.tokens == [7, 8, 1, 2, 3, 4]
    assert TREE.parents == (-1, 0, 1, 2, 2, 1)


def test_every_token_of_an_option_is_scored_after_the_one_before_it():
    assert TREE.steps == (
        (
            ((1, 1), (2, 2), (3, 9)),
            ((1, 1), (2, 3), (4, 9)),
            ((1, 1), (2, 9)),
            ((1, 4), (5, 9)),
        ),
    )
    assert TREE.scored_places == {1, 2, 3, 4, 5}


def test_a_token_sees_its_own_branch_only():
    expected = [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]
    everything = np.arange(6)
    assert (TREE.visible(everything, everything) == np.array(expected, dtype=bool)).all()
    assert TREE.depths.tolist() == [0, 1, 2, 3, 3, 2]


def test_a_prompt_that_goes_on_another_costs_what_it_adds():
    """The longer prompt with its options is 7 8 1 2 9 5, then 1 or 3; 3 after 7 8, and 6 then 1, are branches."""
    assert NESTED.tokens == [7, 8, 1, 2, 9, 5, 1, 3, 3, 6, 1]
    assert NESTED.parents == (-1, 0, 1, 2, 3, 4, 5, 5, 1, 0, 9)
    assert NESTED.steps == (
        (((1, 1), (2, 2), (3, 9)), ((1, 3), (8, 9))),
        (((5, 1), (6, 9)), ((5, 3), (7, 9))),
        (((9, 1), (10, 9)),),
    )


def test_the_trunk_is_the_longest_prompt_where_one_goes_on_another():
    assert NESTED.trunk == 5
    assert NESTED.trunk_tokens == [7, 8, 1, 2, 9, 5]
    assert (TREE.trunk, TREE.trunk_tokens) == (None, [])
    assert token_tree([OptionTokens([7, 8], OPTIONS), OptionTokens([7, 6], OPTIONS)]).trunk is None


@given(prompts)
def test_every_prompt_and_option_stands_in_the_tree_once(items):
    tree = token_tree(items)
    beginnings = {
        tuple(path[:n])
        for item in items
        for option in item.options
        for path in [[*item.context, *option[:-1]]]
        for n in range(1, len(path) + 1)
    }

    assert len(tree.tokens) == len(beginnings)
    for item, steps in zip(items, tree.steps, strict=True):
        for option, own in zip(item.options, steps, strict=True):
            for n, (place, token) in enumerate(own):
                before = [tree.tokens[at] for at in tree.path(place)]
                assert (before, token) == ([*item.context, *option[:n]], option[n])
                assert tree.depths[place] == len(before) - 1


@given(prompts)
def test_a_place_sees_the_way_to_it_and_nothing_else(items):
    tree = token_tree(items)
    everything = np.arange(len(tree.tokens))

    for place, seen in enumerate(tree.visible(everything, everything)):
        assert np.flatnonzero(seen).tolist() == tree.path(place)


@given(prompts, st.integers(1, 5), st.integers(1, 4))
def test_parts_hold_every_place_once_and_go_on_from_what_was_open(items, max_tokens, max_scored):
    tree = token_tree(items)
    parts = list(tree.parts(max_tokens=max_tokens, max_scored=max_scored))

    assert [place for part in parts for place in part] == list(range(len(tree.tokens)))
    for part in parts:
        assert 0 < len(part) <= max_tokens
        assert sum(place in tree.scored_places for place in part) <= max_scored
        open_ = tree.path(tree.parents[part.start])
        for place in part:
            assert set(tree.path(place)) <= {*open_, *part}


def test_what_was_read_before_is_left_out():
    assert astuple(OptionTokens([7, 8], OPTIONS).behind(1)) == ([8], OPTIONS)


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
