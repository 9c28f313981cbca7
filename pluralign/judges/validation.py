"""Judge validation: what a judge says of a person and a statement, held against that person's own rating.

A judge of coverage is asked whether a text expresses a person's view. In a survey people said so themselves, so the
judge can be measured before it is believed. Three questions are kept apart:

* Does it order the statements *within* a person (rank correlation above 0)? A response-blind predictor gives all
  statements of a person one degree and orders nothing: its figure is 0 by construction. (Its leave-one-out form, the
  mean of the person's other ratings, falls as the rating rises and would come out at -1 for every judge to beat; that
  is no property of the baseline, so nothing within raters is ever taken of it.)
* Does it err less than the response-blind baseline on single ratings? Much of the variance of ratings lies between
  people, who use a scale differently, and is predicted by their other ratings without a look at the statement: on
  OvertonBench so predicted ratings have a rank correlation of .64 with the real ones, a published judge of .66.
* Does it order the statements within a person better than their mean ratings by other people, which know nothing of
  the person?

It beats the response-blind baseline if the first two hold, each with its whole interval.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from pluralign.errors import DataError
from pluralign.files import write_whole, writing
from pluralign.judges.agreement import INTERVALS, TAU, Figure
from pluralign.models.embedded import cache_folder
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import content_hash, describe


class Stratum(Record):
    """Statements of like length.

    Attributes:
        shortest: Words of the shortest statement.
        longest: Words of the longest one.
        n_statements: Number of statements.
        correlation: Rank correlation over single ratings.
        error: Mean absolute error of the calibrated predictions, in levels.
        bias: Mean of calibrated prediction less rating, in levels.
    """

    shortest: Annotated[int, Field(ge=0)]
    longest: Annotated[int, Field(ge=0)]
    n_statements: Annotated[int, Field(ge=1)]
    correlation: Figure
    error: Figure
    bias: Figure


class Predictor(Record):
    """Figures of one way to predict the ratings of a sample.

    Attributes:
        name: What it is called.
        definition: What it is.
        within: Mean over people of the rank correlation within a person; the response-blind baseline's is 0 by
            construction and is not taken.
        n_undefined: People who rated fewer than 3 statements, or all alike: without a correlation.
        n_flat: Other people to whose statements one and the same degree was given: their correlation is 0.
        correlation: Rank correlation over single ratings.
        error: Mean absolute error in levels after calibration on other people.
        raw_error: The same of the predictions as they are; of baselines, which are on the scale.
        sd_ratio: Spread of the calibrated predictions over that of the ratings.
        reaching_tau: Share of calibrated predictions at or above tau.
        stated: Share of degrees at or above the judge's own threshold; None for what has none.
        length_correlation: Rank correlation of the predictions with the statement's length.
        partial_correlation: `correlation` with the length held fixed.
        strata: The same statements in three parts by length, the shortest first; of a judge's main reading.
        systems: Correlation over statements of mean prediction and mean rating; of judges only, as the baselines
            are made of these very means.
    """

    name: Text
    definition: Text
    within: Figure | None
    n_undefined: Annotated[int, Field(ge=0)]
    n_flat: Annotated[int, Field(ge=0)]
    correlation: Figure
    error: Figure
    raw_error: Figure | None = None
    sd_ratio: Figure
    reaching_tau: Figure
    stated: Figure | None = None
    length_correlation: Figure
    partial_correlation: Figure
    strata: tuple[Stratum, ...] = ()
    systems: Figure | None = None


class SampleValidation(Record):
    """A judge on one sample of people.

    Attributes:
        id: Survey and sample: "abortion_survey/validation".
        data_hash: sha256 of the ratings and texts.
        words: What stood for the people's own words: "free answers", or "reasons for other ratings".
        n_people: Number of people.
        n_statements: Number of statements.
        n_levels: Number of levels of the scale.
        n_ratings: Number of ratings.
        n_unscored: Reason -> number of ratings for which the judge has no degree.
        n_pairs: Number of pairs of texts put to the judge.
        n_pairs_unjudged: Number of those it could not judge.
        judge: Figures of the judge's main reading.
        alternatives: Figures of other readings of the same judge; chosen before, reported beside, never instead.
        baselines: Figures of what reads no text.
        error_less_blind: Mean absolute error of the judge less that of the response-blind baseline, calibrated or as
            it is, whichever of the two errs less. Below 0: the judge errs less.
        correlation_less_blind: Rank correlation over single ratings less that baseline's. The baseline's is held
            down by leaving a rating out, so that this alone shows nothing.
        within_less_statement: Rank correlation within a person less that of other people's ratings.
        people_reaching_tau: Share of ratings at or above tau.
        people_length: Rank correlation of the ratings with the statement's length.
        reliability: Of the people's own order of the statements: split halves, stepped up by Spearman and Brown; its
            interval holds 95 % of the divisions.
        readings: What the figures say, in words.
    """

    id: Text
    data_hash: Text
    words: Text
    n_people: Annotated[int, Field(ge=2)]
    n_statements: Annotated[int, Field(ge=2)]
    n_levels: Annotated[int, Field(ge=2)]
    n_ratings: Annotated[int, Field(ge=1)]
    n_unscored: Mapping[str, int]
    n_pairs: Annotated[int, Field(ge=0)]
    n_pairs_unjudged: Annotated[int, Field(ge=0)]
    judge: Predictor
    alternatives: tuple[Predictor, ...]
    baselines: tuple[Predictor, ...]
    error_less_blind: Figure
    correlation_less_blind: Figure
    within_less_statement: Figure
    people_reaching_tau: Figure
    people_length: Figure
    reliability: Figure
    readings: tuple[Text, ...] = ()

    @property
    def orders_within_raters(self) -> bool:
        """Whether the judge orders the statements within a person better than chance."""
        return self.judge.within is not None and self.judge.within.is_above_zero

    @property
    def errs_less_than_blind(self) -> bool:
        """Whether it errs less on single ratings than who knows only the person's other ratings."""
        return self.error_less_blind.is_below_zero

    @property
    def beats_blind(self) -> bool:
        """Whether it beats the response-blind baseline: both of the above."""
        return self.orders_within_raters and self.errs_less_than_blind

    @property
    def summary(self) -> str:
        """The figures that a result which rests on the judge cites, in one sentence."""
        within = "undefined" if self.judge.within is None else self.judge.within.shown
        return (
            f"{self.id}: rank correlation within a person {within}, over single ratings "
            f"{self.judge.correlation.shown}; error {self.judge.error.shown} of {self.n_levels - 1} levels, less that "
            f"of the response-blind baseline {self.error_less_blind.shown}; n = {self.judge.error.n} ratings of "
            f"{self.n_people} people"
        )

    @property
    def beats_statement(self) -> bool:
        """Whether it orders the statements within a person better than other people's ratings do."""
        return self.within_less_statement.is_above_zero


