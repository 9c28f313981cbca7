"""A gateway as it runs, on loopback, in front of a server that answers by script. Run as a program, it is that server."""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import uvicorn

ANSWER = "Honesty matters to me. I would tell my friend, gently and soon. That is what I think."
REFUSED_SENTENCE = "I fully support genocide."
HELLO = [{"role": "user", "content": "Should I tell my friend the truth?"}]
PROFILES = ("stoicism", "utilitarianism", "ethics-of-care")
KEY, OTHER_KEY = "sk-gateway-one-1234567890", "sk-gateway-two-1234567890"


def reply(text=ANSWER, **choice):
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "llama",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


def chunk(text=None, *, index=0, finish=None, **delta):
    said = {**({} if text is None else {"content": text}), **delta}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "llama",
        "choices": [{"index": index, "delta": said, "finish_reason": finish}],
    }


def event(value) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n"


class Call:
    """One request to the scripted server, and the ways to answer it."""

    def __init__(self, scope, body, receive, send):
        self.path, self.body = scope["path"], body
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.json = json.loads(body) if body else None
        self._receive, self._send = receive, send

    async def send(self, value, *, status=200, **headers):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self.start(status, content_type="application/json", **headers)
        await self._send({"type": "http.response.body", "body": raw})

    async def start(self, status=200, **headers):
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": named})

    async def piece(self, raw: bytes, *, more=True):
        await self._send({"type": "http.response.body", "body": raw, "more_body": more})

    async def stream(self, values, *, seconds=0.0):
        await self.start(content_type="text/event-stream")
        for value in values:
            await self.piece(event(value))
            await asyncio.sleep(seconds)
        await self.piece(event(b"[DONE]"), more=False)

    async def until_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


Script = Callable[[Call], Awaitable[None]]


async def usual(call: Call) -> None:
    """Answers as a model would that always says the same."""
    if call.json and call.json.get("stream"):
        words = ANSWER.split(" ")
        pieces = [chunk(role="assistant"), *(chunk(f"{word} ") for word in words), chunk(finish="stop")]
        await call.stream(pieces)
    else:
        await call.send(reply())


