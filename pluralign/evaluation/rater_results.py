"""What a study of raters found: estimates, what they say in words, the page and results.json."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pluralign.evals import Scores
from pluralign.evaluation.rater_plan import DEFAULT_STUDY, PreparedStudy, StudyConfig
from pluralign.evaluation.results import score_results
from pluralign.profiles import ValueProfile
from pluralign.raters import (
    Calibration,
    Clustering,
    Decoded,
    Encoding,
    Fold,
    Given,
    HeldOut,
    base_rates,
    cell_scores,
    pooled,
)
from pluralign.raters.information import PRIMARY
from pluralign.records import Estimate, Outcome, QuestionSet
from pluralign.reports import Report, Section, Series
from pluralign.runs import Status, flat_facts, run_facts

# Below this the options are not what the decoder would mostly say.
LITTLE_MASS = 0.5
FloatArray = NDArray[np.float64]
# Option of the command line -> setting; 0 stands for None.
FLAGS = {
    "--raters": "n_raters",
    "--fit": "n_fit",
    "--held-out": "n_held_out",
    "--examples": "n_examples",
    "--candidates": "n_candidates",
    "--clusters": "n_clusters",
    "--splits": "n_splits",
    "--train-share": "train_share",
    "--calibration": "calibration",
    "--max-orders": "max_orders",
    "--draws": "max_draws",
    "--temperature": "encoder_temperature",
    "--max-new-tokens": "max_new_tokens",
    "--trials": "n_trials",
    "--seed": "seed",
}
_WORDS = {
    Given.PROFILE: "the profile inferred from the rater's other ratings",
    Given.EXAMPLES: "those ratings themselves",
    Given.DEMOGRAPHICS: "demographics",
    Given.PROFILE_AND_DEMOGRAPHICS: "profile and demographics",
    Given.CLUSTER: "the profile of the rater's cluster",
    Given.ANOTHERS_PROFILE: "another rater's profile",
}


@dataclass(frozen=True)
class FoldResult:
    """What was found on one division of raters and ratings.

    Attributes:
        fold: The division.
        encodings: Rater -> what became of the attempt to put his values in words.
        test: Calibrated predictions of test raters' held-out ratings.
        calibrations: Representation -> calibration, fitted on train raters.
        candidates: Profiles among which clusters were chosen.
        clustering: The profiles chosen and the train raters around them, or None.
        test_assigned: For each test rater the index into `clustering.chosen`; empty without clustering.
    """

    fold: Fold
    encodings: Mapping[str, Encoding]
    test: Decoded
    calibrations: Mapping[Given, Calibration]
    candidates: tuple[ValueProfile, ...] = ()
    clustering: Clustering | None = None
    test_assigned: tuple[int, ...] = ()


@dataclass(frozen=True)
class StudyRun:
    """A finished study.

    Attributes:
        config: What was asked for.
        questions: What the raters rated.
        folds: What was found on each division.
        scores: Estimates over the test raters of all divisions.
        folder: Where the study lies.
    """

    config: StudyConfig
    questions: QuestionSet
    folds: tuple[FoldResult, ...]
    scores: Scores
    folder: Path

    @property
    def command(self) -> str:
        """The command that runs the same study again."""
        settings, default = self.config.settings, DEFAULT_STUDY
        flags = {
            "--encoder": self.config.encoder if self.config.encoder != self.config.model else None,
            "--judge": self.config.judge,
            **{
                flag: getattr(settings, name) or 0
                for flag, name in FLAGS.items()
                if getattr(settings, name) != getattr(default, name)
            },
        }
        words = ["pluralign", "raters", "run", self.config.source, "--model", self.config.model]
        words += [str(word) for flag in flags.items() if flag[1] is not None for word in flag]
        words += [word for key, value in settings.data.items() for word in ("--data", f"{key}={value}")]
        return shlex.join(words)

    @property
    def results(self) -> dict[str, Any]:
        """What results.json holds."""
        outcomes = Counter(
            encoding.outcome.value for found in self.folds for encoding in found.encodings.values()
        )
        return {
            "study": f"raters/{self.questions.id}",
            "status": Status.COMPLETE.value,
            **score_results(self.scores, model=self.config.model, findings=()),
            "encoder": self.config.encoder,
            "encodings": dict(sorted(outcomes.items())),
            "folds": [_fold_facts(found) for found in self.folds],
        }

    @property
    def report(self) -> Report:
        """The page: estimates and what they say; no single person's answers."""
        series = Series(label=self.config.model, estimates=self.scores.estimates)
        section = Section(
            title=f"What is known of a rater: {self.questions.id}",
            questions=self.questions,
            series=(series,),
            readings=self.scores.readings,
        )
        return Report(
            title=f"Value profiles of raters: {self.questions.id}, {self.config.model}",
            summary=(
                "Each rater's ratings are divided. From one part an encoder writes a value profile; the other part is "
                "predicted by a decoder that is given the profile, the ratings themselves, demographics, or nothing. "
                "Its loss is calibrated on train raters and measured on test raters.",
            ),
            sections=(section,),
            run_facts=flat_facts(run_facts()),
            reproduce=self.command,
        )


