"""One panel for each question and group: people, or the exact truth, beside every series."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.metrics.distances import total_variation
from pluralign.records import Answer, Group, Option, Outcome, Question
from pluralign.reports.content import Section, Series

POPULATION = "all"
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
        title: What is asked, or whom, where a block holds one question.
        subtitle: Whom, where the title says what is asked; may be empty.
        options: The rows.
        reference: People's shares or the exact truth; None where neither is known.
        reference_label: "people" or "truth".
        counts: People by option; empty for a truth.
        n_people: Effective number of people; None for a truth.
        columns: One for each series.
        scale: Probability at which the bars end.
    """

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

    A block is a family where the section names families; else a question where questions have several
    groups; else the whole section.
    """
    groups = {group.id: group for group in section.questions.groups}
    by_question = not section.families and any(len(q.counts) > 1 for q in section.questions.questions)
    found: dict[str, list[Panel]] = {}
    for question in section.questions.questions:
        heading = question.text if by_question else section.families.get(question.id, "")
        for target in _targets(question, section.series):
            whom = _whom(groups.get(target), target)
            title, subtitle = (whom, "") if by_question else (question.text, whom)
            panel = _panel(
                question, target, series=section.series, title=title or "Exact truth", subtitle=subtitle
            )
            found.setdefault(heading, []).append(panel)
    made = [Block(title, tuple(sorted(panels, key=_worst_first))) for title, panels in found.items()]
    return sorted(made, key=_worst_first)


def _targets(question: Question, series: Sequence[Series]) -> list[str]:
    """Who may answer a question: "" for the exact truth, its groups, then conditions that fit neither."""
    targets = ([""] if question.truth else []) + list(question.counts)
    for each in series:
        for answer in each.answers:
            if answer.question_id == question.id and not any(_belongs(answer, target) for target in targets):
                targets.append("" if answer.condition.kind == "none" else answer.condition.id)
    return targets or [""]


def _belongs(answer: Answer, target: str) -> bool:
    if answer.condition.kind == "none":
        return target in {"", POPULATION}
    return answer.condition.id == target


def _whom(group: Group | None, target: str) -> str:
    if group is None:
        return target
    if group.text is None:
        return "All people" if group.id == POPULATION else group.id
    return f"People who {group.text}"


def _panel(question: Question, target: str, *, series: Sequence[Series], title: str, subtitle: str) -> Panel:
    counts = question.counts.get(target, ())
    reference = question.truth if target == "" else _shares(counts)  # noqa: PLC1901
    columns = tuple(_column(each, question, target=target, reference=reference) for each in series)
    drawn = [each for each in (reference, *(column.probabilities for column in columns)) if each]
    highest = max((max(each) for each in drawn), default=1.0)
    return Panel(
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


def _column(
    series: Series, question: Question, *, target: str, reference: tuple[float, ...] | None
) -> Column:
    answer = next(
        (each for each in series.answers if each.question_id == question.id and _belongs(each, target)), None
    )
    distance = None
    if reference and answer and answer.probabilities:
        distance = float(total_variation(reference, answer.probabilities))
    return Column(label=series.label, answer=answer, distance=distance, note=_note(answer))


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
