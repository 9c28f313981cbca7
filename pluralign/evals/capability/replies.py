"""From a reply to the result that it states; a reply without one has none."""

from dataclasses import dataclass
from decimal import Decimal

from pluralign.data.gsm8k import marked_number, numbers_in
from pluralign.records import Outcome, Response

EMPTY, TRUNCATED, NO_NUMBER = "empty", "truncated", "no number"


@dataclass(frozen=True)
class ReadResult:
    """The result that a reply states.

    Attributes:
        number: The result; None where there is none.
        is_marked: Whether it stands behind "####", as it was asked for.
        lost: Why there is none: "empty", "truncated", "no number"; None where there is one.
    """

    number: Decimal | None = None
    is_marked: bool = False
    lost: str | None = None


def read_result(response: Response) -> ReadResult:
    """The number behind the first "####", or else the last number of a reply that came to its end.

    The first mark counts, as a model that goes on writes problems of its own behind its answer. Of a reply that the
    token limit cut, only a marked number with more behind it counts: the last number of half a solution is a step.

    Args:
        response: The reply; not one of outcome `error`.
    """
    cut = response.outcome is Outcome.TRUNCATED
    number = marked_number(response.text, cut=cut)
    if number is not None:
        return ReadResult(number, is_marked=True)
    if cut:
        return ReadResult(lost=TRUNCATED)
    if not response.text.strip():
        return ReadResult(lost=EMPTY)
    numbers = numbers_in(response.text)
    return ReadResult(numbers[-1]) if numbers else ReadResult(lost=NO_NUMBER)
