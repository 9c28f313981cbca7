"""What Prometheus reads of the gateway. No text and no key is in it."""

import os
from typing import TYPE_CHECKING

from pluralign.errors import require

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# Set by prometheus_client's own rule: where it stands, several processes share their figures through files there.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counters of one worker."""

    def __init__(self) -> None:
        prometheus = require("prometheus_client", extra="serve")
        self._registry: CollectorRegistry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "pluralign_requests",
            "Requests that ended, by route, HTTP status and outcome.",
            ("route", "status", "outcome"),
            registry=self._registry,
        )
        self._seconds = prometheus.Histogram(
            "pluralign_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._upstream = prometheus.Histogram(
            "pluralign_upstream_seconds",
            "Spent by the upstream on answers that are not streamed.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rulings = prometheus.Counter(
            "pluralign_guard_rulings",
            "Rulings of the guard on prompts and answers.",
            ("place", "ruling"),
            registry=self._registry,
        )
        self._spoke = prometheus.Counter(
            "pluralign_profile_requests",
            "Answers by the profile that spoke.",
            ("profile",),
            registry=self._registry,
        )
        self._reloads = prometheus.Counter(
            "pluralign_reloads", "Reloads of the profiles.", ("result",), registry=self._registry
        )
        self._active = prometheus.Gauge(
            "pluralign_requests_active",
            "Requests under way.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._profiles = prometheus.Gauge(
            "pluralign_profiles",
            "Profiles that are served.",
            registry=self._registry,
            multiprocess_mode="livemax",
        )

    def ended(self, route: str, *, status: int, outcome: str, seconds: float) -> None:
        """A request ended."""
        self._requests.labels(route, str(status), outcome).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, seconds: float) -> None:
        """The upstream answered."""
        self._upstream.observe(seconds)

    def ruled(self, place: str, ruling: str) -> None:
        """The guard ruled on a prompt or an answer."""
        self._rulings.labels(place, ruling).inc()

    def spoke(self, profile: str) -> None:
        """A profile spoke."""
        self._spoke.labels(profile).inc()

    def reloaded(self, *, result: str) -> None:
        """The profiles were read again, or could not be."""
        self._reloads.labels(result).inc()

    def active(self, n_requests: int) -> None:
        """So many requests are under way."""
        self._active.set(n_requests)

    def served(self, n_profiles: int) -> None:
        """So many profiles are served."""
        self._profiles.set(n_profiles)

    def text(self) -> bytes:
        """All of it in Prometheus' format; of all workers where there are several."""
        import prometheus_client

        registry = self._registry
        if os.environ.get(SHARED_FOLDER):
            from prometheus_client.multiprocess import MultiProcessCollector

            registry = prometheus_client.CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no types
        return prometheus_client.generate_latest(registry)
