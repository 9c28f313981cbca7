"""One panel for each question and group: people, or the exact truth, beside every series."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pluralign.metrics.distances import total_variation
from pluralign.records import POPULATION, Answer, Condition, Group, Option, Outcome, Question
from pluralign.reports.content import Section, Series
from pluralign.reports.labels import slice_label
from pluralign.reports.people import single_people

# Whom a panel is of where the answer is held against the exact truth, or against nothing.
NOBODY = ""
# For whom -> in which voice -> answer.
_Spoken = dict[str, dict[str, Answer]]
# Bars end at the smallest of these that holds them all, so that flat distributions can be read too.
SCALES = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
# Of a section, so many of the worst and of the best panels stand on the page: it must stay small enough to open.
N_WORST, N_BEST = 90, 10


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
        counts: People by option; empty where they were not published, and for a truth.
        n_people: Effective number of people; None where it was not published, and for a truth.
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

    @property
    def is_answered(self) -> bool:
        """Whether any series holds an answer, be it a refusal."""
        return any(column.answer for column in self.columns)


@dataclass(frozen=True)
class Block:
    """Panels that stand together: one family of questions, or one question with its groups.

    Attributes:
        title: Heading; may be empty where a section has one block only.
        panels: Worst first by the last series; one without a distance counts as worst.
        error: Mean distance over the panels that have one, left out ones included.
        n_left_out: Further panels of the block that are not shown.
    """

    title: str
    panels: tuple[Panel, ...]
    error: float | None
    n_left_out: int = 0


def blocks(section: Section) -> list[Block]:
    """Arrange a section's panels in blocks, both worst first by the last series.

    A block is a family where the question's id names one ("urn/3" is of family urn), else a question
    with its groups where it was put to several; the questions that are left share one block. A single
    person has no panel: what one person answered is no distribution to be seen.
    """
    groups = {group.id: group for group in section.questions.groups}
    people = single_people(section.questions)
    answers = _by_question(section.series, without=people)
    spoken_for = {
        series.label: {answer.condition.group for answer in series.answers} for series in section.series
    }
    found: dict[str, list[Panel]] = {}
    for question in section.questions.questions:
        own = answers.get(question.id, {})
        known = [group for group in question.groups if group not in people]
        if question.groups and not known and question.truth is None:
            continue
        targets = _targets(question, own, known=known, spoken_for=spoken_for, groups=section.groups)
        family, has_family, _ = question.id.partition("/")
        by_group = len(targets) > 1 and not has_family
        heading = question.text if by_group else family if has_family else ""
        for target, speakers in targets.items():
            whom = _whom(groups.get(target), target)
            for voice, answered in _voices({
                label: own.get(label, {}).get(each, {}) for label, each in speakers.items()
            }):
                named = f"{whom} ({voice})" if voice else whom
                title, subtitle = (named or "No group", "") if by_group else (question.text, named)
                panel = _panel(question, target, answered=answered, title=title, subtitle=subtitle)
                found.setdefault(heading, []).append(panel)
    made = [
        Block(title, tuple(sorted(panels, key=_worst_first)), _mean_error(panels))
        for title, panels in found.items()
    ]
    return sorted(made, key=_worst_first)


def extremes(whole: Sequence[Block]) -> list[Block]:
    """The blocks with the section's worst and best answered panels only, where there are too many for a page."""
    panels = [panel for block in whole for panel in block.panels]
    if len(panels) <= N_WORST + N_BEST:
        return list(whole)
    ranked = sorted((panel for panel in panels if panel.is_answered), key=_worst_first)
    kept = {id(panel) for panel in (*ranked[:N_WORST], *ranked[-N_BEST:])}
    shown = ((block, tuple(panel for panel in block.panels if id(panel) in kept)) for block in whole)
    return [
        replace(block, panels=panels, n_left_out=len(block.panels) - len(panels))
        for block, panels in shown
        if panels
    ]


def _by_question(series: Sequence[Series], *, without: Collection[str]) -> dict[str, dict[str, _Spoken]]:
    """Question -> series -> what it answers for each group but those left out."""
    answers: dict[str, dict[str, _Spoken]] = {}
    for each in series:
        for answer in each.answers:
            if answer.condition.group not in without:
                of_series = answers.setdefault(answer.question_id, {}).setdefault(each.label, {})
                of_series.setdefault(answer.condition.group, {})[_voice(answer.condition)] = answer
    return answers


