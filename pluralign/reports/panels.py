"""One panel for each question and group: people, or the exact truth, beside every series."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pluralign.metrics.distances import total_variation
from pluralign.records import POPULATION, Answer, Group, Option, Outcome, Question
from pluralign.reports.content import Section, Series

# Answers without a condition belong to the whole population, or to the exact truth, which is nobody's.
NOBODY = ""
# Bars end at the smallest of these that holds them all, so that flat distributions can be read too.
SCALES = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Column:
    """What one series answered.

    Attributes:
        label: Label of the series.
        answer: Its answer; None where it was not asked.
        distance: Total variation to the reference; None without reference or distribution.
        note: Why there is no distribution; empty where there is one.
    """

    label: str
    answer: Answer | None
    distance: float | None
    note: str

    @property
    def probabilities(self) -> tuple[float, ...] | None:
        """The distribution over the options, if there is one."""
        return None if self.answer is None else self.answer.probabilities


@dataclass(frozen=True)
class Panel:
    """One question put to one group.

    Attributes:
        question: What is asked.
        title: The heading: what is asked, or whom, where a block holds one question.
        subtitle: Whom, where the title says what is asked; may be empty.
        options: The rows.
        reference: People's shares or the exact truth; None where neither is known.
        reference_label: "people" or "truth".
        counts: People by option; empty for a truth.
        n_people: Effective number of people; None for a truth.
        columns: One for each series.
        scale: Probability at which the bars end.
    """

    question: str
    title: str
    subtitle: str
    options: tuple[Option, ...]
    reference: tuple[float, ...] | None
    reference_label: str
    counts: tuple[float, ...]
    n_people: float | None
    columns: tuple[Column, ...]
    scale: float

    @property
    def error(self) -> float | None:
        """Distance of the last series to the reference."""
        return self.columns[-1].distance if self.columns else None


@dataclass(frozen=True)
class Block:
    """Panels that stand together: one family of questions, or one question with its groups.

    Attributes:
        title: Heading; may be empty where a section has one block only.
        panels: Worst first by the last series; one without a distance counts as worst.
    """

    title: str
    panels: tuple[Panel, ...]

    @property
    def error(self) -> float | None:
        """Mean distance over the panels that have one."""
        errors = [panel.error for panel in self.panels if panel.error is not None]
        return sum(errors) / len(errors) if errors else None


def blocks(section: Section) -> list[Block]:
    """Arrange a section's panels in blocks, both worst first by the last series.

    A block is a family where the question's id names one ("urn/3" is of family urn), else a question
    with its groups where it was put to several; the questions that are left share one block.
    """
    groups = {group.id: group for group in section.questions.groups}
    asked = {answer.condition.group for series in section.series for answer in series.answers}
    answers = {series.label: _by_question(series) for series in section.series}
    found: dict[str, list[Panel]] = {}
    for question in section.questions.questions:
        answered = {label: of_series.get(question.id, []) for label, of_series in answers.items()}
        targets = _targets(question, answered, asked=asked)
        family, has_family, _ = question.id.partition("/")
        by_group = len(targets) > 1 and not has_family
        heading = question.text if by_group else family if has_family else ""
        for target in targets:
            whom = _whom(groups.get(target), target)
            title, subtitle = (whom or "No group", "") if by_group else (question.text, whom)
            panel = _panel(question, target, answered=answered, title=title, subtitle=subtitle)
            found.setdefault(heading, []).append(panel)
    made = [Block(title, tuple(sorted(panels, key=_worst_first))) for title, panels in found.items()]
    return sorted(made, key=_worst_first)


def _by_question(series: Series) -> dict[str, list[Answer]]:
    answers: dict[str, list[Answer]] = {}
    for answer in series.answers:
        answers.setdefault(answer.question_id, []).append(answer)
    return answers


def _targets(
    question: Question, answered: Mapping[str, Sequence[Answer]], *, asked: Collection[str]
) -> list[str]:
    """Whom a question was put to: group ids, and NOBODY for answers that belong to no group.

    Groups that no series was asked for are left out, as they are when the answers are scored.
    """
    targets = [NOBODY] if question.truth else []
    targets += [group for group in question.counts if group in asked or not asked]
    for answer in chain.from_iterable(answered.values()):
        if not any(_belongs(answer, target) for target in targets):
            targets.append(NOBODY if answer.condition.kind == "none" else answer.condition.id)
    return targets or [NOBODY]


def _belongs(answer: Answer, target: str) -> bool:
    return answer.condition.group == target or (target == NOBODY and answer.condition.kind == "none")


def _whom(group: Group | None, target: str) -> str:
    if target == NOBODY:
        return ""
    if target == POPULATION:
        return "All people"
    return f"People who {group.text}" if group and group.text else target


def _panel(
    question: Question,
    target: str,
    *,
    answered: Mapping[str, Sequence[Answer]],
    title: str,
    subtitle: str,
) -> Panel:
    counts = question.counts.get(target, ())
    reference = question.truth if target == NOBODY else _shares(counts)
    columns = tuple(
        _column(
            label, next((answer for answer in answers if _belongs(answer, target)), None), reference=reference
        )
        for label, answers in answered.items()
    )
    drawn = [each for each in (reference, *(column.probabilities for column in columns)) if each]
    highest = max((max(each) for each in drawn), default=1.0)
    return Panel(
        question=question.text,
        title=title,
        subtitle=subtitle,
        options=question.options,
        reference=reference,
        reference_label="people" if counts else "truth",
        counts=counts,
        n_people=question.n_people(target) if counts else None,
        columns=columns,
        scale=next((scale for scale in SCALES if highest <= scale), 1.0),
    )


def _column(label: str, answer: Answer | None, *, reference: tuple[float, ...] | None) -> Column:
    distance = None
    if reference and answer and answer.probabilities:
        distance = float(total_variation(reference, answer.probabilities))
    return Column(label=label, answer=answer, distance=distance, note=_note(answer))


def _note(answer: Answer | None) -> str:
    if answer is None:
        return "not asked"
    if answer.outcome is Outcome.OK:
        return ""
    return f"{answer.outcome.value}: {answer.error}" if answer.error else answer.outcome.value


def _shares(counts: tuple[float, ...]) -> tuple[float, ...] | None:
    total = sum(counts)
    return tuple(count / total for count in counts) if total else None


def _worst_first(item: Panel | Block) -> float:
    return -math.inf if item.error is None else -item.error
