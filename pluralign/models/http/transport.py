"""Requests to a server: many at once, answers in order, tried again where that can help. No failure is an exception."""

import asyncio
import json
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Generic, TypeVar

import httpx

from pluralign.errors import ModelError
from pluralign.models.http.address import Endpoint, find_key
from pluralign.models.http.pace import Pace, backoff_seconds, retry_after_seconds

T = TypeVar("T")

# Statuses after which asking again can help, and those among them by which a server says that it has enough.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_OVERLOADED = frozenset({429, 503, 529})
_MESSAGE_CHARACTERS = 300


class ReplyError(ValueError):
    """A reply that does not hold what it should; the message says what is wrong."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request.

    Attributes:
        path: Behind the endpoint's url, for example "/chat/completions".
        read: Makes of the reply's JSON what is wanted; raises ReplyError where it is not in there.
        body: JSON of the request; None for a GET.
        at_root: Whether the path stands behind the endpoint's root instead.
        retries: Further attempts; None for the endpoint's.
    """

    path: str
    read: Callable[[Any], T]
    body: Mapping[str, Any] | None = None
    at_root: bool = False
    retries: int | None = None


@dataclass(frozen=True)
class Failure:
    """A request that got no usable reply.

    Attributes:
        reason: What came instead; holds no key.
        status: HTTP status; None where none came, or the answer cannot be read; 200 where it is JSON, and lacks
            something.
    """

    reason: str
    status: int | None = None


@dataclass(frozen=True)
class _Attempt(Generic[T]):
    """What came of one attempt: values (one, or none), or a failure and what to make of it."""

    values: tuple[T, ...] = ()
    failure: Failure = field(default_factory=lambda: Failure(""))
    may_pass: bool = False
    overloaded: bool | None = False
    wait: float | None = None


