"""Distributions over options from an upstream's log-probabilities: exact ones, or bounds."""

import asyncio
import math
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from pluralign.elicitation.asking import Ask, check_capable
from pluralign.elicitation.logprob import SURFACE_PREFIXES, LogProb, listed_orders
from pluralign.errors import UnsupportedError
from pluralign.guard.guard import Guard
from pluralign.models.http import Endpoint, HttpModel
from pluralign.models.protocol import Capability, Prompt
from pluralign.records import Condition, Question, content_hash
from pluralign.serve.settings import UPSTREAM_KEY, Settings
from pluralign.serve.shelf import Shelved
from pluralign.steering.steerer import Steerer
from pluralign.steering.ways import Voice

# Models whose abilities are remembered; finding them out takes a few dozen small requests.
_MOST_MODELS = 4
_AT_ONCE = 8

# Profiles with their shares.
Members = Sequence[tuple[Shelved, float]]


class Scorers:
    """Models of the upstream that are asked for log-probabilities."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._settings = settings
        self._guard = guard
        self._steerers: OrderedDict[str, Steerer] = OrderedDict()
        self._turn = Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="scoring")

    async def answer(self, question: Question, members: Members, *, model: str) -> dict[str, Any]:
        """The distribution, or bounds of it where the upstream names its likeliest tokens only.

        Raises:
            UnsupportedError: The upstream offers neither.
            ModelError: It failed.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, question, members, model)

    def _answer(self, question: Question, members: Members, model: str) -> dict[str, Any]:
        with self._turn:
            steerer = self._steerer(model)
        served = steerer.model
        assert isinstance(served, HttpModel), "made by _steerer"
        if Capability.SCORE_OPTIONS in served.can:
            return _exact(steerer, question, members)
        if not served.abilities.n_top or Capability.CHAT not in served.can:
            raise UnsupportedError(
                "The upstream gives no log-probabilities of chats, neither of a prompt's tokens nor of the likeliest ones."
            )
        return _bounded(steerer, served, question, members)

    def close(self) -> None:
        """Close the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for name in list(self._steerers):
            self._forget(name)

    def _steerer(self, name: str) -> Steerer:
        if name not in self._steerers:
            key = UPSTREAM_KEY if os.environ.get(UPSTREAM_KEY) else None
            # Marks are broken before a text is sent, whatever the server would make of them.
            endpoint = Endpoint(
                self._settings.upstream, name, key_variable=key, marks="neutralise", retries=1
            )
            self._steerers[name] = Steerer(
                HttpModel(endpoint),
                self._guard,
                style=self._settings.style,
                nonce=self._settings.nonce or None,
                max_concurrent=_AT_ONCE,
            )
            while len(self._steerers) > _MOST_MODELS:
                self._forget(next(iter(self._steerers)))
        self._steerers.move_to_end(name)
        return self._steerers[name]

    def _forget(self, name: str) -> None:
        model = self._steerers.pop(name).model
        if isinstance(model, HttpModel):
            model.close()


def _exact(steerer: Steerer, question: Question, members: Members) -> dict[str, Any]:
    """By the probabilities of whole options."""
    if not members:
        elicitation = LogProb()
        check_capable(steerer.model, elicitation)
        key = content_hash([steerer.model.id, question.model_dump(mode="json")])
        (answer,) = elicitation.answers(steerer.model, [Ask(key, question, Condition())])
        return _told(exact=True, probabilities=answer.probabilities, mass=answer.valid_mass_prob)
    profiles = [(shelved.approved, share) for shelved, share in members if shelved.approved is not None]
    found = steerer.distribution(question, profile=profiles)
    rows = [
        _row(shelved, share)
        | _numbers(probabilities=each.answer.probabilities, mass=each.answer.valid_mass_prob)
        for (shelved, share), each in zip(members, found.members, strict=True)
    ]
    return _told(exact=True, probabilities=found.probabilities, mass=found.valid_mass_prob, rows=rows)


def _bounded(steerer: Steerer, model: HttpModel, question: Question, members: Members) -> dict[str, Any]:
    """By the likeliest tokens along drawn answers: what they do not name is unknown, and counts in full for the bounds."""
    if not members:
        lower, upper = _bounds(model, question, LogProb().prompts(question, Condition()))
        return _told(exact=False, lower=lower, upper=upper)
    rows = []
    for shelved, share in members:
        voice = Voice(steerer.way, shelved.profile, shelved.prompt)
        orders = listed_orders(question, max_orders=None)
        lower, upper = _bounds(model, question, [voice.question(question, order) for order in orders])
        rows.append(_row(shelved, share) | _numbers(lower=lower, upper=upper))
    mean = {
        side: [
            math.fsum(share * row[side][place] for (_, share), row in zip(members, rows, strict=True))
            for place in range(len(question.options))
        ]
        for side in ("lower_prob", "upper_prob")
    }
    return _told(exact=False, lower=mean["lower_prob"], upper=mean["upper_prob"], rows=rows)


def _bounds(
    model: HttpModel, question: Question, prompts: Sequence[Prompt]
) -> tuple[list[float], list[float]]:
    """Lower and upper bounds on each option's probability, averaged over the prompts; its forms add up."""
    forms = [prefix + option for option in question.option_texts for prefix in SURFACE_PREFIXES]
    found = model.option_bounds(prompts, [forms] * len(prompts))
    width = len(SURFACE_PREFIXES)
    sides = []
    for side in ("lower", "upper"):
        rows = [[math.exp(value) for value in getattr(each, side)] for each in found]
        sides.append([
            math.fsum(min(1.0, math.fsum(row[at : at + width])) for row in rows) / len(rows)
            for at in range(0, len(forms), width)
        ])
    return sides[0], sides[1]


def _row(shelved: Shelved, share: float) -> dict[str, Any]:
    return {"id": shelved.profile.id, "version": shelved.version, "share": share}


def _numbers(
    *,
    probabilities: Sequence[float] | None = None,
    mass: float | None = None,
    lower: Sequence[float] | None = None,
    upper: Sequence[float] | None = None,
) -> dict[str, Any]:
    return {
        "probabilities": probabilities,
        "valid_mass_prob": mass,
        "lower_prob": lower,
        "upper_prob": upper,
    }


def _told(*, exact: bool, rows: Sequence[Mapping[str, Any]] = (), **numbers: Any) -> dict[str, Any]:
    return {"exact": exact, **_numbers(**numbers), "profiles": list(rows)}
