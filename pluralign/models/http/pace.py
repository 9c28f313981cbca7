"""How fast a server is asked: as many requests at once as it stands, and the waits between attempts."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pluralign.records.jsonl import content_hash

_START = 8.0


class Pace:
    """Bounds the requests under way: one more for each round that went well, half as many where the server had enough.

    That is additive increase and multiplicative decrease, as TCP does it (Chiu and Jain 1989). Requests that were under
    way when the bound last shrank do not shrink it once more: one burst is one sign. Belongs to one event loop.

    Args:
        most: Upper bound.
    """

    def __init__(self, most: int) -> None:
        self.limit = min(_START, float(most))
        self._most = float(most)
        self._active = 0
        self._shrunk_at = float("-inf")
        self._resume_at = float("-inf")
        self._freed = asyncio.Condition()

    async def enter(self) -> float:
        """Wait for a place and take it; returns the time, which `leave` is given."""
        clock = asyncio.get_running_loop().time
        while True:
            async with self._freed:
                try:
                    await self._freed.wait_for(lambda: self._active < int(self.limit))
                except asyncio.CancelledError:
                    self._freed.notify()  # it may have been this one's turn
                    raise
                pause = self._resume_at - clock()
                if pause <= 0:
                    self._active += 1
                    return clock()
            await asyncio.sleep(pause)

    async def leave(self, entered: float, *, overloaded: bool | None, pause: float = 0.0) -> None:
        """Give the place back.

        Args:
            entered: What `enter` returned.
            overloaded: Whether the server had enough; None where the attempt says nothing about that.
            pause: Seconds for which the server asks to be left alone.
        """
        now = asyncio.get_running_loop().time()
        if overloaded and entered > self._shrunk_at:
            self.limit = max(1.0, self.limit / 2)
            self._shrunk_at = now
        elif overloaded is False:
            self.limit = min(self._most, self.limit + 1 / self.limit)
        self._resume_at = max(self._resume_at, now + pause)
        async with self._freed:
            self._active -= 1
            self._freed.notify(max(1, int(self.limit) - self._active))


def backoff_seconds(attempt: int, *, first: float, longest: float, key: object) -> float:
    """Wait before a further attempt: doubled each time, and shortened by up to a half.

    How much is a hash of what is asked, so that requests which failed together do not come back together, and the same
    request waits alike in every run.

    Args:
        attempt: Attempts made so far, 1 or more.
        first: Longest wait after the first attempt, seconds.
        longest: Bound on every wait, seconds.
        key: What is asked.
    """
    share = int(content_hash([key, attempt])[:12], 16) / 16**12
    return float(min(longest, first * 2.0 ** (attempt - 1)) * (1 - share / 2))


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """The wait that a server asks for, in seconds or as a date (RFC 9110, 10.2.3); None where it asks for none."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
