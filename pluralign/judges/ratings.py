"""People's ratings of statements, what each person wrote, and what can be predicted without reading either.

A survey asks how well a statement captures a person's view. Whoever predicts such a rating has to beat those who
never read the statement: `person_means` knows nothing but the person's other ratings and is blind to the response;
`statement_means` knows nothing of the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pluralign.data.selection import select
from pluralign.data.social_choice import Survey, rating_matrix, read_survey
from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import FloatArray, check_count
from pluralign.records.jsonl import content_hash

N_NEIGHBOURS = 5

FREE_ANSWERS = "free answers"
REASONS = "reasons for other ratings"

# The published files, by what they ask about.
SURVEYS = {"abortion": "abortion_survey.csv", "chatbot": "chatbot_personalization_survey.csv"}


@dataclass(frozen=True)
class RatingTable:
    """One sample of people who rated statements, with their own words.

    Attributes:
        id: Survey and sample: "abortion_survey/validation".
        people: Ids of the people, in order of first rating.
        statements: The statements, in order of first rating.
        levels: Ratings from 0 for the lowest level, shape (people, statements); NaN where there is none.
        n_levels: Number of levels of the scale.
        free_answers: What each person wrote before rating, one tuple a person; all are empty in a sample that was
            asked nothing.
        reasons: Why each person rated each statement as they did, one row a person; empty where nothing was written.
    """

    id: str
    people: tuple[str, ...]
    statements: tuple[str, ...]
    levels: FloatArray
    n_levels: int
    free_answers: tuple[tuple[str, ...], ...]
    reasons: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Check that everything fits.

        Raises:
            DataError: Shapes differ, a rating lies outside the scale, or there are fewer than two people or statements.
        """
        shape = (len(self.people), len(self.statements))
        widths = {len(row) for row in self.reasons}
        if self.levels.shape != shape or len(self.free_answers) != shape[0] or len(self.reasons) != shape[0]:
            raise DataError(
                f"{self.id}: levels, free answers and reasons must fit {shape} (people, statements), not "
                f"{self.levels.shape}, {len(self.free_answers)} and {len(self.reasons)}."
            )
        if widths - {shape[1]}:
            raise DataError(f"{self.id}: each person needs {shape[1]} reasons, empty ones included.")
        if min(shape) < 2:
            raise DataError(f"{self.id}: two people and two statements are needed at least, not {shape}.")
        with np.errstate(invalid="ignore"):
            outside = (self.levels < 0) | (self.levels > self.top) | np.isinf(self.levels)
        if outside.any():
            row, column = np.argwhere(outside)[0].tolist()
            raise DataError(
                f"{self.id}: the rating of {self.people[row]!r} of statement {column} must lie in 0 to {self.top}, "
                f"not {self.levels[row, column]}."
            )

    @property
    def top(self) -> int:
        """The highest level."""
        return self.n_levels - 1

    @property
    def words(self) -> str:
        """What stands for the people's own words: "free answers", or "reasons for other ratings"."""
        return FREE_ANSWERS if any(self.free_answers) else REASONS

    def own_words(self, person: int, statement: int) -> tuple[str, ...]:
        """What a person wrote that a judge may read to predict a rating.

        These are the free answers, which were written before any statement was seen. Where the sample was asked for
        none, they are the reasons that the person gave for the ratings of the *other* statements. Those were written
        after rating and speak of the other statements; it is what OvertonBench's judge, too, is given beside a short
        free answer (the person's other ratings).

        Args:
            person: Row.
            statement: Column; its own reason is never among them.
        """
        if self.words == FREE_ANSWERS:
            return self.free_answers[person]
        others = enumerate(self.reasons[person])
        return tuple(text for column, text in others if column != statement and text.strip())

    @property
    def n_words(self) -> FloatArray:
        """Length of each statement in words, shape (statements,)."""
        return np.array([len(statement.split()) for statement in self.statements], dtype=np.float64)

    @cached_property
    def digest(self) -> str:
        """sha256 of the content."""
        levels = [[None if np.isnan(level) else float(level) for level in row] for row in self.levels]
        return content_hash([
            self.id,
            self.people,
            self.statements,
            levels,
            self.n_levels,
            self.free_answers,
            self.reasons,
        ])


def load_rating_tables(path: str | Path, *, surveys: Sequence[str] | None = None) -> tuple[RatingTable, ...]:
    """The ratings of the published surveys, one table a sample.

    Args:
        path: Folder of the files, or one file of the form that `read_survey` reads.
        surveys: Out of "abortion" and "chatbot"; None for those that are there. Of a folder only.

    Raises:
        ConfigurationError: There is no such survey, or a choice among one file.
        DataError: The folder has none of the files, or one of them is malformed.
    """
    place = Path(path)
    if place.is_file():
        if surveys is not None:
            raise ConfigurationError(f"{place} is one file; a survey can only be chosen in a folder.")
        return rating_tables(read_survey(place))
    names = select(surveys, SURVEYS, default=SURVEYS, what="survey")
    found = [place / SURVEYS[name] for name in names]
    files = found if surveys is not None else [file for file in found if file.is_file()]
    if not files:
        raise DataError(
            f"{place}: holds no survey; one of {', '.join(SURVEYS.values())} is needed, from "
            "github.com/generative-social-choice/survey_data."
        )
    return tuple(table for file in files for table in rating_tables(read_survey(file)))


