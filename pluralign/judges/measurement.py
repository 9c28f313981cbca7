"""Measuring a judge: its degrees held against people's ratings, beside baselines that read no text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from pluralign.errors import DataError
from pluralign.judges.agreement import (
    TAU,
    Agreement,
    Figure,
    calibrate,
    split_half_reliability,
    two_digits,
)
from pluralign.judges.degrees import Degrees, Progress, Reading, cosine_degrees, entailment_degrees
from pluralign.judges.entailment import Entailment
from pluralign.judges.ratings import (
    N_NEIGHBOURS,
    RatingTable,
    nearest_neighbours,
    person_means,
    statement_means,
)
from pluralign.judges.validation import JudgeValidation, Predictor, SampleValidation, Stratum
from pluralign.metrics.arrays import FloatArray
from pluralign.models.embedding import Embedder

# Name and definition of what predicts without reading.
BLIND = ("response-blind", "mean of the person's other ratings")
STATEMENT = ("statement mean", "mean of other people's ratings of the statement")
NEIGHBOURS = (
    f"{N_NEIGHBOURS} neighbours",
    f"mean of the {N_NEIGHBOURS} people who rated the other statements most alike",
)


def validate_entailment(
    judge: Entailment, tables: Iterable[RatingTable], *, seed: int = 0, progress: Progress | None = None
) -> JudgeValidation:
    """Measure an entailment judge on people's ratings, by the readings of `entailment_degrees`.

    Args:
        judge: The judge.
        tables: From `pluralign.judges.ratings.rating_tables`.
        seed: Of the calibration's folds and of the resampling.
        progress: Called with the number of pairs judged and the number of all.

    Raises:
        DataError: There is no table, or the judge has no degree for a whole one.
        ModelError: The judge returned another number of verdicts than it was asked for.
    """
    known = list(tables)
    degrees = entailment_degrees(judge, known, progress=progress)
    return _validation(judge.id, judge.fingerprint(), tables=known, degrees=degrees, seed=seed)


def validate_embedder(embedder: Embedder, tables: Iterable[RatingTable], *, seed: int = 0) -> JudgeValidation:
    """Measure the cosine of an embedder on people's ratings, by the readings of `cosine_degrees`.

    Args:
        embedder: The embedder.
        tables: From `pluralign.judges.ratings.rating_tables`.
        seed: Of the calibration's folds and of the resampling.

    Raises:
        DataError: There is no table, or nobody in one wrote anything.
    """
    known = list(tables)
    degrees = cosine_degrees(embedder, known)
    return _validation(
        f"cosine:{embedder.id}", embedder.fingerprint(), tables=known, degrees=degrees, seed=seed
    )


def _validation(
    judge: str,
    fingerprint: Mapping[str, str],
    *,
    tables: Sequence[RatingTable],
    degrees: Sequence[Degrees],
    seed: int,
) -> JudgeValidation:
    if not tables:
        raise DataError("A judge cannot be validated without a table of ratings.")
    samples = [_sample(table, own, seed=seed) for table, own in zip(tables, degrees, strict=True)]
    return JudgeValidation(judge=judge, fingerprint=dict(fingerprint), seed=seed, samples=tuple(samples))


def _sample(table: RatingTable, degrees: Degrees, *, seed: int) -> SampleValidation:
    """One sample's figures."""
    main, *others = degrees.readings
    judge = _agreement(table, main.degrees, seed=seed)
    if not judge.scored.any():
        raise DataError(f"{table.id}: the judge has no degree for any person and statement.")
    blind, statement, neighbours = (
        _agreement(table, predict(table.levels), seed=seed)
        for predict in (person_means, statement_means, nearest_neighbours)
    )
    found = SampleValidation(
        id=table.id,
        data_hash=table.digest,
        words=table.words,
        n_people=len(table.people),
        n_statements=len(table.statements),
        n_levels=table.n_levels,
        n_ratings=int(np.isfinite(table.levels).sum()),
        n_unscored=_unscored(table, main.degrees),
        n_pairs=degrees.n_pairs,
        n_pairs_unjudged=degrees.n_pairs_unjudged,
        judge=_reading(main, judge).model_copy(update={"strata": _strata(judge)}),
        alternatives=tuple(_reading(each, _agreement(table, each.degrees, seed=seed)) for each in others),
        baselines=(
            _baseline(BLIND, blind),
            _baseline(STATEMENT, statement),
            _baseline(NEIGHBOURS, neighbours),
        ),
        error_less_blind=_error_less_blind(judge, blind),
        correlation_less_blind=judge.correlation_difference(blind),
        within_less_statement=judge.within_difference(statement),
        people_reaching_tau=judge.reaches(table.levels, TAU * table.top),
        people_length=judge.length_correlation(table.levels),
        reliability=split_half_reliability(table.levels, seed=seed),
    )
    return found.model_copy(update={"readings": tuple(_readings(found))})


def _agreement(table: RatingTable, predicted: FloatArray, *, seed: int) -> Agreement:
    return Agreement(
        levels=table.levels,
        predicted=predicted,
        calibrated=calibrate(predicted, table.levels, people=table.people, seed=seed),
        n_words=table.n_words,
        top=table.top,
        seed=seed,
    )


