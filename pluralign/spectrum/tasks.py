"""Tasks of the spectrum suite: a task draws a process, words it, and draws a row of examples from it.

Every row has a generator of its own, seeded by hashing the task's name, the seed and the row's index, so that
a row is the same in any order, process or number of workers.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.registry import Registry
from pluralign.spectrum.format import Example, SpectrumSequence
from pluralign.spectrum.process import Family, Process

FAMILIES: Registry[Family] = Registry(
    "spectrum task",
    {
        "bernoulli": "pluralign.spectrum.chances:bernoulli",
        "events": "pluralign.spectrum.chances:events",
        "categorical": "pluralign.spectrum.chances:categorical",
        "coloured": "pluralign.spectrum.chances:coloured",
        "urn": "pluralign.spectrum.chances:urn",
        "lists": "pluralign.spectrum.chances:lists",
        "letters": "pluralign.spectrum.chances:letters",
        "integers": "pluralign.spectrum.quantities:integers",
        "numbered": "pluralign.spectrum.quantities:numbered",
        "tickets": "pluralign.spectrum.quantities:tickets",
        "dice": "pluralign.spectrum.quantities:dice",
        "binomial": "pluralign.spectrum.quantities:binomial",
        "poisson": "pluralign.spectrum.quantities:poisson",
        "geometric": "pluralign.spectrum.quantities:geometric",
        "normal": "pluralign.spectrum.quantities:normal",
        "zipf": "pluralign.spectrum.quantities:zipf",
        "hypergeometric": "pluralign.spectrum.quantities:hypergeometric",
    },
)


@dataclass(frozen=True)
class TaskSettings:
    """How the rows of a task are built.

    Attributes:
        mean_examples: Mean number of examples a row, before the limits below; at least 2. None for as many as
            the process has.
        max_examples: Most examples a row.
        description_keep_prob: Probability that a row shows its description; 0.8 in arXiv 2510.06084.
    """

    mean_examples: float | None = 16.0
    max_examples: int = 64
    description_keep_prob: float = 0.8

    def __post_init__(self) -> None:
        if self.mean_examples is not None and self.mean_examples < 2:
            raise ConfigurationError(
                f"mean_examples: {self.mean_examples} is below 2, the least the formula allows"
            )


@dataclass(frozen=True)
class Task:
    """A family of processes and how its rows are built.

    Attributes:
        name: Name; part of every row's seed.
        family: generator -> process with parameters drawn.
        settings: Number of examples, share of descriptions.
    """

    name: str
    family: Family
    settings: TaskSettings = TaskSettings()

    def row(self, index: int, *, seed: int) -> SpectrumSequence:
        """The row of an index: a function of the task, the seed and the index only."""
        process, rng = self._start(index, seed=seed)
        return assemble(
            process.descriptions,
            lambda generator, n: [Example(output=output) for output in process.draw(generator, n)],
            task=self.name,
            settings=self.settings,
            limit=process.limit,
            rng=rng,
        )

    def process(self, index: int, *, seed: int) -> Process:
        """The process behind a row."""
        return self._start(index, seed=seed)[0]

    def _start(self, index: int, *, seed: int) -> tuple[Process, np.random.Generator]:
        rng = row_generator(self.name, index, seed=seed)
        return self.family(rng), rng


def row_generator(*item: str | int, seed: int) -> np.random.Generator:
    """The generator of one item: a hash of what names it, such as a task and the index of a row, and the seed."""
    name, *others = item
    parts = "\n".join(str(part) for part in (name, seed, *others))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(parts.encode()).digest()))


def assemble(
    descriptions: Sequence[str],
    draw: Callable[[np.random.Generator, int], Sequence[Example]],
    *,
    task: str,
    settings: TaskSettings,
    limit: int | None,
    rng: np.random.Generator,
) -> SpectrumSequence:
    """Build a row: keep the description or not, draw the number of examples, draw them.

    Args:
        descriptions: Wordings of the process, each equally likely; none at all leaves the row without one.
        draw: (generator, n) -> n examples in an order that carries no information.
        task: Name of the task.
        settings: Number of examples, share of descriptions.
        limit: Most examples that there are; None where there is no end.
        rng: The row's generator.

    Raises:
        ConfigurationError: All examples are wanted of a process that has no end.
    """
    kept = rng.random() < settings.description_keep_prob and bool(descriptions)
    description = descriptions[int(rng.integers(len(descriptions)))] if descriptions else None
    if settings.mean_examples is not None:
        n = n_examples(rng, mean=settings.mean_examples)
    elif limit is not None:
        n = limit
    else:
        raise ConfigurationError(f"{task}: mean_examples is needed: the process has no end.")
    n = min(n, settings.max_examples)
    if not kept:
        n = max(n, 2)  # without a description the first output bears no loss
    if limit is not None:
        n = min(n, limit)
    return SpectrumSequence(
        description=description if kept else None, examples=tuple(draw(rng, n)), task=task
    )


def n_examples(rng: np.random.Generator, *, mean: float) -> int:
    """A number of examples: Geometric(2 / mean) + Poisson(mean / 2), as in arXiv 2510.06084.

    The geometric part is at least 1. The mean is `mean`, the variance (mean / 2)^2.

    Args:
        rng: Generator.
        mean: At least 2.
    """
    return int(rng.geometric(2 / mean) + rng.poisson(mean / 2))


def builtin_task(name: str, *, settings: TaskSettings | None = None) -> Task:
    """A built-in task by the name of its family.

    Raises:
        ConfigurationError: No such family.
    """
    return Task(name=name, family=FAMILIES.get(name), settings=settings or TaskSettings())


def build_rows(
    n_rows: Mapping[str, int], *, tasks: Iterable[Task], seed: int, with_distribution: bool = False
) -> list[SpectrumSequence]:
    """Build the rows of a training set, none of them twice.

    Args:
        n_rows: name of a task -> number of rows.
        tasks: The tasks named there.
        seed: Seed of all rows.
        with_distribution: Let each row carry the distribution of its outputs where its process knows it. The
            rows are otherwise the same.

    Returns:
        The rows, task by task in the order of `n_rows`.

    Raises:
        ConfigurationError: An unknown task, or one that has fewer distinct rows than asked for.
    """
    known = {task.name: task for task in tasks}
    rows: list[SpectrumSequence] = []
    for name, n in n_rows.items():
        if name not in known:
            raise ConfigurationError(f"tasks: unknown task {name!r}.{did_you_mean(name, known)}")
        distinct = _distinct_rows(known[name], n=n, seed=seed)
        if with_distribution:
            rows += [_knowing(row, known[name].process(index, seed=seed)) for row, index in distinct.items()]
        else:
            rows += distinct
    return rows


def _knowing(row: SpectrumSequence, process: Process) -> SpectrumSequence:
    """A row with the distribution of its process."""
    known = process.distribution
    return row.model_copy(update={"distribution": None if known is None else tuple(known.items())})


def _distinct_rows(task: Task, *, n: int, seed: int) -> dict[SpectrumSequence, int]:
    """The rows, each with the first index that gave it."""
    rows: dict[SpectrumSequence, int] = {}
    attempts = 20 * n + 20  # far more than chance repeats need: beyond it the task has too few rows
    for index in range(attempts):
        if len(rows) == n:
            break
        rows.setdefault(task.row(index, seed=seed), index)
    if len(rows) < n:
        raise ConfigurationError(
            f"tasks: {task.name!r} gave only {len(rows)} distinct rows in {attempts} draws, {n} were asked for. "
            "Ask for fewer, or raise mean_examples."
        )
    return rows
