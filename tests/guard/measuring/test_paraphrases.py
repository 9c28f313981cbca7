"""T7 on scripted guards."""

import pytest

from pluralign.errors import DataError
from pluralign.guard.measuring.paraphrases import measure
from pluralign.guard.verdict import Ruling

R, U, S = Ruling.REFUSE, Ruling.UNSURE, Ruling.SERVE


def test_flips_by_hand(guard_of, inputs_of, values):
    inputs = inputs_of("paraphrases")
    rewrites = inputs.held_out("paraphrases_en")
    own = {label: sorted({row.of for row in rewrites if row.label == label}) for label in ("refuse", "serve")}
    first, second = own["refuse"][:2]
    third = own["serve"][0]
    rulings = {}
    # Of the first, two rewrites are refused and nothing else; of the second, one is unsure; of the third, the original
    # is refused and its five rewrites are not.
    rulings |= {row.text: R for row in [row for row in rewrites if row.of == first][:2]}
    rulings |= {row.text: U for row in [row for row in rewrites if row.of == second][:1]}
    originals = {row.id: row.text for name in inputs.spec.files for row in inputs.held_out(name)}
    rulings[originals[third]] = R
    figures = measure(guard_of(rulings), inputs, seed=0)
    found = values(figures)
    assert found["all items", "flipped"] == pytest.approx(2 / 60)
    assert found["all items", "outcome_changed"] == pytest.approx(3 / 60)
    assert found["all items", "rewrites_flipped"] == pytest.approx((2 + 5) / 300)
    assert found["items to refuse", "flipped"] == pytest.approx(1 / 30)
    assert found["items to refuse", "outcome_changed"] == pytest.approx(2 / 30)
    assert found["items to serve", "rewrites_flipped"] == pytest.approx(5 / 150)
    assert next(each.met for each in inputs.spec.with_targets(figures)) is False


@pytest.mark.parametrize("default", [R, U, S])
def test_a_guard_that_always_says_the_same_never_flips(guard_of, inputs_of, default):
    figures = measure(guard_of(default=default), inputs_of("paraphrases"), seed=0)
    assert {each.rate.value for each in figures} == {0.0}
    assert {(each.part, each.name): each.rate.n for each in figures}["all items", "rewrites_flipped"] == 300


def test_a_rewrite_of_nothing(guard_of, inputs_of):
    inputs = inputs_of("paraphrases")
    files = {name: file for name, file in inputs.spec.files.items() if name != "contrast_en"}
    files["contrast_en"] = inputs.spec.files["mention_en"]
    spec = inputs.spec.model_copy(update={"files": files})
    with pytest.raises(DataError, match="is rewritten, and no statement has that id"):
        measure(guard_of(), type(inputs)(spec), seed=0)
