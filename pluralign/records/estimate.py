"""A measured value with everything that is needed to believe it."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from pluralign.records.base import Probability, Record, Text


class Interval(Record):
    """A confidence interval.

    Attributes:
        low: Lower end.
        high: Upper end.
        level: Coverage, for example 0.95.
        method: How it was made, for example "bootstrap over questions, percentile, 2000 resamples".
    """

    low: float
    high: float
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    method: Text

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low: {self.low} is above high: {self.high}")
        return self


class Estimate(Record):
    """One metric over a set of answers.

    Attributes:
        name: Metric and slice, for example "js_divergence_bits".
        slice: What it is taken over: "all", "family=urn", "group=party=Democrat".
        value: The estimate, or None where nothing could be scored.
        interval: 95 % interval, or None where it cannot be had.
        n_questions: Number of questions (clusters) scored.
        n_cells: Number of (question, group) cells scored.
        n_unscored: reason -> number of cells that could not be scored.
        unit: "bits", "nats", "probability", "scale range", ...
        definition: The formula in words and symbols.
        lower_is_better: Direction; None for a quantity that is right where it is the people's.
        people: The people's own value of a quantity that is no distance: entropy, refusals; None elsewhere.
        baselines: name -> value that a trivial predictor gets on the same cells.
        baseline_cells: name -> number of cells where that predictor exists, where these are fewer.
        noise_floor: Value that the population itself would get with as many draws; None where exact.
        ceiling: Value that one half of the people gets against the other half (split-half); None where
            the truth is known exactly.
        normalised: (baseline - value) / (baseline - floor) with the best trivial baseline, on the cells where
            that exists; None if undefined.
        normalised_against: Name of that baseline.
        reason: Why `value` is None.
    """

    name: Text
    slice: Text = "all"
    value: float | None
    interval: Interval | None = None
    n_questions: Annotated[int, Field(ge=0)]
    n_cells: Annotated[int, Field(ge=0)]
    n_unscored: Mapping[str, int] = {}
    unit: Text
    definition: Text
    lower_is_better: bool | None
    people: float | None = None
    baselines: Mapping[str, float] = {}
    baseline_cells: Mapping[str, int] = {}
    noise_floor: float | None = None
    ceiling: float | None = None
    normalised: float | None = None
    normalised_against: Text | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.value is None) != (self.reason is not None):
            raise ValueError(f"reason: must be given exactly when value is None, for {self.name!r}")
        return self


class CellScore(Record):
    """One cell, a question for a group of people, with its values.

    Attributes:
        question_id: Id of the question.
        group: Id of the group; "all" for everybody and where the truth is known exactly.
        n_people: Effective number of people behind the target; None where it is exact or was not published.
        sample_size: Number of single choices of which the model's distribution is a tally; 0 where exact.
        unscored: Why there is no score, or None.
        values: Metric -> value; None where it is infinite.
        baselines: Trivial predictor -> its value in the primary metric.
        noise_floor: Of the primary metric.
        ceiling: Of the primary metric.
    """

    question_id: Text
    group: Text
    n_people: float | None
    sample_size: Annotated[int, Field(ge=0)] = 0
    unscored: str | None = None
    values: Mapping[str, float | None] = {}
    baselines: Mapping[str, float] = {}
    noise_floor: float | None = None
    ceiling: float | None = None


class Comparison(Record):
    """The paired difference of one metric between two sets of answers to the same cells.

    Attributes:
        name: Metric.
        slice: What it is taken over.
        first: Label of the minuend.
        second: Label of the subtrahend.
        difference: Mean over cells of first minus second.
        interval: Its interval, or None where there are fewer than two questions.
        p_value: Two-sided, of no difference; None where there are fewer than two questions.
        p_adjusted: The same after Holm's correction over all groups of one metric; None for other slices.
        minimum_detectable: Smallest true difference that a test at the 5 % level on as many questions finds
            four times out of five; None where there are fewer than two questions.
        n_questions: Number of questions (clusters) that both answered.
        n_cells: Number of (question, group) cells that both answered.
        unit: As in `Estimate`.
        lower_is_better: Direction of the metric.
    """

    name: Text
    slice: Text = "all"
    first: Text
    second: Text
    difference: float
    interval: Interval | None
    p_value: Probability | None
    p_adjusted: Probability | None = None
    minimum_detectable: Annotated[float, Field(ge=0)] | None = None
    n_questions: Annotated[int, Field(ge=1)]
    n_cells: Annotated[int, Field(ge=1)]
    unit: Text
    lower_is_better: bool | None
