"""Whether profiles say in words what a decoder does with them: which of two profiles goes with which answers.

A judge reads two profiles and two sets of predicted answers to the same items, and matches them (the semantic
interpretability of Sorensen et al. 2025; chance is one half). Every pair is shown in both orders, and the verdict is the
judge's exact probability of either match, so that a judge who always says "the first" gets one half.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pluralign.elicitation.conditions import whole_percentages
from pluralign.errors import ConfigurationError
from pluralign.metrics import cluster_bootstrap
from pluralign.profiles import ValueProfile
from pluralign.raters.calibration import Calibration
from pluralign.raters.decoding import log_probs_of, profile_condition
from pluralign.records import Answer, Condition, Estimate, Interval, Option, Question

NAME = "interpretability"
N_RESAMPLES = 2000
_LEVEL = 0.95
_MATCHES = ("Person A holds profile 1", "Person A holds profile 2")


@dataclass(frozen=True)
class Trial:
    """Two profiles with what is predicted under each.

    Attributes:
        first: A profile.
        second: Another one.
        items: The questions shown.
        predicted: For either profile the distribution over each item's options.
    """

    first: ValueProfile
    second: ValueProfile
    items: tuple[Question, ...]
    predicted: tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]

    @property
    def id(self) -> str:
        """Names both profiles."""
        return f"{self.first.id} | {self.second.id}"


def trials_of(
    profiles: Sequence[ValueProfile],
    items: Sequence[Question],
    *,
    answers: Mapping[tuple[str, Condition], Answer],
    calibration: Calibration,
    n_trials: int,
    n_items: int = 5,
    seed: int = 0,
) -> tuple[Trial, ...]:
    """Random pairs of profiles, each with random items that are predicted under both.

    Args:
        profiles: At least two.
        items: Questions that may be shown.
        answers: (question id, condition) -> what the decoder answered.
        calibration: Of the decoder under profiles.
        n_trials: Number of pairs at most; no pair twice.
        n_items: Items shown with a pair; a pair with fewer is left out.
        seed: Seed of the choice.

    Raises:
        ConfigurationError: There are fewer than two profiles.
    """
    if len(profiles) < 2:
        raise ConfigurationError(f"profiles: two at least are compared, {len(profiles)} are given.")
    rng = np.random.default_rng(seed)
    pairs = [(i, j) for i in range(len(profiles)) for j in range(i + 1, len(profiles))]
    trials: list[Trial] = []
    for index in rng.permutation(len(pairs)):
        both = tuple(profiles[place] for place in pairs[int(index)])
        conditions = [profile_condition(profile) for profile in both]
        known = [item for item in items if all(_is_predicted(answers, item, each) for each in conditions)]
        if len(known) < n_items or len(trials) == n_trials:
            continue
        shown = tuple(known[int(place)] for place in rng.permutation(len(known))[:n_items])
        predicted = [
            tuple(_distribution(answers[item.id, condition], calibration) for item in shown)
            for condition in conditions
        ]
        trials.append(Trial(both[0], both[1], shown, (predicted[0], predicted[1])))
    return tuple(trials)


def trial_questions(trial: Trial) -> tuple[Question, Question]:
    """What the judge is asked, in both orders of the profiles; person A answers as the first profile predicts."""
    forward = _question(trial, swapped=False)
    return forward, _question(trial, swapped=True)


def verdicts(
    trials: Sequence[Trial], answers: Mapping[str, Answer]
) -> tuple[NDArray[np.float64], dict[str, int]]:
    """For each trial that both orders have an answer for, whether the judge finds the right match.

    Args:
        trials: The trials.
        answers: Question id -> the judge's answer.

    Returns:
        1 where the right match has the higher probability, both orders together; .5 for a tie; else 0. And
        reason -> number of trials without a verdict.
    """
    found, lost = [], Counter[str]()
    for trial in trials:
        both = [answers.get(question.id) for question in trial_questions(trial)]
        given = [answer.probabilities for answer in both if answer and answer.probabilities]
        if len(given) < len(both):
            failed = next(answer for answer in both if not answer or not answer.probabilities)
            lost[failed.outcome.value if failed else "not asked"] += 1
            continue
        right = given[0][0] + given[1][1]
        found.append(0.5 if np.isclose(right, 1, rtol=0, atol=1e-9) else float(right > 1))
    return np.array(found), dict(lost)


def interpretability(
    trials: Sequence[Trial], answers: Mapping[str, Answer], *, judge: str, seed: int = 0
) -> Estimate:
    """Share of trials in which the judge finds the right match, with an interval over trials.

    Args:
        trials: The trials.
        answers: Question id -> the judge's answer.
        judge: Who judged.
        seed: Seed of the bootstrap.
    """
    found, lost = verdicts(trials, answers)
    bounds = None
    if found.size:
        bounds = cluster_bootstrap(
            found, np.arange(found.size), n_resamples=N_RESAMPLES, level=_LEVEL, seed=seed
        )
    method = f"bootstrap over {found.size} pairs of profiles, percentile, {N_RESAMPLES} resamples"
    return Estimate(
        name=NAME,
        slice=f"judge={judge}",
        value=float(found.mean()) if found.size else None,
        interval=bounds and Interval(low=bounds.low, high=bounds.high, level=_LEVEL, method=method),
        n_questions=int(found.size),
        n_cells=int(found.size),
        n_unscored=lost,
        unit="probability",
        definition="share of pairs of profiles that a judge matches with the answers predicted under them, both orders "
        "shown; a tie counts one half",
        lower_is_better=False,
        baselines={"chance": 0.5},
        reason=None if found.size else "no pair of profiles was judged",
    )


def _question(trial: Trial, *, swapped: bool) -> Question:
    profiles = (trial.second, trial.first) if swapped else (trial.first, trial.second)
    lines = [line for number, profile in enumerate(profiles, 1) for line in _profile_lines(profile, number)]
    for item, first, second in zip(trial.items, *trial.predicted, strict=True):
        lines += [
            "",
            f"Item: {item.text}",
            f"Person A answers: {_shares(item, first)}",
            f"Person B answers: {_shares(item, second)}",
        ]
    text = "\n".join([
        "Two people hold the two profiles below, and are likely to answer the items as told behind them.",
        *lines,
        "",
        "Which profile does person A hold?",
    ])
    order = "swapped" if swapped else "in order"
    return Question(
        id=f"{trial.id} ({order})", text=text, options=tuple(Option(text=match) for match in _MATCHES)
    )


def _profile_lines(profile: ValueProfile, number: int) -> list[str]:
    held = [
        f"{value.statement} ({value.hedge})" if value.hedge else value.statement for value in profile.values
    ]
    return ["", f"Profile {number}:", *(f"- {statement}" for statement in held)]


def _shares(item: Question, distribution: Sequence[float]) -> str:
    shares = zip(item.option_texts, whole_percentages(distribution), strict=True)
    return ", ".join(f"{text} {percentage}%" for text, percentage in shares)


def _is_predicted(
    answers: Mapping[tuple[str, Condition], Answer], item: Question, condition: Condition
) -> bool:
    answer = answers.get((item.id, condition))
    return answer is not None and answer.probabilities is not None


def _distribution(answer: Answer, calibration: Calibration) -> tuple[float, ...]:
    n_options = len(answer.probabilities or ())
    row = calibration.apply(log_probs_of(answer, n_options=n_options)[None, :])[0]
    return tuple(np.exp(row).tolist())