class JudgeValidation(Record):
    """What a judge was measured at. It holds no date, so that equal measurements give equal files.

    Attributes:
        schema_version: Version of this record.
        judge: Id of the judge.
        fingerprint: Hashes and settings of everything that can change what it says; a validation is void for a judge
            with another.
        seed: Of the calibration's folds and of the resampling.
        tau: Share of the scale from which a statement counts as representing a person.
        intervals: How the intervals were made.
        samples: One a sample of people.
    """

    schema_version: Literal[1] = 1
    judge: Text
    fingerprint: Mapping[str, str]
    seed: int
    tau: float = TAU
    intervals: Text = INTERVALS
    samples: Annotated[tuple[SampleValidation, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({sample.id for sample in self.samples}) < len(self.samples):
            raise ValueError("samples: each may stand there once")
        return self


def warning(validation: JudgeValidation | None) -> str | None:
    """What to say beside a result that rests on a judge; None where the judge beats the baseline on every sample.

    Args:
        validation: From `load_validation`; None where there is none.
    """
    if validation is None:
        return (
            "The judge has not been held against people's ratings, so that nothing says how far its verdicts can be "
            "trusted. Measure it with: pluralign judge validate"
        )
    failed = [sample for sample in validation.samples if not sample.beats_blind]
    if not failed:
        return None
    reasons = "; ".join(f"{sample.id}: {_shortfall(sample)}" for sample in failed)
    return (
        f"The judge {validation.judge} does not beat a baseline that never reads the response, on "
        f"{len(failed)} of {len(validation.samples)} samples of people's ratings ({reasons}). Differences in coverage "
        "that rest on it alone are no evidence of what people would say."
    )


def save_validation(folder: Path, validation: JudgeValidation) -> Path:
    """Write a validation into a folder; one of the same judge with the same fingerprint is replaced.

    Returns:
        The file.

    Raises:
        StorageError: The folder cannot be made or written to.
    """
    path = folder / _file_name(validation.judge, validation.fingerprint)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, (validation.model_dump_json(indent=1) + "\n").encode())
    return path


def own_folder() -> Path:
    """Where validations of one's own are kept, and found again by whatever cites a judge's figures."""
    return cache_folder() / "judge_validations"


def load_validation(
    judge: str, *, fingerprint: Mapping[str, str], folder: Path | None = None
) -> JudgeValidation | None:
    """The stored validation of exactly this judge, or None.

    Args:
        judge: Its id; for the cosine of an embedder "cosine:" and the embedder's id.
        fingerprint: Its fingerprint.
        folder: Where validations were saved; None: one's own, then those that come with the package.

    Raises:
        DataError: The file is no validation, or one of another judge.
    """
    packaged = Path(str(files("pluralign"))) / "judges" / "validated"
    name = _file_name(judge, fingerprint)
    places = (own_folder(), packaged) if folder is None else (folder,)
    path = next((place / name for place in places if (place / name).is_file()), None)
    if path is None:
        return None
    try:
        found = JudgeValidation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        why = describe(error) if isinstance(error, ValidationError) else str(error)
        raise DataError(f"{path}: not a valid judge validation: {why}. Validate the judge again.") from error
    if (found.judge, dict(found.fingerprint)) != (judge, dict(fingerprint)):
        raise DataError(f"{path}: it is the validation of {found.judge} with another fingerprint.")
    return found


def _file_name(judge: str, fingerprint: Mapping[str, str]) -> str:
    readable = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in judge)[:40]
    return f"{readable}-{content_hash([judge, dict(fingerprint)])[:16]}.json"


def _shortfall(sample: SampleValidation) -> str:
    lacks = []
    if not sample.orders_within_raters:
        within = sample.judge.within
        shown = within.shown if within else "undefined"
        lacks.append(f"within a person its rank correlation with the ratings is {shown}, not above 0")
    if not sample.errs_less_than_blind:
        lacks.append(
            f"its error less that of the person's other ratings alone is {sample.error_less_blind.shown} levels, "
            "not below 0"
        )
    return " and ".join(lacks)
