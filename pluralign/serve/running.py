"""Running the gateway: one process, or several that share a port."""

import gc
import os
import secrets
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pluralign.errors import require
from pluralign.serve.metrics import SHARED_FOLDER
from pluralign.serve.settings import Settings

if TYPE_CHECKING:
    from pluralign.serve.app import Application
    from pluralign.serve.gateway import Gateway

# By this, workers are told what the first process was told.
_SETTINGS = "PLURALIGN_SERVE_SETTINGS"
# Longer than clients keep idle connections, so that none is closed under a request.
_IDLE_SECONDS = 75
_BACKLOG = 2048
# A worker is silent while it loads what guards the profiles; uvicorn takes it for dead after five seconds.
_SILENT_SECONDS = 300

# Called with the gateway before it listens.
Announce = Callable[["Gateway"], None]


def run(settings: Settings, *, announce: Announce | None = None) -> None:
    """Run the gateway until it is stopped. Requests under way are then answered, for `shutdown_seconds` at most.

    Raises:
        ConfigurationError: A file or folder cannot be read, or settings do not fit.
        StorageError: The audit log cannot be written.
        MissingExtraError: The extra `serve` is not installed.
    """
    uvicorn = require("uvicorn", extra="serve")
    require("fastapi", extra="serve")
    from pluralign.serve.app import make_application, make_gateway

    # The same in all workers, so that an upstream can reuse what it computed of a profile.
    settings = settings.model_copy(update={"nonce": settings.nonce or secrets.token_hex()})
    gateway = make_gateway(settings)
    if announce is not None:
        announce(gateway)
    options = server_options(settings)
    if settings.workers == 1:
        uvicorn.run(_settled(make_application(gateway)), **options)
        return
    gateway.audit.close()
    with tempfile.TemporaryDirectory(prefix="pluralign-metrics-") as folder:
        os.environ |= {_SETTINGS: settings.model_dump_json(), SHARED_FOLDER: folder}
        try:
            uvicorn.run(f"{__name__}:worker", factory=True, workers=settings.workers, **options)
        finally:
            del os.environ[_SETTINGS], os.environ[SHARED_FOLDER]


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn is to run a gateway, without the number of workers."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": "httptools",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "backlog": _BACKLOG,
        "timeout_keep_alive": _IDLE_SECONDS,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
        "timeout_worker_healthcheck": _SILENT_SECONDS,
    }


def worker() -> "Application":
    """The application of one of several processes."""
    from pluralign.serve.app import make_application, make_gateway

    settings = Settings.model_validate_json(os.environ[_SETTINGS])
    return _settled(make_application(make_gateway(settings)))


def _settled(application: "Application") -> "Application":
    """The application, with all that was loaded for it left out of garbage collection.

    Looking through it again and again would stop all requests for a few hundred milliseconds each time.
    """
    gc.collect()
    gc.freeze()
    return application