def rating_tables(survey: Survey) -> tuple[RatingTable, ...]:
    """The ratings of a survey, one table a sample, in order of first occurrence.

    Args:
        survey: From `pluralign.data.social_choice.read_survey`.

    Raises:
        DataError: A sample has fewer than two people or statements.
    """
    samples = dict.fromkeys(rating.sample for rating in survey.ratings)
    return tuple(_table(survey, sample) for sample in samples)


def _table(survey: Survey, sample: str) -> RatingTable:
    matrix = rating_matrix(survey, sample=sample)
    people = {user: row for row, user in enumerate(matrix.people)}
    statements = {text: column for column, text in enumerate(matrix.statements)}
    reasons = [[""] * len(statements) for _ in people]
    for rating in survey.ratings:
        if rating.sample == sample:
            reasons[people[rating.user]][statements[rating.statement]] = rating.reason
    answers: list[list[str]] = [[] for _ in people]
    for answer in survey.answers:
        if answer.sample == sample and answer.user in people:
            answers[people[answer.user]].append(answer.text)
    return RatingTable(
        id=f"{survey.id}/{sample}",
        people=matrix.people,
        statements=matrix.statements,
        levels=matrix.levels,
        n_levels=len(survey.levels),
        free_answers=tuple(map(tuple, answers)),
        reasons=tuple(map(tuple, reasons)),
    )


def person_means(levels: FloatArray) -> FloatArray:
    """The response-blind baseline: each rating predicted by the mean of the person's other ratings.

    Leaving a rating out makes the prediction fall as the rating rises: within a person the two are in exactly
    opposite order, whatever the data. This says nothing of the baseline, which knows no statement from another, so
    that no within-rater figure may be taken of these predictions.

    Args:
        levels: Shape (people, statements), NaN where there is none.

    Returns:
        The same shape; NaN where there is no rating, or no other one.
    """
    return _means_of_others(levels, axis=1)


def statement_means(levels: FloatArray) -> FloatArray:
    """Each rating predicted by the mean of the other people's ratings of the statement.

    Leaving a rating out makes the predictions of one statement fall as its ratings rise, by 1 / (people - 1): where
    statements hardly differ, this alone turns their rank correlation over single ratings below 0.

    Args:
        levels: Shape (people, statements), NaN where there is none.

    Returns:
        The same shape; NaN where there is no rating, or nobody else's.
    """
    return _means_of_others(levels, axis=0)


def nearest_neighbours(levels: FloatArray, *, k: int = N_NEIGHBOURS) -> FloatArray:
    """Each rating predicted by the k people who rated the other statements most alike; near what can be had.

    The distance of two people is the mean absolute difference of their ratings of what both rated, the statement in
    question left out. People tied at the k-th place share what is left of the k, so that the order of people in the
    file does not count.

    Args:
        levels: Shape (people, statements), NaN where there is none.
        k: Number of neighbours.

    Returns:
        The same shape; NaN where there is no rating, or where fewer than k others rated the statement.

    Raises:
        ConfigurationError: `k` is below 1.
    """
    check_count("k", k)
    rated = ~np.isnan(levels)
    filled = np.where(rated, levels, 0.0)
    both = rated[:, None] & rated[None]
    gaps = np.abs(filled[:, None] - filled[None]) * both
    predicted = np.full_like(levels, np.nan)
    for column in range(levels.shape[1]):
        n_both = both.sum(-1) - both[..., column]
        apart = (gaps.sum(-1) - gaps[..., column]) / np.maximum(n_both, 1)
        apart[(n_both == 0) | ~rated[:, column][None]] = np.inf
        np.fill_diagonal(apart, np.inf)
        for person in np.flatnonzero(rated[:, column] & (np.isfinite(apart).sum(1) >= k)):
            weights = _nearest(apart[person], k=k)
            predicted[person, column] = weights @ filled[:, column] / k
    return predicted


def _nearest(apart: FloatArray, *, k: int) -> FloatArray:
    """Weights of the k nearest, summing to k; those tied at the k-th place have equal parts of what is left."""
    last = np.sort(apart)[k - 1]
    tied = np.isclose(apart, last, rtol=0, atol=1e-9)
    nearer = (apart < last) & ~tied
    weights: FloatArray = np.where(nearer, 1.0, np.where(tied, (k - nearer.sum()) / tied.sum(), 0.0))
    return weights


def _means_of_others(levels: FloatArray, *, axis: int) -> FloatArray:
    rated = ~np.isnan(levels)
    n_others = rated.sum(axis, keepdims=True) - 1
    sums = np.nansum(levels, axis=axis, keepdims=True) - levels
    means: FloatArray = np.divide(
        sums, n_others, out=np.full_like(levels, np.nan), where=rated & (n_others > 0)
    )
    return means
