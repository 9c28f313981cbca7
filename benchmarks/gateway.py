"""What the gateway costs under load: requests a second, latency added, errors and memory, on two cores.

An upstream that answers every request after a constant wait, the gateway, and a generator of load are processes of
their own. Requests come at a fixed rate whether or not earlier ones are answered (open loop, as users do), and each
one's latency counts from the moment it was due, so that a queue anywhere shows. The same requests go to the upstream
directly, at the same rate in the same run; "added" is a percentile through the gateway minus that percentile without
it. Every answer must hold the number of its question. Before that a closed loop asks as fast as the gateway answers.

python benchmarks/gateway.py
python benchmarks/gateway.py --guard screen --rate 5 --requests 500
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

import httptools
import numpy as np
import uvloop

TOPICS = ("a white lie", "a broken promise", "eating meat", "lending money", "a noisy neighbour", "old debts")
PROFILES = ("ethics-of-care", "kantian-ethics", "utilitarianism")
ANSWER = "That depends on who is hurt by it, and on what was promised before. " * 6
MIB = 2**20
START_SECONDS = 60


class Upstream(asyncio.Protocol):
    """Answers each request of a connection after a wait."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.parser = httptools.HttpRequestParser(self)
        self.body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self.parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """A part of a request's body."""
        self.body += data

    def on_message_complete(self) -> None:
        """Answer later, with the number of the question."""
        number = self.body.rpartition(b"(no. ")[2].partition(b")")[0].decode() or "none"
        self.body.clear()
        asyncio.get_running_loop().call_later(self.seconds, self.answer, number)

    def answer(self, number: str) -> None:
        """A completion as servers write it."""
        content = f"(no. {number}) {ANSWER}"
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300}
        reply = {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 0, "model": "scripted"}
        body = json.dumps(reply | {"choices": [choice], "usage": usage}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)


async def serve_upstream(port: int, *, seconds: float) -> None:
    """Answer until the process is stopped."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Upstream(seconds), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


class Connection(asyncio.Protocol):
    """A connection kept open, with one request under way at most."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[tuple[int, bytes]] | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        self.transport, self.is_open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        """A request under way is lost."""
        self.is_open = False
        if self.answered and not self.answered.done():
            self.answered.set_exception(ConnectionResetError("closed"))

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self.parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """A part of an answer's body."""
        self.body += data

    def on_message_complete(self) -> None:
        """The whole answer is there."""
        if self.answered and not self.answered.done():
            self.answered.set_result((self.parser.get_status_code(), bytes(self.body)))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self.parser, self.body = httptools.HttpResponseParser(self), bytearray()
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


def request_of(number: int, *, port: int, steered: bool) -> bytes:
    """A question that no other request has, to the gateway with a profile."""
    asked = f"What do you think of {TOPICS[number % len(TOPICS)]}? Say why, in two sentences. (no. {number})"
    body: dict[str, object] = {"model": "scripted", "messages": [{"role": "user", "content": asked}]}
    body |= {"temperature": 1, "max_tokens": 100}
    body |= {"profile": PROFILES[number % len(PROFILES)]} if steered else {}
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    )
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


