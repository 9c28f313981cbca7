import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.models.http.bounds import option_bounds
from pluralign.models.http.replies import Step


def step(token, **probs):
    listed = tuple((text.encode(), math.log(p)) for text, p in probs.items())
    return Step(token.encode(), math.log(probs[token]), listed)


def probs(values):
    return tuple(math.exp(value) for value in values)


def test_worked_by_hand():
    """Yes is drawn with 0.5 and ends with 0.8; No has 0.2, Ye 0.1, and 0.2 is not named."""
    steps = [step("Yes", Yes=0.5, No=0.2, Ye=0.1), step("<end>", **{"<end>": 0.8, "!": 0.1})]
    bounds = option_bounds(["Yes", "Yes!", "No", "Never", "No way"], steps, text="Yes", ended=True)

    # Yes: the path and its end; or the path, Ye + s, and whatever is not named.
    # Yes!: beyond Yes, 0.1 for "!" and 0.1 unnamed; the end of the turn is no part of it.
    assert probs(bounds.lower) == pytest.approx((0.4, 0, 0, 0, 0))
    assert probs(bounds.upper) == pytest.approx((
        0.5 + 0.1 + 0.2,
        0.1 + 0.2 + 0.5 * (0.1 + 0.1),
        0.2 + 0.2,
        0.2,
        0.2 + 0.2,
    ))


def test_a_missing_option_is_unknown_and_not_zero():
    bounds = option_bounds(["Maybe"], [step("Yes", Yes=0.6, No=0.3)], text="Yes", ended=True)
    assert bounds.lower == (-math.inf,)
    assert probs(bounds.upper) == pytest.approx((0.1,))


def test_an_end_that_is_not_listed_gives_no_lower_bound():
    bounds = option_bounds(["Yes"], [step("Yes", Yes=0.6)], text="Yes", ended=True)
    assert (probs(bounds.lower), probs(bounds.upper)) == ((0,), pytest.approx((1.0,)))
    longer = [step("Yes", Yes=0.6), step("!", **{"!": 0.5})]
    assert option_bounds(["Yes"], longer, text="Yes!", ended=True).lower == (-math.inf,)
    assert option_bounds(["Yes"], longer, text="Yes!", ended=False).lower == (-math.inf,)


def test_two_tokens_of_one_text_count_both():
    named = (b"A", math.log(0.3)), (b"A", math.log(0.2)), (b"B", math.log(0.4))
    bounds = option_bounds(["A", "B"], [Step(b"A", math.log(0.3), named)], text="A", ended=False)
    assert probs(bounds.upper) == pytest.approx((0.3 + 0.2 + 0.1, 0.4 + 0.1))


TOKENS = ["a", "b", "ab", "<end>"]


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 4), is_listed=st.booleans())
def test_bounds_hold_what_a_model_of_four_tokens_does(seed, k, is_listed):
    """The truth is the sum over all spellings of a text in tokens, enumerated."""
    tables = {}

    def table(context):
        if context not in tables:
            own = [seed, *(TOKENS.index(token) + 1 for token in context)]
            tables[context] = np.random.default_rng(own).dirichlet(np.full(4, 0.5))
        return tables[context]

    def truth(option):
        total = 0.0
        for n in range(1, len(option) + 1):
            for path in product(TOKENS[:3], repeat=n):
                if "".join(path) == option:
                    chance = math.prod(table(path[:i])[TOKENS.index(token)] for i, token in enumerate(path))
                    total += chance * table(path)[3]
        return total

    generator, path, steps, ended = np.random.default_rng(seed), [], [], False
    while len(path) < 4 and not ended:
        own = np.maximum(table(tuple(path)), 1e-300)
        drawn = int(generator.choice(4, p=own / own.sum()))
        top = tuple((TOKENS[i].encode(), math.log(own[i])) for i in np.argsort(-own)[:k])
        ended = TOKENS[drawn] == "<end>"
        if not ended or is_listed:
            steps.append(Step(TOKENS[drawn].encode(), math.log(own[drawn]), top))
        path += [] if ended else [TOKENS[drawn]]
    options = ["a", "b", "ab", "aab", "ba"]
    bounds = option_bounds(options, steps, text="".join(path), ended=ended)

    for option, lower, upper in zip(options, bounds.lower, bounds.upper, strict=True):
        assert math.exp(lower) <= truth(option) + 1e-9
        assert truth(option) <= math.exp(upper) + 1e-9
