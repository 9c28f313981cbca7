"""Results that replies state, and why there is none."""

from decimal import Decimal

import pytest

from pluralign.evals.capability import read_result


@pytest.mark.parametrize(
    ("text", "number", "is_marked", "lost"),
    [
        ("Steps 3.\n#### 18", 18, True, None),
        ("#### 1,018.50 dollars", "1018.5", True, None),
        ("#### 18\n\nQuestion: 4?\n#### 5", 18, True, None),
        ("So she pays $18.", 18, False, None),
        ("#### eighteen, that is 18", 18, False, None),
        ("I cannot say.", None, False, "no number"),
        (" ", None, False, "empty"),
        ("First 3 * 6 = 18|", None, False, "truncated"),
        ("3 * 6 = 18\n#### 1|", None, False, "truncated"),
        ("3 * 6 = 18\n#### 18\nand then|", 18, True, None),
    ],
)
def test_results(response, text, number, is_marked, lost):
    found = read_result(response("a", text))
    assert found.number == (None if number is None else Decimal(number))
    assert (found.is_marked, found.lost) == (is_marked, lost)
