"""How much a client may ask: so many requests a minute, and so many at once."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pluralign.serve.refusals import unavailable

# Clients whose rate is remembered; one that is forgotten has not asked for long.
MOST_CLIENTS = 10_000


class Rates:
    """A bucket a client, that fills evenly and holds as many requests as a minute brings.

    Args:
        n_workers: Among how many processes each rate is shared out: a client's requests meet all of them.
        clock: Seconds.
    """

    def __init__(self, *, n_workers: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._n_workers = n_workers
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, *, per_minute: int | None) -> None:
        """Take one request out of a client's bucket.

        Args:
            client: Who asks.
            per_minute: The client's rate; None: no limit.

        Raises:
            GatewayError: 429: the bucket is empty; says when there is one again.
        """
        if per_minute is None:
            return
        most = max(1.0, per_minute / self._n_workers)
        now = self._clock()
        left, since = self._buckets.pop(client, (most, now))
        left = min(most, left + (now - since) * most / 60)
        allowed = left >= 1
        self._buckets[client] = (left - allowed, now)
        while len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        if not allowed:
            wait = (1 - left) * 60 / most
            message = f"More than {per_minute} requests a minute. Try again in {math.ceil(wait)} s."
            raise unavailable("rate_limit_exceeded", message, retry_after=wait, status=429)


class Places:
    """Requests under way at once; one more than there is room for is sent away rather than kept waiting.

    Attributes:
        taken: Requests under way.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for one request.

        Raises:
            GatewayError: 503: all are taken.
        """
        if self.taken >= self._most:
            raise unavailable("gateway_full", f"{self._most} requests are under way already.", retry_after=1)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
