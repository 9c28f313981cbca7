"""A measured value with everything that is needed to believe it."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from pluralign.records.base import Record, Text


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
        lower_is_better: Direction.
        baselines: name -> value that a trivial predictor gets on the same cells.
        noise_floor: Value that the population itself would get with as many draws; None where exact.
        ceiling: Value that one half of the people gets against the other half (split-half); None where
            the truth is known exactly.
        normalised: (baseline - value) / (baseline - floor) with the best trivial baseline, None if undefined.
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
    lower_is_better: bool
    baselines: Mapping[str, float] = {}
    noise_floor: float | None = None
    ceiling: float | None = None
    normalised: float | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.value is None) != (self.reason is not None):
            raise ValueError(f"reason: must be given exactly when value is None, for {self.name!r}")
        return self


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
    p_value: Annotated[float, Field(ge=0, le=1)] | None
    n_questions: Annotated[int, Field(ge=1)]
    n_cells: Annotated[int, Field(ge=1)]
    unit: Text
    lower_is_better: bool
