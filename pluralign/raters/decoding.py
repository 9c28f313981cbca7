"""The decoder: what a model predicts of a rater's held-out ratings, given one representation of the rater or another.

Every representation is put in the same frame (answers of one person), so that two losses differ by what is known of the
rater and by nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pluralign.elicitation.conditions import in_context
from pluralign.errors import DataError
from pluralign.profiles import ValueProfile, system_prompt
from pluralign.raters.calibration import MIN_PROB, Calibration, Method, fit, normalised
from pluralign.raters.rater import Rating, SplitRater
from pluralign.records import POPULATION, Answer, Condition, Question

FloatArray = NDArray[np.float64]
Cell = tuple[Question, Condition]


class Given(StrEnum):
    """What the decoder is given of a rater.

    `none`: nothing. `demographics`: the person in words. `examples`: fit ratings as turns. `profile`: the value profile
    inferred from them. `cluster`: the profile of the rater's cluster. `another's profile`: that of somebody else, a
    control: what is gained under it is gained by any profile.
    """

    NONE = "none"
    DEMOGRAPHICS = "demographics"
    EXAMPLES = "examples"
    PROFILE = "profile"
    PROFILE_AND_DEMOGRAPHICS = "profile+demographics"
    CLUSTER = "cluster"
    ANOTHERS_PROFILE = "another's profile"


@dataclass(frozen=True)
class Case:
    """One held-out rating.

    Attributes:
        rater: Id of the rater.
        rating: What is to be predicted.
        given: Representation -> the condition under which the decoder is asked.
        missing: Representation -> why the rater has none.
    """

    rater: str
    rating: Rating
    given: Mapping[Given, Condition]
    missing: Mapping[Given, str]


@dataclass(frozen=True)
class Decoded:
    """What a decoder predicts of n held-out ratings.

    Attributes:
        cases: The ratings, n of them.
        log_probs: Representation -> log-probabilities of the options, nats, shape (n, K); -inf where a question has
            fewer than K options, NaN rows where there is no prediction.
        valid_mass_probs: Representation -> probability on the options before normalising, shape (n,); NaN where unknown.
        unscored: Representation -> for each rating why there is no prediction, or None.
    """

    cases: tuple[Case, ...]
    log_probs: Mapping[Given, FloatArray]
    valid_mass_probs: Mapping[Given, FloatArray]
    unscored: Mapping[Given, tuple[str | None, ...]]

    @property
    def choices(self) -> NDArray[np.int64]:
        """Index of the option chosen, shape (n,)."""
        return np.array([case.rating.choice for case in self.cases], dtype=np.int64)

    @property
    def raters(self) -> NDArray[np.str_]:
        """Id of each rating's rater, shape (n,)."""
        return np.array([case.rater for case in self.cases])

    def predicted(self, given: Given) -> NDArray[np.bool_]:
        """Which ratings have a prediction under a representation, shape (n,)."""
        return np.array([reason is None for reason in self.unscored[given]], dtype=bool)

    def calibrated(self, calibrations: Mapping[Given, Calibration]) -> "Decoded":
        """The same predictions, those of each representation calibrated."""
        return replace(
            self, log_probs={given: calibrations[given].apply(own) for given, own in self.log_probs.items()}
        )


def profile_condition(profile: ValueProfile) -> Condition:
    """The decoder is told a value profile; the same for whomever it stands for, so that it is asked once."""
    return Condition(kind="in_context", id=profile.id, text=system_prompt(profile, style="portrait"))


def cases_of(
    rater: SplitRater,
    *,
    profile: ValueProfile | None,
    anothers: ValueProfile | None = None,
    cluster: ValueProfile | None = None,
    n_examples: int | None = None,
    no_profile: str = "no profile",
) -> tuple[Case, ...]:
    """The held-out ratings of one rater with everything under which they are predicted.

    Args:
        rater: The rater.
        profile: What was inferred from his fit ratings; None where the encoder failed.
        anothers: The profile of another rater; None: without that control.
        cluster: The profile of his cluster; None: not clustered.
        n_examples: Fit ratings shown in context at most; None: all, as a profile is inferred from all.
        no_profile: Why there is no profile.
    """
    group = rater.rater.group
    shown = [(rating.question, rating.choice) for rating in rater.fit[:n_examples]]
    given = {
        Given.NONE: Condition(kind="in_context", id=POPULATION),
        Given.EXAMPLES: in_context(group, answered=shown),
    }
    missing: dict[Given, str] = {}
    described = in_context(group, answered=(), described=True)
    if group.text:
        given[Given.DEMOGRAPHICS] = described
    else:
        missing[Given.DEMOGRAPHICS] = "no demographics"
    if profile:
        given[Given.PROFILE] = profile_condition(profile)
    else:
        missing[Given.PROFILE] = no_profile
    if profile and group.text:
        text = f"{described.text} {given[Given.PROFILE].text}"
        given[Given.PROFILE_AND_DEMOGRAPHICS] = Condition(kind="in_context", id=rater.id, text=text)
    else:
        missing[Given.PROFILE_AND_DEMOGRAPHICS] = no_profile if group.text else "no demographics"
    if cluster:
        given[Given.CLUSTER] = profile_condition(cluster)
    if anothers:
        given[Given.ANOTHERS_PROFILE] = profile_condition(anothers)
    return tuple(Case(rater.id, rating, given, missing) for rating in rater.held_out)


def cells_of(cases: Sequence[Case]) -> tuple[Cell, ...]:
    """What the decoder is asked: each question under each condition once, those of a condition together."""
    by_condition: dict[Condition, dict[str, Question]] = {}
    for case in cases:
        for condition in case.given.values():
            by_condition.setdefault(condition, {})[case.rating.question.id] = case.rating.question
    return tuple(
        (question, condition) for condition, own in by_condition.items() for question in own.values()
    )


def profile_cells(profiles: Sequence[ValueProfile], raters: Sequence[SplitRater]) -> tuple[Cell, ...]:
    """The raters' fit questions under each of the profiles, for `fit_losses`."""
    questions = {rating.question.id: rating.question for rater in raters for rating in rater.fit}
    conditions = [profile_condition(profile) for profile in profiles]
    return tuple((question, condition) for condition in conditions for question in questions.values())


def answer_table(answers: Sequence[Answer]) -> dict[tuple[str, Condition], Answer]:
    """(question id, condition) -> answer."""
    return {(answer.question_id, answer.condition): answer for answer in answers}


def read_decoded(
    cases: Sequence[Case], answers: Mapping[tuple[str, Condition], Answer], *, n_options: int
) -> Decoded:
    """The predictions of held-out ratings as arrays.

    Args:
        cases: At least one.
        answers: (question id, condition) -> what the decoder answered.
        n_options: K, that of the question with the most options.

    Raises:
        DataError: There is no rating.
    """
    if not cases:
        raise DataError("There is no held-out rating to be predicted.")
    kinds = [kind for kind in Given if any(kind in case.given or kind in case.missing for case in cases)]
    log_probs, masses, unscored = {}, {}, {}
    for kind in kinds:
        found = [
            answers.get((case.rating.question.id, case.given[kind])) if kind in case.given else None
            for case in cases
        ]
        log_probs[kind] = np.array([log_probs_of(answer, n_options=n_options) for answer in found])
        masses[kind] = np.array([_mass(answer) for answer in found])
        unscored[kind] = tuple(_reason(case, kind, answer) for case, answer in zip(cases, found, strict=True))
    return Decoded(tuple(cases), log_probs, masses, unscored)


def log_probs_of(answer: Answer | None, *, n_options: int) -> FloatArray:
    """Log-probabilities of one answer, nats, filled up with -inf to shape (n_options,); NaN without a distribution."""
    if answer is None or answer.probabilities is None:
        return np.full(n_options, np.nan)
    row = np.full(n_options, -np.inf)
    row[: len(answer.probabilities)] = np.log(np.maximum(answer.probabilities, MIN_PROB))
    return normalised(row)


def fit_losses(
    profiles: Sequence[ValueProfile],
    raters: Sequence[SplitRater],
    *,
    answers: Mapping[tuple[str, Condition], Answer],
    calibration: Calibration,
) -> FloatArray:
    """L(i, k) = -sum over rater i's fit ratings of log P(rating | profile k), nats, shape (raters, profiles).

    A rating that is not predicted under every profile counts under none, so that sums have equally many terms.

    Raises:
        DataError: A rater has no rating that is predicted under every profile.
    """
    conditions = [profile_condition(profile) for profile in profiles]
    losses = []
    for rater in raters:
        rows = [_chosen(rating, conditions, answers, calibration) for rating in rater.fit]
        kept = [row for row in rows if np.isfinite(row).all()]
        if not kept:
            raise DataError(
                f"The rater {rater.id!r} cannot be assigned: none of {len(rater.fit)} fit ratings is predicted under "
                f"all of {len(profiles)} profiles."
            )
        losses.append(-np.sum(kept, axis=0))
    return np.array(losses)


def calibrations_of(train: Decoded, *, method: Method) -> dict[Given, Calibration]:
    """One calibration for each representation, fitted on train raters' held-out ratings.

    All are fitted on the same ratings, those that are predicted under every representation: fitted on different raters,
    they would differ by these raters' preferences. A representation under which nothing is predicted keeps its
    predictions as they are.
    """
    kinds = [given for given in train.log_probs if train.predicted(given).any()]
    rows = np.logical_and.reduce([train.predicted(given) for given in kinds])
    return {
        given: fit(log_probs[rows], train.choices[rows], method=method)
        if given in kinds and rows.any()
        else Calibration()
        for given, log_probs in train.log_probs.items()
    }


def pooled(parts: Sequence[Decoded]) -> Decoded:
    """The predictions of several splits as one, under the representations that all of them have.

    Args:
        parts: At least one, read with the same `n_options`.
    """
    kinds = [kind for kind in Given if all(kind in part.log_probs for part in parts)]
    return Decoded(
        cases=tuple(case for part in parts for case in part.cases),
        log_probs={kind: np.concatenate([part.log_probs[kind] for part in parts]) for kind in kinds},
        valid_mass_probs={
            kind: np.concatenate([part.valid_mass_probs[kind] for part in parts]) for kind in kinds
        },
        unscored={kind: tuple(reason for part in parts for reason in part.unscored[kind]) for kind in kinds},
    )


def _mass(answer: Answer | None) -> float:
    return float("nan") if answer is None or answer.valid_mass_prob is None else answer.valid_mass_prob


def _reason(case: Case, kind: Given, answer: Answer | None) -> str | None:
    """Why a rating has no prediction under a representation, or None."""
    if kind not in case.given:
        return case.missing.get(kind, "not asked")
    if answer is None:
        return "not asked"
    return None if answer.probabilities is not None else answer.outcome.value


def _chosen(
    rating: Rating,
    conditions: Sequence[Condition],
    answers: Mapping[tuple[str, Condition], Answer],
    calibration: Calibration,
) -> FloatArray:
    """Calibrated log-probability of what was chosen under each condition; NaN where there is no prediction."""
    n_options = len(rating.question.options)
    rows = [
        log_probs_of(answers.get((rating.question.id, condition)), n_options=n_options)
        for condition in conditions
    ]
    chosen: FloatArray = calibration.apply(np.array(rows))[:, rating.choice]
    return chosen
