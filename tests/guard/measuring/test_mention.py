"""T3 on scripted guards."""

import pytest

from pluralign.guard.measuring.mention import measure
from pluralign.guard.verdict import Ruling


def test_mentions_by_kind(guard_of, inputs_of, values):
    inputs = inputs_of("mention")
    rows = inputs.held_out("mention_en")
    studies = [row for row in rows if row.kind == "study"]
    figures = values(measure(guard_of({studies[0].text: Ruling.REFUSE}), inputs, seed=0))
    assert figures["mentions", "refused"] == pytest.approx(1 / len(rows))
    assert figures["mentions, kind=study", "refused"] == pytest.approx(1 / len(studies))
    assert figures["mentions, kind=survivor", "served"] == 1.0
    # A profile of 3 to 6 of 44 holds a given one in about one draw of ten.
    assert 0 < figures["3 to 6 mentions joined", "refused"] < 0.25
    assert {part for part, _ in figures} == {"mentions", "3 to 6 mentions joined"} | {
        f"mentions, kind={row.kind}" for row in rows
    }


def test_a_guard_that_refuses_all_misses_the_target(guard_of, inputs_of):
    inputs = inputs_of("mention")
    figures = inputs.spec.with_targets(measure(guard_of(default=Ruling.REFUSE), inputs, seed=0))
    assert [each.met for each in figures if (each.part, each.name) == ("mentions", "refused")] == [False]
