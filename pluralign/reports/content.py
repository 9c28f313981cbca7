"""What a report is made from: measured series, their comparisons, and the facts of the run."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluralign.errors import DataError, did_you_mean
from pluralign.records import Answer, Comparison, Contrast, Estimate, QuestionSet

if TYPE_CHECKING:
    from pluralign.reports.answers import AnswersSection
    from pluralign.reports.overton import OvertonSection


@dataclass(frozen=True)
class Series:
    """One measured state of a model, for example "before" or "after".

    Attributes:
        label: Its name in every table, bar and sentence.
        answers: At most one for each question and condition: two forms of one persona are two conditions.
        estimates: At most one for each metric and slice.
    """

    label: str
    answers: tuple[Answer, ...] = ()
    estimates: tuple[Estimate, ...] = ()

    def __post_init__(self) -> None:
        if not self.label.strip():
            raise DataError("A series needs a label.")
        _refuse_twice(
            (
                ((each.question_id, each.condition), f"{each.question_id!r} under {each.condition.id!r}")
                for each in self.answers
            ),
            what=f"The series {self.label!r} answers",
        )
        _refuse_twice(
            (((each.name, each.slice), f"{each.name!r} over {each.slice!r}") for each in self.estimates),
            what=f"The series {self.label!r} estimates",
        )


@dataclass(frozen=True)
class Section:
    """One question set with everything measured on it.

    Attributes:
        title: Heading.
        questions: What was asked, with people's counts or the exact truth.
        series: In order of measurement; the last one decides the order of the questions.
        comparisons: Paired differences between these series.
        groups: Ids of the groups that answers are held against. None: those for which answers speak, or
            all of a question's, where none does.
        contrasts: Differences between two groups, as the last series predicts them and as they are.
        readings: What the numbers say, one sentence each: shown first.
    """

    title: str
    questions: QuestionSet
    series: tuple[Series, ...]
    comparisons: tuple[Comparison, ...] = ()
    groups: tuple[str, ...] | None = None
    contrasts: tuple[Contrast, ...] = ()
    readings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        labels = [series.label for series in self.series]
        _refuse_twice(((label, repr(label)) for label in labels), what=f"{self.title!r} holds the series")
        options = {question.id: question.options for question in self.questions.questions}
        for series in self.series:
            where = f"Series {series.label!r} of {self.title!r}"
            for answer in series.answers:
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
            for label in (comparison.first, comparison.second):
                if label not in labels:
                    known = did_you_mean(label, labels)
                    raise DataError(f"{self.title!r} compares the unknown series {label!r}.{known}")
        for contrast in self.contrasts:
            asked = options.get(contrast.question_id)
            if asked is None:
                known = did_you_mean(contrast.question_id, options)
                raise DataError(
                    f"{self.title!r} contrasts groups on the unknown question {contrast.question_id!r}.{known}"
                )
            if len(contrast.people) != len(asked):
                raise DataError(
                    f"{self.title!r} contrasts {contrast.first!r} and {contrast.second!r} with "
                    f"{len(contrast.people)} differences for the {len(asked)} options of question "
                    f"{contrast.question_id!r}."
                )


@dataclass(frozen=True)
class Report:
    """Everything on one page.

    Attributes:
        title: Heading of the page.
        summary: What was found, one sentence each.
        sections: One for each question set, set of windows or set of open prompts.
        run_facts: Name -> value: versions, seeds, arguments, git state, fingerprints.
        reproduce: The command that makes the same report again.
    """

    title: str
    summary: tuple[str, ...]
    sections: "tuple[Section | OvertonSection | AnswersSection, ...]"
    run_facts: Mapping[str, str]
    reproduce: str


def _refuse_twice(named: Iterable[tuple[Hashable, str]], *, what: str) -> None:
    seen: set[Hashable] = set()
    for key, name in named:
        if key in seen:
            raise DataError(f"{what} {name} more than once; keep one, or give each its own series.")
        seen.add(key)
