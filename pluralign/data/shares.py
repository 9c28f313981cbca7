"""Shares as they are published: rounded, and at times not a distribution at all."""

import math
from collections.abc import Sequence

from pluralign.records import Finding, Severity
from pluralign.records.base import PROBABILITY_TOLERANCE

# Percentages rounded to whole numbers miss 100 by a point or so. What misses it by more was not rounded.
ROUNDING_TOLERANCE = 1e-2


def fault_in(values: object, *, n_options: int) -> tuple[str, str] | None:
    """Why values cannot be the shares of a question's options: name of the fault and detail, or None."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return "not_numbers", f"a list of {n_options} shares is needed, not {values!r}"
    if len(values) != n_options:
        return "wrong_length", f"{len(values)} shares for {n_options} options: {list(values)}"
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) != len(values) or not all(math.isfinite(number) and number >= 0 for number in numbers):
        return "not_numbers", f"shares are numbers from 0 to 1: {list(values)}"
    total = math.fsum(numbers)
    # The slack is for sums such as 0.33 + 0.33 + 0.33, which miss 1 by 0.01 and a little of binary rounding.
    if abs(total - 1) > ROUNDING_TOLERANCE + PROBABILITY_TOLERANCE:
        return "not_normalised", f"the shares sum to {total:.6g}: {list(values)}"
    return None


def normalised(values: Sequence[float]) -> tuple[float, ...]:
    """Shares without a fault, divided by their sum unless it is 1 within 1e-6."""
    total = math.fsum(values)
    if abs(total - 1) <= PROBABILITY_TOLERANCE:
        return tuple(map(float, values))
    return tuple(value / total for value in values)


def is_rounded(values: Sequence[float]) -> bool:
    """Whether `normalised` changes the values."""
    return abs(math.fsum(values) - 1) > PROBABILITY_TOLERANCE


def rounding_notes(n_items: int, *, what: str, where: str) -> tuple[Finding, ...]:
    """One note on all items whose shares were divided by a sum that rounding had left off 1; none for none."""
    if not n_items:
        return ()
    detail = f"{what}: they sum to 1 only within {ROUNDING_TOLERANCE:g} and were divided by their sum"
    return (
        Finding(fault="rounded_shares", severity=Severity.NOTE, detail=detail, where=where, n_items=n_items),
    )
