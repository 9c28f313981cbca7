"""Building the suite: rows made by several processes, each row once, streamed to Parquet in bounded memory.

The rows do not depend on the number of processes: each is a function of its source, the seed and its index, and
they are written in the order of their indices. What is in memory at a time is a few blocks of rows, the data of
the sources that are open, and eight bytes for every row of the source that is being written.
"""

import itertools
import json
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import ConfigurationError, require
from pluralign.files import write_whole, writing
from pluralign.spectrum.format import SpectrumFormat, SpectrumSequence
from pluralign.spectrum.suite.catalogue import get_source
from pluralign.spectrum.suite.plan import Part, Plan
from pluralign.spectrum.suite.source import Opening, Rows, Split
from pluralign.spectrum.suite.stored import MANIFEST, PREFIXES, schema, to_batch

if TYPE_CHECKING:
    from pluralign.spectrum.format import EncodedRow

BLOCK = 256  # rows made at a time
ROWS_A_FILE = 50_000
# Draws for a row that turns out as one before it, beyond which a source has too few different rows.
_ATTEMPTS = 20


@dataclass(frozen=True)
class Tokens:
    """With what tokens are counted.

    Attributes:
        model: Name of the model whose tokenizer counts.
        max_length: Longest row in tokens; what is beyond is not counted, as it is not trained on.
        revision: Hub revision of the model.
    """

    model: str
    max_length: int = 1024
    revision: str | None = None


@dataclass(frozen=True)
class PartCounts:
    """What a source brought.

    Attributes:
        split: Its side of the split.
        n_asked: Rows asked for.
        n_rows: Rows written.
        n_repeats: Rows left out because they turned out as one before them.
        n_described: Rows with a description.
        n_examples: Examples.
        n_tokens: Tokens up to the maximal length; None where no tokenizer is named.
        n_supervised: Those of them that bear loss.
    """

    split: Split
    n_asked: int
    n_rows: int
    n_repeats: int
    n_described: int
    n_examples: int
    n_tokens: int | None
    n_supervised: int | None

    @property
    def described_share(self) -> float:
        """Share of rows with a description, in [0, 1]."""
        return self.n_described / self.n_rows


@dataclass(frozen=True)
class Built:
    """A suite on disk.

    Attributes:
        path: Its folder.
        parts: Name of a source -> what it brought.
        skipped: Name of a source -> why it is not there.
    """

    path: Path
    parts: Mapping[str, PartCounts]
    skipped: Mapping[str, str]


@dataclass(frozen=True)
class _Order:
    """What a process is asked for: the rows of a source with indices from start to stop."""

    plan: Plan
    index: int
    start: int
    stop: int
    tokens: Tokens | None


@dataclass(frozen=True)
class _Block:
    """Rows of one source with consecutive indices.

    Attributes:
        batch: The rows, as Arrow writes a stream.
        digests: Eight bytes of hash of each row, shape (rows,).
        counts: Description (0 or 1), examples, tokens, supervised tokens of each row, shape (rows, 4).
        n_available: Number of rows that the source has; None where there is no end.
    """

    batch: bytes
    digests: NDArray[np.uint64]
    counts: NDArray[np.int64]
    n_available: int | None


