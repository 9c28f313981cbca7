"""An answer while it is written: the upstream's pieces are held back until the guard has read what they say.

The rule. A piece is sent on, byte for byte as it came, once all that it says lies within sentences that were judged,
each together with the two before it; what has no end of a sentence for 400 characters is judged as far as it goes. At
the end the rest is judged with the whole. Pieces keep their order, and those that say nothing wait for those before
them. Where the guard stops it, nothing that was not yet sent is sent any more, the upstream is cut off, and there come,
in this order:

1. a piece with `finish_reason` "content_filter", and the policy's sentence as `delta.refusal`;
2. `event: error` with an OpenAI error of code "answer_refused", its category and reason;
3. `[DONE]`.

Clients of OpenAI raise an APIError at the second. What was sent before cannot be called back: harm that is spread over
more than three sentences shows only at the end. An upstream that breaks off within a stream ends it with an error event
of its own; what was held back then is dropped. With several choices (`n`), one that is refused ends the stream for all.
Where nobody looks (`guard` "off"), pieces are sent on as they come.
"""

import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from pluralign.guard.outputs import piece_end
from pluralign.guard.statements import WINDOW
from pluralign.serve.answers import choices_of, spoken
from pluralign.serve.refusals import GatewayError, withheld
from pluralign.serve.screening import Finding, Screening, strictest
from pluralign.serve.upstream import reply_json

_ENVELOPE = ("id", "object", "created", "model")
DONE = b"data: [DONE]\n\n"
# Of events; a line that begins with a colon is a comment.
_FIELDS = ("data:", "event:", "id:", "retry:", ":")
_BLANK_LINES = (b"\n\n", b"\r\n\r\n", b"\r\r")


def error_event(error: GatewayError) -> bytes:
    """An error within a stream."""
    return b"event: error\ndata: " + error.body + b"\n\n"


async def events(source: AsyncIterator[bytes], *, most_bytes: int) -> AsyncIterator[bytes]:
    """The events of a stream, each as it came with the blank line behind it.

    Raises:
        GatewayError: 502: one is too large.
    """
    held = b""
    async for part in source:
        held += part
        while (end := _event_end(held)) > 0:
            yield held[:end]
            held = held[end:]
        if len(held) > most_bytes:
            raise GatewayError(502, "upstream_reply_too_large", "The upstream's answer has no end.")
    if held.strip():
        yield held


def data_of(event: bytes) -> str | None:
    """The data of an event; None where it has none, as a comment that keeps a connection open.

    Raises:
        GatewayError: 502: it is no event: what is not read as such must not pass.
    """
    lines = [line for line in event.decode(errors="replace").splitlines() if line.strip()]
    if not all(line.startswith(_FIELDS) for line in lines):
        raise GatewayError(502, "upstream_reply_unreadable", "The upstream's answer is no stream of events.")
    found = [line.removeprefix("data:").removeprefix(" ") for line in lines if line.startswith("data:")]
    return "\n".join(found) if found else None


@dataclass
class _Lane:
    """One text that grows: the content of a choice, or its reasoning.

    Attributes:
        pieces: Its sentences that were judged.
        n_judged: Characters of them.
        held: What is not judged yet.
    """

    pieces: list[str] = field(default_factory=list)
    n_judged: int = 0
    held: str = ""

    @property
    def n_said(self) -> int:
        """Characters that it has."""
        return self.n_judged + len(self.held)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces) + self.held

    def next_window(self) -> str | None:
        """The next sentence with the two before it; it then counts as judged. None where none has ended."""
        if not (end := piece_end(self.held)):
            return None
        self._judge(end)
        return "".join(self.pieces[-WINDOW:])

    def finish(self) -> str:
        """The whole; all of it then counts as judged."""
        self._judge(len(self.held))
        return "".join(self.pieces)

    def _judge(self, end: int) -> None:
        self.pieces.append(self.held[:end])
        self.held = self.held[end:]
        self.n_judged += end


@dataclass
class _Held:
    """An event that waits.

    Attributes:
        event: As it came.
        ends: How far each text must be judged before it may go.
    """

    event: bytes
    ends: list[tuple[_Lane, int]]

    @property
    def is_free(self) -> bool:
        return all(lane.n_judged >= end for lane, end in self.ends)


