"""What a test of the guard is given: texts from files, the guard's decisions on them, and a note of what is missing."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel

from pluralign.errors import DataError
from pluralign.guard.combining import Decision
from pluralign.guard.guard import Guard
from pluralign.guard.measuring.spec import GuardSpec
from pluralign.guard.verdict import Document, Passage
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import read_jsonl
from pluralign.resources import resource_folder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from pluralign.guard.measuring.served_profiles import Steering

M = TypeVar("M", bound=BaseModel)
# So many texts go through the guard at once.
_CHUNK = 256


class LabelledText(Record):
    """A statement with what the policy says of it: a line of the sets in `evals/guard/data`, and of others like them.

    Attributes:
        id: Key.
        text: The statement.
        label: What is right.
        set: Name of the set.
        pair: Key of a pair of one refused and one served statement.
        category: What it is or resembles; of the policy's, in the project's own sets.
        language: BCP 47 tag.
        split: "held_out" rows are those that nothing was trained or set on.
        kind: How an act is mentioned.
        group: Whose conviction it is.
        of: Id of the statement that it rewrites.
        style: How it is disguised.
    """

    id: Text
    text: Text
    label: Literal["refuse", "serve"]
    set: Text | None = None
    pair: str | int | None = None
    category: str | None = None
    language: Text = "en"
    split: Literal["train", "held_out"] = "held_out"
    kind: str | None = None
    group: str | None = None
    of: str | None = None
    style: str | None = None


@dataclass(frozen=True)
class Inputs:
    """What a test is given.

    Attributes:
        spec: The test.
        data: Folder of published files, with `guard/` and `polis/` in it; None where there is none.
        tokenizers: Name -> tokenizer with its chat template, for what depends on one.
        steering: A model that profiles are served to; None where there is none.
        tell: Is told what is being measured.
        skipped: What was not measured -> why.
        hashes: File that was read -> sha256.
    """

    spec: GuardSpec
    data: Path | None = None
    tokenizers: Mapping[str, "PreTrainedTokenizerBase"] = field(default_factory=dict)
    steering: "Steering | None" = None
    tell: Callable[[str], None] = lambda what: None
    skipped: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    def source(self, name: str) -> str:
        """Who wrote the texts of a file of the spec."""
        return self.spec.files[name].source

    def skip(self, what: str, why: str) -> None:
        """Note that something is not measured."""
        self.skipped[f"{self.spec.test}, {what}"] = why
        self.tell(f"{self.spec.test}, {what}: skipped: {why}")

    def paths(self, name: str) -> list[Path]:
        """Where a file of the spec lies; none, which is noted, where a published one is not there.

        Raises:
            DataError: A shipped file is missing, or one cannot be read.
        """
        file = self.spec.files[name]
        folder = resource_folder("evals") / "guard" / "data" if file.shipped else self.data
        found = [] if folder is None else sorted(path for path in folder.glob(file.path) if path.is_file())
        if not found and file.shipped:
            raise DataError(
                f"{folder}: the file {file.path} of {self.spec.id} is missing. Install pluralign again."
            )
        if not found:
            why = (
                f"{file.path} is not in {folder}" if folder else f"needs --data FOLDER with {file.path} in it"
            )
            self.skip(f"{file.source} ({name})", f"{why}.")
        for path in found:
            try:
                self.hashes[f"{name}/{path.parent.name}/{path.name}"] = hashlib.sha256(
                    path.read_bytes()
                ).hexdigest()
            except OSError as error:
                raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
        return found

    def rows(self, name: str, model: type[M]) -> list[M]:
        """The rows of a JSONL file of the spec; none where it is not there.

        Raises:
            DataError: As `paths`; a line is not what it should be, or there is none.
        """
        paths = self.paths(name)
        found = [row for path in paths for row in read_jsonl(path, model)]
        if paths and not found:
            raise DataError(f"{paths[0]}: holds no rows.")
        return found

    def held_out(self, name: str) -> list[LabelledText]:
        """The labelled texts of a file that nothing was trained or set on."""
        return [row for row in self.rows(name, LabelledText) if row.split == "held_out"]

    def decide(self, guard: Guard, documents: Sequence[Document], *, what: str) -> list[Decision]:
        """The guard's decisions, in order."""
        self.tell(f"{self.spec.test}, {what}: {len(documents)}")
        return [
            decision
            for start in range(0, len(documents), _CHUNK)
            for decision in guard.decide_documents(documents[start : start + _CHUNK])
        ]


def profile_of(*statements: str, language: str | None = None) -> Document:
    """A profile of nothing but statements, as the guard sees it."""
    passages = tuple(
        Passage(field=f"values[{number}].statement", text=text) for number, text in enumerate(statements)
    )
    return Document(passages=passages, language=language)
