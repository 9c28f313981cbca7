"""The models of the upstream, and the names under which each speaks for a profile."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from pluralign.serve.refusals import GatewayError
from pluralign.serve.upstream import Upstream

_FRESH_SECONDS = 60.0
OWNER = "pluralign"


class Catalogue:
    """What the upstream lists, asked for once a minute at most."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._models: list[dict[str, Any]] = []
        self._asked_at = float("-inf")
        self._turn = asyncio.Lock()

    async def models(self) -> list[dict[str, Any]]:
        """The upstream's models, as it lists them.

        Raises:
            GatewayError: It cannot be asked, or lists none.
        """
        async with self._turn:
            if time.monotonic() - self._asked_at > _FRESH_SECONDS:
                self._models = _listed(await self._upstream.json("GET", "/models"))
                self._asked_at = time.monotonic()
            return self._models

    async def holds(self, name: str) -> bool:
        """Whether the upstream lists a model of that name; where it lists nothing, it does not."""
        try:
            return any(model["id"] == name for model in await self.models())
        except GatewayError:
            return False

    async def with_profiles(self, profiles: Iterable[str]) -> list[dict[str, Any]]:
        """The models, and each with each profile.

        Raises:
            GatewayError: As `models`.
        """
        models = await self.models()
        return [
            *models,
            *(
                {
                    "id": f"{model['id']}@{profile}",
                    "object": "model",
                    "created": model["created"] if isinstance(model.get("created"), int) else 0,
                    "owned_by": OWNER,
                    OWNER: {"model": model["id"], "profile": profile},
                }
                for model in models
                for profile in profiles
            ),
        ]


def _listed(reply: Any) -> list[dict[str, Any]]:
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        raise GatewayError(502, "upstream_reply_unreadable", "The upstream lists no models.")
    return [model for model in data if isinstance(model, dict) and isinstance(model.get("id"), str)]