@dataclass
class Load:
    """Requests to one port, and what became of them.

    Attributes:
        port: Of the upstream or the gateway.
        steered: Whether requests name a profile.
        seconds: Latency of each that was answered rightly, from when it was due.
        errors: What went wrong -> how often.
        memory: Number of requests sent -> resident bytes of the gateway's processes.
    """

    port: int
    steered: bool
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    memory: dict[int, int] = field(default_factory=dict)
    idle: deque[Connection] = field(default_factory=deque)

    async def one(self, number: int, *, due: float) -> None:
        """Ask, on a connection that is free or a new one, and check the answer."""
        loop = asyncio.get_running_loop()
        connection = None
        while self.idle and (connection is None or not connection.is_open):
            connection = self.idle.pop()
        try:
            if connection is None or not connection.is_open:
                _, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
            status, body = await connection.ask(request_of(number, port=self.port, steered=self.steered))
        except OSError as error:
            self.errors[type(error).__name__] += 1
            return
        taken = loop.time() - due
        self.idle.append(connection)
        if status != 200:
            self.errors[f"status {status}"] += 1
        elif f"(no. {number})".encode() not in body:
            self.errors["another one's answer"] += 1
        else:
            self.seconds.append(taken)

    async def open_loop(self, numbers: range, *, rate: float, gateway: int | None) -> float:
        """Requests at exponentially distributed gaps; the seconds until all were answered."""
        loop, gaps = asyncio.get_running_loop(), random.Random(0)
        looks = {numbers[0], numbers[len(numbers) // 2]}
        start = due = loop.time()
        under_way: set[asyncio.Task[None]] = set()
        for number in numbers:
            due += gaps.expovariate(rate)
            if (early := due - loop.time()) > 0:
                await asyncio.sleep(early)
            if number in looks and gateway is not None:
                self.memory[number - numbers[0]] = resident_bytes(gateway)
            task = loop.create_task(self.one(number, due=due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        if gateway is not None:
            self.memory[len(numbers)] = resident_bytes(gateway)
        return loop.time() - start

    async def closed_loop(self, first: int, *, n_clients: int, seconds: float) -> float:
        """Each client asks when it was answered; how many were answered a second."""
        loop, numbers = asyncio.get_running_loop(), itertools.count(first)
        start = loop.time()

        async def client() -> None:
            while loop.time() < start + seconds:
                await self.one(next(numbers), due=loop.time())

        await asyncio.gather(*(client() for _ in range(n_clients)))
        return len(self.seconds) / (loop.time() - start)

    def close(self) -> None:
        """Close the connections."""
        for connection in self.idle:
            connection.transport.close()


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    own = Path(f"/proc/{pid}/task/{pid}/children")
    children = own.read_text(encoding="ascii").split() if own.exists() else []
    return [pid, *itertools.chain.from_iterable(family(int(child)) for child in children)]


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its children."""
    pages = (int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1]) for each in family(pid))
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its children have used."""
    times = (
        Path(f"/proc/{each}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        for each in family(pid)
    )
    return sum(int(found[11]) + int(found[12]) for found in times) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def await_start(process: subprocess.Popen[bytes], port: int, *, path: str) -> None:
    """Wait until a server answers; whatever it answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The server on port {port} did not start (exit status {process.poll()}).")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, by force where it does not end itself."""
    process.terminate()
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """The 50th and the 99th, in milliseconds."""
    low, high = np.percentile(seconds, [50, 99]) * 1000
    return float(low), float(high)


async def measure_direct(port: int, arguments: argparse.Namespace) -> tuple[float, float]:
    """Percentiles without the gateway, at the same rate."""
    load = Load(port, steered=False)
    await load.open_loop(range(min(arguments.requests, 10_000)), rate=arguments.rate, gateway=None)
    load.close()
    low, high = percentiles(load.seconds)
    print(f"upstream alone\n  p50 {low:.2f} ms, p99 {high:.2f} ms, errors {load.errors.total()}")
    return low, high


async def measure_gateway(
    port: int, arguments: argparse.Namespace, *, label: str, pid: int, direct: tuple[float, float]
) -> None:
    """The most that the gateway answers, and the latency that it adds at the rate, where it answers so many."""
    warm, most = Load(port, steered=True), Load(port, steered=True)
    await warm.closed_loop(10**8, n_clients=8, seconds=3)
    rate = await most.closed_loop(10**9, n_clients=arguments.clients, seconds=arguments.seconds)
    median, _ = percentiles(most.seconds)
    lines = [f"closed loop of {arguments.clients} clients: {rate:.0f} answered/s, median {median:.0f} ms"]
    load, before = Load(port, steered=True), cpu_seconds(pid)
    if rate < arguments.rate:
        lines.append(f"it does not answer {arguments.rate:.0f}/s, so no latency is told")
    else:
        taken = await load.open_loop(range(arguments.requests), rate=arguments.rate, gateway=pid)
        used = (cpu_seconds(pid) - before) / arguments.requests
        low, high = percentiles(load.seconds)
        memory = " -> ".join(f"{n_bytes / MIB:.0f}" for _, n_bytes in sorted(load.memory.items()))
        lines += [
            f"p50 {low:.2f} ms, p99 {high:.2f} ms, {len(load.seconds) / taken:.0f} answered/s",
            f"added: p50 {low - direct[0]:.2f} ms, p99 {high - direct[1]:.2f} ms",
            f"{1000 * used:.2f} ms of processor time a request; memory at start, middle, end: {memory} MiB",
        ]
    errors = warm.errors + most.errors + load.errors
    n_answered = sum(len(each.seconds) for each in (warm, most, load))
    lines.append(f"errors {errors.total()} of {n_answered + errors.total()} {dict(errors) or ''}")
    for each in (warm, most, load):
        each.close()
    print(f"{label}\n  " + "\n  ".join(lines))


def run(arguments: argparse.Namespace) -> None:
    """Start what is needed for each of the guard's layers, measure, stop it."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    upstream_port = free_port()
    own = [
        sys.executable,
        __file__,
        "--as-upstream",
        str(upstream_port),
        "--upstream-ms",
        str(arguments.upstream_ms),
    ]
    upstream = subprocess.Popen(own)
    print(
        f"{arguments.requests} requests at {arguments.rate:.0f}/s to an upstream of {arguments.upstream_ms:g} ms, "
        f"{len(cores)} cores for upstream, gateway ({arguments.workers} worker) and load, "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    try:
        await_start(upstream, upstream_port, path="/")
        direct = uvloop.run(measure_direct(upstream_port, arguments))
        for layers in arguments.guard:
            port = free_port()
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "pluralign", "serve", "--guard", layers, "--port", str(port)]
                command += ["--upstream", f"http://127.0.0.1:{upstream_port}/v1", "--host", "127.0.0.1"]
                command += ["--workers", str(arguments.workers), "--audit", str(Path(folder) / "audit.jsonl")]
                with (Path(folder) / "log.txt").open("wb") as log:
                    gateway = subprocess.Popen(command, stdout=log, stderr=log)
                    try:
                        await_start(gateway, port, path="/healthz")
                        measured = measure_gateway(
                            port, arguments, label=f"guard {layers}", pid=gateway.pid, direct=direct
                        )
                        uvloop.run(measured)
                    finally:
                        stop(gateway)
    finally:
        stop(upstream)


def main() -> None:
    """Measure, or be the upstream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="through the gateway, for each guard")
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--clients", type=int, default=64, help="of the closed loop")
    parser.add_argument("--seconds", type=float, default=15.0, help="of the closed loop")
    parser.add_argument("--upstream-ms", type=float, default=20.0, help="the upstream's wait")
    parser.add_argument("--guard", nargs="*", default=["rules", "screen"], help="layers to measure")
    parser.add_argument("--workers", type=int, default=1, help="of the gateway")
    parser.add_argument("--as-upstream", type=int, default=None, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # A benchmark that is told to stop takes its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if arguments.as_upstream is not None:
        uvloop.run(serve_upstream(arguments.as_upstream, seconds=arguments.upstream_ms / 1000))
    else:
        run(arguments)


if __name__ == "__main__":
    main()
