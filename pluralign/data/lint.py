"""Faults of a question set that a score would inherit without a word.

Every fault is one row of `CHECKS`. A fault of a question stands for as many items as the question has groups. A
person, as a group of one, is neither tiny nor one-hot: whoever answers gives one answer.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from pluralign.records import POPULATION, Finding, Option, Question, QuestionSet, Severity
from pluralign.records.base import duplicates

# Of fewer people a distribution is mostly chance: with 10 people and 4 options the JS divergence between a
# sample and its own population is (K - 1) / (8 n ln 2) = 0.054 bits.
TINY_GROUP = 10

# Of fewer people, zeros are chance: an answer that two in a hundred give is missing from one in 57 groups of 200
# (0.98^200), and from more than half of all groups of 30.
ENOUGH_PEOPLE = 200

# Two groups that share less than this, sum_i min(p_i, q_i), were not asked the same question.
DISJOINT_OVERLAP = 0.1

# The most frequent answers stand at one position: always, of at least so many (by chance 1 in 500 with two
# options); or more often than chance by so much, and by so many standard errors.
MIN_GOLDS = 10
POSITION_EXCESS = 0.1
POSITION_ERRORS = 3.0

_OPENING = "'\"\u2018\u201c("
# Words with which an option may well begin in lower case among others that do not ("Agree", "neither").
_WHOLE_WORDS = frozenset({"all", "any", "both", "either", "neither", "never", "none", "other", "unsure"})


@dataclass(frozen=True)
class _Cell:
    """A question for one group of people, with the shares of the group that gave each option."""

    question: Question
    group: str
    shares: tuple[float, ...]

    @property
    def is_one_hot(self) -> bool:
        return max(self.shares) == 1

    @property
    def has_one_mode(self) -> bool:
        return self.shares.count(max(self.shares)) == 1

    @property
    def n_people(self) -> float | None:
        return self.question.n_people(self.group)


@dataclass(frozen=True)
class _Subject:
    """What is checked.

    Attributes:
        questions: All of them.
        people: Every cell with the answers of a group of people. None for an answer key, which is no share of
            people and may have all the zeros that it likes, and none for a group that is a single person.
        solid: Those of them with enough people for a zero to mean something, or with their number not published.
        golds: Every cell, keys and known truths included.
    """

    questions: tuple[Question, ...]
    people: tuple[_Cell, ...]
    solid: tuple[_Cell, ...]
    golds: tuple[_Cell, ...]


@dataclass(frozen=True)
class _Hit:
    """A fault that was found; `severity` where it is not the one that the fault has by default."""

    detail: str
    question: Question | None = None
    group: str | None = None
    n_items: int = 1
    severity: Severity | None = None


@dataclass(frozen=True)
class Check:
    """One kind of fault.

    Attributes:
        severity: What becomes of an item that has it.
        what: The fault in a line.
        find: Finds it.
    """

    severity: Severity
    what: str
    find: Callable[[_Subject], Iterator[_Hit]]


def lint(questions: QuestionSet) -> tuple[Finding, ...]:
    """Find the faults of a question set, in the order of `CHECKS`."""
    subject = _subject(questions)
    return tuple(
        Finding(
            fault=fault,
            severity=hit.severity or check.severity,
            question_id=hit.question.id if hit.question else None,
            group=hit.group,
            detail=hit.detail,
            n_items=hit.n_items,
        )
        for fault, check in CHECKS.items()
        for hit in check.find(subject)
    )


def _subject(questions: QuestionSet) -> _Subject:
    cells = tuple(
        _Cell(question, group, question.target(group))
        for question in questions.questions
        for group in question.groups
    )
    is_key = all(cell.is_one_hot and cell.group in cell.question.shares for cell in cells)
    truths = tuple(
        _Cell(question, POPULATION, question.truth)
        for question in questions.questions
        if question.truth is not None
    )
    single = questions.people
    people = () if is_key else tuple(cell for cell in cells if cell.group not in single)
    return _Subject(
        questions.questions,
        people=people,
        solid=tuple(cell for cell in people if cell.n_people is None or cell.n_people >= ENOUGH_PEOPLE),
        golds=(*cells, *truths),
    )


def _of_question(question: Question, detail: str, *, severity: Severity | None = None) -> _Hit:
    return _Hit(detail, question, n_items=max(1, len(question.groups)), severity=severity)


def _broken_options(subject: _Subject) -> Iterator[_Hit]:
    """Options that begin in lower case: the rest of an option that was split at its comma, or not.

    A file whose options were split at commas has no comma left in any of them.
    """
    keeps_commas = any(", " in text for question in subject.questions for text in question.option_texts)
    for question in subject.questions:
        texts = question.option_texts
        lower = [position for position, text in enumerate(texts) if text[0].islower()]
        if not lower or all(text[0].islower() and " " not in text for text in texts):  # "heads", "tails"
            continue
        cut = [] if keeps_commas else [position for position in lower if _is_cut(texts, position)]
        if cut:
            pairs = ", ".join(f"{texts[position - 1]!r} + {texts[position]!r}" for position in cut)
            yield _of_question(question, f"options cut apart at a comma: {pairs}")
        else:
            begin = ", ".join(repr(texts[position]) for position in lower)
            detail = f"options that begin in lower case, though they do not seem to be cut off: {begin}"
            yield _of_question(question, detail, severity=Severity.NOTE)


def _is_cut(texts: tuple[str, ...], position: int) -> bool:
    """Whether a lower-case option is the rest of the one before it ("Ye" + "requently").

    It is not where the options begin in lower case throughout, where it ends like the option before ("Usually
    worse at X", "neither better nor worse at X"), or where its first word is a name ("iPhone") or whole.
    """
    if position == 0 or texts[0].lstrip(_OPENING)[:1].islower():
        return False
    words, before = texts[position].split(), texts[position - 1].split()
    return words[-1] != before[-1] and words[0].islower() and words[0] not in _WHOLE_WORDS


def _one_option(subject: _Subject) -> Iterator[_Hit]:
    for question in subject.questions:
        if len(question.options) == 1:
            yield _of_question(question, f"the only option is {question.option_texts[0]!r}")


def _repeated_options(subject: _Subject) -> Iterator[_Hit]:
    for question in subject.questions:
        if repeated := duplicates(question.option_texts):
            yield _of_question(question, f"more than once: {', '.join(map(repr, repeated))}")


def _structural_zeros(subject: _Subject) -> Iterator[_Hit]:
    """Cells where half of the options, rounded down, are at 0.

    It is a note where it is less than half without the rounding, and where everybody gave the same answer, which
    a tiny group may do.
    """
    for cell in subject.solid:
        n_zeros, n_options = cell.shares.count(0), len(cell.shares)
        if n_options > 1 and n_zeros >= n_options // 2:
            shares = ", ".join(f"{share:.3g}" for share in cell.shares)
            is_faulty = 2 * n_zeros >= n_options and not cell.is_one_hot
            yield _Hit(
                f"{n_zeros} of {n_options} options were given by nobody: {shares}",
                cell.question,
                cell.group,
                severity=Severity.FAULTY if is_faulty else Severity.NOTE,
            )


def _disjoint_support(subject: _Subject) -> Iterator[_Hit]:
    by_question: dict[str, list[_Cell]] = {}
    for cell in subject.solid:
        by_question.setdefault(cell.question.id, []).append(cell)
    for cells in by_question.values():
        shares = np.array([cell.shares for cell in cells])
        overlaps = np.minimum(shares[:, None], shares[None]).sum(axis=2)
        pairs = np.argwhere(np.triu(overlaps < DISJOINT_OVERLAP, k=1))
        if len(pairs):
            named = ", ".join(
                f"{cells[i].group} and {cells[j].group} ({overlaps[i, j]:.2f})" for i, j in pairs.tolist()
            )
            yield _of_question(cells[0].question, f"groups whose answers hardly overlap: {named}")


def _duplicates(subject: _Subject) -> Iterator[_Hit]:
    """A cell whose question, text and options, another question has asked the same group before."""
    seen: dict[tuple[str, tuple[str, ...], str | None], str] = {}
    for question in subject.questions:
        # Where no people answered, it is the question itself that stands there twice.
        for group in question.groups or (None,):
            key = (" ".join(question.text.split()), question.option_texts, group)
            first = seen.setdefault(key, question.id)
            if first != question.id:
                yield _Hit(f"same text and options as question {first!r}", question, group)


def _one_hot(subject: _Subject) -> Iterator[_Hit]:
    for cell in subject.people:
        if cell.is_one_hot:
            option = cell.question.option_texts[cell.shares.index(1)]
            yield _Hit(f"everybody answers {option!r}", cell.question, cell.group)


def _tiny_group(subject: _Subject) -> Iterator[_Hit]:
    for cell in subject.people:
        if cell.n_people is not None and cell.n_people < TINY_GROUP:
            yield _Hit(f"{cell.n_people:g} people", cell.question, cell.group)


def _empty_group(subject: _Subject) -> Iterator[_Hit]:
    for question in subject.questions:
        for group, counts in question.counts.items():
            if not any(counts):
                yield _Hit("all counts are 0", question, group)


def _no_groups(subject: _Subject) -> Iterator[_Hit]:
    for question in subject.questions:
        if question.truth is None and not question.groups:
            yield _Hit("nobody's answers are known", question)


def _no_range(subject: _Subject) -> Iterator[_Hit]:
    for question in subject.questions:
        values = _scale(question.options)
        if len(values) > 1 and len(set(values)) == 1:
            yield _of_question(question, f"all {len(values)} options have the value {values[0]:g}")


def _unordered_scale(subject: _Subject) -> Iterator[_Hit]:
    for question in subject.questions:
        values = _scale(question.options)
        if values not in (sorted(values), sorted(values, reverse=True)):
            listed = ", ".join(f"{value:g}" for value in values)
            yield _of_question(question, f"the options in their order have the values {listed}")


def _gold_position(subject: _Subject) -> Iterator[_Hit]:
    golds = [cell for cell in subject.golds if len(cell.shares) > 1]
    modes = [(cell, cell.shares.index(max(cell.shares))) for cell in golds if cell.has_one_mode]
    if len(modes) < MIN_GOLDS:
        return
    position, n = Counter(mode for _, mode in modes).most_common(1)[0]
    chance = sum(1 / len(cell.shares) for cell, _ in modes if len(cell.shares) > position) / len(modes)
    excess = n / len(modes) - chance
    what = f"the most frequent answer is option {position + 1} in {n} of {len(modes)} items that have one"
    if n == len(modes):
        yield _Hit(f"{what}: what a model knows and which option it likes cannot be told apart", n_items=n)
    elif excess > POSITION_EXCESS and excess > POSITION_ERRORS * sqrt(chance * (1 - chance) / len(modes)):
        yield _Hit(f"{what} ({n / len(modes):.1%}; by chance {chance:.1%})", n_items=n)


def _dk_share(subject: _Subject) -> Iterator[_Hit]:
    cells = subject.golds
    named = Counter(
        next(option.text for option in cell.question.options if option.refusal)
        for cell in cells
        if any(option.refusal for option in cell.question.options)
    )
    if n := named.total():
        texts = ", ".join(f"{text!r} {count}" for text, count in named.most_common())
        yield _Hit(
            f"{n} of {len(cells)} items ({n / len(cells):.1%}); the first such option: {texts}", n_items=n
        )


def _scale(options: tuple[Option, ...]) -> list[float]:
    """The values of the options, refusals left out."""
    return [option.value for option in options if option.value is not None and not option.refusal]


CHECKS: Mapping[str, Check] = {
    "broken_options": Check(
        Severity.FAULTY,
        "an option that was split at its comma, so that the answer people gave is lost; a note where an "
        "option only begins in lower case",
        _broken_options,
    ),
    "one_option": Check(
        Severity.FAULTY, "a question with a single option: there is nothing to ask", _one_option
    ),
    "repeated_options": Check(
        Severity.FAULTY, "an option that stands there more than once: it cannot be asked", _repeated_options
    ),
    "structural_zeros": Check(
        Severity.FAULTY,
        "half of the options were given by nobody in the group: variants of a question merged under one list "
        "of options; a note where it is half only when rounded down, and where all gave one answer",
        _structural_zeros,
    ),
    "disjoint_support": Check(
        Severity.FAULTY,
        f"two groups that share less than {DISJOINT_OVERLAP:.0%} of their answers: most were asked different "
        "variants of the question",
        _disjoint_support,
    ),
    "duplicates": Check(
        Severity.FAULTY, "the same text, options and group as in an earlier question", _duplicates
    ),
    "one_hot": Check(Severity.NOTE, "everybody in the group gave the same answer", _one_hot),
    "tiny_group": Check(
        Severity.NOTE, f"a group of which fewer than {TINY_GROUP} people answered", _tiny_group
    ),
    "empty_group": Check(Severity.NOTE, "a group in which nobody answered", _empty_group),
    "no_groups": Check(Severity.NOTE, "a question of which no answers are known", _no_groups),
    "no_range": Check(
        Severity.NOTE, "all options have one value: no distance along the scale exists", _no_range
    ),
    "unordered_scale": Check(
        Severity.NOTE, "the options do not stand in the order of their values", _unordered_scale
    ),
    "gold_position": Check(
        Severity.NOTE,
        "the most frequent answer stands at one position more often than chance",
        _gold_position,
    ),
    "dk_share": Check(
        Severity.NOTE, "an option that declines to answer (Don't know, Refused) among the options", _dk_share
    ),
}

# Every fault of published data in a line: those above, and those that only the reader of a file can meet.
FAULTS: Mapping[str, str] = {
    **{fault: check.what for fault, check in CHECKS.items()},
    "ambiguous_key": "an answer key that names several options, or none",
    "options_mismatch": "the options that the file lists are not those that it uses elsewhere",
}
