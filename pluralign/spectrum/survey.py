"""Survey questions as a spectrum task: the answers of people of one group, drawn from the counts."""

from collections.abc import Sequence

import numpy as np

from pluralign.errors import DataError
from pluralign.records import Group, Question, QuestionSet
from pluralign.spectrum.process import Process, list_options
from pluralign.spectrum.tasks import Task, TaskSettings

N_WORDINGS = 5


def survey_task(
    questions: QuestionSet,
    *,
    name: str | None = None,
    settings: TaskSettings | None = None,
    min_people: int = 10,
) -> Task:
    """Turn questions with people's counts into a task: a row holds answers of one group to one question.

    Answers are drawn from the counts without replacement, in random order. Where counts are survey weights
    they are no whole people: answers are then drawn independently from the proportions, at most as many as
    the effective sample size.

    Args:
        questions: The questions; those without counts are left out.
        name: Name of the task; the id of the question set by default.
        settings: How many answers a row, and how often a description.
        min_people: Groups with fewer (effective) people are left out.

    Raises:
        DataError: No question has a group that is large enough.
    """
    groups = {group.id: group for group in questions.groups}
    cells = [
        (question, groups[group_id])
        for question in questions.questions
        for group_id in question.counts
        if (question.n_people(group_id) or 0) >= min_people
    ]
    if not cells:
        raise DataError(
            f"questions: no question of {questions.id!r} has counts of a group of at least {min_people} people"
        )

    def family(rng: np.random.Generator) -> Process:
        question, group = cells[int(rng.integers(len(cells)))]
        return _answers(question, group, rng=rng)

    return Task(name=name or questions.id, family=family, settings=settings or TaskSettings())


def describe_question(
    question: str, *, options: Sequence[str] = (), group: str | None = None, wording: int = 0
) -> str:
    """A survey question as the description of a spectrum sequence.

    Args:
        question: Text of the question.
        options: The options in the order in which they are listed; empty to leave the list out.
        group: The group in words, completing "people who ..."; None for the whole population.
        wording: 0 is the wording that evaluation uses: the question, "Options: a; b; c" and
            "Respondents: people who ...", each on a line of its own. Others, up to `N_WORDINGS` - 1, vary it.
    """
    people = f"people who {group}" if group else None
    if wording == 0:
        lines = [question + (list_options(options) if options else "")]
        return "\n".join(lines + ([f"Respondents: {people}"] if people else []))
    listed = list_options(options, wording=wording) if options else ""
    if wording == 1:
        return (f"Survey of {people}\n" if people else "Survey\n") + question + listed
    if wording == 2:
        return f"How do {people or 'people'} answer this question? {question}{listed}"
    if wording == 3:
        return f"Question: {question}{listed}\nAsked of: {people or 'a cross-section of the public'}"
    return f'"{question}"{listed}\nAnswers of {people or "several people"}, one at a time'


def _answers(question: Question, group: Group, *, rng: np.random.Generator) -> Process:
    options = [question.option_texts[i] for i in rng.permutation(len(question.options))]
    shown = options if question.options_listed else []
    descriptions = [
        # The wording of evaluation comes as often as all the others together.
        *[describe_question(question.text, options=shown, group=group.text)] * (N_WORDINGS - 1),
        *[
            describe_question(question.text, options=shown, group=group.text, wording=wording)
            for wording in range(1, N_WORDINGS)
        ],
        describe_question(question.text, group=group.text),
    ]
    texts = np.array(question.option_texts, dtype=object)
    counts = np.array(question.counts[group.id])
    whole = bool(np.all(counts == np.floor(counts)))
    people = np.repeat(texts, counts.astype(int)) if whole else None

    def draw(generator: np.random.Generator, n: int) -> list[str]:
        if people is None:
            return [str(text) for text in generator.choice(texts, size=n, p=counts / counts.sum())]
        return [str(text) for text in generator.permutation(people)[:n]]

    return Process(
        descriptions=tuple(descriptions), draw=draw, limit=max(1, int(question.n_people(group.id) or 0))
    )