def build_suite(
    plan: Plan,
    *,
    out: Path,
    workers: int = 1,
    tokens: Tokens | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Build the rows of a plan into a folder.

    It holds `train-00000.parquet`, ... and `test-00000.parquet`, ... for held-out sources, each row a conversation
    `messages` with its `task`, which `datasets.load_dataset` reads, and at last `suite.json`: what went in.

    Args:
        plan: What is built.
        out: The folder; it must be new or empty.
        workers: Number of processes that make rows.
        tokens: With what tokens are counted; None for no count.
        progress: Called with rows written and rows asked for.

    Raises:
        ConfigurationError: The folder is not empty, there is no worker, or a source has no row.
        DataError: The data of a source are not what they should be.
        StorageError: The folder cannot be written.
        MissingExtraError: pyarrow is not installed.
    """
    if workers < 1:
        raise ConfigurationError(f"workers: {workers} cannot build, at least 1 is needed.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigurationError(f"{out}: is not empty; name a new folder.")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    n_asked = sum(part.n_rows for part in plan.parts)
    counts: dict[str, PartCounts] = {}
    with ExitStack() as stack:
        blocks = stack.enter_context(_blocks(plan, tokens=tokens, workers=workers))
        writers = {split: stack.enter_context(_Writer(out, PREFIXES[split])) for split in PREFIXES}
        n_before = 0
        for index, part in enumerate(plan.parts):
            tally = _Tally(part, counted=tokens is not None)
            for block in _blocks_of(_Order(plan, index, 0, part.n_rows, tokens), blocks, tally=tally):
                writers[part.split].write(block.batch, kept=tally.keep(block))
                if progress:
                    progress(n_before + tally.n_rows, n_asked)
            counts[part.name] = tally.result()
            n_before += part.n_rows
    built = Built(path=out, parts=counts, skipped=dict(plan.skipped))
    write_whole(out / MANIFEST, _manifest(plan, built).encode())
    return built


class _Tally:
    """Keeps the rows of one source that are new, and counts them."""

    def __init__(self, part: Part, *, counted: bool) -> None:
        self.part = part
        self.counted = counted
        self.n_rows = 0
        self.n_repeats = 0
        self.n_made = 0
        self.sums = np.zeros(4, dtype=np.int64)
        self.seen: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    @property
    def wants_more(self) -> bool:
        """Whether rows are missing and there is hope for more."""
        return self.n_rows < self.part.n_rows and self.n_made < _ATTEMPTS * (self.part.n_rows + 1)

    def keep(self, block: _Block) -> NDArray[np.int64]:
        """Positions of the rows of a block that are new and still wanted."""
        first = np.unique(block.digests, return_index=True)[1]
        places = np.searchsorted(self.seen, block.digests[first])
        known = np.zeros(len(first), dtype=bool)
        inside = places < len(self.seen)
        known[inside] = self.seen[places[inside]] == block.digests[first][inside]
        fresh = np.sort(first[~known])
        kept = fresh[: self.part.n_rows - self.n_rows]
        self.seen = np.sort(np.concatenate([self.seen, block.digests[kept]]), kind="stable")
        self.n_made += len(block.digests)
        self.n_repeats += len(block.digests) - len(fresh)
        self.n_rows += len(kept)
        self.sums += block.counts[kept].sum(axis=0)
        return kept

    def result(self) -> PartCounts:
        """The counts.

        Raises:
            ConfigurationError: There is no row at all.
        """
        if not self.n_rows:
            raise ConfigurationError(f"{self.part.name}: has no rows.")
        described, examples, tokens, supervised = (int(value) for value in self.sums)
        return PartCounts(
            split=self.part.split,
            n_asked=self.part.n_rows,
            n_rows=self.n_rows,
            n_repeats=self.n_repeats,
            n_described=described,
            n_examples=examples,
            n_tokens=tokens if self.counted else None,
            n_supervised=supervised if self.counted else None,
        )


class _Writer:
    """Parquet files of one split, none of them before it has a row."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix
        self.n_files = 0
        self.n_rows = 0
        self.file: Any = None

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(self, batch: bytes, *, kept: NDArray[np.int64]) -> None:
        """Write the kept rows of a batch."""
        if not len(kept):
            return
        pa, parquet = require("pyarrow", extra="hf"), require("pyarrow.parquet", extra="hf")
        if self.file is None:
            path = self.folder / f"{self.prefix}-{self.n_files:05d}.parquet"
            with writing(path):
                self.file = parquet.ParquetWriter(path, schema(), compression="zstd")
            self.n_files += 1
        with writing(self.folder), pa.ipc.open_stream(batch) as stream:
            for rows in stream:
                self.file.write_batch(rows.take(pa.array(kept)))
        self.n_rows += len(kept)
        if self.n_rows >= ROWS_A_FILE:
            self._close()

    def _close(self) -> None:
        if self.file is not None:
            with writing(self.folder):
                self.file.close()
        self.file, self.n_rows = None, 0


@dataclass(frozen=True)
class _Blocks:
    """Blocks in order: those that the plan foresees, a few ahead, and more of a source on demand."""

    foreseen: Iterator[_Block]
    make: Callable[[_Order], _Block]


def _blocks_of(order: _Order, blocks: _Blocks, *, tally: _Tally) -> Iterator[_Block]:
    """The blocks of a source: those foreseen for its rows, then more while rows are missing."""
    n_available = None
    for _ in range(0, order.stop, BLOCK):
        block = next(blocks.foreseen)
        n_available = block.n_available
        yield block
    start = order.stop
    while tally.wants_more and (n_available is None or start < n_available):
        yield blocks.make(replace(order, start=start, stop=start + BLOCK))
        start += BLOCK


@contextmanager
def _blocks(plan: Plan, *, tokens: Tokens | None, workers: int) -> Iterator[_Blocks]:
    """Blocks, made here or by so many other processes."""
    foreseen = (
        _Order(plan, index, start, min(start + BLOCK, part.n_rows), tokens)
        for index, part in enumerate(plan.parts)
        for start in range(0, part.n_rows, BLOCK)
    )
    if workers == 1:
        yield _Blocks(foreseen=map(_make, foreseen), make=_make)
        return
    # A fork of a process with threads, such as those of pyarrow, may hang.
    executor = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield _Blocks(
            foreseen=_ahead(executor, foreseen, n_ahead=2 * workers),
            make=lambda order: executor.submit(_make, order).result(),
        )
    finally:
        executor.shutdown(cancel_futures=True)


def _ahead(executor: Executor, orders: Iterator[_Order], *, n_ahead: int) -> Iterator[_Block]:
    """Blocks in order, so many of them under way at a time: a bound on what waits in memory."""
    under_way = deque(executor.submit(_make, order) for order in itertools.islice(orders, n_ahead))
    while under_way:
        block = under_way.popleft().result()
        under_way.extend(executor.submit(_make, order) for order in itertools.islice(orders, 1))
        yield block


def _make(order: _Order) -> _Block:
    """Make the rows of an order, as far as the source has them."""
    rows = _opened(order.plan, order.index)
    n_available = rows.opened.n_rows
    end = order.stop if n_available is None else min(order.stop, n_available)
    sequences = [rows.row(number) for number in range(order.start, end)]
    pa = require("pyarrow", extra="hf")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema()) as stream:
        stream.write_batch(to_batch(sequences))
    encoded = _encoded(sequences, order.tokens)
    counts = [
        (
            sequence.description is not None,
            len(sequence.examples),
            len(row.input_ids) if row else 0,
            row.n_supervised if row else 0,
        )
        for sequence, row in zip(sequences, encoded, strict=True)
    ]
    return _Block(
        batch=sink.getvalue().to_pybytes(),
        digests=np.array([_digest(sequence) for sequence in sequences], dtype=np.uint64),
        counts=np.array(counts, dtype=np.int64).reshape(-1, 4),
        n_available=n_available,
    )


