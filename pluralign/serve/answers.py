"""A whole answer of the upstream: what of it is said, and what is left where the guard refuses it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pluralign.serve.refusals import GatewayError
from pluralign.serve.screening import Finding, Screening, strictest
from pluralign.serve.upstream import reply_json

# Of a choice, what it says stands here: whole, or piece by piece; old servers write "text".
_SPEAKING = ("message", "delta", "text")
# Names and codes within it, which say nothing.
_SILENT = frozenset({"role", "id", "type", "name", "format", "signature", "data", "encrypted_content"})


def spoken(choice: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Place and text of all that a choice, or a piece of one, says: reasoning and arguments of calls among it.

    Every text counts that is no name or code, so that a server's own fields are not passed over.
    """
    for name in _SPEAKING:
        if name in choice:
            yield from _leaves(choice[name], place=name)


def _leaves(value: Any, *, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and value:
        yield place, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in _SILENT:
                yield from _leaves(inner, place=f"{place}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            # Pieces of one call bear its number, wherever they stand in their list.
            own = inner.get("index", number) if isinstance(inner, dict) else number
            yield from _leaves(inner, place=f"{place}.{own}")


def choices_of(reply: Any) -> list[dict[str, Any]]:
    """The choices of an answer or of a piece of one.

    Raises:
        GatewayError: 502: it is none.
    """
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise GatewayError(502, "upstream_reply_unreadable", "The upstream's answer has no choices.")
    return choices


class Answer:
    """An answer of the upstream.

    Attributes:
        texts: All that it says.
        body: What may be sent; what came, byte for byte, where nothing is withheld.
        finding: The strictest of what was ruled of its choices.
    """

    def __init__(self, body: bytes) -> None:
        """Read an answer.

        Raises:
            GatewayError: 502: it is none.
        """
        self.body = body
        self.finding = strictest(())
        self._reply = reply_json(body)
        self._said = [[text for _, text in spoken(choice)] for choice in choices_of(self._reply)]

    @property
    def texts(self) -> list[str]:
        """All that it says, choice by choice."""
        return [text for said in self._said for text in said]

    async def pass_guard(self, screening: Screening, *, watched: bool) -> None:
        """Withhold each choice that the guard stops; the others stay as they are."""
        if not screening.looks(watched=watched):
            return
        findings = [await screening.look(said, watched=watched) for said in self._said]
        self.finding = strictest(findings)
        stopped = [screening.stops(each, watched=watched) for each in findings]
        if not any(stopped):
            return
        self._reply["choices"] = [
            withheld_choice(choice, finding) if is_stopped else choice
            for choice, finding, is_stopped in zip(self._reply["choices"], findings, stopped, strict=True)
        ]
        self.body = json.dumps(self._reply).encode()


def withheld_choice(choice: Mapping[str, Any], finding: Finding) -> dict[str, Any]:
    """A choice without anything that was said in it; log-probabilities name tokens, and go with the text."""
    message = {"role": "assistant", "content": "", "refusal": finding.reason}
    return {
        "index": choice.get("index", 0),
        "message": message,
        "finish_reason": "content_filter",
        "logprobs": None,
    }
