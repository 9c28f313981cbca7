"""The three building blocks of sources made of data: a list of texts, a table, people; and disjoint chunks of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from pluralign.errors import DataError
from pluralign.spectrum.format import Example, format_fields
from pluralign.spectrum.suite.source import Instance, Opened
from pluralign.spectrum.tasks import TaskSettings, n_examples, row_generator

# Of each thing that is known of a person, in each row: arXiv 2510.06084 for OpinionQA.
FACT_DROP_PROB = 0.3
MIN_EXAMPLES = 2  # of fewer, a row without description would teach nothing


@dataclass(frozen=True)
class Person:
    """Somebody's answers.

    Attributes:
        examples: The answers.
        wordings: What the answers are, in words.
        facts: What is known of the person: name -> value.
    """

    examples: tuple[Example, ...]
    wordings: tuple[str, ...]
    facts: Mapping[str, str] = field(default_factory=dict)


def strings(items: Sequence[str]) -> tuple[Example, ...]:
    """Texts as examples without input; blank ones are left out."""
    return tuple(Example(output=item) for item in items if item.strip())


def table(
    rows: Sequence[Mapping[str, object]], *, generated: Sequence[str], given: Sequence[str] = ()
) -> tuple[Example, ...]:
    """The rows of a table as examples: some columns are given, others are to be generated.

    Args:
        rows: Column -> value.
        generated: Columns of the output: one as it is, several as JSON.
        given: Columns of the input, in the same way; none for examples without input.
    """
    return tuple(
        Example(
            input=format_fields({name: row[name] for name in given}) if given else None,
            output=format_fields({name: row[name] for name in generated}),
        )
        for row in rows
    )


def pool(examples: Sequence[Example], descriptions: Sequence[str]) -> Instance:
    """A process that draws from a pool without replacement, all orders equally likely."""
    held = tuple(examples)
    return Instance(
        descriptions=tuple(descriptions),
        draw=lambda rng, n: [held[int(i)] for i in rng.permutation(len(held))[:n]],
        limit=len(held),
    )


def sampled(pools: Sequence[Instance], *, n_rows: int | None = None) -> Opened:
    """Rows that draw from the pools by turns, each row anew.

    Args:
        pools: At least one.
        n_rows: Number of rows; None for no end.

    Raises:
        DataError: There is no pool with two examples.
    """
    usable = _usable(pools)
    return Opened(instance=lambda index, rng: usable[index % len(usable)], n_rows=n_rows)


def permuted(pools: Sequence[Instance], *, n_orders: int) -> Opened:
    """Every pool in so many orders, a row for each."""
    usable = _usable(pools)
    return Opened(instance=lambda index, rng: usable[index % len(usable)], n_rows=n_orders * len(usable))


def chunks(
    examples: Sequence[Example],
    descriptions: Sequence[str],
    *,
    name: str,
    settings: TaskSettings,
    seed: int,
) -> Opened:
    """Disjoint rows that together hold every example once: `n_per = -1` in the published suite.

    Args:
        examples: All of them.
        descriptions: Wordings.
        name: Name of the source, for the seed of the partition.
        settings: Sizes of the chunks.
        seed: Seed.

    Raises:
        DataError: There are fewer than two examples.
    """
    if len(examples) < MIN_EXAMPLES:
        raise DataError(f"{name}: {len(examples)} examples, at least {MIN_EXAMPLES} are needed.")
    rng = row_generator(name, "chunks", seed=seed)
    order = rng.permutation(len(examples))
    bounds = [0]
    while bounds[-1] < len(examples):
        mean = settings.mean_examples
        size = len(examples) if mean is None else n_examples(rng, mean=mean)
        bounds.append(min(bounds[-1] + max(MIN_EXAMPLES, min(size, settings.max_examples)), len(examples)))
    if len(bounds) > 2 and bounds[-1] - bounds[-2] < MIN_EXAMPLES:
        # A rest of one goes into the chunk before it.
        del bounds[-2]
    parts = [tuple(examples[int(i)] for i in order[start:end]) for start, end in pairwise(bounds)]
    texts = tuple(descriptions)

    def instance(index: int, _: np.random.Generator) -> Instance:
        part = parts[index]
        # All of the part, whatever number of examples the row draws: else some would be lost.
        return Instance(
            texts, lambda rng, n: [part[int(i)] for i in rng.permutation(len(part))], limit=len(part)
        )

    return Opened(instance=instance, n_rows=len(parts))


def individuals(people: Sequence[Person], *, name: str, seed: int) -> Opened:
    """One row a person, in an order drawn with the seed; people with fewer than two examples are left out.

    Args:
        people: The people. What is known of a person follows each wording, each fact left out with
            probability 0.3.
        name: Name of the source, for the seed.
        seed: Seed.

    Raises:
        DataError: Nobody has two examples.
    """
    usable = [person for person in people if len(person.examples) >= MIN_EXAMPLES]
    if not usable:
        raise DataError(f"{name}: nobody has {MIN_EXAMPLES} answers.")
    order = row_generator(name, "people", seed=seed).permutation(len(usable))

    def instance(index: int, rng: np.random.Generator) -> Instance:
        person = usable[int(order[index])]
        kept = [f"{fact}: {value}" for fact, value in person.facts.items() if rng.random() >= FACT_DROP_PROB]
        facts = f"\nAbout this person: {'; '.join(kept)}" if kept else ""
        return pool(person.examples, [text + facts for text in person.wordings])

    return Opened(instance=instance, n_rows=len(usable))


def _usable(pools: Sequence[Instance]) -> list[Instance]:
    usable = [each for each in pools if each.limit is None or each.limit >= MIN_EXAMPLES]
    if not usable:
        raise DataError(f"no list of examples has {MIN_EXAMPLES} of them.")
    return usable