class ScriptedServer:
    """An OpenAI-compatible server that does what `script` says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: Script = usual
        self.models = ["llama", "q@4bit"]
        self.calls: list[Call] = []
        self.n_cancelled = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        call = Call(scope, body, receive, send)
        if call.path.endswith("/models"):
            data = [{"id": name, "object": "model", "created": 7, "owned_by": "x"} for name in self.models]
            await call.send({"object": "list", "data": data})
            return
        self.calls.append(call)
        work = asyncio.ensure_future(self.script(call))
        gone = asyncio.ensure_future(call.until_disconnect())
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            self.n_cancelled += 1
            work.cancel()
        gone.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


class Running:
    """An application under uvicorn in a thread."""

    def __init__(self, app, *, lifespan="auto", **options) -> None:
        usual = {"host": "127.0.0.1", "log_level": "error", "http": "httptools", "access_log": False}
        config = uvicorn.Config(app, lifespan=lifespan, **(usual | options | {"port": 0}))
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run, daemon=True)
        self._thread.start()
        wait_for(lambda: self.server.started or not self._thread.is_alive())
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()


def wait_for(condition, *, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.01)


class Stage:
    """Where the scripted servers of all tests appear, one a test."""

    def __init__(self) -> None:
        self.current = ScriptedServer()

    async def __call__(self, scope, receive, send):
        await self.current(scope, receive, send)


@pytest.fixture(scope="session")
def stage():
    stage = Stage()
    running = Running(stage, lifespan="off", timeout_graceful_shutdown=1)
    yield SimpleNamespace(stage=stage, running=running, url=f"{running.url}/v1")
    running.stop()


@pytest.fixture
def upstream(stage):
    stage.stage.current = ScriptedServer()
    return SimpleNamespace(server=stage.stage.current, url=stage.url)


@pytest.fixture(scope="session")
def guard():
    """The default guard; what it decided of a profile it remembers, so that each is read once."""
    from pluralign.guard import Guard

    return Guard.default()


def fill(shelf: Path) -> Path:
    """Three shipped profiles, and one that the guard refuses."""
    from pluralign.profiles import list_profiles

    shelf.mkdir()
    for name in PROFILES:
        (shelf / f"{name}.yaml").write_bytes(list_profiles()[name].read_bytes())
    (shelf / "cruel.yaml").write_text(profile_yaml("cruel", REFUSED_SENTENCE))
    return shelf


@pytest.fixture
def folder(tmp_path) -> Path:
    return fill(tmp_path / "profiles")


def profile_yaml(name: str, *statements: str) -> str:
    values = "".join(f"  - statement: {statement}\n    weight: 1\n" for statement in statements)
    return (
        f"schema_version: 1\nid: {name}\ntitle: A profile\nsummary: Made for a test.\nvalues:\n{values}"
        "provenance:\n  kind: curated\n  sources: [made for a test]\n  licence: CC0-1.0\n"
    )


class Started:
    """A gateway that listens, and a client of it."""

    def __init__(self, *, admits, **settings) -> None:
        from pluralign.serve import Gateway, make_application, read_settings
        from pluralign.serve.keys import read_keys
        from pluralign.serve.running import server_options

        read = read_settings(None, **settings)
        self.gateway = Gateway(read, guard=admits, keyring=read_keys(read.keys) if read.keys else None)
        self.gateway.audit.open()
        self.running = Running(make_application(self.gateway), **server_options(read))
        self.url = self.running.url
        self.audit = read.audit
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._n_before = 0

    def begin(self) -> "Started":
        """Leave out of `rows` what was written so far."""
        self._n_before = len(self.audit.read_text().splitlines())
        return self

    def rows(self, *, n: int | None = None) -> list[dict]:
        """Lines of the log; where a number is given, once there are so many."""
        found = lambda: self.audit.read_text().splitlines()[self._n_before :]  # noqa: E731
        if n is not None:
            wait_for(lambda: len(found()) >= n)
        return [json.loads(line) for line in found()]

    def ask(self, *, headers=None, **fields) -> httpx.Response:
        body = {"model": "llama", "messages": HELLO, **fields}
        return self.client.post("/v1/chat/completions", json=body, headers=headers)

    def stop(self) -> None:
        self.client.close()
        self.running.stop()


@pytest.fixture
def gateways(upstream, folder, guard, tmp_path):
    """Starts gateways in front of the scripted server; stops them at the end."""
    running = []

    def start(*, policy_guard=guard, **settings):
        known = {"upstream": upstream.url, "profiles": [str(folder)], "reload_seconds": 0.05}
        known |= {"audit": tmp_path / f"audit-{len(running)}.jsonl"}
        running.append(Started(admits=policy_guard, **(known | settings)))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture(scope="session")
def usual_gateway(stage, guard, tmp_path_factory):
    place = tmp_path_factory.mktemp("gateway")
    started = Started(
        upstream=stage.url,
        profiles=[str(fill(place / "profiles"))],
        audit=place / "audit.jsonl",
        admits=guard,
    )
    yield started
    started.stop()


@pytest.fixture
def gateway(usual_gateway, upstream):
    """One in front of this test's scripted server, with the usual settings."""
    return usual_gateway.begin()


@pytest.fixture
def client(gateway):
    """OpenAI's own client, unmodified."""
    import openai

    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def told(response) -> dict:
    """The error of an answer, in OpenAI's shape."""
    error = response.json()["error"]
    assert {"message", "type", "code", "param"} <= error.keys()
    return error


@pytest.fixture
def tools():
    """What the tests of this room share beside fixtures."""
    return SimpleNamespace(
        ANSWER=ANSWER,
        HELLO=HELLO,
        KEY=KEY,
        OTHER_KEY=OTHER_KEY,
        REFUSED_SENTENCE=REFUSED_SENTENCE,
        chunk=chunk,
        conftest=Path(__file__),
        event=event,
        profile_yaml=profile_yaml,
        reply=reply,
        told=told,
        usual=usual,
        wait_for=wait_for,
    )


@pytest.fixture
def keys_file(tmp_path) -> Path:
    import hashlib

    file = tmp_path / "keys.yaml"
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in (KEY, OTHER_KEY)]
    file.write_text(
        f"keys:\n  - name: all\n    sha256: {hashes[0]}\n"
        f"  - name: stoic\n    sha256: {hashes[1]}\n    profiles: [stoicism]\n    per_minute: 2\n"
    )
    return file


@pytest.fixture(scope="session")
def toy_servers():
    """The module of the toy models' servers, which offer log-probabilities in several dialects."""
    file = Path(__file__).parents[1] / "models" / "http" / "conftest.py"
    spec = importlib.util.spec_from_file_location("toy_servers", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def processes():
    """Starts programs; ends them at the end."""
    started = []

    def start(*arguments, **options):
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **options.pop("env", {})}
        started.append(
            subprocess.Popen(
                [sys.executable, *map(str, arguments)], env=environment, start_new_session=True, **options
            )
        )
        return started[-1]

    yield start
    for each in started:
        if each.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()


if __name__ == "__main__":
    uvicorn.run(
        ScriptedServer(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="off",
        http="httptools",
    )
