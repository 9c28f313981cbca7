import numpy as np
import pytest

from pluralign.judges.features import DIRECTION, NEARNESS, encoded, read_pair
from pluralign.judges.polarity import parse


def text(words: str, vectors: dict[str, tuple[float, float]]):
    """A text whose content words have the given vectors of two dimensions, and whose own vector is (1, 0)."""
    parsed = parse(words)
    rows = [vectors.get(parsed.words[place].text, (0.0, 1.0)) for place in parsed.content]
    matrix = np.array(rows, dtype=np.float32).reshape(-1, 2)
    return encoded(words, parsed, vector=np.array([1, 0], dtype=np.float32), words=matrix)


def directions(premise: str, hypothesis: str) -> dict[str, float]:
    """Every word is its own direction: words are near where they are equal."""
    names = sorted({word.text for each in (premise, hypothesis) for word in parse(each).words})
    eye = np.eye(len(names), dtype=np.float32)

    def one(words: str):
        parsed = parse(words)
        rows = eye[[names.index(parsed.words[place].text) for place in parsed.content]]
        return encoded(words, parsed, vector=eye[0], words=rows)

    return dict(zip(DIRECTION, read_pair(one(premise), one(hypothesis))[1], strict=True))


def test_nearness_by_hand():
    """Cosines of "tax" and "fair" with "tax", "rise", "soon": 1, 0, .6 and 0, 1, .8."""
    vectors = {"tax": (1.0, 0.0), "rise": (0.0, 1.0), "soon": (0.6, 0.8), "fair": (0.0, 1.0)}
    nearness, _ = read_pair(text("Tax should rise soon", vectors), text("tax fair", vectors))
    found = dict(zip(NEARNESS, nearness, strict=True))
    assert found["cosine"] == 1
    assert found["words_covered_mean"] == 1
    assert found["words_covered_least"] == 1
    assert found["premise_words_covered_mean"] == pytest.approx((1 + 1 + 0.8) / 3)
    assert found["premise_asks"] == found["only_hypothesis_demands"] == 0
    back, _ = read_pair(text("tax", vectors), text("Tax should rise soon", vectors))
    found = dict(zip(NEARNESS, back, strict=True))
    assert found["words_covered_mean"] == pytest.approx((1 + 0 + 0.6) / 3)
    assert found["words_covered_least"] == 0
    assert found["only_hypothesis_takes_a_stand"] == found["demand_met_by_bare_statement"] == 1


@pytest.mark.parametrize(
    ("premise", "hypothesis", "same"),
    [
        ("Dogs belong outside.", "Dogs belong outside.", True),
        ("Dogs do not belong outside.", "Dogs belong outside.", False),
        ("Dogs don't belong outside.", "Dogs do not belong outside.", True),
        ("It is not true that dogs do not belong outside.", "Dogs belong outside.", True),
        ("Some wrongly say that dogs belong outside.", "Dogs belong outside.", False),
        ("Many say that dogs belong outside.", "Dogs belong outside.", True),
        ("Many say that dogs belong outside, but this is a myth.", "Dogs belong outside.", False),
        ("Dogs belong outside, while others reject that.", "Dogs belong outside.", True),
        ("Contrary to what nobody denies, dogs belong outside.", "Dogs belong outside.", True),
        ("The plan weakens families.", "The plan strengthens families.", False),
        ("Helmets should be voluntary.", "Helmets should be compulsory.", False),
        ("Killing animals is wrong.", "It is wrong to kill animals.", True),
    ],
)
def test_which_way(premise: str, hypothesis: str, same: bool):
    assert directions(premise, hypothesis)["all"] == (1 if same else -1)


def test_a_text_without_words_has_no_features():
    nothing = text("...", {})
    assert read_pair(nothing, text("tax", {})) == ([0.0] * len(NEARNESS), [0.0] * len(DIRECTION))