class HeldStream:
    """Takes the events of an answer, and gives those that may be sent.

    Attributes:
        finding: The strictest so far of what was ruled.
        stopped: Whether the guard stopped it; nothing is to be taken from then on.
        is_done: Whether the upstream said that it is complete.
    """

    def __init__(self, screening: Screening, *, watched: bool) -> None:
        self._screening = screening
        self._watched = watched
        self._looks = screening.looks(watched=watched)
        self._lanes: dict[tuple[int, str], _Lane] = {}
        self._waiting: deque[_Held] = deque()
        self._last: dict[str, Any] = {}
        self.finding = strictest(())
        self.stopped = False
        self.is_done = False
        # Choice -> whether it has its `finish_reason`.
        self._finished: dict[int, bool] = {}

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing: it is done, or every choice is finished, as some servers send no `[DONE]`."""
        return self.is_done or (bool(self._finished) and all(self._finished.values()))

    @property
    def texts(self) -> list[str]:
        """All that was said, whether or not it was sent."""
        return [lane.text for lane in self._lanes.values()]

    async def take(self, event: bytes) -> bytes:
        """Take an event, and return what may be sent.

        Raises:
            GatewayError: 502: it is no piece of an answer. An error that the upstream reports is `UpstreamReport`.
        """
        data = None if self.is_done else data_of(event)
        if data is None:
            return b"" if self.is_done or self._waiting else event
        if data.strip() == "[DONE]":
            self.is_done = True
            return b""
        reply = reply_json(data.encode())
        if isinstance(reply, dict) and reply.get("error"):
            raise UpstreamReport(reply)
        self._last = reply
        ends = []
        for choice in choices_of(reply):
            index = _index(choice)
            self._finished[index] = self._finished.get(index, False) or bool(choice.get("finish_reason"))
            for place, text in spoken(choice):
                lane = self._lanes.setdefault((index, place), _Lane())
                lane.held += text
                ends.append((lane, lane.n_said))
        if not self._looks:
            return event
        self._waiting.append(_Held(event, ends))
        for lane, _ in ends:
            while not self.stopped and (window := lane.next_window()) is not None:
                await self._judge(window)
        return self._freed()

    async def finish(self) -> bytes:
        """Judge what is left and the whole, and return what may still be sent."""
        for lane in self._lanes.values() if self._looks else ():
            if not self.stopped:
                await self._judge(lane.finish())
        return self._freed()

    def cut(self) -> bytes:
        """What a stopped stream ends with."""
        delta = {"refusal": self.finding.reason}
        indices = sorted({index for index, _ in self._lanes})
        choices = [{"index": i, "delta": delta, "finish_reason": "content_filter"} for i in indices]
        reply: dict[str, Any] = {name: self._last[name] for name in _ENVELOPE if name in self._last}
        reply["choices"] = choices
        error = withheld(
            "The answer is not shown further",
            code="answer_refused",
            category=self.finding.category,
            reason=self.finding.reason,
        )
        return b"data: " + json.dumps(reply).encode() + b"\n\n" + error_event(error) + DONE

    async def _judge(self, text: str) -> None:
        finding: Finding = await self._screening.look([text], watched=self._watched)
        self.finding = strictest((self.finding, finding))
        self.stopped = self._screening.stops(finding, watched=self._watched)

    def _freed(self) -> bytes:
        free = []
        while not self.stopped and self._waiting and self._waiting[0].is_free:
            free.append(self._waiting.popleft().event)
        return b"".join(free)


class UpstreamReport(Exception):  # noqa: N818 - what the upstream says, to be put into words by whoever knows its key
    """An error that the upstream reports within a stream.

    Attributes:
        said: What it says.
    """

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__("the upstream reports an error")
        self.said = said


def _index(choice: dict[str, Any]) -> int:
    """The number of a choice."""
    index = choice.get("index", 0)
    return index if isinstance(index, int) else 0


def _event_end(held: bytes) -> int:
    """One past the first event; 0 where none has ended."""
    ends = [place + len(blank) for blank in _BLANK_LINES if (place := held.find(blank)) >= 0]
    return min(ends, default=0)