def scored(
    folds: Sequence[FoldResult],
    *,
    prepared: PreparedStudy,
    folder: Path,
    judged: Sequence[Estimate] = (),
) -> StudyRun:
    """The scores of a study whose models have answered.

    Args:
        folds: What was found on each division.
        prepared: The study.
        folder: Where it lies.
        judged: Estimates of interpretability.
    """
    decoded = pooled([found.test for found in folds])
    rates = np.concatenate([_base_rates(found) for found in folds])
    held_out = HeldOut(decoded, base_rates=rates, seed=prepared.settings.seed)
    estimates = (*held_out.estimates(), *judged)
    scores = Scores(
        primary=PRIMARY,
        estimates=estimates,
        cells=cell_scores(decoded),
        n_unscored=dict(estimates[0].n_unscored),
        readings=readings(estimates, folds=folds),
    )
    return StudyRun(prepared.config, prepared.questions, tuple(folds), scores, folder)


def readings(estimates: Sequence[Estimate], *, folds: Sequence[FoldResult]) -> tuple[str, ...]:
    """What the numbers say, one sentence each."""
    by_key = {(estimate.name, estimate.slice): estimate for estimate in estimates}
    said = []
    for given, words in _WORDS.items():
        gain = by_key.get((PRIMARY, f"given={given.value}"))
        if gain is not None:
            said.append(_gain_sentence(gain, words))
    preserved = by_key.get(("information_preserved", f"given={Given.PROFILE.value}"))
    if preserved is not None:
        said.append(_preserved_sentence(preserved))
    said += [
        _base_rate_sentence(by_key.get(("nll_nats", f"given={given.value}")), given)
        for given in (Given.NONE, Given.PROFILE)
    ]
    said += [_blind_sentence(folds), _mass_sentence(by_key), _encoder_sentence(folds)]
    return (*filter(None, said), *filter(None, map(_cluster_sentence, folds)))


def _gain_sentence(gain: Estimate, words: str) -> str:
    """Whether a held-out rating costs less with a representation than without, and by how much."""
    opening = words[0].upper() + words[1:]
    if gain.value is None:
        return f"{opening}: {gain.reason}."
    if gain.interval is None:
        return f"{opening}: {gain.value:+.4f} nats a rating, of a single rater."
    span = f"[{gain.interval.low:.4f}, {gain.interval.high:.4f}]"
    if gain.interval.low > 0:
        return f"{opening}: beats the decoder that is given nothing, by {gain.value:.4f} {span} nats a held-out rating."
    if gain.interval.high < 0:
        return (
            f"{opening}: worse than the decoder that is given nothing, by {-gain.value:.4f} nats a held-out rating "
            f"(information {span})."
        )
    return (
        f"{opening}: not told apart from the decoder that is given nothing (information {gain.value:+.4f} {span} nats "
        "a held-out rating)."
    )


