"""Open prompts with everything that was answered to them, and how often."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pluralign.errors import DataError, did_you_mean
from pluralign.records import Comparison
from pluralign.reports.content import Series

# Of a section, so many prompts are shown; of a prompt, so many different answers of each series.
N_PROMPTS, N_ANSWERS = 60, 8


@dataclass(frozen=True)
class AnsweredPrompt:
    """A prompt with its answers.

    Attributes:
        id: Its id.
        text: What was asked.
        answers: Label of a series -> its answers, in order of drawing.
    """

    id: str
    text: str
    answers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class AnswersSection:
    """One set of open prompts with everything measured on it.

    Attributes:
        title: Heading.
        source: Where the prompts come from.
        series: In order of measurement.
        prompts: What was asked, and what was answered.
        comparisons: Paired differences between these series.
        readings: What the numbers say, one sentence each: shown first.
    """

    title: str
    source: str
    series: tuple[Series, ...]
    prompts: tuple[AnsweredPrompt, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    readings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that everything shown is of these series.

        Raises:
            DataError: Answers or a comparison of an unknown series.
        """
        labels = [series.label for series in self.series]
        named = [label for prompt in self.prompts for label in prompt.answers]
        named += [label for each in self.comparisons for label in (each.first, each.second)]
        for label in named:
            if label not in labels:
                raise DataError(
                    f"{self.title!r} shows the unknown series {label!r}.{did_you_mean(label, labels)}"
                )

    @property
    def asked(self) -> str:
        """How much was asked, and where it comes from, in words."""
        n = len(self.prompts)
        prompts = f"{n:,} prompt{'' if n == 1 else 's'}" if n else ""
        return ". ".join(filter(None, (prompts, self.source)))


@dataclass(frozen=True)
class AnswersOfOne:
    """What one series answered to a prompt.

    Attributes:
        label: Label of the series.
        n: Number of answers.
        n_different: Number of different ones, word for word.
        common: The most frequent ones with their numbers.
    """

    label: str
    n: int
    n_different: int
    common: tuple[tuple[str, int], ...]


def prompt_views(section: AnswersSection) -> list[tuple[AnsweredPrompt, list[AnswersOfOne]]]:
    """The prompts that are shown, each with the most frequent answers of every series."""
    return [
        (prompt, [_of_one(label, answers) for label, answers in prompt.answers.items()])
        for prompt in section.prompts[:N_PROMPTS]
    ]


def _of_one(label: str, answers: tuple[str, ...]) -> AnswersOfOne:
    counts = Counter(answers)
    return AnswersOfOne(label, len(answers), len(counts), tuple(counts.most_common(N_ANSWERS)))
