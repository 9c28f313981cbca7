"""What all requests to a worker of the gateway share: who may ask, the profiles, the guard, the upstream, the log."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pluralign.guard.guard import Guard
from pluralign.serve.audit import AuditTrail, Trail, texts_hash
from pluralign.serve.catalogue import Catalogue
from pluralign.serve.chat_request import Named
from pluralign.serve.keys import Holder, Keyring
from pluralign.serve.limits import Places, Rates
from pluralign.serve.metrics import Metrics
from pluralign.serve.refusals import withheld
from pluralign.serve.scoring import Scorers
from pluralign.serve.screening import Finding, Screening
from pluralign.serve.settings import Settings
from pluralign.serve.shelf import Drawn, Shelf, ShelfKeeper, draw
from pluralign.serve.upstream import Upstream


class Gateway:
    """A worker's parts.

    Attributes:
        settings: What it was told.
        guard: Who admits profiles.
        keeper: Holds the profiles.
        keyring: The keys; None where it is open to all.
        screening: Looks at prompts and answers.
        upstream: The server behind it.
        catalogue: The models there.
        scorers: The same models, asked for log-probabilities.
        audit: The log.
        metrics: The figures.
    """

    def __init__(self, settings: Settings, *, guard: Guard, keyring: Keyring | None) -> None:
        """Get ready; nothing is sent and nothing listens yet.

        Raises:
            ConfigurationError: A folder of profiles cannot be read, or a setting cannot work here.
        """
        self.settings = settings
        self.guard = guard
        self.keyring = keyring
        self.metrics = Metrics()
        self.screening = Screening(guard, layers=settings.guard, refuse_unsure=settings.refuse_unsure)
        self.upstream = Upstream(settings)
        self.catalogue = Catalogue(self.upstream)
        self.scorers = Scorers(settings, guard)
        self.audit = AuditTrail(settings.audit, texts=settings.audit_text)
        self.keeper = ShelfKeeper(settings, guard, reloaded=self._reloaded)
        self.metrics.served(self.keeper.shelf.n_served)
        self._rates = Rates(n_workers=settings.workers)
        self._places = Places(settings.most_concurrent)
        policy = guard.policy
        self.policy = f"{policy.id} {policy.version} {policy.digest[:12]}"

    def holder(self, authorization: str | None) -> Holder | None:
        """Who asks; None where there are no keys.

        Raises:
            GatewayError: 401: no key opens.
        """
        return None if self.keyring is None else self.keyring.holder(authorization)

    def take(self, holder: Holder | None, *, address: str) -> None:
        """Count a request against its client's rate.

        Raises:
            GatewayError: 429: there were too many.
        """
        usual = self.settings.per_minute
        if holder is None:
            self._rates.take(f"address {address}", per_minute=usual)
        else:
            self._rates.take(f"key {holder.name}", per_minute=holder.per_minute or usual)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests under way.

        Raises:
            GatewayError: 503: there is none.
        """
        with self._places.one():
            self.metrics.active(self._places.taken)
            try:
                yield
            finally:
                self.metrics.active(self._places.taken - 1)

    def ended(self, trail: Trail, *, began: float) -> None:
        """Write a request down and count it.

        Raises:
            GatewayError: 503: it cannot be written down.
        """
        seconds = time.perf_counter() - began
        self.metrics.ended(trail.route, status=trail.status, outcome=trail.outcome, seconds=seconds)
        self.audit.write(trail, seconds=seconds)

    async def look_at_prompt(self, texts: Sequence[str], trail: Trail, *, param: str) -> Finding:
        """Have the guard look at what is asked.

        Raises:
            GatewayError: 403: it is stopped.
        """
        finding = await self.screening.look(texts)
        if self.screening.looks(watched=False):
            trail.prompt_ruling = finding.ruling.value
            self.metrics.ruled("prompt", finding.ruling.value)
        if self.screening.stops(finding):
            trail.category = finding.category
            raise withheld(
                "The prompt is not passed on",
                code="guard_failed" if finding.failed else "prompt_refused",
                category=finding.category,
                reason=finding.reason,
                param=param,
            )
        return finding

    async def speaker(
        self, named: Named, *, shelf: Shelf, holder: Holder | None, seed: int | None, asked: Sequence[str]
    ) -> Drawn:
        """Who speaks where these profiles are named; see `draw`."""
        several = len(named.weights) > 1
        return await draw(
            shelf,
            named.weights,
            holder=holder,
            param=named.param,
            seed=seed,
            asked=texts_hash(asked) if several else "",
        )

    def _reloaded(self, what: Shelf | Exception) -> None:
        self.metrics.reloaded(result="replaced" if isinstance(what, Shelf) else "failed")
        if isinstance(what, Shelf):
            self.metrics.served(what.n_served)
