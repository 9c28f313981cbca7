"""What the numbers say, in words: what one answer presents, what several would, and what to beware of."""

from collections.abc import Sequence

from pluralign.evals.overton.coverage import Coverage
from pluralign.evals.overton.measures import (
    COVERAGE,
    DENIED,
    ELSEWHERE,
    EQUAL_LENGTH,
    TOKENS,
    TRUNCATED,
    UNION,
    WEIGHTED,
)
from pluralign.metrics import paired_bootstrap_difference
from pluralign.records import Comparison, Estimate


def readings(
    estimates: Sequence[Estimate], kept: Sequence[Coverage], *, threshold: float, method: str, seed: int
) -> tuple[str, ...]:
    """The sentences of a set of responses; none where the preset's own figures stand alone.

    Args:
        estimates: What was found.
        kept: The responses that were scored.
        threshold: The judge's.
        method: How intervals are made.
        seed: Seed of the bootstrap.
    """
    known = {(one.name, one.slice): one for one in estimates if one.value is not None}
    coverage = known.get((COVERAGE, "all"))
    if coverage is None:
        return ()
    unions = [one for one in estimates if one.name == UNION and one.value is not None]
    found = (
        _one_answer(coverage, method=method, threshold=threshold),
        _false_alarms(coverage),
        _several(unions),
        _majority(kept, seed=seed) if (WEIGHTED, "all") in known else None,
        _denied(known.get((DENIED, "all"))),
        _cut(known.get((TRUNCATED, "all"))),
    )
    return tuple(sentence for sentence in found if sentence)


def comparison_readings(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """Whether the first way of answering presents more of the window, and whether by more than its length.

    Args:
        comparisons: Of `compare_overton`.
    """
    known = {one.name: one for one in comparisons}
    coverage, length, equal = (known.get(name) for name in (COVERAGE, TOKENS, EQUAL_LENGTH))
    if coverage is None:
        return ()
    found = [
        f"“{coverage.first}” states {_size(coverage, ('more', 'less'))} of the views than “{coverage.second}”"
        f"{_ends(coverage)}: {_verdict(coverage)}."
    ]
    if length is not None:
        found.append(
            f"Its answers are {_size(length, ('tokens longer', 'tokens shorter'), digits=0)} on average"
            f"{_ends(length, digits=0)}."
        )
    if equal is not None:
        found.append(
            "With each pair of answers cut to the shorter one's length, it states "
            f"{_size(equal, ('more', 'less'))}{_ends(equal)}: {_verdict(equal)}."
        )
    return tuple(found)


def _one_answer(coverage: Estimate, *, method: str, threshold: float) -> str:
    interval = coverage.interval
    ends = f" ({interval.low:.3f} to {interval.high:.3f}, 95 %, {method})" if interval else ""
    return (
        f"One answer states {coverage.value:.3f} of the views on its question{ends}; a view counts as "
        f"stated from an entailment probability of {threshold:g}."
    )


def _false_alarms(coverage: Estimate) -> str | None:
    if ELSEWHERE not in coverage.baselines:
        return None
    return (
        f"Held against another question's views, the same answers state {coverage.baselines[ELSEWHERE]:.3f} "
        "of them: what the judge finds where there should be nothing to find."
    )


def _several(unions: Sequence[Estimate]) -> str | None:
    if len(unions) < 2:
        return None
    first, last = unions[0].value or 0.0, unions[-1].value or 0.0
    if round(last - first, 3) <= 0:
        return f"Any of {len(unions)} answers state no more of the views than one alone: {last:.3f}."
    return (
        f"Any of {len(unions)} answers state {last:.3f} of the views, one alone {first:.3f}: "
        f"{last - first:.3f} of the views are missing from one answer though the model would say them in "
        "another."
    )


def _majority(kept: Sequence[Coverage], *, seed: int) -> str | None:
    """Whether the views of many are stated more often than the views of few."""
    rows = [(one, weighted) for one in kept if (weighted := one.weighted) is not None]
    paired = paired_bootstrap_difference(
        [weighted for _, weighted in rows],
        [float(one.covered.mean()) for one, _ in rows],
        clusters=[one.window_id for one, _ in rows],
        seed=seed,
    )
    if paired is None or paired.low <= 0 <= paired.high:
        return None
    is_higher = paired.difference > 0
    many, few = ("many", "few") if is_higher else ("few", "many")
    low, high = (paired.low, paired.high) if is_higher else (-paired.high, -paired.low)
    return (
        f"Views that {many} people hold are stated more often than those of {few}: weighted by people the "
        f"coverage is {abs(paired.difference):.3f} {'higher' if is_higher else 'lower'} ({low:.3f} to "
        f"{high:.3f}, 95 %)."
    )


def _denied(denied: Estimate | None) -> str | None:
    if denied is None or not denied.value:
        return None
    return f"{denied.value:.3f} of the views are denied and nowhere stated: to mention a view is not to present it."


def _cut(truncated: Estimate | None) -> str | None:
    if truncated is None or not truncated.value:
        return None
    n_cut = round(truncated.value * truncated.n_cells)
    return (
        f"The token limit cut {n_cut} of {truncated.n_cells} responses: views that would have come late are "
        "lost, so that the coverage is too low."
    )


def _size(comparison: Comparison, words: tuple[str, str], *, digits: int = 3) -> str:
    """The size of a difference and the word for its sign."""
    return f"{abs(comparison.difference):.{digits}f} {words[comparison.difference < 0]}"


def _ends(comparison: Comparison, *, digits: int = 3) -> str:
    """The interval of what `_size` says: of a negative difference both ends change their sign."""
    if comparison.interval is None:
        return ""
    low, high = comparison.interval.low, comparison.interval.high
    if comparison.difference < 0:
        low, high = -high, -low
    # Adding 0 leaves no minus before it.
    return f" ({round(low, digits) + 0.0:.{digits}f} to {round(high, digits) + 0.0:.{digits}f}, 95 %)"


def _verdict(comparison: Comparison) -> str:
    interval = comparison.interval
    if interval is None:
        return "one question tells nothing of others"
    if interval.low <= 0 <= interval.high:
        return "no clear difference"
    return "it presents more of the window" if interval.low > 0 else "it presents less of the window"
