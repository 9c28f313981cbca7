"""What the numbers say, in words: from intervals, and where these leave it open, that it is open."""

from enum import StrEnum

from pluralign.metrics import PairedDifference
from pluralign.records import Estimate, Interval

# The predicted differences are as large as the people's to within a quarter.
FAITHFUL_WITHIN = 0.25
# Differences below a tenth of the people's are none to speak of, whatever many questions show of their sign.
IGNORED_BELOW = 0.1
# Answers with less than half of the people's entropy are a handful of opinions.
COLLAPSED_BELOW = 0.5


class Size(StrEnum):
    """How large predicted differences between groups are beside the real ones."""

    REVERSED = "reversed"
    IGNORED = "ignored"
    FLATTENED = "flattened"
    FAITHFUL = "faithful"
    CARICATURE = "caricature"
    OPEN = "open"


class Width(StrEnum):
    """How spread out answers are beside the people's."""

    COLLAPSED = "collapsed"
    NARROWER = "narrower"
    AS_WIDE = "as wide"
    WIDER = "wider"
    OPEN = "open"


def size_of(slope: Interval, *, lowest: float = 1.0) -> Size:
    """What an interval of a contrast slope says.

    Args:
        slope: The interval.
        lowest: Slope that a perfect model has: 1 where sampling noise is taken out, else what one half of the people
            reaches against the other.
    """
    if slope.low > -IGNORED_BELOW and slope.high < IGNORED_BELOW:
        return Size.IGNORED
    if slope.high < 0:
        return Size.REVERSED
    if lowest - FAITHFUL_WITHIN <= slope.low and slope.high <= 1 + FAITHFUL_WITHIN:
        return Size.FAITHFUL
    if slope.low > 1:
        return Size.CARICATURE
    if slope.high < lowest:
        return Size.FLATTENED if slope.low > 0 else Size.IGNORED
    return Size.OPEN


def width_of(ratio: Interval) -> Width:
    """What an interval of the entropy ratio says."""
    if ratio.high < COLLAPSED_BELOW:
        return Width.COLLAPSED
    if ratio.low > 1:
        return Width.WIDER
    if ratio.high < 1:
        return Width.NARROWER if ratio.low >= COLLAPSED_BELOW else Width.OPEN
    return Width.AS_WIDE if ratio.low >= COLLAPSED_BELOW else Width.OPEN


def read_identification(rate: Estimate) -> str:
    """Whether groups are told apart."""
    if rate.value is None or rate.interval is None:
        return f"Whether the groups are told apart cannot be said: {rate.reason or 'too few questions'}."
    where = f"an answer is nearer to its own group than to the other in {_shown(rate)} of comparisons, and chance is 0.5"
    ceiling = "" if rate.ceiling is None else f"; one half of the people reaches {rate.ceiling:.2f}"
    if rate.interval.low > 0.5:
        return f"The groups are told apart: {where}{ceiling}."
    if rate.interval.high < 0.5:
        return f"The groups are mistaken for each other: {where}{ceiling}."
    return f"The groups are not told apart: {where}{ceiling}."


_SIZES = {
    Size.REVERSED: "Differences between groups are reversed",
    Size.IGNORED: "The group is ignored",
    Size.FLATTENED: "Differences between groups are flattened",
    Size.FAITHFUL: "Differences between groups are faithful, to within a quarter",
    Size.CARICATURE: "Differences between groups are caricatured",
    Size.OPEN: "How large the differences between groups are is open",
}


def read_size(slope: Estimate, *, corrected: Estimate | None) -> str:
    """How large differences are: by the corrected slope where there is one.

    Args:
        slope: The contrast slope.
        corrected: The corrected one; None where the number of people is not known.
    """
    if corrected is not None and corrected.interval is None and slope.interval is not None:
        return (
            "There is next to nothing to steer towards: the people's groups differ by hardly more than sampling noise, "
            "so that a model that follows them cannot be told from one that ignores them."
        )
    best = slope if corrected is None else corrected
    if best.value is None or best.interval is None:
        return f"How large the differences between groups are cannot be said: {best.reason or 'too few questions'}."
    lowest = 1.0 if corrected is not None or slope.ceiling is None else min(1.0, slope.ceiling)
    right = "1 is right" if lowest == 1 else f"{lowest:.2f} to 1 is right"
    size = size_of(best.interval, lowest=lowest)
    return (
        f"{_SIZES[size]}: the model's differences between groups are {_shown(best)} times the people's ({right}, "
        "0 ignores the group)."
    )


_WIDTHS = {
    Width.COLLAPSED: "Opinions collapse",
    Width.NARROWER: "Answers are narrower than the people's",
    Width.AS_WIDE: "Opinions do not collapse",
    Width.WIDER: "Answers are more spread out than the people's",
    Width.OPEN: "Whether opinions collapse is open",
}


def read_width(ratio: Estimate) -> str | None:
    """Whether opinions collapse; None where the people's answers have no entropy, as those of single persons."""
    if ratio.value is None or ratio.interval is None:
        return None
    return f"{_WIDTHS[width_of(ratio.interval)]}: they hold {_shown(ratio)} of the people's entropy."


def read_gain(gain: Estimate) -> str | None:
    """Whether steering helps; None where nothing unsteered was asked."""
    if gain.value is None or gain.interval is None:
        return None
    if gain.interval.high < 0:
        farther = f"{-gain.value:.2f} [{-gain.interval.high:.2f}, {-gain.interval.low:.2f}]"
        return f"Steering harms: the steered model is farther from the groups than the unsteered one, by {farther}."
    nearer = f"the steered model is nearer to the groups than the unsteered one by {_shown(gain)}"
    return (
        f"Steering helps: {nearer}."
        if gain.interval.low > 0
        else f"No gain from steering is shown: {nearer}."
    )


def read_group_blind(difference: PairedDifference | None) -> str | None:
    """Whether the model beats the mean answer of the other groups; None where there is no such mean.

    Args:
        difference: Own distance of the model less that of the predictor.
    """
    if difference is None:
        return None
    beaten = "the mean answer of the other groups, which ignores the group,"
    by = f"{abs(difference.difference):.3f} [{{:.3f}}, {{:.3f}}]"
    if difference.low > 0:
        return f"{beaten[0].upper()}{beaten[1:]} is nearer to the group than the model, by " + (
            by.format(difference.low, difference.high) + "."
        )
    if difference.high < 0:
        return f"The model is nearer to the group than {beaten} by " + (
            by.format(-difference.high, -difference.low) + "."
        )
    return (
        f"The model is not shown to be nearer to the group than {beaten} nor farther: "
        f"{difference.difference:+.3f} [{difference.low:.3f}, {difference.high:.3f}]."
    )


def _shown(estimate: Estimate) -> str:
    assert estimate.value is not None  # a value without interval is none to be read
    assert estimate.interval is not None
    numbers = (estimate.value, estimate.interval.low, estimate.interval.high)
    # Rounded before it is written, so that no minus stands before a zero.
    value, low, high = (f"{round(number, 2) + 0.0:.2f}" for number in numbers)
    return f"{value} [{low}, {high}]"
