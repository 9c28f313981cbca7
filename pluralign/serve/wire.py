"""Reading requests and sending answers over ASGI, where every microsecond counts; and noticing that a client went."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from pluralign.serve.refusals import GatewayError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"


class ClientGone(Exception):  # noqa: N818 - an outcome, and no fault of anybody here
    """The client went away before its request was answered."""


def header(scope: Scope, name: bytes) -> str | None:
    """A header of a request, by its name in lower case; None where it is not there."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def client_address(scope: Scope) -> str:
    """The address that a request comes from."""
    client = scope.get("client")
    return client[0] if client else "unknown"


async def read_body(scope: Scope, receive: Receive, *, most_bytes: int) -> bytes:
    """The body of a request.

    Raises:
        GatewayError: 413: it is too large.
        ClientGone: The client went away.
    """
    length = header(scope, b"content-length") or ""
    parts, n_bytes = [], 0
    more = not (length.isdigit() and int(length) > most_bytes)
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        parts.append(part)
        n_bytes += len(part)
        if n_bytes > most_bytes:
            break
        more = message.get("more_body", False)
    else:
        if not (length.isdigit() and int(length) > most_bytes):
            return b"".join(parts)
    raise GatewayError(413, "request_too_large", f"The body is over {most_bytes:,} bytes.", param="body")


async def send_start(send: Send, status: int, *, kind: str, headers: Mapping[str, str]) -> None:
    """Send status and headers."""
    named = {"content-type": kind, **headers}
    raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def send_all(send: Send, status: int, *, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
    """Send a whole answer."""
    await send_start(send, status, kind=kind, headers={**headers, "content-length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def while_client_waits(receive: Receive) -> Iterator[None]:
    """Cut off what is done within as soon as the client goes away; the body was read before.

    Raises:
        ClientGone: It went.
    """
    task = asyncio.current_task()
    assert task is not None, "only within a task"
    gone = False

    def went(watching: asyncio.Task[Any]) -> None:
        nonlocal gone
        if not watching.cancelled():
            gone = True
            task.cancel()

    watch = asyncio.ensure_future(receive())
    watch.add_done_callback(went)
    try:
        yield
    except asyncio.CancelledError:
        if gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watch.remove_done_callback(went)
        watch.cancel()
