"""The plan of a rater study: whose ratings are divided how, who encodes and who decodes; nothing is asked yet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from pluralign.elicitation import LogProb, check_capable, style_of
from pluralign.errors import UnsupportedError
from pluralign.evaluation.rescoring import load_source
from pluralign.models import load_model
from pluralign.models.protocol import Capability, LanguageModel
from pluralign.profiles import ValueProfile
from pluralign.profiles.record import Provenance, Value
from pluralign.raters import (
    Case,
    EncoderSettings,
    Fold,
    Given,
    Method,
    cases_of,
    cells_of,
    choose_raters,
    encoder_prompt,
    make_fold,
    profile_cells,
    raters_in,
)
from pluralign.raters.encoding import profile_id
from pluralign.raters.rater import MIN_FIT, MIN_HELD_OUT
from pluralign.records import QuestionSet, content_hash
from pluralign.records.base import Record, Text

VERSION = "1"
_TO_BE_WRITTEN = "(what the encoder writes of this person)"


class RaterSettings(Record):
    """What of a rater study the caller decides.

    Attributes:
        n_raters: Number of raters, chosen by the seed; None: all.
        n_fit: Ratings from which a profile is inferred; None: uniform on 2, ..., N - 2.
        n_held_out: Held-out ratings of each rater at most.
        n_examples: Fit ratings shown in context at most; None: all that the profile is inferred from.
        n_candidates: Profiles of train raters among which clusters are chosen, at most.
        n_clusters: Profiles that are chosen; 0: no clustering.
        n_splits: Number of divisions of the raters; each costs as much as the first.
        train_share: Share of the raters on which calibration and clusters are fitted.
        calibration: "temperature" for each representation; "bias": with an offset for each option, where all
            questions have the same; "none".
        max_orders: Orders of the options asked at most; None: all cyclic ones.
        max_draws: Replies drawn of the encoder for one rater at most.
        encoder_temperature: Of these draws.
        max_new_tokens: Length of such a reply at most.
        n_trials: Pairs of profiles put to the judge, where one is named.
        seed: Seed of everything random.
        data: Arguments of the data adapter.
    """

    n_raters: Annotated[int, Field(ge=2)] | None = 20
    n_fit: Annotated[int, Field(ge=MIN_FIT)] | None = 6
    n_held_out: Annotated[int, Field(ge=MIN_HELD_OUT)] = 6
    n_examples: PositiveInt | None = None
    n_candidates: PositiveInt = 4
    n_clusters: Annotated[int, Field(ge=0)] = 2
    n_splits: PositiveInt = 1
    train_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    calibration: Method = "temperature"
    max_orders: PositiveInt | None = None
    max_draws: PositiveInt = 3
    encoder_temperature: Annotated[float, Field(ge=0)] = 0.7
    max_new_tokens: PositiveInt = 160
    n_trials: PositiveInt = 40
    seed: int = 0
    data: Mapping[str, Any] = {}

    @property
    def encoder(self) -> EncoderSettings:
        """How profiles are drawn."""
        return EncoderSettings(
            max_draws=self.max_draws, temperature=self.encoder_temperature, max_new_tokens=self.max_new_tokens
        )


DEFAULT_STUDY = RaterSettings()


class StudyConfig(Record):
    """Everything that a study was asked to do.

    Attributes:
        source: Evaluation, data adapter or file whose single people are the raters.
        model: Name of the decoder.
        encoder: Name of the encoder.
        judge: Name of the judge of interpretability; None: not judged.
        settings: The rest.
    """

    source: Text
    model: Text
    encoder: Text
    judge: Text | None = None
    settings: RaterSettings = DEFAULT_STUDY


@dataclass(frozen=True)
class PreparedStudy:
    """A study that is ready to run.

    Attributes:
        config: What was asked for.
        questions: What the raters rated.
        folds: The divisions of raters and ratings.
        model: The decoder.
        encoder: The encoder; may be the same model.
        judge: The judge of interpretability, or None.
    """

    config: StudyConfig
    questions: QuestionSet
    folds: tuple[Fold, ...]
    model: LanguageModel
    encoder: LanguageModel
    judge: LanguageModel | None

    @property
    def settings(self) -> RaterSettings:
        """What the caller decided."""
        return self.config.settings

    @property
    def n_options(self) -> int:
        """Options of the question that has most."""
        return max(len(question.options) for question in self.questions.questions)

    @property
    def name(self) -> str:
        """Name of the study's folder: data, model and the first eight digits of the configuration's digest."""
        digest = content_hash(self.config.model_dump(mode="json"))[:8]
        parts = (f"raters-{self.questions.id}", self.model.id, digest)
        return "--".join(re.sub(r"[^A-Za-z0-9.@+-]+", "_", part) for part in parts)

    def elicitation(self, model: LanguageModel) -> LogProb:
        """How a model is asked: exact probabilities of the options, in the format that it was made for."""
        return LogProb(style=style_of(model), max_orders=self.settings.max_orders)


def prepare_study(
    source: str,
    *,
    model: str | LanguageModel,
    encoder: str | LanguageModel | None = None,
    judge: str | LanguageModel | None = None,
    settings: RaterSettings = DEFAULT_STUDY,
) -> PreparedStudy:
    """Load data and models, and divide raters and ratings.

    Args:
        source: Evaluation, data adapter or file whose single people are the raters.
        model: The decoder, or its name.
        encoder: The encoder, or its name; None: the decoder.
        judge: The judge of interpretability, or its name; None: not judged.
        settings: The rest.

    Raises:
        ConfigurationError: An unknown source, model or argument.
        DataError: The data hold too few raters with enough ratings.
        UnsupportedError: A model cannot do what is asked of it.
    """
    questions = load_source(source, settings.data).questions
    min_ratings = (settings.n_fit or MIN_FIT) + MIN_HELD_OUT
    raters = choose_raters(
        raters_in(questions, min_ratings=min_ratings), n=settings.n_raters, seed=settings.seed
    )
    folds = tuple(
        make_fold(
            raters,
            seed=settings.seed + number,
            train_share=settings.train_share,
            n_fit=settings.n_fit,
            max_held_out=settings.n_held_out,
        )
        for number in range(settings.n_splits)
    )
    load = cache(load_model)  # one model may play several parts

    def loaded(given: str | LanguageModel) -> LanguageModel:
        return load(given) if isinstance(given, str) else given

    config = StudyConfig(
        source=source,
        model=_name(model),
        encoder=_name(encoder or model),
        judge=_name(judge) if judge else None,
        settings=settings,
    )
    prepared = PreparedStudy(
        config=config,
        questions=_of_raters(questions, [rater.id for rater in raters]),
        folds=folds,
        model=loaded(model),
        encoder=loaded(encoder or model),
        judge=loaded(judge) if judge else None,
    )
    _check(prepared)
    return prepared


@dataclass(frozen=True)
class Bounds:
    """How much a study asks at most: as much as if every reply of the encoder could be read at once.

    Attributes:
        n_profiles: Profiles to be written.
        n_held_out: Held-out ratings, of train and test raters.
        n_units: Questions under a condition that the decoder is asked.
    """

    n_profiles: int
    n_held_out: int
    n_units: int


def bounds(prepared: PreparedStudy) -> Bounds:
    """Count what a study asks, without asking."""
    settings = prepared.settings
    units = set()
    n_clustered = 0
    for fold in prepared.folds:
        units |= {
            (question.id, condition) for question, condition in cells_of(stand_in_cases(fold, settings))
        }
        if settings.n_clusters:
            candidates = [_stand_in(rater.id) for rater in fold.train[: settings.n_candidates]]
            cells = profile_cells(candidates, fold.train)
            units |= {(question.id, condition) for question, condition in cells}
            n_fit_items = len(profile_cells(candidates[:1], fold.test))
            n_held_out = sum(len(rater.held_out) for rater in fold.raters)
            n_clustered += min(settings.n_clusters, len(candidates)) * n_fit_items + n_held_out
    return Bounds(
        n_profiles=sum(len(fold.raters) for fold in prepared.folds),
        n_held_out=sum(len(rater.held_out) for fold in prepared.folds for rater in fold.raters),
        n_units=len(units) + n_clustered,
    )


def first_prompts(prepared: PreparedStudy) -> tuple[str, str]:
    """The first prompt of the encoder, and the first of the decoder that holds a profile, special tokens written out.

    The profile, which is not yet written, is replaced by a note.
    """
    fold = prepared.folds[0]
    case = stand_in_cases(fold, prepared.settings)[0]
    elicitation = prepared.elicitation(prepared.model)
    decoder = elicitation.prompts(case.rating.question, case.given[Given.PROFILE])[0]
    return prepared.encoder.render(encoder_prompt(fold.train[0].fit)), prepared.model.render(decoder)


def stand_in_cases(fold: Fold, settings: RaterSettings) -> list[Case]:
    """The cases of a fold as they will be, with a note in place of each profile."""
    return [
        case
        for rater, other in zip(fold.raters, _next(fold), strict=True)
        for case in cases_of(
            rater, profile=_stand_in(rater.id), anothers=_stand_in(other), n_examples=settings.n_examples
        )
    ]


def _next(fold: Fold) -> list[str]:
    """For each rater the id of another one of the same half."""
    return [half[place - 1].id for half in (fold.train, fold.test) for place in range(len(half))]


def _stand_in(rater_id: str) -> ValueProfile:
    return ValueProfile(
        id=profile_id(rater_id),
        title="not yet written",
        summary="Not yet written.",
        values=(Value(statement=_TO_BE_WRITTEN, weight=1.0),),
        provenance=Provenance(kind="inferred", sources=("none",), licence="none"),
    )


def _of_raters(questions: QuestionSet, raters: Sequence[str]) -> QuestionSet:
    """What these raters rated, and nobody else's answers."""
    kept = set(raters)
    own = [
        question.model_copy(update={"counts": counts, "effective_n": {}, "shares": {}})
        for question in questions.questions
        if (counts := {group: each for group, each in question.counts.items() if group in kept})
    ]
    groups = tuple(group for group in questions.groups if group.id in kept)
    return questions.model_copy(update={"questions": tuple(own), "groups": groups})


def _name(model: str | LanguageModel) -> str:
    return model if isinstance(model, str) else model.id


def _check(prepared: PreparedStudy) -> None:
    """Fail before anything is asked where a model cannot do its part.

    Raises:
        UnsupportedError: It cannot.
    """
    check_capable(prepared.model, prepared.elicitation(prepared.model))
    if prepared.judge:
        check_capable(prepared.judge, prepared.elicitation(prepared.judge))
    if missing := sorted({Capability.SAMPLE, Capability.CHAT} - prepared.encoder.can):
        raise UnsupportedError(
            f"The encoder writes profiles, but {prepared.encoder.id!r} cannot {' or '.join(missing)}. Name an "
            "instruct model with --encoder."
        )
