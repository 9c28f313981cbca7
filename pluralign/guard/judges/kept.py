"""Verdicts kept in a file, so that a long run goes on where it stopped and nothing is asked twice."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from pluralign.files import writing
from pluralign.guard.verdict import Backend, Document, Role, Ruling, Verdict
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import content_hash

# Judged before anything is written: what is lost when a run is stopped.
_BATCH = 16


class _Entry(Record):
    key: Text
    verdict: Verdict


class KeptVerdicts:
    """Verdicts by content, role, policy and version of the backend, in a JSONL file that only grows.

    What is unsure is not kept: it may come of a server that was down. A last line that was cut off is passed over.

    Args:
        path: The file; made on first use, its folder too.
        policy_hash: sha256 of the policy that the backends judge by.
    """

    def __init__(self, path: Path, *, policy_hash: str) -> None:
        self.path = path
        self.policy_hash = policy_hash
        self._verdicts: dict[str, Verdict] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = _Entry.model_validate_json(line)
                except ValidationError:
                    continue
                self._verdicts[entry.key] = entry.verdict

    def judge(self, backend: Backend, documents: Sequence[Document], *, role: Role) -> list[Verdict]:
        """The verdicts of a backend, in order; only what is not kept is asked."""
        keys = [self._key(backend, document, role) for document in documents]
        found: dict[int, Verdict] = {
            index: self._verdicts[key] for index, key in enumerate(keys) if key in self._verdicts
        }
        missing = [index for index in range(len(documents)) if index not in found]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            verdicts = backend.judge([documents[index] for index in batch], role=role)
            found.update(zip(batch, verdicts, strict=True))
            self._keep([(keys[index], found[index]) for index in batch])
        return [found[index] for index in range(len(documents))]

    def _key(self, backend: Backend, document: Document, role: Role) -> str:
        content = [document.model_dump(mode="json"), role, self.policy_hash, backend.name, backend.version]
        return content_hash(content)

    def _keep(self, verdicts: Sequence[tuple[str, Verdict]]) -> None:
        entries = [
            _Entry(key=key, verdict=verdict)
            for key, verdict in verdicts
            if verdict.ruling is not Ruling.UNSURE
        ]
        if not entries:
            return
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                # A line that a stopped run left unfinished ends here, and does not swallow the next one.
                file.write("".join(f"\n{entry.model_dump_json()}" for entry in entries) + "\n")
        self._verdicts.update((entry.key, entry.verdict) for entry in entries)