def _reading(reading: Reading, agreement: Agreement) -> Predictor:
    """Figures of a reading of the judge."""
    stated = None if reading.threshold is None else agreement.reaches(reading.degrees, reading.threshold)
    figures = _predictor((reading.name, reading.definition), agreement)
    return figures.model_copy(update={"stated": stated, "systems": agreement.systems()})


def _baseline(name: tuple[str, str], agreement: Agreement) -> Predictor:
    """Figures of what predicts on the scale of the ratings without reading."""
    figures = _predictor(name, agreement).model_copy(update={"raw_error": agreement.raw_error()})
    # A response-blind predictor has no order within a person; what leaving out makes of it is no figure of its.
    return figures.model_copy(update={"within": None, "n_flat": 0}) if name == BLIND else figures


def _predictor(name: tuple[str, str], agreement: Agreement) -> Predictor:
    raters = agreement.raters
    return Predictor(
        name=name[0],
        definition=name[1],
        within=agreement.within(),
        n_undefined=raters.n_undefined,
        n_flat=raters.n_flat,
        correlation=agreement.correlation(),
        error=agreement.error(),
        sd_ratio=agreement.sd_ratio(),
        reaching_tau=agreement.reaches(agreement.calibrated, TAU * agreement.top),
        length_correlation=agreement.length_correlation(agreement.predicted),
        partial_correlation=agreement.partial_correlation(),
    )


def _strata(agreement: Agreement) -> tuple[Stratum, ...]:
    strata = []
    for columns in agreement.strata():
        among = np.zeros_like(agreement.scored)
        among[:, columns] = True
        strata.append(
            Stratum(
                shortest=int(agreement.n_words[columns].min()),
                longest=int(agreement.n_words[columns].max()),
                n_statements=len(columns),
                correlation=agreement.correlation(among),
                error=agreement.error(among),
                bias=agreement.bias(among),
            )
        )
    return tuple(strata)


def _error_less_blind(judge: Agreement, blind: Agreement) -> Figure:
    """Against the baseline at its best: calibrated, or as it is."""
    both = judge.scored & blind.scored
    errors = [np.abs(each - judge.levels)[both].sum() for each in (blind.calibrated, blind.predicted)]
    return judge.error_difference(blind, raw=bool(errors[1] < errors[0]))


def _unscored(table: RatingTable, degrees: FloatArray) -> dict[str, int]:
    counts = {"nothing written": 0, "not judged": 0}
    for person, column in np.argwhere(np.isfinite(table.levels) & np.isnan(degrees)).tolist():
        counts["not judged" if table.own_words(person, column) else "nothing written"] += 1
    return {reason: n for reason, n in counts.items() if n}


def _readings(sample: SampleValidation) -> Iterator[str]:
    """What the figures say."""
    judge, blind, statement = sample.judge, *sample.baselines[:2]
    within = judge.within
    if within is None or within.value is None:
        yield "Nobody's ratings have an order that could be found."
    else:
        orders = (
            "orders the statements" if within.is_above_zero else "does not demonstrably order the statements"
        )
        if within.is_below_zero:
            orders = "orders the statements the wrong way"
        yield (
            f"Within a person the judge {orders}: rank correlation {within.shown} over {within.n} "
            f"people; other people's ratings have {statement.within.shown if statement.within else 'none'}, "
            f"{'which it beats' if sample.beats_statement else 'which it does not beat'}."
        )
    less = "less" if sample.error_less_blind.is_below_zero else "not demonstrably less"
    if sample.error_less_blind.is_above_zero:
        less = "more"
    yield (
        f"On single ratings it errs {less} than the person's other ratings alone do: {judge.error.shown} levels of "
        f"0 to {sample.n_levels - 1} against {blind.error.shown}, or {_number(blind.raw_error)} uncalibrated; "
        f"difference {sample.error_less_blind.shown}."
    )
    yield (
        f"Calibrated, it says of {_percent(judge.reaching_tau)} of cases that the statement represents the person "
        f"(tau {TAU:g} of the scale); people say so of {_percent(sample.people_reaching_tau)}. Its spread is "
        f"{_number(judge.sd_ratio)} of theirs."
        + (f" At its own threshold it says so of {_percent(judge.stated)}." if judge.stated else "")
    )
    if judge.systems is not None:
        yield (
            f"Its mean degrees correlate {judge.systems.shown} with people's mean ratings over {sample.n_statements} "
            f"statements; people agree with people by {_number(sample.reliability)}."
        )
    yield (
        f"Its degrees correlate {judge.length_correlation.shown} with the statement's length, people's ratings "
        f"{sample.people_length.shown}; with length held fixed, judge and people correlate "
        f"{judge.partial_correlation.shown}."
    )


def _number(figure: Figure | None) -> str:
    return "undefined" if figure is None or figure.value is None else two_digits(figure.value)


def _percent(figure: Figure) -> str:
    return "undefined" if figure.value is None else f"{100 * figure.value:.0f} %"
