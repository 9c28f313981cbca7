"""`POST /v1/distribution`: how the upstream's model would answer a question with options, by its log-probabilities."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from pluralign.errors import ModelError, PluralignError, UnsupportedError, did_you_mean
from pluralign.records import Option, Question, content_hash
from pluralign.serve.chat_request import (
    Named,
    agreed,
    named_profiles,
    parse_json,
    split_model,
)
from pluralign.serve.exchange import Exchange
from pluralign.serve.keys import Holder
from pluralign.serve.refusals import GatewayError, invalid
from pluralign.serve.scoring import Members
from pluralign.serve.upstream import DOWN

_log = logging.getLogger("pluralign.serve")

MOST_OPTIONS = 32
_FIELDS = ("question", "options", "profile", "model")


class DistributionExchange(Exchange):
    """A request for a distribution."""

    route = "distribution"

    async def answer(self, body: bytes, *, holder: Holder | None) -> None:
        """Answer it.

        Raises:
            GatewayError: There is no answer.
        """
        fields = parse_json(body)
        question = _question(fields)
        name, by_model = split_model(_text(fields, "model"))
        by_request = named_profiles(fields, header=self.profile_header)
        self.trail.prompt = (question.text, *question.option_texts)
        members = await self._members(agreed(by_request, by_model), holder)
        finding = await self.gateway.look_at_prompt(self.trail.prompt, self.trail, param="question")
        model = await self._model(name)
        self.trail.model = model
        found = await self._scored(question, members, model=model)
        said = {"object": "distribution", "model": model, "question": question.text}
        verdict = finding.ruling.value
        self.headers["X-Pluralign-Verdict"] = verdict
        reply = {**said, "options": question.option_texts, **found, "verdict": verdict}
        await self.send(json.dumps(reply, allow_nan=False).encode())

    async def _members(self, named: Named | None, holder: Holder | None) -> Members:
        """The profiles that are named, with their shares.

        Raises:
            GatewayError: One is unknown, refused or not allowed.
        """
        if named is None:
            return []
        found = [self.shelf.find(name, holder=holder, param=named.param) for name in named.weights]
        if len(found) == 1:
            self.note_profile(found[0])
            return [(found[0], 1.0)]
        speaker = await self.shelf.speaker(named.weights, param=named.param)
        self.trail.mixture = dict(named.weights)
        return list(zip(found, speaker.shares, strict=True))

    async def _model(self, name: str | None) -> str:
        """The name of the upstream's model.

        Raises:
            GatewayError: It has none of that name, or several and none is named; or it is down.
        """
        try:
            known = [model["id"] for model in await self.gateway.catalogue.models()]
        except GatewayError as error:
            if name is None or error.code == DOWN:
                raise
            return name  # a server that lists nothing may have it all the same
        if name is None:
            if len(known) != 1:
                hint = f"name one of {', '.join(known)}" if known else "name it, as the upstream lists none"
                raise invalid(f"model: {hint}.", param="model")
            return str(known[0])
        if known and name not in known:
            message = f"There is no model {name!r}.{did_you_mean(name, known)}"
            raise GatewayError(404, "model_not_found", message, param="model")
        return name

    async def _scored(self, question: Question, members: Members, *, model: str) -> dict[str, Any]:
        try:
            return await self.gateway.scorers.answer(question, members, model=model)
        except UnsupportedError as error:
            message = self.gateway.upstream.redacted(str(error))
            raise GatewayError(501, "no_log_probabilities", message) from None
        except ModelError as error:
            await self.gateway.upstream.json("GET", "/models")  # where it is down, this says so
            message = self.gateway.upstream.redacted(str(error))
            raise GatewayError(502, "upstream_error", message) from None
        except PluralignError as error:
            _log.error("The upstream cannot be asked for a distribution: %s", error)
            raise GatewayError(
                502, "upstream_error", "The upstream cannot be asked so. The gateway's log says why."
            ) from None


def _question(fields: Mapping[str, Any]) -> Question:
    """The question in a body.

    Raises:
        GatewayError: 400: it cannot be asked; names the field.
    """
    if unknown := [name for name in fields if name not in _FIELDS]:
        hint = did_you_mean(unknown[0], _FIELDS)
        raise invalid(f"There is no field {unknown[0][:40]!r}.{hint}", param=unknown[0][:40])
    text, options = _text(fields, "question"), fields.get("options")
    if text is None or not text.strip():
        raise invalid("question: it must be a text with something in it.", param="question")
    if not isinstance(options, list) or not 2 <= len(options) <= MOST_OPTIONS:
        raise invalid(f"options: they must be a list of 2 to {MOST_OPTIONS} texts.", param="options")
    for number, option in enumerate(options):
        if not isinstance(option, str) or not option.strip():
            raise invalid(
                f"options[{number}]: it must be a text with something in it.", param=f"options[{number}]"
            )
    try:
        asked = Question(
            id=f"asked-{content_hash([text, options])[:12]}",
            text=text,
            options=tuple(Option(text=option) for option in options),
        )
    except ValueError as error:
        raise invalid(f"question: {error}", param="question") from None
    if asked.unaskable:
        raise invalid(f"options: the question cannot be asked: {asked.unaskable}.", param="options")
    return asked


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name}: it must be a text.", param=name)
    return value