def _digest(sequence: SpectrumSequence) -> int:
    turns = [(message.role, message.content) for message in sequence.messages()]
    return int.from_bytes(blake2b(json.dumps(turns).encode(), digest_size=8).digest())


def _encoded(sequences: Sequence[SpectrumSequence], tokens: Tokens | None) -> Sequence["EncodedRow | None"]:
    if tokens is None:
        return [None] * len(sequences)
    spectrum = _spectrum(tokens)
    return [spectrum.encode(sequence, max_length=tokens.max_length) for sequence in sequences]


@lru_cache(maxsize=1)
def _spectrum(tokens: Tokens) -> SpectrumFormat:
    from pluralign.models.loading import load_tokenizer

    return SpectrumFormat.from_tokenizer(load_tokenizer(tokens.model, revision=tokens.revision))


# Two: at the seam of two sources, a process may be asked for blocks of both by turns.
@lru_cache(maxsize=2)
def _opened(plan: Plan, index: int) -> Rows:
    return open_part(plan, index)


def open_part(plan: Plan, index: int) -> Rows:
    """Read the data of a source of a plan.

    Raises:
        DataError: They are not what they should be.
    """
    part = plan.parts[index]
    opening = Opening(place=plan.place, seed=plan.seed, settings=part.settings)
    opened = get_source(part.source).opened(opening)
    return Rows(name=part.name, opened=opened, settings=part.settings, seed=plan.seed)


def _manifest(plan: Plan, built: Built) -> str:
    sources = {}
    for part in plan.parts:
        source = get_source(part.source)
        sources[part.name] = {
            **vars(built.parts[part.name]),
            "settings": vars(part.settings),
            "origin": source.origin,
            "licence": source.licence,
            "citation": source.citation,
            "revision": plan.place.revision(part.name),
        }
    content = {"seed": plan.seed, "sources": sources, "skipped": dict(built.skipped)}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