def _preserved_sentence(preserved: Estimate) -> str:
    if preserved.value is None:
        return f"What share of the examples' information the profile preserves cannot be said: {preserved.reason}."
    span = ""
    if preserved.interval:
        span = f" [{100 * preserved.interval.low:.0f}, {100 * preserved.interval.high:.0f}]"
    return f"The profile preserves {100 * preserved.value:.0f}{span} % of the information in the examples."


def _base_rate_sentence(loss: Estimate | None, given: Given) -> str:
    """How the loss compares with that of train raters' shares of the options, which knows neither item nor rater."""
    if loss is None or loss.value is None:
        return ""
    rate = loss.baselines["base rate"]
    whose = "Given nothing" if given is Given.NONE else f"Given the {given.value}"
    if loss.value < rate:
        return (
            f"{whose}, a rating costs {loss.value:.4f} nats; the shares of the options alone cost {rate:.4f}."
        )
    return (
        f"{whose}, a rating costs {loss.value:.4f} nats, no less than the shares of the options alone ({rate:.4f}): "
        "this decoder does not predict the items."
    )


def _blind_sentence(folds: Sequence[FoldResult]) -> str:
    """Under what nothing was left of the decoder's predictions, as they were of no use on train raters."""
    blind = {
        given.value: fitted
        for found in folds
        for given, fitted in found.calibrations.items()
        if fitted.is_blind
    }
    if not blind:
        return ""
    unclustered = ", and raters are not clustered" if Given.PROFILE.value in blind else ""
    sentence = (
        f"Calibrated on train raters, nothing is left of what the decoder predicts given {', '.join(blind)}"
    )
    if any(fitted.offsets for fitted in blind.values()):
        return f"{sentence}, but the shares of the options{unclustered}."
    return (
        f"{sentence}: its raw predictions are no better than uniform ones{unclustered}. Whether it merely prefers one "
        "option, --calibration bias tells."
    )


def _mass_sentence(by_key: Mapping[tuple[str, str], Estimate]) -> str:
    """A warning where the decoder mostly answers with something else than an option."""
    mass = by_key.get(("valid_mass_prob", f"given={Given.PROFILE.value}"))
    if mass is None or mass.value is None or mass.value >= LITTLE_MASS:
        return ""
    return (
        f"Given the profile, the options get {mass.value:.3f} of the decoder's probability before normalising: the "
        "rest of what it would say is not measured."
    )


def _encoder_sentence(folds: Sequence[FoldResult]) -> str:
    encodings = [encoding for found in folds for encoding in found.encodings.values()]
    n_read = sum(encoding.outcome is Outcome.OK for encoding in encodings)
    replies = Counter(outcome.value for encoding in encodings for outcome in encoding.outcomes)
    told = ", ".join(f"{n} {outcome}" for outcome, n in replies.most_common())
    return f"The encoder wrote a readable profile for {n_read} of {len(encodings)} raters (replies: {told})."


def _cluster_sentence(found: FoldResult) -> str:
    if found.clustering is None:
        return ""
    sizes = Counter(found.test_assigned)
    shares = ", ".join(str(sizes[index]) for index in range(len(found.clustering.chosen)))
    return (
        f"Split {found.fold.seed}: {len(found.clustering.chosen)} of {len(found.candidates)} candidate profiles are "
        f"chosen ({found.clustering.n_agreeing} of {found.clustering.n_restarts} starts agree); test raters around "
        f"them: {shares}."
    )


def _base_rates(found: FoldResult) -> FloatArray:
    train = [rating for rater in found.fold.train for rating in (*rater.fit, *rater.held_out)]
    return base_rates(found.test, train)


def _fold_facts(found: FoldResult) -> dict[str, Any]:
    clusters = []
    if found.clustering:
        for index, candidate in enumerate(found.clustering.chosen):
            clusters.append({
                "profile": found.candidates[candidate].model_dump(mode="json"),
                "n_train_raters": found.clustering.assigned.count(index),
                "n_test_raters": found.test_assigned.count(index),
            })
    return {
        "seed": found.fold.seed,
        "train": [rater.id for rater in found.fold.train],
        "test": [rater.id for rater in found.fold.test],
        "calibrations": {given.value: asdict(fitted) for given, fitted in found.calibrations.items()},
        "clusters": clusters,
    }
