"""`POST /v1/chat/completions`: profile, guard, upstream, guard."""

import time

from pluralign.guard.verdict import Ruling
from pluralign.serve.answers import Answer
from pluralign.serve.chat_request import ChatRequest, Named, agreed, parse_chat, split_model
from pluralign.serve.exchange import Exchange
from pluralign.serve.keys import Holder
from pluralign.serve.refusals import GatewayError
from pluralign.serve.screening import Finding, strictest
from pluralign.serve.shelf import Drawn
from pluralign.serve.streaming import DONE, HeldStream, UpstreamReport, events

_PATH = "/chat/completions"


class ChatExchange(Exchange):
    """A request for a chat completion."""

    route = "chat"

    async def answer(self, body: bytes, *, holder: Holder | None) -> None:
        """Answer it, streaming or not.

        Raises:
            GatewayError: There is no answer.
        """
        request = parse_chat(body, header=self.profile_header)
        self.trail.model, self.trail.prompt = request.model, request.texts
        drawn, model = await self._drawn(request, holder)
        prompt = await self.gateway.look_at_prompt(request.asked, self.trail, param="messages")
        forwarded = request.forwarded(
            model=model, prompt=drawn.shelved.prompt if drawn else None, way=self.gateway.settings.way
        )
        watched = drawn is not None and drawn.watched
        if watched:
            prompt = strictest((prompt, Finding(Ruling.UNSURE)))
        if request.stream:
            await self._stream(forwarded, prompt, watched=watched)
        else:
            await self._whole(forwarded, prompt, watched=watched)

    async def _drawn(self, request: ChatRequest, holder: Holder | None) -> tuple[Drawn | None, str | None]:
        """Who speaks, and which model of the upstream.

        Raises:
            GatewayError: The profile is unknown, refused, not allowed, or named twice and differently.
        """
        model, by_model = split_model(request.model)
        if by_model is not None and await self._is_part_of_name(request.model or "", by_model):
            model, by_model = request.model, None
        named = agreed(request.named, by_model)
        if named is None:
            return None, model
        drawn = await self.gateway.speaker(
            named, shelf=self.shelf, holder=holder, seed=request.seed, asked=request.texts
        )
        if drawn.seed is not None:
            self.trail.mixture, self.trail.seed = dict(drawn.weights), drawn.seed
        self.note_profile(drawn.shelved)
        return drawn, model

    async def _is_part_of_name(self, model: str, named: Named) -> bool:
        """Whether what stands behind the "@" belongs to the name of one of the upstream's own models."""
        return not named.weights.keys() <= self.shelf.shelved.keys() and await self.gateway.catalogue.holds(
            model
        )

    async def _whole(self, body: bytes, before: Finding, *, watched: bool) -> None:
        upstream, began = self.gateway.upstream, time.perf_counter()
        async with upstream.asked("POST", _PATH, body=body) as response:
            answer = Answer(await upstream.read(response))
        self.gateway.metrics.answered(time.perf_counter() - began)
        self.trail.answer = answer.texts
        await answer.pass_guard(self.gateway.screening, watched=watched)
        self._rule(answer.finding, watched=watched)
        stopped = self.gateway.screening.stops(answer.finding, watched=watched)
        self.headers["X-Pluralign-Verdict"] = _verdict(before, answer.finding, stopped=stopped)
        await self.send(answer.body, outcome="withheld" if stopped else "answered")

    async def _stream(self, body: bytes, before: Finding, *, watched: bool) -> None:
        upstream, settings = self.gateway.upstream, self.gateway.settings
        held = HeldStream(self.gateway.screening, watched=watched)
        async with upstream.asked("POST", _PATH, body=body) as response:
            self.headers["X-Pluralign-Verdict"] = _verdict(before)
            await self.begin_stream()
            try:
                async for event in events(response.content.iter_any(), most_bytes=settings.most_reply_bytes):
                    await self.send_piece(await held.take(event))
                    if held.stopped:
                        break
            except UpstreamReport as report:
                raise upstream.error(report.said) from None
            finally:
                self.trail.answer = held.texts
        if not held.stopped and not held.is_complete:
            raise GatewayError(502, "upstream_broken", "The upstream's stream ended before it was complete.")
        last = b"" if held.stopped else await held.finish()
        self._rule(held.finding, watched=watched)
        if held.stopped:
            await self.end_stream(held.cut(), outcome="withheld")
        else:
            await self.end_stream(last + DONE)

    def _rule(self, finding: Finding, *, watched: bool) -> None:
        if self.gateway.screening.looks(watched=watched):
            self.trail.answer_ruling = finding.ruling.value
            self.trail.category = finding.category or self.trail.category
            self.gateway.metrics.ruled("answer", finding.ruling.value)


def _verdict(*findings: Finding, stopped: bool = False) -> str:
    """The strictest ruling; what was stopped because it was unsure counts as refused."""
    return (Ruling.REFUSE if stopped else strictest(findings).ruling).value
