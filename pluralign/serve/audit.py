"""The gateway's log: a line of JSON for every request, however it ended, written before its answer is complete.

Without `texts` it holds sha256 of prompts and answers, never the texts. Keys are in it by their holders' names alone.
Lines are appended whole, so that several workers may write to one file. They are handed to the system before the answer
goes out, and so outlive the process however it ends; when the machine itself fails, the last seconds can be lost, as
waiting for the disk would hold up all requests. What cannot be written down is not answered.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pluralign.files import writing
from pluralign.serve.refusals import unavailable


@dataclass
class Trail:
    """What is known of a request, filled in while it is worked on.

    Attributes:
        id: Of the request; the answer bears it too.
        route: What was asked for.
        policy: The guard's, in force.
        outcome: "answered", "withheld" where the guard stopped the answer, "refused" where the gateway or the upstream
            gave an error, "broken" where a stream ended in one, "client_gone", "cut_off" where the gateway was stopped.
        status: HTTP status; 499 where the client went away before one was sent.
        code: Of the error.
        key: Name of the key's holder.
        model: As it was asked for.
        profile: Who spoke.
        profile_version: Its version.
        mixture: The weights that it was drawn by.
        seed: That it was drawn with.
        admission: What came of the profile's admission.
        prompt_ruling: Of the prompt.
        answer_ruling: Of the answer.
        category: Of what was refused.
        stream: Whether it was streamed.
        prompt: Its texts; the log has their sha256 and number of characters.
        answer: The texts as the upstream gave them; of them likewise.
    """

    id: str
    route: str
    policy: str | None = None
    outcome: str = "refused"
    status: int = 500
    code: str | None = None
    key: str | None = None
    model: str | None = None
    profile: str | None = None
    profile_version: str | None = None
    mixture: dict[str, float] | None = None
    seed: int | None = None
    admission: str | None = None
    prompt_ruling: str | None = None
    answer_ruling: str | None = None
    category: str | None = None
    stream: bool = False
    prompt: Sequence[str] = ()
    answer: Sequence[str] = ()


class AuditTrail:
    """Appends trails to a file.

    Args:
        path: The file; None: nothing is written.
        texts: Keep texts too.
    """

    def __init__(self, path: Path | None, *, texts: bool = False) -> None:
        self._path = path
        self._texts = texts
        self._file: int | None = None
        self.n_lost = 0

    def open(self) -> None:
        """Open the file, and its folder where there is none.

        Raises:
            StorageError: It cannot be written.
        """
        if self._path is not None:
            with writing(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def close(self) -> None:
        """Bring what is written to the disk, and close the file."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def write(self, trail: Trail, *, seconds: float) -> None:
        """Write a request down.

        Raises:
            GatewayError: 503: it cannot be.
        """
        if self._file is None:
            return
        line = json.dumps(self._line(trail, seconds), separators=(",", ":")).encode() + b"\n"
        try:
            if os.write(self._file, line) != len(line):
                raise OSError("the line was cut")
        except OSError:
            self.n_lost += 1
            raise unavailable(
                "audit_failed", "The request cannot be written down, so it is not answered.", retry_after=30
            ) from None

    def _line(self, trail: Trail, seconds: float) -> dict[str, Any]:
        fields = dict(vars(trail))
        for name in ("prompt", "answer"):
            texts = fields.pop(name)
            if texts:
                fields[f"{name}_sha256"] = texts_hash(texts)
                fields[f"n_{name}_characters"] = sum(map(len, texts))
            if self._texts:
                fields[name] = list(texts)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        kept = {name: value for name, value in fields.items() if value is not None}
        return {"time": now, **kept, "seconds": round(seconds, 4)}


def texts_hash(texts: Iterable[str]) -> str:
    """sha256 (hex) of texts with a line feed between them."""
    return hashlib.sha256("\n".join(texts).encode(errors="surrogatepass")).hexdigest()
