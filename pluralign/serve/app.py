"""The gateway as an ASGI application: the two routes that ask the upstream go straight to their code, the rest is FastAPI."""

import asyncio
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

from pluralign import __version__
from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.guard.guard import Guard
from pluralign.guard.policy import load_policy
from pluralign.serve.chat import ChatExchange
from pluralign.serve.distribution import DistributionExchange
from pluralign.serve.exchange import Exchange
from pluralign.serve.gateway import Gateway
from pluralign.serve.keys import Holder, read_keys
from pluralign.serve.refusals import GatewayError
from pluralign.serve.settings import Settings
from pluralign.serve.shelf import Shelved
from pluralign.serve.wire import Receive, Scope, Send

PAGE = Path(__file__).parent / "page"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ROUTES = "POST /v1/chat/completions, POST /v1/distribution, GET /v1/models, GET /v1/profiles, GET /healthz, GET /metrics"
_PAGE_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# The page loads nothing from elsewhere, and nothing else may frame it.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def make_gateway(settings: Settings) -> Gateway:
    """A gateway by its settings, with its profiles admitted: this takes seconds.

    Raises:
        ConfigurationError: A file or folder cannot be read, or settings do not fit.
        StorageError: The audit log cannot be written.
    """
    if settings.ui and not (PAGE / "index.html").is_file():
        raise ConfigurationError(f"ui: the page is not there: {PAGE / 'index.html'}.")
    if settings.audit_text and settings.audit is None:
        raise ConfigurationError("audit_text: there is no log to keep texts in: name one with --audit FILE.")
    policy = load_policy(settings.policy).with_overlays(
        settings.overlays, allow_loosening=settings.allow_loosening
    )
    guard = Guard.default(policy, on_unsure=settings.on_unsure)
    gateway = Gateway(settings, guard=guard, keyring=read_keys(settings.keys) if settings.keys else None)
    gateway.audit.open()
    return gateway


@dataclass(frozen=True)
class Application:
    """What the server runs.

    Attributes:
        gateway: Its parts.
        others: Every route that does not ask for an answer, and the life of the application.
    """

    gateway: Gateway
    others: FastAPI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end the application."""
        exchange = _EXCHANGES.get(scope["path"]) if scope["type"] == "http" else None
        if exchange is None or scope["method"] != "POST":
            await self.others(scope, receive, send)
        else:
            await exchange(self.gateway, scope, receive=receive, send=send).run()


_EXCHANGES: dict[str, type[Exchange]] = {
    "/v1/chat/completions": ChatExchange,
    "/v1/distribution": DistributionExchange,
}


def make_application(gateway: Gateway) -> Application:
    """The application of a gateway."""
    app = FastAPI(title="pluralign", version=__version__, openapi_url=None, lifespan=_life_of(gateway))
    _add_listings(app, gateway)
    _add_errors(app)
    if gateway.settings.ui:
        _add_page(app)
    return Application(gateway, app)


def _life_of(gateway: Gateway) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What runs beside the requests: connections, and looks at the folders."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        await gateway.upstream.open()
        watching = asyncio.create_task(gateway.keeper.watch())
        _reload_on_hangup(gateway)
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await gateway.upstream.close()
            await asyncio.to_thread(gateway.scorers.close)
            gateway.screening.close()
            gateway.audit.close()

    return life


def _reload_on_hangup(gateway: Gateway) -> None:
    """Reload the profiles on SIGHUP, where there is one and this is the process' own loop."""
    if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        pending: set[asyncio.Task[bool]] = set()

        def reload() -> None:
            task = loop.create_task(gateway.keeper.reload())
            pending.add(task)
            task.add_done_callback(pending.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)


def _add_listings(app: FastAPI, gateway: Gateway) -> None:
    def holder(request: Request) -> Holder | None:
        return gateway.holder(request.headers.get("authorization"))

    def named(request: Request) -> list[Shelved]:
        """The profiles that whoever asks may name."""
        who = holder(request)
        shelved = gateway.keeper.shelf.shelved
        return [each for name, each in shelved.items() if who is None or who.may_name(name)]

    @app.get("/healthz")
    async def health() -> JSONResponse:
        n_profiles = gateway.keeper.shelf.n_served
        return JSONResponse({"status": "ok", "version": __version__, "profiles": n_profiles})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        holder(request)
        return Response(gateway.metrics.text(), media_type=_METRICS_TYPE)

    @app.get("/v1/profiles")
    async def profiles(request: Request) -> JSONResponse:
        policy = gateway.guard.policy
        return JSONResponse({
            "object": "list",
            "policy": {"id": policy.id, "version": policy.version, "digest": policy.digest},
            "guard": gateway.screening.layers,
            "data": [each.listing for each in named(request)],
        })

    @app.get("/v1/models")
    async def models(request: Request) -> JSONResponse:
        served = [each.profile.id for each in named(request) if each.approved is not None]
        return JSONResponse({"object": "list", "data": await gateway.catalogue.with_profiles(served)})

    @app.get("/v1/models/{name:path}")
    async def model(request: Request, name: str) -> JSONResponse:
        served = [each.profile.id for each in named(request) if each.approved is not None]
        listed = await gateway.catalogue.with_profiles(served)
        found = next((each for each in listed if each["id"] == name), None)
        if found is None:
            hint = did_you_mean(name, [each["id"] for each in listed])
            raise GatewayError(404, "model_not_found", f"There is no model {name!r}.{hint}", param="model")
        return JSONResponse(found)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(GatewayError)
    async def told(_: Request, error: GatewayError) -> JSONResponse:
        return JSONResponse(error.content, status_code=error.status, headers=error.headers)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path}: {error.detail}. There is: {_ROUTES}."
        code = "not_found" if error.status_code == 404 else "method_not_allowed"
        return await told(request, GatewayError(error.status_code, code, message))


def _add_page(app: FastAPI) -> None:
    async def file(name: str = "index.html") -> Response:
        path = PAGE / name
        if path.parent != PAGE or not path.is_file() or path.suffix not in _PAGE_KINDS:
            raise GatewayError(404, "not_found", f"The page has no file {name!r}.")
        return FileResponse(path, media_type=_PAGE_KINDS[path.suffix], headers=_PAGE_HEADERS)

    app.get("/")(file)
    app.get("/{name}")(file)
