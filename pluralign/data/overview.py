"""What a question set holds, and what is wrong with it, counted for a listing."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from pluralign.records import Finding, QuestionSet, Severity

# Faults that adapters meet while they read, where lint never sees the item: name -> what is wrong.
READING_FAULTS = {
    "assumed_key": "keys that were assumed: what one value profile affirms, its contrast denies",
    "counts_differ": "counts of people that are not those of the shares beside them",
    "duplicate_id": "an id that an earlier item has",
    "few_answers": "people who gave fewer answers than were asked for, and are left out",
    "files_differ": "a question whose words or options differ between the files",
    "gold_differs": "another distribution of people than an earlier row of the same question and group",
    "held_out": "statements that describe a group, which is not asked them",
    "malformed": "an item without the fields it should have",
    "missing_question": "a question that one of the files lacks",
    "moderated_out": "a statement that the moderators took out",
    "no_contrast": "no question has the keys of two groups, so that they cannot be told apart",
    "no_ordinals": "a question whose options the file of ordinals lacks",
    "no_text": "a question without words",
    "no_votes": "a statement that nobody voted on",
    "not_normalised": "shares whose sum is further from 1 than rounding explains",
    "not_numbers": "shares that are negative, infinite or no numbers",
    "repeated_row": "what an earlier row holds once more: question, group and system or key",
    "rounded_shares": "shares that sum to 1 only within 0.01; they were divided by their sum",
    "undescribed_group": "a group that no statement represents, so that it cannot be described",
    "unknown_option": "counts under an option that is not listed",
    "unreadable": "a cell that does not hold the list or mapping it should",
    "wrong_label": "a label other than that of its file",
    "wrong_length": "another number of shares than of options",
}


@dataclass(frozen=True)
class GroupOverview:
    """One group of people.

    Attributes:
        id: Its id.
        text: The group in words; None for the whole population.
        n_questions: Number of questions it answered.
        n_people: Median number of people over these questions; None where it was not published.
    """

    id: str
    text: str | None
    n_questions: int
    n_people: float | None


@dataclass(frozen=True)
class Overview:
    """A question set in numbers.

    Attributes:
        id: The set's name.
        source: Where it comes from.
        n_questions: Number of questions.
        n_unaskable: Those of them that can be scored but not asked.
        n_unanswered: Those of them of which no group's answers and no exact distribution are known.
        n_cells: Number of (question, group) pairs with answers.
        fewest_options: Options of the question that has fewest.
        most_options: Options of the question that has most.
        groups: The groups, in order.
    """

    id: str
    source: str
    n_questions: int
    n_unaskable: int
    n_unanswered: int
    n_cells: int
    fewest_options: int
    most_options: int
    groups: tuple[GroupOverview, ...]


@dataclass(frozen=True)
class FaultRow:
    """One kind of fault.

    Attributes:
        fault: Its name.
        severity: What becomes of an item with it.
        n_items: Number of items.
        n_questions: Number of questions with such an item; 0 where the fault is one of the whole set.
        examples: The findings themselves, in order.
    """

    fault: str
    severity: Severity
    n_items: int
    n_questions: int
    examples: tuple[Finding, ...]


def overview(questions: QuestionSet) -> Overview:
    """Count what a set holds."""
    people: dict[str, list[float | None]] = {group.id: [] for group in questions.groups}
    for question in questions.questions:
        for group in question.groups:
            people[group].append(question.n_people(group))
    n_options = [len(question.options) for question in questions.questions]
    return Overview(
        id=questions.id,
        source=questions.source,
        n_questions=len(questions.questions),
        n_unaskable=sum(question.unaskable is not None for question in questions.questions),
        n_unanswered=sum(not question.groups and question.truth is None for question in questions.questions),
        n_cells=sum(map(len, people.values())),
        fewest_options=min(n_options),
        most_options=max(n_options),
        groups=tuple(
            GroupOverview(id=group.id, text=group.text, n_questions=len(own), n_people=_median(own))
            for group in questions.groups
            for own in [people[group.id]]
        ),
    )


def by_fault(findings: Iterable[Finding]) -> tuple[FaultRow, ...]:
    """The findings by fault and severity: the worst severity first, then the most items."""
    kinds: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.severity, finding.fault), []).append(finding)
    rows = [
        FaultRow(
            fault=fault,
            severity=severity,
            n_items=sum(finding.n_items for finding in own),
            n_questions=len({finding.question_id for finding in own} - {None}),
            examples=tuple(own),
        )
        for (severity, fault), own in kinds.items()
    ]
    return tuple(sorted(rows, key=lambda row: (list(Severity).index(row.severity), -row.n_items, row.fault)))


def _median(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return median(known) if known else None
