"""What a report is made from: measured series, their comparisons, and the facts of the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pluralign.errors import DataError, did_you_mean
from pluralign.records import Answer, Estimate, Interval, QuestionSet


@dataclass(frozen=True)
class Series:
    """One measured state of a model, for example "before" or "after".

    Attributes:
        label: Its name in every table, bar and sentence.
        answers: At most one for each question and condition.
        estimates: At most one for each metric and slice.
    """

    label: str
    answers: tuple[Answer, ...] = ()
    estimates: tuple[Estimate, ...] = ()

    def __post_init__(self) -> None:
        if not self.label.strip():
            raise DataError("A series needs a label.")
        _refuse_twice(
            [f"{answer.question_id!r} under {answer.condition.id!r}" for answer in self.answers],
            what=f"The series {self.label!r} answers",
        )
        _refuse_twice(
            [f"{estimate.name!r} over {estimate.slice!r}" for estimate in self.estimates],
            what=f"The series {self.label!r} estimates",
        )


@dataclass(frozen=True)
class Comparison:
    """The paired difference between two series in one metric.

    Attributes:
        label: What was subtracted from what: "after minus before".
        metric: `Estimate.name` of the metric.
        slice: `Estimate.slice` of the cells compared.
        value: The difference, in the unit of the metric.
        interval: Confidence interval of the difference.
        p_value: Two-sided; None where none was computed.
    """

    label: str
    metric: str
    slice: str
    value: float
    interval: Interval
    p_value: float | None = None


@dataclass(frozen=True)
class Section:
    """One question set with everything measured on it.

    Attributes:
        title: Heading.
        questions: What was asked, with people's counts or the exact truth.
        series: In order of measurement; the last one decides the order of the questions.
        comparisons: Shown under the table of estimates.
        families: question id -> heading under which its panel stands; may be empty.
    """

    title: str
    questions: QuestionSet
    series: tuple[Series, ...]
    comparisons: tuple[Comparison, ...] = ()
    families: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_twice([repr(series.label) for series in self.series], what=f"{self.title!r} holds the series")
        options = {question.id: question.options for question in self.questions.questions}
        for series in self.series:
            for answer in series.answers:
                where = f"Series {series.label!r} of {self.title!r}"
                if answer.question_id not in options:
                    known = did_you_mean(answer.question_id, options)
                    raise DataError(f"{where} answers the unknown question {answer.question_id!r}.{known}")
                n_options = len(options[answer.question_id])
                if answer.probabilities is not None and len(answer.probabilities) != n_options:
                    raise DataError(
                        f"{where} gives {len(answer.probabilities)} probabilities for the {n_options} options "
                        f"of question {answer.question_id!r}."
                    )
        for comparison in self.comparisons:
            self.estimate(comparison.metric, comparison.slice)

    def estimate(self, metric: str, over: str) -> Estimate:
        """The last series' estimate of a metric over a slice: says its unit and direction.

        Raises:
            DataError: No series estimates it.
        """
        for series in reversed(self.series):
            for estimate in series.estimates:
                if (estimate.name, estimate.slice) == (metric, over):
                    return estimate
        raise DataError(
            f"{self.title!r} compares {metric!r} over {over!r}, which none of its series estimates."
        )


@dataclass(frozen=True)
class Report:
    """Everything on one page.

    Attributes:
        title: Heading of the page.
        summary: What was found, one sentence each.
        sections: One for each question set.
        run_facts: Name -> value: versions, seeds, arguments, git state, fingerprints.
        reproduce: The command that makes the same report again.
    """

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    run_facts: Mapping[str, str]
    reproduce: str


def _refuse_twice(names: list[str], *, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{what} {name} more than once; keep one, or give each its own series.")
        seen.add(name)