def _voice(condition: Condition) -> str:
    """What tells answers for one group apart: the form of the persona, or how many examples came before."""
    if condition.kind == "in_context":
        return slice_label(f"examples={len(condition.examples)}")
    return slice_label(f"form={condition.form}") if condition.kind == "persona" else ""


def _voices(answered: Mapping[str, Mapping[str, Answer]]) -> list[tuple[str, dict[str, Answer | None]]]:
    """The answers for one group, one panel each: series -> voice -> answer becomes voice -> series -> answer.

    The voice is empty where no series has several. A series with a single answer shows it beside each.
    """
    voices = dict.fromkeys(voice for own in answered.values() if len(own) > 1 for voice in own)
    only = {label: next(iter(own.values())) if len(own) == 1 else None for label, own in answered.items()}
    if not voices:
        return [("", only)]
    return [
        (voice, {label: only[label] or own.get(voice) for label, own in answered.items()}) for voice in voices
    ]


def _targets(
    question: Question,
    answers: Mapping[str, Mapping[str, object]],
    *,
    known: Sequence[str],
    spoken_for: Mapping[str, Collection[str]],
    groups: Collection[str] | None,
) -> dict[str, dict[str, str]]:
    """Whom the answers to a question are held against -> series -> for whom its answers there speak.

    As when they are scored: a group that no series was asked for is left out; but where `groups` names it, or no
    answer speaks for any group, a series that does not speak for it meets it with its answers without condition.

    Args:
        question: The question.
        answers: Series -> for whom it speaks -> what it answers to this question.
        known: The question's groups that have panels.
        spoken_for: Series -> for whom any of its answers speaks.
        groups: Ids of the groups to be met; None for those that any answer speaks for.
    """
    asked = {group for spoken in spoken_for.values() for group in spoken}
    met = [group for group in known if group in (asked if groups is None else groups)]
    if groups is not None and not (met or question.truth or any(answers.values())):
        return {}  # none of the groups was asked this
    stands_in = groups is not None or not met
    if stands_in and not met and (POPULATION in asked or not asked):
        met = list(known)
    targets = {NOBODY: dict.fromkeys(spoken_for, POPULATION)} if question.truth else {}
    for group in met:
        targets[group] = {
            label: POPULATION if stands_in and group not in spoken else group
            for label, spoken in spoken_for.items()
        }
    for speaker in dict.fromkeys(speaker for own in answers.values() for speaker in own):
        if not any(speaker in speakers.values() for speakers in targets.values()):
            target = speaker if speaker in known or speaker != POPULATION else NOBODY
            # The model unsteered, where it was steered too: nobody's answer, with nothing to hold it against.
            if target != NOBODY or not targets:
                targets[target] = dict.fromkeys(spoken_for, speaker)
    return targets or {NOBODY: dict.fromkeys(spoken_for, POPULATION)}


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
    answered: Mapping[str, Answer | None],
    title: str,
    subtitle: str,
) -> Panel:
    is_known = target in question.groups
    reference = question.target(target) if is_known else question.truth if target == NOBODY else None
    columns = tuple(
        _column(label, answer, question=question, reference=reference) for label, answer in answered.items()
    )
    drawn = [each for each in (reference, *(column.probabilities for column in columns)) if each]
    highest = max((max(each) for each in drawn), default=1.0)
    return Panel(
        question=question.text,
        title=title,
        subtitle=subtitle,
        options=question.options,
        reference=reference,
        reference_label="people" if is_known else "truth",
        counts=question.counts.get(target, ()),
        n_people=question.n_people(target) if is_known else None,
        columns=columns,
        scale=next((scale for scale in SCALES if highest <= scale), 1.0),
    )


def _column(
    label: str, answer: Answer | None, *, question: Question, reference: tuple[float, ...] | None
) -> Column:
    distance = None
    if reference and answer and answer.probabilities:
        distance = float(total_variation(reference, answer.probabilities))
    note = _note(answer)
    if answer is None and question.unaskable:
        note = f"cannot be asked: {question.unaskable}"
    return Column(label=label, answer=answer, distance=distance, note=note)


def _note(answer: Answer | None) -> str:
    if answer is None:
        return "not asked"
    if answer.outcome is Outcome.OK:
        return ""
    return f"{answer.outcome.value}: {answer.error}" if answer.error else answer.outcome.value


def _mean_error(panels: Sequence[Panel]) -> float | None:
    errors = [panel.error for panel in panels if panel.error is not None]
    return sum(errors) / len(errors) if errors else None


def _worst_first(item: Panel | Block) -> float:
    return -math.inf if item.error is None else -item.error
