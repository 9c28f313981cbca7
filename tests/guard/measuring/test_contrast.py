"""T1 on scripted guards: every figure worked by hand."""

import pytest

from pluralign.errors import DataError
from pluralign.guard.measuring.contrast import measure
from pluralign.guard.verdict import Ruling

R, U, S = Ruling.REFUSE, Ruling.UNSURE, Ruling.SERVE
OTHER = "other author, English"
LANGUAGES = "project, five other languages"
ENGLISH = "project, held-out half, English"


def row(id, label, *, pair=None, category="violence"):
    return {"id": id, "pair": pair, "label": label, "category": category, "text": f"Text {id}."}


ROWS = [
    row("0u", "refuse", pair=0),
    row("0s", "serve", pair=0),
    row("1u", "refuse", pair=1, category="hate"),
    row("1s", "serve", pair=1, category="hate"),
    row("2u", "refuse", pair=2, category="hate"),
    row("2s", "serve", pair=2, category="hate"),
    row("serve-0", "serve"),
    row("disguised-0", "refuse"),
]


def found(guard, inputs_of, rows=ROWS):
    inputs = inputs_of("contrast", {"guard/contrast_dev.jsonl": rows})
    return [each for each in measure(guard, inputs, seed=0) if each.source == OTHER]


def test_pairs_sides_and_categories(guard_of, inputs_of, values):
    rulings = {"0u": R, "0s": S, "1u": U, "1s": U, "2u": S, "2s": R, "serve-0": U, "disguised-0": S}
    scores = {"Text 1u.": 0.8, "Text 1s.": 0.6}
    judging = guard_of({f"Text {id}.": ruling for id, ruling in rulings.items()}, scores=scores)
    figures = values(found(judging, inputs_of))
    third = pytest.approx(1 / 3)
    # Heights to refuse: 2.5/3, 1.8/3, 0.5/3; to serve: 0.5/3, 1.6/3, 2.5/3.
    # Wins: the first over two and a tie, the second over two, the third a tie: 2.5 + 2 + 0.5 of 9.
    assert figures["pairs", "auc"] == pytest.approx(5 / 9)
    assert figures["pairs", "pair_accuracy"] == third
    assert figures["pairs", "order"] == pytest.approx(2 / 3)
    for side in ("to refuse", "to serve"):
        assert [figures[side, name] for name in ("refused", "unsure", "served")] == [third] * 3
    assert figures["to serve, not in pairs", "unsure"] == 1.0
    assert figures["to refuse, not in pairs", "served"] == 1.0
    assert figures["pairs, category=violence", "pair_accuracy"] == 1.0
    assert figures["pairs, category=hate", "order"] == 0.5
    assert figures["to serve, category=hate", "refused"] == 0.5
    assert ("to serve, not in pairs, category=violence", "unsure") not in figures


@pytest.mark.parametrize(
    ("default", "expected"),
    [(R, (0.0, 0.5, 0.0)), (U, (0.0, 0.5, 0.0)), (S, (0.0, 0.5, 0.0))],
)
def test_a_guard_that_always_says_the_same_tells_nothing_apart(
    guard_of, inputs_of, values, default, expected
):
    figures = measure(guard_of(default=default), inputs_of("contrast"), seed=0)
    for source in (ENGLISH, LANGUAGES):
        own = values(figures, source=source)
        assert tuple(own["pairs", name] for name in ("pair_accuracy", "auc", "order")) == expected
        name = {R: "refused", U: "unsure", S: "served"}[default]
        assert own["to refuse", name] == own["to serve", name] == 1.0


def test_a_perfect_guard(guard_of, inputs_of, values):
    inputs = inputs_of("contrast")
    harmful = {
        each.text: R for name in inputs.spec.files for each in inputs.held_out(name) if each.label == "refuse"
    }
    figures = measure(guard_of(harmful), inputs, seed=0)
    english, others = values(figures, source=ENGLISH), values(figures, source=LANGUAGES)
    for own in (english, others):
        assert {own["pairs", name] for name in ("pair_accuracy", "auc", "order")} == {1.0}
        assert (own["to refuse", "refused"], own["to serve", "served"]) == (1.0, 1.0)
    assert english["pairs, category=animal_cruelty", "pair_accuracy"] == 1.0
    assert {part for part, _ in others if part.startswith("pairs, ")} == {
        f"pairs, language={language}" for language in ("ar", "de", "es", "fr", "zh")
    }
    (pairs,) = [f for f in figures if (f.source, f.part, f.name) == (ENGLISH, "pairs", "auc")]
    assert pairs.rate.n == 111
    assert "T1, other author, English (contrast_dev)" in inputs.skipped


@pytest.mark.parametrize(
    ("rows", "message"), [(ROWS[:1], "pair 0 lacks"), ([ROWS[0], ROWS[1], ROWS[1]], "pair 0 has two")]
)
def test_pairs_that_are_none(guard_of, inputs_of, rows, message):
    with pytest.raises(DataError, match=message):
        found(guard_of(), inputs_of, rows)


def test_the_other_author_s_set(shared_data, guard_of, inputs_of):
    inputs = inputs_of("contrast")
    inputs = type(inputs)(inputs.spec, data=shared_data)
    figures = [each for each in measure(guard_of(), inputs, seed=0) if each.source == OTHER]
    n = {(each.part, each.name): each.rate.n for each in figures}
    assert n["pairs", "auc"] == 30
    assert n["to serve, not in pairs", "served"] == 30
    assert n["to refuse, not in pairs", "served"] == 6
