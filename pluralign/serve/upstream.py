"""The server behind the gateway: connections that are kept open, and what its failures mean to a client."""

import json
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pluralign.errors import ConfigurationError, require
from pluralign.models.http.pace import retry_after_seconds
from pluralign.serve.refusals import GatewayError, unavailable
from pluralign.serve.settings import UPSTREAM_KEY, Settings

if TYPE_CHECKING:
    import aiohttp

_log = logging.getLogger("pluralign.serve")

# The code of an upstream that cannot be reached.
DOWN = "upstream_down"
_LONGEST_MESSAGE = 600
_WARNING_SECONDS = 10.0
# Servers close what is idle for five seconds or more (uvicorn, Node): shorter, a request never meets a closing one.
_KEPT_OPEN_SECONDS = 4.0
# How servers say that a prompt is too long: OpenAI and vLLM, llama.cpp, others.
_TOO_LONG_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_TOO_LONG_WORDS = ("maximum context length", "context size", "context length", "context window")
# The gateway's own key is wrong there, which is nothing that a client could mend.
_KEY_STATUSES = frozenset({401, 403, 407})


class Upstream:
    """One server.

    Args:
        settings: Where it is, and how long it may take.
        environment: Holds its key.

    Raises:
        ConfigurationError: The key cannot be one.
    """

    def __init__(self, settings: Settings, *, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._key = environment.get(UPSTREAM_KEY, "").strip()
        if not all("!" <= character <= "~" for character in self._key):
            raise ConfigurationError(
                f"The environment variable {UPSTREAM_KEY} holds characters that no key has."
            )
        self._session: aiohttp.ClientSession | None = None
        self._warned_at = float("-inf")

    async def open(self) -> None:
        """Get ready to ask; nothing is sent."""
        aiohttp = require("aiohttp", extra="serve")
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_OPEN_SECONDS, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._settings.connect_seconds, sock_read=self._settings.read_seconds
            ),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def asked(
        self, method: str, path: str, *, body: bytes | None = None
    ) -> AsyncIterator["aiohttp.ClientResponse"]:
        """An answer with status 200; leaving early cuts the connection, so that the server stops.

        Raises:
            GatewayError: The server is down, slow or breaks off, or answers otherwise.
        """
        import aiohttp

        assert self._session is not None, "open() comes first"
        url = self._settings.upstream + path
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self._session.request(method, url, data=body, allow_redirects=False)
            if response.status != 200:
                raise self._refused(response.status, response.headers, await self.read(response))
            yield response
        # Its messages may hold the address or headers, so that none is repeated.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._warn("The upstream cannot be reached: %s", error)
            raise self._down("The upstream cannot be reached.") from None
        except (TimeoutError, aiohttp.ServerTimeoutError):
            raise GatewayError(504, "upstream_timeout", "The upstream did not answer in time.") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            self._warn("The upstream broke off: %s", error)
            raise self._down("The upstream broke off its answer.", code="upstream_broken") from None
        finally:
            if response is not None:
                response.release() if response.content.is_eof() else response.close()

    async def read(self, response: "aiohttp.ClientResponse") -> bytes:
        """The whole of an answer.

        Raises:
            GatewayError: It is too large.
        """
        most = self._settings.most_reply_bytes
        if (response.content_length or 0) <= most:
            parts, n_bytes = [], 0
            async for part in response.content.iter_any():
                parts.append(part)
                n_bytes += len(part)
                if n_bytes > most:
                    break
            else:
                return b"".join(parts)
        raise GatewayError(502, "upstream_reply_too_large", f"The upstream's answer is over {most:,} bytes.")

    async def json(self, method: str, path: str) -> Any:
        """The JSON of an answer.

        Raises:
            GatewayError: As `asked`; or it is no JSON.
        """
        async with self.asked(method, path) as response:
            return reply_json(await self.read(response))

    def error(self, said: Mapping[str, Any]) -> GatewayError:
        """What an error that the server reports within a stream means to a client."""
        found = said.get("error")
        code = found.get("code") if isinstance(found, dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 502
        return self._refused(status, {}, json.dumps(said).encode())

    def redacted(self, text: str) -> str:
        """A text without key and address: messages of servers, and about them, repeat what clients need not know."""
        text = text.replace(self._key, "***") if self._key else text
        return text.replace(self._settings.upstream, "the upstream")

    def _warn(self, message: str, error: Exception) -> None:
        """Tell whoever runs it, now and then: an upstream that is down fails every request."""
        if time.monotonic() - self._warned_at >= _WARNING_SECONDS:
            self._warned_at = time.monotonic()
            _log.warning(message, type(error).__name__)

    def _down(self, message: str, *, code: str = DOWN) -> GatewayError:
        return unavailable(code, message, retry_after=self._settings.retry_after_seconds)

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """What a status other than 200 means to a client."""
        message, code, param = _said(body)
        message = self.redacted(message) or f"The upstream answered with status {status}."
        if status in _KEY_STATUSES:
            _log.error("The upstream refuses the gateway's key (status %d): see %s.", status, UPSTREAM_KEY)
            return GatewayError(
                502, "upstream_key_refused", "The upstream refuses the gateway's key: tell whoever runs it."
            )
        if status in {400, 413, 422} and _is_too_long(message, code):
            return GatewayError(413, "context_length_exceeded", message, param=param or "messages")
        if status < 400 or status > 599:
            return GatewayError(502, "upstream_error", f"The upstream answered with status {status}.")
        wait = retry_after_seconds({name.lower(): value for name, value in headers.items()})
        if wait is None and status == 503:
            wait = float(self._settings.retry_after_seconds)
        shown = self.redacted(code) if code else "upstream_error"
        if wait is not None:
            return unavailable(shown, message, retry_after=wait, status=status, param=param)
        return GatewayError(status, shown, message, param=param)


def reply_json(body: bytes) -> Any:
    """The JSON of an upstream's answer.

    Raises:
        GatewayError: It is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise GatewayError(502, "upstream_reply_unreadable", "The upstream's answer is no JSON.") from None


def _is_too_long(message: str, code: str | None) -> bool:
    return code in _TOO_LONG_CODES or any(words in message.lower() for words in _TOO_LONG_WORDS)


def _said(body: bytes) -> tuple[str, str | None, str | None]:
    """Message, code and field of an error, in the forms of OpenAI, vLLM, llama.cpp and FastAPI."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return _line(body.decode(errors="replace")), None, None
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    if not isinstance(found, dict):
        return _line(str(found)), None, None
    message = next((found[name] for name in ("message", "detail", "error") if found.get(name)), "")
    codes = (found.get("code"), found.get("type"))
    code = next((each for each in codes if isinstance(each, str) and each), None)
    param = found.get("param")
    return _line(str(message)), code, param if isinstance(param, str) else None


def _line(text: str) -> str:
    return "".join(filter(str.isprintable, " ".join(text[: 4 * _LONGEST_MESSAGE].split())))[:_LONGEST_MESSAGE]
