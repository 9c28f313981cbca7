"""A server that others wrote, `transformers serve` with the embedded model, and faults on the way to it."""

import asyncio
import importlib.util
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from pluralign.errors import ModelError, UnsupportedError
from pluralign.guard import Guard
from pluralign.models import Capability, Chat, Message, SamplingParams, Text
from pluralign.models.embedded import embedded_folder, is_present
from pluralign.models.http import Endpoint, HttpModel
from pluralign.steering import Steerer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COLD = SamplingParams(temperature=0, max_new_tokens=10)
ONE = SamplingParams(max_new_tokens=1)
START_SECONDS = 180


def ask(text: str, *, system: str | None = None) -> Chat:
    opening = () if system is None else (Message("system", system),)
    return Chat((*opening, Message("user", text)))


PROMPTS = [ask(f"Name {n} colours.") for n in ("two", "three", "four", "five")]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def await_start(process: subprocess.Popen, url: str, log: Path) -> None:
    """Wait until the server answers: it does once its model is loaded."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(
        f"transformers serve did not start (exit status {process.poll()}):\n{log.read_text(encoding='utf-8')[-2000:]}"
    )


@pytest.fixture(scope="module")
def real_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the server's root."""
    missing = [name for name in ("fastapi", "uvicorn", "openai") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"transformers serve needs {', '.join(missing)}: pip install 'transformers[serving]'")
    if not is_present():
        pytest.skip("the embedded model's weights are not installed")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home = tmp_path_factory.mktemp("served")
    log = home / "log.txt"
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    command = [
        sys.executable,
        "-m",
        "transformers.cli.transformers",
        "serve",
        str(embedded_folder()),
        *options,
    ]
    # An empty cache of the hub, so that the list of models is the same on every machine: a failure.
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        try:
            await_start(process, url, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=20)


