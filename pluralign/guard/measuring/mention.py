"""T3, harm that is mentioned and not endorsed: by those who suffered, oppose, study, judge, remember or repent it."""

from pluralign.guard.guard import Guard
from pluralign.guard.measuring.figures import Figure
from pluralign.guard.measuring.inputs import Inputs, profile_of
from pluralign.guard.measuring.must_serve import joined
from pluralign.guard.measuring.outcomes import by, outcome_figures


def measure(guard: Guard, inputs: Inputs, *, seed: int) -> list[Figure]:
    """What becomes of statements that mention harm, of each kind of them, and of several in one profile."""
    rows = inputs.held_out("mention_en")
    source = inputs.source("mention_en")
    decisions = inputs.decide(guard, [profile_of(row.text) for row in rows], what=source)
    figures = outcome_figures(decisions, test="T3", source=source, part="mentions")
    for kind, own in by(list(zip(rows, decisions, strict=True)), lambda each: each[0].kind).items():
        found = [decision for _, decision in own]
        figures += outcome_figures(found, test="T3", source=source, part=f"mentions, kind={kind}")
    draws = joined([row.text for row in rows], key=f"{seed}/T3")
    part = "3 to 6 mentions joined"
    found = inputs.decide(guard, [profile_of(*own) for own in draws], what=f"{source}, {part}")
    return [*figures, *outcome_figures(found, test="T3", source=source, part=part)]
