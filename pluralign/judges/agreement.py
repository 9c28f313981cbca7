"""How well predicted degrees agree with people's ratings: the figures by which a judge is validated.

Predictions and ratings are matrices of people by statements. Ratings of one person are not independent, so whole
people are resampled. The statements are taken as they are: with five or ten of them, nothing is claimed of others.
Predictions and their calibration are held fixed in the resampling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pluralign.errors import DataError
from pluralign.metrics.arrays import FloatArray
from pluralign.metrics.statistics import (
    Bounds,
    PairedDifference,
    Statistic,
    cluster_bootstrap,
    cluster_bootstrap_of_sums,
    paired_bootstrap_difference,
    paired_bootstrap_of_sums,
    ratio_of_sums,
)
from pluralign.records.base import Record
from pluralign.records.jsonl import content_hash

N_RESAMPLES = 2000
N_FOLDS = 10
N_STRATA = 3
N_HALVES = 1000
# Of two statements a rank correlation is 1 or -1, whatever the judge.
MIN_RATED = 3
# tau = 4 on the 1 to 5 of OvertonBench (Poole-Dayan et al. 2026), as a share of the scale from its lowest level.
TAU = 0.75
# Degrees that differ by less are equal but for floating point.
_EQUAL = 1e-9

INTERVALS = f"percentile bootstrap over people, {N_RESAMPLES} resamples, 95 %"


class Figure(Record):
    """A number with its interval.

    Attributes:
        value: The number; None where it is undefined or there is nothing to take it of.
        low: Lower end of its 95 % interval; None where it cannot be had.
        high: Upper end.
        n: Number of ratings, or of people, or of statements, that it is taken over.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: Annotated[int, Field(ge=0)]

    @property
    def shown(self) -> str:
        """Value and interval, for a message."""
        if self.value is None:
            return "undefined"
        if self.low is None or self.high is None:
            return two_digits(self.value)
        return f"{two_digits(self.value)} (95 %: {two_digits(self.low)} to {two_digits(self.high)})"

    @property
    def brief(self) -> str:
        """The same for a table."""
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return two_digits(self.value)
        return f"{two_digits(self.value)} [{two_digits(self.low)}, {two_digits(self.high)}]"

    @property
    def is_above_zero(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def is_below_zero(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high is not None and self.high < 0


def two_digits(value: float) -> str:
    """A number with two digits behind the point, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"


class WithinRaters(NamedTuple):
    """Rank correlations of prediction and rating, one a person.

    Attributes:
        correlations: Shape (people,); NaN where it is undefined.
        n_undefined: Number of people who rated fewer than 3 statements, or all alike: there is no order to find.
        n_flat: Number of the others to whose statements the predictions give one and the same degree; their
            correlation is 0, as nothing was ordered.
    """

    correlations: FloatArray
    n_undefined: int
    n_flat: int


@dataclass(frozen=True)
class Agreement:
    """Predictions beside ratings, in one table.

    Attributes:
        levels: Ratings from 0, shape (people, statements); NaN where there is none.
        predicted: Degrees on any scale, the same shape; NaN where there is no prediction.
        calibrated: The degrees on the scale of the ratings, by `calibrate`.
        n_words: Length of each statement, shape (statements,).
        top: Highest level.
        seed: Of the resampling.
    """

    levels: FloatArray
    predicted: FloatArray
    calibrated: FloatArray
    n_words: FloatArray
    top: int
    seed: int

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Cells with a rating and a prediction that others' ratings could calibrate, shape (people, statements)."""
        return np.isfinite(self.levels) & np.isfinite(self.predicted) & np.isfinite(self.calibrated)

    @cached_property
    def raters(self) -> WithinRaters:
        """Spearman's rank correlation of each person's ratings with the predictions."""
        return within_raters(self.predicted, self.levels)

    def within(self) -> Figure:
        """Mean over people of the rank correlation within a person."""
        return mean_figure(self.raters.correlations, seed=self.seed)

    def correlation(self, among: NDArray[np.bool_] | None = None) -> Figure:
        """Rank correlation over single ratings, midranks taken once over all of them."""
        scored = self._among(among)
        columns = _moments(_ranks(self.predicted[scored]), _ranks(self.levels[scored]))
        return self._of_sums(columns, pearson_of_sums, among=among)

    def error(self, among: NDArray[np.bool_] | None = None) -> Figure:
        """Mean absolute error of the calibrated predictions, in levels."""
        return self._mean(np.abs(self.calibrated - self.levels), among)

    def raw_error(self) -> Figure:
        """Mean absolute error of the predictions as they are, in levels: of those made on the scale only."""
        return self._mean(np.abs(self.predicted - self.levels))

    def bias(self, among: NDArray[np.bool_] | None = None) -> Figure:
        """Mean of calibrated prediction less rating, in levels."""
        return self._mean(self.calibrated - self.levels, among)

    def sd_ratio(self) -> Figure:
        """Standard deviation of the calibrated predictions over that of the ratings: 1 is as spread as people."""
        columns = [np.ones(int(self.scored.sum()))]
        for matrix in (self.calibrated, self.levels):
            # Squares of numbers far from 0 would lose digits.
            centred = matrix[self.scored] - self.top / 2
            columns += [centred, centred * centred]
        return self._of_sums(np.stack(columns), _sd_ratio_of_sums)

    def reaches(self, matrix: FloatArray, threshold: float) -> Figure:
        """Share of cells in which a matrix reaches a threshold, over scored cells."""
        return self._mean(np.where(np.isnan(matrix), np.nan, matrix >= threshold - _EQUAL))

    def length_correlation(self, matrix: FloatArray) -> Figure:
        """Rank correlation of a matrix with the statement's length, over scored cells."""
        columns = _moments(_ranks(matrix[self.scored]), _ranks(self._lengths[self.scored]))
        return self._of_sums(columns, pearson_of_sums)

    def partial_correlation(self) -> Figure:
        """`correlation` with the statement's length held fixed."""
        matrices = (self.predicted, self.levels, self._lengths)
        x, y, z = (_ranks(matrix[self.scored]) for matrix in matrices)
        columns = np.concatenate([_moments(x, y), _moments(x, z), _moments(y, z)])
        return self._of_sums(columns, _partial_of_sums)

    def strata(self) -> list[NDArray[np.int_]]:
        """Columns of the statements in three parts by length, the shortest first; fewer where there are fewer."""
        order = np.argsort(self.n_words, kind="stable")
        return [part for part in np.array_split(order, N_STRATA) if part.size]

    def systems(self) -> Figure:
        """Correlation over statements of mean prediction with mean rating: statements as one ranks systems."""
        scored = self.scored
        n_statements = self.levels.shape[1]
        at = np.eye(n_statements)[np.nonzero(scored)[1]].T
        predicted, levels = (_standardised(matrix[scored]) for matrix in (self.predicted, self.levels))
        found = self._of_sums(np.concatenate([at, at * predicted, at * levels]), _systems_of_sums)
        return found.model_copy(update={"n": n_statements})

    def error_difference(self, other: "Agreement", *, raw: bool = False) -> Figure:
        """Mean absolute error less that of another, in levels, on the cells that both predict.

        Args:
            other: The same people and statements.
            raw: Take the other's predictions as they are, not calibrated.
        """
        both = self.scored & other.scored
        theirs = other.predicted if raw else other.calibrated
        own = np.abs(self.calibrated - self.levels)[both]
        errors = np.abs(theirs - self.levels)[both]
        return self._paired(
            lambda people: paired_bootstrap_difference(own, errors, clusters=people, **self._resampling), both
        )

    def correlation_difference(self, other: "Agreement") -> Figure:
        """`correlation` less that of another, on the cells that both predict."""
        both = self.scored & other.scored
        columns = [
            _moments(_ranks(each.predicted[both]), _ranks(self.levels[both])) for each in (self, other)
        ]
        return self._paired(
            lambda people: paired_bootstrap_of_sums(
                *columns, statistic=pearson_of_sums, clusters=people, **self._resampling
            ),
            both,
        )

    def within_difference(self, other: "Agreement") -> Figure:
        """`within` less that of another, over the people for whom both are defined."""
        return mean_figure(self.raters.correlations - other.raters.correlations, seed=self.seed)

    @property
    def _lengths(self) -> FloatArray:
        return np.broadcast_to(self.n_words, self.levels.shape)

    @property
    def _resampling(self) -> dict[str, int]:
        return {"n_resamples": N_RESAMPLES, "seed": self.seed}

    def _among(self, among: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        return self.scored if among is None else self.scored & among

    def _mean(self, matrix: FloatArray, among: NDArray[np.bool_] | None = None) -> Figure:
        scored = self._among(among)
        return _mean_over(matrix[scored], np.nonzero(scored)[0], seed=self.seed)

    def _of_sums(
        self, columns: FloatArray, statistic: Statistic, *, among: NDArray[np.bool_] | None = None
    ) -> Figure:
        n = columns.shape[1]
        value = float(statistic(columns.sum(axis=1)[:, None])[0])
        if not np.isfinite(value):
            return Figure(value=None, n=n)
        people = np.nonzero(self._among(among))[0]
        bounds = cluster_bootstrap_of_sums(columns, statistic, clusters=people, **self._resampling)
        return _figure(value, bounds, n=n)

    def _paired(
        self, difference: Callable[[NDArray[np.int_]], PairedDifference | None], both: NDArray[np.bool_]
    ) -> Figure:
        n = int(both.sum())
        found = difference(np.nonzero(both)[0]) if n else None
        if found is None:
            return Figure(value=None, n=n)
        return Figure(value=found.difference, low=found.low, high=found.high, n=n)


def within_raters(predicted: FloatArray, levels: FloatArray) -> WithinRaters:
    """Spearman's rank correlation of each person's ratings with the predictions.

    Args:
        predicted: Shape (people, statements), NaN where there is none.
        levels: The same of the ratings.
    """
    correlations = np.full(len(levels), np.nan)
    n_flat = 0
    for row, (guesses, ratings) in enumerate(zip(predicted, levels, strict=True)):
        scored = np.isfinite(guesses) & np.isfinite(ratings)
        if scored.sum() < MIN_RATED or np.ptp(ratings[scored]) <= _EQUAL:
            continue
        if np.ptp(guesses[scored]) <= _EQUAL:
            correlations[row] = 0.0
            n_flat += 1
            continue
        columns = _moments(_ranks(guesses[scored]), _ranks(ratings[scored]))
        correlations[row] = pearson_of_sums(columns.sum(axis=1)[:, None])[0]
    return WithinRaters(correlations, int(np.isnan(correlations).sum()), n_flat)


def calibrate(predicted: FloatArray, levels: FloatArray, *, people: tuple[str, ...], seed: int) -> FloatArray:
    """Put degrees on the scale of the ratings by a rising curve fitted on other people.

    The people are dealt into ten folds; those of a fold get the isotonic regression (least squares, rising) of the
    other nine, straight between its points and level beyond them. A curve that may only rise cannot turn a judge
    round that runs the wrong way: it makes it a constant.

    Args:
        predicted: Shape (people, statements), NaN where there is none.
        levels: The same of the ratings.
        people: Ids, from which and the seed the folds are dealt.
        seed: Of the folds.

    Returns:
        Expected ratings, shape (people, statements); NaN where there is no prediction.
    """
    order = sorted(range(len(people)), key=lambda row: content_hash(["fold", seed, people[row]]))
    folds = np.empty(len(people), dtype=int)
    folds[order] = np.arange(len(people)) % min(N_FOLDS, len(people))
    calibrated = np.full_like(predicted, np.nan)
    for fold in np.unique(folds):
        own = folds == fold
        fitted = ~own[:, None] & np.isfinite(predicted) & np.isfinite(levels)
        if fitted.any():
            curve = _rising_curve(predicted[fitted], levels[fitted])
            asked = own[:, None] & np.isfinite(predicted)
            calibrated[asked] = np.interp(predicted[asked], *curve)
    return calibrated


def split_half_reliability(levels: FloatArray, *, seed: int) -> Figure:
    """How well the people themselves order the statements: the reliability of the mean ratings.

    The correlation r over statements of the mean ratings of two random halves of the people, averaged over 1,000
    divisions, stepped up to the whole sample by Spearman and Brown: 2 r / (1 + r).

    Args:
        levels: Shape (people, statements), NaN where there is none.
        seed: Of the divisions.

    Returns:
        The reliability, with the middle 95 % of the divisions as its interval; n is the number of statements.
    """
    n_people, n_statements = levels.shape
    rng = np.random.default_rng(int(content_hash(["halves", seed])[:16], 16))
    rated = np.isfinite(levels)
    filled = np.where(rated, levels, 0.0)
    order = rng.permuted(np.tile(np.arange(n_people), (N_HALVES, 1)), axis=1)
    first = np.zeros((N_HALVES, n_people))
    np.put_along_axis(first, order[:, : n_people // 2], 1.0, axis=1)
    means = []
    for half in (first, 1 - first):
        counts = half @ rated
        means.append(np.divide(half @ filled, counts, out=np.full_like(counts, np.nan), where=counts > 0))
    products = np.stack([_moments(a, b).sum(axis=1) for a, b in zip(*means, strict=True)], axis=1)
    correlations = pearson_of_sums(products)
    correlations = correlations[np.isfinite(correlations)]
    if not correlations.size:
        return Figure(value=None, n=n_statements)
    low, high = (_stepped_up(float(r)) for r in np.quantile(correlations, [0.025, 0.975]))
    return Figure(value=_stepped_up(float(correlations.mean())), low=low, high=high, n=n_statements)


def mean_figure(values: FloatArray, *, seed: int) -> Figure:
    """Mean over people of one value each, NaN left out.

    Args:
        values: Shape (people,).
        seed: Of the resampling.
    """
    known = np.isfinite(values)
    return _mean_over(values[known], np.flatnonzero(known), seed=seed)


def pearson_of_sums(sums: FloatArray) -> FloatArray:
    """Pearson's correlation from sums of 1, x, y, x x, y y and x y, which should be nearly centred.

    Args:
        sums: Shape (6, R).

    Returns:
        Shape (R,), in [-1, 1]; NaN where x or y does not vary.
    """
    n, x, y, xx, yy, xy = sums
    spread_x, spread_y = (n * xx - x * x), (n * yy - y * y)
    defined = (spread_x > _EQUAL * n * n) & (spread_y > _EQUAL * n * n)
    scale = np.sqrt(np.where(defined, spread_x, 1.0)) * np.sqrt(np.where(defined, spread_y, 1.0))
    correlation: FloatArray = np.where(defined, np.clip((n * xy - x * y) / scale, -1, 1), np.nan)
    return correlation


def _moments(x: FloatArray, y: FloatArray) -> FloatArray:
    """1, x, y, x x, y y and x y of each cell, x and y standardised, shape (6, n); a constant is 0."""
    if x.shape != y.shape:
        raise DataError(f"Predictions and ratings must be equally many, not {x.shape} and {y.shape}.")
    x, y = _standardised(x), _standardised(y)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])


def _standardised(values: FloatArray) -> FloatArray:
    if not values.size or np.ptp(values) <= _EQUAL:
        return np.zeros_like(values)
    scaled: FloatArray = (values - values.mean()) / values.std()
    return scaled


def _sd_ratio_of_sums(sums: FloatArray) -> FloatArray:
    """From sums of 1, x, x x, y and y y, shape (5, R)."""
    n, x, xx, y, yy = sums
    return np.sqrt(ratio_of_sums(np.stack([(n * xx - x * x).clip(min=0), (n * yy - y * y).clip(min=0)])))


def _partial_of_sums(sums: FloatArray) -> FloatArray:
    """(r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)), from three pairs' moments, shape (18, R)."""
    xy, xz, yz = (pearson_of_sums(pair) for pair in np.split(sums, 3))
    left = np.sqrt((1 - xz * xz) * (1 - yz * yz))
    return ratio_of_sums(np.stack([xy - xz * yz, np.where(left > _EQUAL, left, 0.0)]))


def _systems_of_sums(sums: FloatArray) -> FloatArray:
    """From counts, predictions and ratings summed by statement, shape (3 S, R)."""
    n, predicted, levels = np.split(sums, 3)
    counts = np.where(n > 0, n, np.nan)
    x, y = predicted / counts, levels / counts
    moments = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    return pearson_of_sums(moments.sum(axis=1))


def _rising_curve(degrees: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Isotonic regression of levels on degrees: the different degrees in order, and the level at each."""
    from scipy.optimize import isotonic_regression

    at, index, counts = np.unique(np.round(degrees, 9), return_inverse=True, return_counts=True)
    means = np.bincount(index, weights=levels) / counts
    return at, isotonic_regression(means, weights=counts.astype(float)).x


def _mean_over(values: FloatArray, people: NDArray[np.int_], *, seed: int) -> Figure:
    if not values.size:
        return Figure(value=None, n=0)
    bounds = cluster_bootstrap(values, people, n_resamples=N_RESAMPLES, seed=seed)
    return _figure(float(values.mean()), bounds, n=values.size)


def _figure(value: float, bounds: Bounds | None, *, n: int) -> Figure:
    if bounds is None:
        return Figure(value=value, n=n)
    return Figure(value=value, low=bounds.low, high=bounds.high, n=n)


def _stepped_up(correlation: float) -> float | None:
    """Spearman and Brown, 2 r / (1 + r); None at -1."""
    return None if correlation <= -1 + _EQUAL else 2 * correlation / (1 + correlation)


def _ranks(values: FloatArray) -> FloatArray:
    """Midranks; degrees that are equal but for floating point tie."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(np.round(values, 9)), dtype=np.float64)
