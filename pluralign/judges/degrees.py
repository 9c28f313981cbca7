"""How far a statement states a person's view, as a judge or an embedder says of the person's own words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.errors import DataError, ModelError
from pluralign.judges.entailment import Entailed, Entailment, Pair
from pluralign.judges.ratings import RatingTable
from pluralign.judges.sentences import split_sentences
from pluralign.metrics.arrays import FloatArray
from pluralign.models.embedding import Embedder

# Called with the number of pairs judged and the number of all.
Progress = Callable[[int, int], None]

# Name and definition of each reading.
STATES = (
    "mean entailment",
    "mean probability that the statement entails a sentence of the person's own words",
)
POLARITY = ("less contradiction", "mean entailment less the mean probability of contradiction")
BEST = ("best sentence", "probability that the statement entails the sentence it entails most")
REVERSE = (
    "reverse direction",
    "mean probability that a text of the person entails a sentence of the statement",
)
COSINE = ("mean cosine", "mean cosine of the statement and a sentence of the person's own words")
NEAREST = ("best sentence", "cosine of the statement and the sentence nearest to it")
WHOLE = ("whole texts", "mean cosine of the statement and a whole text of the person")

# Pairs put to a judge at once: many enough that it reads each text once, few enough to show how far it is.
_CHUNK = 2048


@dataclass(frozen=True)
class Reading:
    """One way to read a judge's verdicts.

    Attributes:
        name: What it is called.
        definition: What it is.
        degrees: Shape (people, statements); NaN where the person wrote nothing or the judge could judge none of it. A
            single text that could not be judged is left out of the mean.
        threshold: Degree from which the judge calls a view stated; None where its threshold is of another kind.
    """

    name: str
    definition: str
    degrees: FloatArray
    threshold: float | None = None


@dataclass(frozen=True)
class Degrees:
    """What a judge says of every person and statement of a table.

    Attributes:
        readings: The main one first.
        n_pairs: Number of different pairs of texts that it was asked about.
        n_pairs_unjudged: Number of those without a verdict.
    """

    readings: tuple[Reading, ...]
    n_pairs: int
    n_pairs_unjudged: int


def entailment_degrees(
    judge: Entailment, tables: Sequence[RatingTable], *, progress: Progress | None = None
) -> list[Degrees]:
    """Ask an entailment judge of every statement and what every person wrote.

    The main reading asks as the evaluator of coverage does. The premise is the statement, as a response is there; a
    hypothesis is a sentence of the person's own words, as a viewpoint is; the degree is the mean probability of
    entailment over the person's sentences: how much of what the person says the statement states. Beside it stand
    entailment less contradiction, the best sentence alone, and the reverse direction, in which a text of the person
    is the premise and a sentence of the statement the hypothesis, averaged over both.

    Args:
        judge: The judge; each different pair is put to it once.
        tables: The people and statements.
        progress: Called after every 2,048 pairs.

    Returns:
        One a table.

    Raises:
        ModelError: The judge returned another number of verdicts than it was asked for.
    """
    asked = [dict.fromkeys(pair for cell in _cells(table) for pair in cell.pairs) for table in tables]
    verdicts = _entail(
        judge, list(dict.fromkeys(pair for pairs in asked for pair in pairs)), progress=progress
    )
    return [
        Degrees(
            readings=_readings(table, verdicts, threshold=judge.threshold),
            n_pairs=len(pairs),
            n_pairs_unjudged=sum(verdicts[pair] is None for pair in pairs),
        )
        for table, pairs in zip(tables, asked, strict=True)
    ]


def cosine_degrees(embedder: Embedder, tables: Sequence[RatingTable]) -> list[Degrees]:
    """Cosine similarity of every statement with what every person wrote, which cannot tell for from against.

    Args:
        embedder: The embedder.
        tables: The people and statements.

    Returns:
        One a table; the main reading is the mean over the sentences of the person's own words.
    """
    found = []
    for table in tables:
        cells = _cells(table)
        wanted = (text for cell in cells for text in (cell.statement, *cell.sentences, *cell.texts))
        rows = {text: row for row, text in enumerate(dict.fromkeys(wanted))}
        vectors = np.asarray(embedder.embed(list(rows)), dtype=np.float64)
        mean, best, whole = (np.full_like(table.levels, np.nan) for _ in range(3))
        pairs = set()
        for cell in cells:
            if not cell.sentences:
                continue
            statement = vectors[rows[cell.statement]]
            by_sentence = vectors[[rows[text] for text in cell.sentences]] @ statement
            mean[cell.place] = by_sentence.mean()
            best[cell.place] = by_sentence.max()
            whole[cell.place] = (vectors[[rows[text] for text in cell.texts]] @ statement).mean()
            pairs |= {(cell.statement, text) for text in (*cell.sentences, *cell.texts)}
        readings = (Reading(*COSINE, mean), Reading(*NEAREST, best), Reading(*WHOLE, whole))
        found.append(Degrees(readings=readings, n_pairs=len(pairs), n_pairs_unjudged=0))
    return found


@dataclass(frozen=True)
class _Cell:
    """A person and a statement, with what the person wrote and what is asked of it."""

    place: tuple[int, int]
    statement: str
    texts: tuple[str, ...]
    sentences: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def forward(self) -> list[Pair]:
        return [Pair(premise=self.statement, hypothesis=sentence) for sentence in self.sentences]

    @property
    def reverse(self) -> list[Pair]:
        return [Pair(premise=text, hypothesis=part) for text in self.texts for part in self.parts]

    @property
    def pairs(self) -> list[Pair]:
        return self.forward + self.reverse


def _cells(table: RatingTable) -> list[_Cell]:
    """The cells of a table that have a rating."""
    split: dict[str, tuple[str, ...]] = {}

    def sentences_of(text: str) -> tuple[str, ...]:
        if text not in split:
            split[text] = split_sentences(text)
        return split[text]

    cells = []
    for person, column in np.argwhere(np.isfinite(table.levels)).tolist():
        texts = tuple(text for text in table.own_words(person, column) if sentences_of(text))
        statement = table.statements[column]
        cells.append(
            _Cell(
                place=(person, column),
                statement=statement,
                texts=texts,
                sentences=tuple(sentence for text in texts for sentence in sentences_of(text)),
                parts=sentences_of(statement),
            )
        )
    return cells


def _readings(
    table: RatingTable, verdicts: Mapping[Pair, Entailed | None], *, threshold: float
) -> tuple[Reading, ...]:
    states, polarity, best, backward = (np.full_like(table.levels, np.nan) for _ in range(4))
    for cell in _cells(table):
        forward, reverse = _judged(cell.forward, verdicts), _judged(cell.reverse, verdicts)
        if forward:
            entailed = np.array([verdict.entailment_prob for verdict in forward])
            denied = np.array([verdict.contradiction_prob for verdict in forward])
            states[cell.place] = entailed.mean()
            polarity[cell.place] = (entailed - denied).mean()
            best[cell.place] = entailed.max()
        if reverse:
            backward[cell.place] = np.mean([verdict.entailment_prob for verdict in reverse])
    return (
        Reading(*STATES, states, threshold),
        Reading(*POLARITY, polarity),
        Reading(*BEST, best, threshold),
        Reading(*REVERSE, backward, threshold),
    )


def _judged(pairs: Iterable[Pair], verdicts: Mapping[Pair, Entailed | None]) -> list[Entailed]:
    return [verdict for pair in pairs if (verdict := verdicts[pair]) is not None]


def _entail(
    judge: Entailment, pairs: Sequence[Pair], *, progress: Progress | None
) -> dict[Pair, Entailed | None]:
    """A verdict on each pair."""
    if not pairs:
        raise DataError("There is nothing to judge: nobody wrote anything.")
    verdicts: dict[Pair, Entailed | None] = {}
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        given = judge.entail(chunk)
        if len(given) != len(chunk):
            raise ModelError(f"{judge.id}: gave {len(given)} verdicts on {len(chunk)} pairs of texts.")
        verdicts.update(zip(chunk, given, strict=True))
        if progress is not None:
            progress(len(verdicts), len(pairs))
    return verdicts
