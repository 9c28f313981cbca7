"""Raters: single people with their ratings, and how raters and ratings are divided into what is fitted and tested."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.errors import ConfigurationError, DataError
from pluralign.records import POPULATION, Group, Question, QuestionSet, content_hash

# As few as leave two ratings to infer a profile from and two to test it on (Sorensen et al. 2025).
MIN_FIT = MIN_HELD_OUT = 2


@dataclass(frozen=True)
class Rating:
    """One person's answer to one question.

    Attributes:
        question: What was asked.
        choice: Index of the option chosen.
    """

    question: Question
    choice: int


@dataclass(frozen=True)
class Rater:
    """One person.

    Attributes:
        group: The person as a group of one.
        ratings: In the order of the questions.
    """

    group: Group
    ratings: tuple[Rating, ...]

    @property
    def id(self) -> str:
        """Id of the person."""
        return self.group.id


@dataclass(frozen=True)
class SplitRater:
    """One person whose ratings are divided.

    Attributes:
        rater: The person.
        fit: What a profile may be inferred from, and what may be shown in context.
        held_out: What is predicted, and shown to nobody.
    """

    rater: Rater
    fit: tuple[Rating, ...]
    held_out: tuple[Rating, ...]

    @property
    def id(self) -> str:
        """Id of the person."""
        return self.rater.id


@dataclass(frozen=True)
class Fold:
    """One division of raters and of their ratings.

    Attributes:
        seed: What it was drawn with.
        train: Raters on whom everything is fitted: calibration, clusters, a tuned decoder.
        test: Raters on whom it is tested.
    """

    seed: int
    train: tuple[SplitRater, ...]
    test: tuple[SplitRater, ...]

    @property
    def raters(self) -> tuple[SplitRater, ...]:
        """All of them, train raters first."""
        return (*self.train, *self.test)


def raters_in(questions: QuestionSet, *, min_ratings: int = MIN_FIT + MIN_HELD_OUT) -> tuple[Rater, ...]:
    """The single people among the groups of a question set.

    A group is a person where it says to which groups it belongs, or where exactly one answer is counted for each
    question that it answered. Questions that cannot be asked are left out; of questions in the same words a person
    keeps the first, as the second would be known from it.

    Args:
        questions: Questions with counts.
        min_ratings: People with fewer ratings are left out.

    Raises:
        DataError: A group that says to which groups it belongs has several answers to a question, or there is no
            person with so many ratings.
    """
    ratings: dict[str, list[Rating]] = {group.id: [] for group in questions.groups}
    crowds = {POPULATION, *(membership for group in questions.groups for membership in group.member_of)}
    persons = {group.id for group in questions.groups if group.member_of}
    for question in questions.questions:
        for group_id in question.groups:
            counts = question.counts.get(group_id, ())
            if max(counts, default=0) != 1 or sum(counts) != 1:
                if group_id in persons:
                    raise DataError(
                        f"counts[{group_id!r}] of question {question.id!r}: a single person gives one answer, "
                        f"found {tuple(counts)}."
                    )
                crowds.add(group_id)
            elif question.unaskable is None:
                ratings[group_id].append(Rating(question, counts.index(1)))
    found = tuple(
        Rater(group=group, ratings=_different(ratings[group.id]))
        for group in questions.groups
        if group.id not in crowds
    )
    kept = tuple(rater for rater in found if len(rater.ratings) >= min_ratings)
    if not kept:
        most = max((len(rater.ratings) for rater in found), default=0)
        raise DataError(
            f"{questions.id!r} holds {len(found)} single people, none with {min_ratings} ratings or more; the most "
            f"have {most}. A single person is a group with one answer a question."
        )
    return kept


def choose_raters(raters: Sequence[Rater], *, n: int | None, seed: int) -> tuple[Rater, ...]:
    """So many of the raters, chosen by seed and id, whatever their order; all where there are no more.

    Args:
        raters: The raters.
        n: How many; None: all of them.
        seed: Seed of the choice.
    """
    return tuple(sorted(raters, key=lambda rater: content_hash(["choose", seed, rater.id]))[:n])


def split_raters(
    raters: Sequence[Rater], *, train_share: float = 0.5, seed: int
) -> tuple[tuple[Rater, ...], tuple[Rater, ...]]:
    """Divide raters into those on which everything is fitted and those on whom it is tested.

    The halves depend on seed and ids, not on the order of the raters.

    Args:
        raters: At least two.
        train_share: Share of the first part, above 0 and below 1; both parts get one rater at least.
        seed: Seed of the choice.

    Returns:
        Train raters and test raters.

    Raises:
        ConfigurationError: `train_share` is out of range.
        DataError: There are fewer than two raters.
    """
    if not 0 < train_share < 1:
        raise ConfigurationError(f"train_share must lie between 0 and 1, for example 0.5, not {train_share}.")
    if len(raters) < 2:
        raise DataError(f"{len(raters)} raters cannot be divided: one part is fitted, the other tested.")
    shuffled = sorted(raters, key=lambda rater: content_hash(["split", seed, rater.id]))
    n_train = min(max(round(train_share * len(shuffled)), 1), len(shuffled) - 1)
    return tuple(shuffled[:n_train]), tuple(shuffled[n_train:])


def split_ratings(
    rater: Rater, *, seed: int, n_fit: int | None = None, max_held_out: int | None = None
) -> SplitRater:
    """Divide one rater's ratings into those that may be seen and those that are predicted.

    Args:
        rater: A rater of four ratings or more.
        seed: Seed of the choice; together with the rater's id it decides everything.
        n_fit: Number of ratings that may be seen; None: uniform on 2, ..., N - 2, as Sorensen et al. 2025 have it.
        max_held_out: Of the others at most so many are kept.

    Raises:
        DataError: The rater has too few ratings.
        ConfigurationError: `n_fit` or `max_held_out` is below 2.
    """
    for name, value in (("n_fit", n_fit), ("max_held_out", max_held_out)):
        if value is not None and value < MIN_FIT:
            raise ConfigurationError(f"{name}: {value} ratings say too little; it must be {MIN_FIT} or more.")
    n = len(rater.ratings)
    needed = (n_fit or MIN_FIT) + MIN_HELD_OUT
    if n < needed:
        raise DataError(
            f"The rater {rater.id!r} has {n} ratings; {needed} are needed, so that {MIN_HELD_OUT} stay held out."
        )
    rng = np.random.default_rng(int(content_hash(["ratings", seed, rater.id]), 16))
    size = n_fit or int(rng.integers(MIN_FIT, n - MIN_HELD_OUT, endpoint=True))
    shuffled = [rater.ratings[int(index)] for index in rng.permutation(n)]
    held_out = shuffled[size:][:max_held_out]
    return SplitRater(rater=rater, fit=tuple(shuffled[:size]), held_out=tuple(held_out))


def make_fold(
    raters: Sequence[Rater],
    *,
    seed: int,
    train_share: float = 0.5,
    n_fit: int | None = None,
    max_held_out: int | None = None,
) -> Fold:
    """Divide raters, and the ratings of each; see `split_raters` and `split_ratings`."""
    train, test = (
        tuple(split_ratings(rater, seed=seed, n_fit=n_fit, max_held_out=max_held_out) for rater in half)
        for half in split_raters(raters, train_share=train_share, seed=seed)
    )
    return Fold(seed=seed, train=train, test=test)


def _different(ratings: Sequence[Rating]) -> tuple[Rating, ...]:
    """The ratings without those of a question that stood there before in the same words."""
    first: dict[str, Rating] = {}
    for rating in ratings:
        first.setdefault(rating.question.wording, rating)
    return tuple(first.values())
