"""The program as it is run: reloads, restarts and ends of it and of its upstream lose no request silently."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections import Counter
from types import SimpleNamespace

import httpx
import pytest


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def is_open(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def programs(processes, folder, stage, upstream, tmp_path, tools):
    """Starts `pluralign serve` in front of the scripted server."""

    def start(*options, env=None):
        port = free_port()
        arguments = ["--upstream", stage.url, "--profiles", folder, "--port", port]
        arguments += ["--audit", tmp_path / "audit.jsonl", *options]
        log = (tmp_path / "stderr.txt").open("w")
        process = processes("-m", "pluralign", "serve", *arguments, stderr=log, env=env or {})
        url = f"http://127.0.0.1:{port}"

        def listens():
            assert process.poll() is None, (tmp_path / "stderr.txt").read_text()
            try:
                return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        tools.wait_for(listens, seconds=120)
        return SimpleNamespace(
            url=url,
            process=process,
            rows=lambda: [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()],
            said=lambda: (tmp_path / "stderr.txt").read_text(),
        )

    return start


def ask(url, tools, **fields):
    body = {"model": "llama@stoicism", "messages": tools.HELLO, **fields}
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=60, trust_env=False)


@pytest.mark.slow
def test_it_says_what_it_serves_reloads_on_hangup_and_answers_before_it_ends(
    programs, folder, upstream, tools
):
    let_go = threading.Event()

    async def waits(call):
        while not let_go.is_set():
            await asyncio.sleep(0.01)
        await tools.usual(call)

    program = programs(env={"PLURALIGN_UPSTREAM_KEY": "sk-upstream-secret"})
    assert f"Gateway on {program.url}/v1, in front of {upstream.url}" in program.said()
    assert "profiles: 3 served; refused: cruel" in program.said()
    assert ask(program.url, tools).status_code == 200
    (folder / "cruel.yaml").unlink()
    os.kill(program.process.pid, signal.SIGHUP)
    tools.wait_for(lambda: len(httpx.get(f"{program.url}/v1/profiles", trust_env=False).json()["data"]) == 3)
    upstream.server.script = waits
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(program.url, tools)))
    asking.start()
    tools.wait_for(lambda: len(upstream.server.calls) == 2)
    program.process.send_signal(signal.SIGTERM)
    with pytest.raises(AssertionError):
        tools.wait_for(lambda: program.process.poll() is not None, seconds=0.5)
    let_go.set()
    asking.join()
    assert answers[0].status_code == 200
    program.process.wait(timeout=30)
    assert [row["outcome"] for row in program.rows()] == ["answered", "answered"]
    assert "sk-upstream-secret" not in program.said() + str(program.rows())


@pytest.mark.slow
def test_an_end_has_its_time(programs, upstream, tools, tmp_path):
    async def never(call):
        await asyncio.sleep(300)

    upstream.server.script = never
    config = tmp_path / "gateway.yaml"
    config.write_text("shutdown_seconds: 1\n")
    program = programs("--config", config)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask(program.url, tools)))
    asking.start()
    tools.wait_for(lambda: upstream.server.calls)
    program.process.send_signal(signal.SIGTERM)
    program.process.wait(timeout=20)
    asking.join()
    assert answers[0].status_code == 503
    assert (answers[0].json()["error"]["code"], answers[0].headers["retry-after"]) == ("gateway_stopped", "1")
    assert [row["outcome"] for row in program.rows()] == ["cut_off"]


@pytest.mark.slow
def test_workers_share_port_log_and_figures(programs, tools):
    program = programs("--workers", "2")
    with httpx.Client(base_url=program.url, trust_env=False) as client:
        for _ in range(40):
            assert ask(program.url, tools).status_code == 200
        assert len(program.rows()) == 40
        text = client.get("/metrics").text
    assert 'pluralign_requests_total{outcome="answered",route="chat",status="200"} 40.0' in text


@pytest.mark.slow
def test_an_upstream_killed_among_a_thousand_requests_loses_none_silently(gateways, processes, tools):
    port = free_port()

    def start_upstream():
        process = processes(tools.conftest, port)
        tools.wait_for(lambda: is_open(port))
        return process

    upstream = start_upstream()
    gateway = gateways(upstream=f"http://127.0.0.1:{port}/v1")
    n_ended = 0

    async def one(client, number):
        nonlocal n_ended
        body = {"model": "llama@stoicism", "messages": [{"role": "user", "content": f"Question {number}?"}]}
        body |= {"stream": number % 4 == 0}
        answer = await client.post("/v1/chat/completions", json=body)
        n_ended += 1
        if answer.headers["content-type"].startswith("text/event-stream"):
            return "answered" if answer.text.endswith("data: [DONE]\n\n") else "broken"
        return "answered" if answer.status_code == 200 else answer.json()["error"]["code"]

    async def all_of_them():
        numbers, back = iter(range(1000)), asyncio.Event()

        async def some(client):
            ends = []
            for number in numbers:
                if number >= 600:
                    await back.wait()
                ends.append(await one(client, number))
            return ends

        async with httpx.AsyncClient(base_url=gateway.url, timeout=60, trust_env=False) as client:
            asking = [asyncio.create_task(some(client)) for _ in range(40)]
            while n_ended < 300:
                await asyncio.sleep(0.001)
            upstream.kill()
            await asyncio.to_thread(start_upstream)
            back.set()
            return Counter(end for ends in await asyncio.gather(*asking) for end in ends)

    ends = asyncio.run(all_of_them())
    assert sum(ends.values()) == 1000
    assert set(ends) <= {"answered", "broken", "upstream_down", "upstream_broken"}
    assert ends["upstream_down"] > 0
    assert ends["answered"] >= 600
    rows = gateway.rows(n=1000)
    assert len({row["id"] for row in rows}) == len(rows) == 1000
    written = Counter("answered" if row["outcome"] == "answered" else "failed" for row in rows)
    assert written["answered"] == ends["answered"]
    text = gateway.client.get("/metrics").text
    counted = [line for line in text.splitlines() if line.startswith("pluralign_requests_total{")]
    assert sum(float(line.rpartition(" ")[2]) for line in counted) == 1000
