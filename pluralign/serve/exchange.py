"""One request and its answer: opened by a key, within the limits, and written down once, however it ends."""

import asyncio
import logging
import secrets
import time
from abc import ABC, abstractmethod

from pluralign.serve.audit import Trail
from pluralign.serve.chat_request import PROFILE_HEADER
from pluralign.serve.gateway import Gateway
from pluralign.serve.keys import Holder
from pluralign.serve.refusals import GatewayError, unavailable
from pluralign.serve.shelf import Shelved
from pluralign.serve.streaming import error_event
from pluralign.serve.wire import (
    EVENTS,
    JSON,
    ClientGone,
    Receive,
    Scope,
    Send,
    client_address,
    header,
    read_body,
    send_all,
    send_start,
    while_client_waits,
)

_log = logging.getLogger("pluralign.serve")

# What nginx writes where a client went away; no client ever sees it.
CLIENT_GONE = 499
_N_ID_BYTES = 12
_PROFILE_HEADER = PROFILE_HEADER.lower().encode()


class Exchange(ABC):
    """A request for which the upstream is asked.

    Attributes:
        route: Name in the log and the metrics.
        gateway: What it shares with others.
        scope: The request.
        shelf: The profiles as they were when it began: a reload does not touch it.
        trail: What is written down of it.
        headers: Of the answer.
    """

    route: str

    def __init__(self, gateway: Gateway, scope: Scope, *, receive: Receive, send: Send) -> None:
        self.gateway = gateway
        self.scope = scope
        self.shelf = gateway.keeper.shelf
        self.trail = Trail(id=secrets.token_hex(_N_ID_BYTES), route=self.route, policy=gateway.policy)
        self.headers = {"X-Request-Id": self.trail.id, "X-Pluralign-Policy": gateway.policy}
        self._receive = receive
        self._send = send
        self._began = time.perf_counter()
        self._is_streaming = False
        self._is_ended = False

    async def run(self) -> None:
        """Answer."""
        try:
            with self.gateway.place():
                await self._admitted()
        except GatewayError as error:
            await self._tell(error)
        except ClientGone:
            self._end_unheard()
        except asyncio.CancelledError:
            await self._tell(
                unavailable("gateway_stopped", "The gateway is being stopped.", retry_after=1),
                outcome="cut_off",
            )
            raise
        # A fault of the gateway's own: the client hears of it, and the next request is answered.
        except Exception:  # noqa: BLE001
            _log.exception("A request failed: %s", self.trail.id)
            await self._tell(GatewayError(500, "internal_error", "The gateway failed. Its log says more."))

    @abstractmethod
    async def answer(self, body: bytes, *, holder: Holder | None) -> None:
        """Answer a request with `send`, or with `begin_stream`, `send_piece` and `end_stream`.

        Raises:
            GatewayError: There is no answer.
        """

    async def send(self, body: bytes, *, outcome: str = "answered") -> None:
        """Send the whole answer; it is written down before.

        Raises:
            GatewayError: 503: it cannot be written down.
        """
        self._end(outcome, status=200)
        await send_all(self._send, 200, body=body, kind=JSON, headers=self.headers)

    async def begin_stream(self) -> None:
        """Send the headers of a stream; faults are events from now on."""
        self._is_streaming = True
        self.trail.stream = True
        headers = {**self.headers, "Cache-Control": "no-cache"}
        await send_start(self._send, 200, kind=EVENTS, headers=headers)

    async def send_piece(self, piece: bytes) -> None:
        """Send a part of a stream; nothing where it is empty."""
        if piece:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end_stream(self, last: bytes, *, outcome: str = "answered") -> None:
        """Send the last part of a stream; it is written down before.

        Raises:
            GatewayError: 503: it cannot be written down.
        """
        self._end(outcome, status=200)
        await self._send({"type": "http.response.body", "body": last})

    @property
    def profile_header(self) -> str | None:
        """The profile that the request's header names."""
        return header(self.scope, _PROFILE_HEADER)

    def note_profile(self, shelved: Shelved) -> None:
        """Note who speaks, for the log, the metrics and the headers."""
        trail = self.trail
        trail.profile, trail.profile_version = shelved.profile.id, shelved.version
        trail.admission = shelved.outcome
        self.headers[PROFILE_HEADER] = shelved.profile.id
        self.headers[f"{PROFILE_HEADER}-Version"] = shelved.version
        self.gateway.metrics.spoke(shelved.profile.id)

    async def _admitted(self) -> None:
        gateway = self.gateway
        holder = gateway.holder(header(self.scope, b"authorization"))
        self.trail.key = holder.name if holder else None
        gateway.take(holder, address=client_address(self.scope))
        body = await read_body(self.scope, self._receive, most_bytes=gateway.settings.most_bytes)
        with while_client_waits(self._receive):
            await self.answer(body, holder=holder)

    async def _tell(self, error: GatewayError, *, outcome: str = "refused") -> None:
        """Send an error: as the answer, or as the end of a stream that has begun."""
        self.trail.code = error.code
        if self._is_streaming and outcome == "refused":
            outcome = "broken"
        try:
            self._end(outcome, status=error.status)
        except GatewayError as unwritten:
            error = unwritten
        if self._is_streaming:
            await self._send({"type": "http.response.body", "body": error_event(error)})
        else:
            headers = {**self.headers, **error.headers}
            await send_all(self._send, error.status, body=error.body, kind=JSON, headers=headers)

    def _end_unheard(self) -> None:
        """Write down a request that nobody waits for any more; what cannot be written is counted."""
        try:
            self._end("client_gone", status=CLIENT_GONE)
        except GatewayError as error:
            _log.error("%s", error)

    def _end(self, outcome: str, *, status: int) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        self.trail.outcome = outcome
        self.trail.status = 200 if self._is_streaming else status
        self.gateway.ended(self.trail, began=self._began)
