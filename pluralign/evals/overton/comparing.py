"""The paired comparison of two ways of answering the same windows, at their own and at equal length."""

from collections.abc import Mapping, Sequence

import numpy as np

from pluralign.evals.overton.coverage import Coverage, first_words, n_words_of
from pluralign.evals.overton.judged import JudgedResponse
from pluralign.evals.overton.measures import EQUAL_LENGTH, Measure
from pluralign.evals.overton.presets import check_direction, find_preset, measures_of
from pluralign.evals.overton.scoring import METHOD, covered_once
from pluralign.evals.paired import paired_comparison
from pluralign.records import Comparison

_Rows = Mapping[tuple[str, int], Coverage]
# Window -> (first, second), each the mean over what is compared of it.
_Pairs = Mapping[str, tuple[float, float]]

_EQUAL_LENGTH = Measure(
    EQUAL_LENGTH,
    "probability",
    "coverage of the leading sentences of two responses of the same draw, both cut to the number of words "
    "of the shorter",
    False,
    lambda coverage: float(coverage.states.any(axis=1).mean()),
)


def compare_overton(
    *,
    first: tuple[str, Sequence[JudgedResponse]],
    second: tuple[str, Sequence[JudgedResponse]],
    threshold: float,
    seed: int = 0,
    preset: str | None = None,
    whole: bool = False,
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of every metric on the windows that both answered.

    A window counts once, with the mean over its draws. Responses that cannot be scored are left out.
    "coverage_at_equal_length" compares draw by draw, both responses cut to the length of the shorter: what is
    said better, and not only at greater length. "response_tokens" is the difference in length.

    Args:
        first: Label and judged responses of the minuend, for example a synthesis.
        second: Label and judged responses of the subtrahend, for example the plain answers.
        threshold: The judge's, the same for both.
        seed: Seed of the bootstrap over windows.
        preset: As in `score_overton`.
        whole: As in `score_overton`; what only a whole response states does not count at equal length.

    Raises:
        ConfigurationError: An unknown preset, verdicts in its wrong direction, or a threshold outside (0, 1].
        DataError: A window and draw twice in one of the two.
    """
    chosen = find_preset(preset) if preset else None
    check_direction([*first[1], *second[1]], chosen)
    published = chosen is not None and chosen.reversed
    ours, theirs = (
        covered_once(judged, threshold=threshold, whole=whole and not published)
        for _, judged in (first, second)
    )
    compared = [(measure, _by_window(measure, (ours, theirs))) for measure in measures_of(chosen)]
    if not published:
        compared.append((_EQUAL_LENGTH, _at_equal_length(ours, theirs)))
    return tuple(
        _compare(measure, pairs, labels=(first[0], second[0]), seed=seed)
        for measure, pairs in compared
        if pairs
    )


def _by_window(measure: Measure, both: tuple[_Rows, _Rows]) -> _Pairs:
    """The means over the draws of each window for which both have a value."""
    means = [_means(measure, rows) for rows in both]
    return {window: (mean, means[1][window]) for window, mean in means[0].items() if window in means[1]}


def _means(measure: Measure, rows: _Rows) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for (window, _), one in rows.items():
        value = measure.value(one)
        if value is not None:
            found.setdefault(window, []).append(value)
    return {window: float(np.mean(values)) for window, values in found.items()}


def _at_equal_length(ours: _Rows, theirs: _Rows) -> _Pairs:
    """Both coverages with each pair of responses of one draw cut to the words of the shorter."""
    cut: tuple[dict[tuple[str, int], Coverage], dict[tuple[str, int], Coverage]] = ({}, {})
    for key in (key for key in ours if key in theirs):
        pair = ours[key], theirs[key]
        n_words = min(sum(n_words_of(one.judged.sentences)) for one in pair)
        for rows, one in zip(cut, pair, strict=True):
            rows[key] = Coverage(first_words(one.judged, n_words), threshold=one.threshold)
    return _by_window(_EQUAL_LENGTH, cut)


def _compare(measure: Measure, pairs: _Pairs, *, labels: tuple[str, str], seed: int) -> Comparison:
    first, second = zip(*pairs.values(), strict=True)
    return paired_comparison(
        measure.name,
        first=(labels[0], first),
        second=(labels[1], second),
        clusters=list(pairs),
        method=METHOD,
        unit=measure.unit,
        lower_is_better=measure.lower_is_better,
        seed=seed,
    )