class FaultyWay:
    """Passes requests on to a server and its answers back; `faults` are used up one a request."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.faults: list[str] = []
        self.n_requests = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def close(self) -> None:
        async def closing() -> None:
            self._server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._run(closing())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            sizes = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
            body = await reader.readexactly(int(sizes[0])) if sizes else b""
            self.n_requests += 1
            method, path, _ = lines[0].split()
            await self._answer(writer, method, path, body, fault=self.faults.pop(0) if self.faults else "")
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def _answer(self, writer, method: str, path: str, body: bytes, *, fault: str) -> None:
        if fault in {"429", "500"}:
            said = b'{"detail": "not now"}'
            writer.write(
                f"HTTP/1.1 {fault} No\r\nRetry-After: 0\r\nConnection: close\r\n".encode()
                + b"Content-Length: %d\r\n\r\n" % len(said)
                + said
            )
            await writer.drain()
            return
        async with httpx.AsyncClient(timeout=120) as client:
            reply = await client.request(
                method, self.upstream + path, content=body, headers={"Content-Type": "application/json"}
            )
        said = reply.content[: len(reply.content) // 2] if fault == "malformed" else reply.content
        head = f"HTTP/1.1 {reply.status_code} OK\r\nConnection: close\r\nContent-Length: {len(said)}\r\n\r\n"
        writer.write(head.encode())
        if fault == "cut":
            writer.write(said[:20])
        elif fault == "slow":
            for place in range(0, len(said), 8):
                writer.write(said[place : place + 8])
                await writer.drain()
                await asyncio.sleep(0.01)
        else:
            writer.write(said)
        await writer.drain()


@pytest.fixture(scope="module")
def way(real_url: str) -> Iterator[FaultyWay]:
    way = FaultyWay(real_url)
    yield way
    way.close()


@pytest.fixture(scope="module")
def connect() -> Iterator[Callable[..., HttpModel]]:
    patch = pytest.MonkeyPatch()
    patch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("PLURALIGN_API_KEY", "OPENAI_API_KEY"):
        patch.delenv(name, raising=False)
    opened: list[HttpModel] = []

    def model_of(url: str, **settings) -> HttpModel:
        given = {"model": str(embedded_folder()), "marks": "neutralise", "wait_seconds": 0.05} | settings
        opened.append(HttpModel(Endpoint(f"{url}/v1", **given)))
        return opened[-1]

    yield model_of
    for model in opened:
        model.close()
    patch.undo()


@pytest.fixture(scope="module")
def served(real_url: str, connect) -> HttpModel:
    return connect(real_url)


@pytest.fixture(scope="module")
def by_way(way: FaultyWay, connect) -> HttpModel:
    return connect(way.url, retries=6)


def test_what_it_can_do_is_found_out(served):
    assert served.can == {Capability.SAMPLE, Capability.CHAT, Capability.SYSTEM_PROMPT}
    found = served.fingerprint()
    assert found | {"marks": "", "model": ""} == {
        "model": "",
        "served": f"{embedded_folder()}@main",
        "server": "transformers serve",
        "dialect": "transformers",
        "chat": "yes",
        "system_prompt": "yes",
        "continues": "no",
        "draws": "yes",
        # With several requests under way each seeds the one generator anew.
        "seeds": "ignored",
        "scores": "none",
        "marks": "",
    }
    assert '"<|im_end|>": "token"' in found["marks"]
    assert '"<end_of_turn>": "text"' in found["marks"]


def test_what_it_cannot_do_is_refused(served):
    with pytest.raises(UnsupportedError, match="cannot score options exactly"):
        served.score_options([ask("Yes or no?")], [["Yes", "No"]])
    with pytest.raises(UnsupportedError, match="names no likeliest tokens"):
        served.option_bounds([ask("Yes or no?")], [["Yes", "No"]])
    with pytest.raises(UnsupportedError, match="does not go on from the first words"):
        served.sample([Chat((Message("user", "Hi"),), continue_from="I")], n=1, seed=0, params=COLD)


def test_its_reading_of_marks_is_refused_unless_told_otherwise(way, connect):
    with pytest.raises(
        ModelError, match=r"reads '<\|im_start\|>', '<\|im_end\|>'|'<\|im_end\|>', '<\|im_start\|>'"
    ):
        connect(way.url, marks="refuse")


def test_another_model_than_the_one_served_is_named(way, connect):
    with pytest.raises(ModelError, match=r"Server is pinned to .* requested 'another'"):
        connect(way.url, model="another")


def test_the_likeliest_answers_are_those_of_the_same_weights_in_memory(served, embedded_model):
    prompts = [
        *PROMPTS,
        ask("What is the sea?", system="You are a sailor."),
        Text("Question: What is 2 + 2?\nAnswer:", end="\n"),
        Text("The days of the week are Monday, Tuesday,", end="\n"),
    ]
    over_http = served.sample(prompts, n=1, seed=0, params=COLD)
    in_memory = embedded_model.sample(prompts, n=1, seed=0, params=COLD)

    shown = [[(draw.text, draw.finish, draw.n_tokens) for (draw,) in each] for each in (over_http, in_memory)]
    assert shown[0] == shown[1]
    assert {draw.finish for (draw,) in over_http} == {"stop", "length"}


def test_draws_come_from_the_whole_distribution(served, embedded_model):
    import torch

    prompt, n = ask("Write twenty random words."), 80
    ids = embedded_model.tokenizer(embedded_model.render(prompt), add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        probs = embedded_model.model(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1)
    likely = probs.topk(50)
    texts = {embedded_model.tokenizer.decode([index]) for index in likely.indices.tolist()}
    outside = 1 - float(likely.values.sum())
    drawn = [draw.text for draw in served.sample([prompt], n=n, seed=0, params=ONE)[0]]
    n_outside = sum(text not in texts for text in drawn)

    # Left to itself the server draws nothing beside the likeliest token, or the likeliest fifty.
    assert n * outside > 8
    assert abs(n_outside - n * outside) < 4.5 * math.sqrt(n * outside * (1 - outside))


def test_seeds_are_honoured_one_request_at_a_time(way, connect):
    alone = connect(way.url, concurrency=1)
    heat = SamplingParams(max_new_tokens=6)
    first = alone.sample(PROMPTS[:2], n=2, seed=3, params=heat)

    assert Capability.SEED in alone.can
    assert first == alone.sample(PROMPTS[:2], n=2, seed=3, params=heat)
    assert first != alone.sample(PROMPTS[:2], n=2, seed=4, params=heat)


def test_faults_that_pass_change_nothing(way, by_way, served):
    expected = served.sample(PROMPTS, n=1, seed=0, params=COLD)
    n_before = way.n_requests
    way.faults = ["429", "500", "cut", "slow", "malformed", "429", "cut", "slow"]

    assert by_way.sample(PROMPTS, n=1, seed=0, params=COLD) == expected
    assert way.faults == []
    # All but the slow answers are asked for again.
    assert way.n_requests - n_before == len(PROMPTS) + 6


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("429", "status 429: not now, 7 times"),
        ("500", "status 500: not now, 7 times"),
        ("cut", r"the connection broke \(RemoteProtocolError\), 7 times"),
        ("malformed", r"its answer is no JSON: .*, 7 times"),
    ],
)
def test_faults_that_stay_are_named(way, by_way, fault, reason):
    way.faults = [fault] * 7
    with pytest.raises(ModelError, match=reason):
        by_way.sample([ask(f"Name a colour. {fault}")], n=1, seed=0, params=ONE)
    assert way.faults == []


def test_a_profile_steers_it_as_it_steers_the_same_weights_in_memory(served, embedded_model):
    texts = [
        Steerer(model, Guard.default(), nonce="fixed")
        .generate(
            "A friend lied to you. What do you do?",
            profile="ethics-of-care",
            temperature=0,
            max_new_tokens=12,
        )[0]
        .text
        for model in (served, embedded_model)
    ]

    assert texts[0] == texts[1] != ""
