"""Verdicts of a judge kept in a file: each pair is judged once, and a run that was stopped goes on."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from pluralign.errors import DataError
from pluralign.files import write_whole, writing
from pluralign.judges.entailment import Entailed, Entailment, Pair
from pluralign.records.base import Probability, Record, Text
from pluralign.records.jsonl import content_hash, describe

# Pairs that are judged before anything is written: what is lost when a run is stopped, and what the judge can put
# together by length.
_BATCH = 4096


class _Entry(Record):
    """One line of the file. The key is the sha256 of the judge's fingerprint, the premise and the hypothesis."""

    key: Text
    entailment_prob: Probability
    contradiction_prob: Probability


class KeptEntailment:
    """A judge that judges each pair once and keeps its verdicts in a JSONL file that only grows.

    A pair is known by the judge's fingerprint and its two texts, so that several judges may share a file. Pairs that
    got no verdict are not kept: they are tried again.

    Args:
        judge: The judge that is asked.
        path: The file; made on first use, its folder too. A last line that a stopped run left unfinished is taken
            out.

    Raises:
        DataError: A line before the last is no verdict; names the file and the line.
    """

    def __init__(self, judge: Entailment, path: Path) -> None:
        self.judge = judge
        self.path = path
        self.n_asked = 0
        self._fingerprint = content_hash(dict(judge.fingerprint()))
        self._verdicts = _read(path)

    @property
    def id(self) -> str:
        """The judge's id: that its verdicts are kept changes none."""
        return self.judge.id

    @property
    def threshold(self) -> float:
        """The judge's threshold."""
        return self.judge.threshold

    def fingerprint(self) -> Mapping[str, str]:
        """The judge's fingerprint."""
        return self.judge.fingerprint()

    def entail(self, pairs: Sequence[Pair]) -> list[Entailed | None]:
        """One verdict a pair, in order; the judge is asked of those that are not kept, of each once."""
        keys = [content_hash([self._fingerprint, pair.premise, pair.hypothesis]) for pair in pairs]
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._verdicts}
        new = list(missing)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self.n_asked += len(batch)
            judged = self.judge.entail([missing[key] for key in batch])
            self._keep({
                key: verdict for key, verdict in zip(batch, judged, strict=True) if verdict is not None
            })
        return [self._verdicts.get(key) for key in keys]

    def _keep(self, verdicts: Mapping[str, Entailed]) -> None:
        if not verdicts:
            return
        lines = [
            _Entry(
                key=key,
                entailment_prob=verdict.entailment_prob,
                contradiction_prob=verdict.contradiction_prob,
            ).model_dump_json()
            for key, verdict in verdicts.items()
        ]
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
        self._verdicts.update(verdicts)


def _read(path: Path) -> dict[str, Entailed]:
    """The verdicts of a file, after a last line that has no end was taken out of it."""
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_whole(path, whole)
    verdicts: dict[str, Entailed] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = _Entry.model_validate_json(line)
        except ValidationError as error:
            raise DataError(f"{path}, line {number}: not a kept verdict: {describe(error)}") from error
        verdicts[entry.key] = Entailed(entry.entailment_prob, entry.contradiction_prob)
    return verdicts
