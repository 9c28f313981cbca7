"""What a layer of the guard says of a text, and what the guard decides."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import Field

from pluralign.records.base import Probability, Record, Text

# A profile that is to be admitted, or an answer of the steered model.
Role = Literal["profile", "output"]


class Ruling(StrEnum):
    """What a layer says. `unsure` is never turned into `serve` by accident: the configuration decides."""

    SERVE = "serve"
    REFUSE = "refuse"
    UNSURE = "unsure"


class Span(Record):
    """A part of what was judged.

    Attributes:
        field: Where it stands: "values[3].statement", "norms[0]", "text".
        start: First character within the field.
        end: One past the last character.
    """

    field: Text
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class Verdict(Record):
    """What one layer or judge says.

    Attributes:
        ruling: Serve, refuse or unsure.
        layer: "form", "screen" or "judge".
        backend: Name of what judged.
        backend_version: Its version: model id and revision, version of rules or weights.
        policy_hash: sha256 of the policy it judged by; empty for layers that read none.
        category: Id of the policy's category; None where none applies.
        reason: One sentence for the operator.
        spans: What it rests on; empty where the text as a whole is meant.
        score: Probability of refusal, where the backend has one; for operators, never for end users.
        qualified: Whether the backend passed qualification under this policy; None where it needs none.
        seconds: Time taken.
    """

    ruling: Ruling
    layer: Literal["form", "screen", "judge"]
    backend: Text
    backend_version: Text
    policy_hash: str = ""
    category: str | None = None
    reason: Text
    spans: tuple[Span, ...] = ()
    score: Probability | None = None
    qualified: bool | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0


class Passage(Record):
    """One field of what is judged.

    Attributes:
        field: Its name, as in `Span`.
        text: Its content, byte for byte as it was given.
    """

    field: Text
    text: str


class Document(Record):
    """What is judged: the passages of a profile, or an answer as a single passage "text".

    Attributes:
        passages: In the order in which they are rendered. Of a profile: title, summary, values[i].statement,
            values[i].hedge, norms[i]; does_not_hold[i] stands apart, as the holder rejects it.
        denied: Passages that the holder says are not the holder's own.
        language: BCP 47 tag as declared; None where nothing is declared.
    """

    passages: tuple[Passage, ...]
    denied: tuple[Passage, ...] = ()
    language: str | None = None


class Backend(Protocol):
    """Anything that judges texts by a policy.

    Attributes:
        name: Its name.
        version: Part of every verdict and cache key.
        languages: BCP 47 primary tags that it is competent in; None: all. Elsewhere it is unsure.
        categories: Ids of the policy's categories that it is competent for; None: all. It is not asked of others.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def languages(self) -> frozenset[str] | None: ...

    @property
    def categories(self) -> frozenset[str] | None: ...

    def judge(self, documents: Sequence[Document], *, role: Role) -> list[Verdict]:
        """One verdict a document, in order. A failure is an `unsure` verdict with its reason, never an exception."""
        ...