class Transport:
    """Connections to one server, kept open between calls; `close` or the end of the process closes them.

    Requests run in an event loop of a thread of its own, so that this can be used with or without a running loop, from
    any thread, and Ctrl-C stops at once what is under way.

    Args:
        endpoint: The server.

    Raises:
        ConfigurationError: The endpoint's key is not set.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._key = find_key(endpoint)
        self._loop = asyncio.new_event_loop()
        timeout = httpx.Timeout(endpoint.read_seconds, connect=endpoint.connect_seconds, pool=None)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=endpoint.concurrency)
        self._client = httpx.AsyncClient(
            auth=self._key,
            timeout=timeout,
            limits=limits,
            # Compressed replies could grow beyond the limit before it is looked at.
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
        )
        self._pace = Pace(endpoint.concurrency)
        thread = threading.Thread(target=self._loop.run_forever, name="pluralign-http", daemon=True)
        thread.start()
        self._close = weakref.finalize(self, _shut, self._loop, self._client, thread)

    def close(self) -> None:
        """Close the connections; nothing can be asked afterwards."""
        self._close()

    def ask(self, calls: Sequence[Call[T]]) -> list[T | Failure]:
        """Make requests, some at once; what each brought, in order.

        Raises:
            KeyboardInterrupt: Ctrl-C; what was under way is cut off.
            ModelError: The connections are closed.
        """
        if not self._close.alive:
            raise ModelError(f"The connections to {self.endpoint.url} are closed.")
        work = asyncio.run_coroutine_threadsafe(self._all(calls), self._loop)
        try:
            return work.result()
        except BaseException:
            work.cancel()
            raise

    async def _all(self, calls: Sequence[Call[T]]) -> list[T | Failure]:
        return list(await asyncio.gather(*map(self._one, calls)))

    async def _one(self, call: Call[T]) -> T | Failure:
        """A request with its retries."""
        n_attempts = 1 + (self.endpoint.retries if call.retries is None else call.retries)
        for attempt in count(1):
            tried = await self._paced(call)
            if tried.values:
                return tried.values[0]
            if not tried.may_pass or attempt == n_attempts:
                times = f", {attempt} times" if attempt > 1 else ""
                return Failure(tried.failure.reason + times, tried.failure.status)
            longest = self.endpoint.max_wait_seconds
            if (tried.wait or 0) > longest:
                reason = f"{tried.failure.reason}; it asks to wait {tried.wait:g} s, more than {longest:g} s"
                return Failure(reason, tried.failure.status)
            wait = backoff_seconds(
                attempt, first=self.endpoint.wait_seconds, longest=longest, key=[call.path, call.body]
            )
            await asyncio.sleep(max(wait, tried.wait or 0))
        raise AssertionError("attempts are counted without end")

    async def _paced(self, call: Call[T]) -> _Attempt[T]:
        entered = await self._pace.enter()
        overloaded, pause = None, 0.0
        try:
            tried = await self._attempt(call)
            overloaded = tried.overloaded
            if tried.overloaded and tried.wait is not None:
                pause = min(tried.wait, self.endpoint.max_wait_seconds)
        finally:
            await self._pace.leave(entered, overloaded=overloaded, pause=pause)
        return tried

    async def _attempt(self, call: Call[T]) -> _Attempt[T]:
        """One attempt. What httpx raises is turned into words here and goes no further: it may hold the key."""
        url = (self.endpoint.root if call.at_root else self.endpoint.url) + call.path
        method, content = ("GET", None) if call.body is None else ("POST", _encoded(call.body))
        try:
            async with (
                asyncio.timeout(self.endpoint.total_seconds),
                self._client.stream(method, url, content=content) as response,
            ):
                body = await self._body(response)
        except (TimeoutError, httpx.TimeoutException) as error:
            # A server that cannot be connected to has no load to be spared.
            return _failed("it did not answer in time", may_pass=True, overloaded=not _unconnected(error))
        except ReplyError as error:
            return _failed(str(error))
        except httpx.TransportError as error:
            what = "it cannot be reached" if _unconnected(error) else "the connection broke"
            return _failed(f"{what} ({type(error).__name__})", may_pass=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _failed(f"it cannot be asked ({type(error).__name__})")
        if response.status_code != httpx.codes.OK:
            return self._refused(response, body)
        try:
            decoded = json.loads(body)
        except (ValueError, RecursionError):
            said = self._key.redacted(_shown(body))
            return _failed(f"its answer is no JSON: {said!r}", may_pass=True)
        try:
            return _Attempt((call.read(decoded),))
        except ReplyError as error:
            return _Attempt(
                failure=Failure(self._key.redacted(str(error)), response.status_code), overloaded=None
            )

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self.endpoint.max_bytes:
                raise ReplyError(f"its answer is longer than {self.endpoint.max_bytes} bytes")
        return bytes(body)

    def _refused(self, response: httpx.Response, body: bytes) -> _Attempt[T]:
        """What to make of a status other than 200."""
        status = response.status_code
        said = self._key.redacted(_message(body))
        return _Attempt(
            failure=Failure(f"it answered with status {status}{said and ': '}{said}", status),
            may_pass=status in _PASSING,
            overloaded=True if status in _OVERLOADED else None,
            wait=retry_after_seconds(response.headers) if status in _PASSING else None,
        )


def _shut(loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient, thread: threading.Thread) -> None:
    """Cut off what is under way, close the connections and end the thread."""

    async def closing() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await client.aclose()

    asyncio.run_coroutine_threadsafe(closing(), loop).add_done_callback(
        lambda _: loop.call_soon_threadsafe(loop.stop)
    )
    thread.join(timeout=5)
    if not thread.is_alive():
        loop.close()


def _failed(reason: str, *, may_pass: bool = False, overloaded: bool | None = None) -> _Attempt[Any]:
    return _Attempt(failure=Failure(reason), may_pass=may_pass, overloaded=overloaded)


def _unconnected(error: Exception) -> bool:
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, allow_nan=False).encode()


def _message(body: bytes) -> str:
    """What a server says of an error, in the forms of OpenAI, vLLM, llama.cpp and FastAPI; or how its page begins."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return _shown(body)
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
    return _shown(str(found).encode())


def _shown(body: bytes) -> str:
    text = " ".join(body[: 4 * _MESSAGE_CHARACTERS].decode(errors="replace").split())
    return "".join(filter(str.isprintable, text))[:_MESSAGE_CHARACTERS]
