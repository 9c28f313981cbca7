"""An application that calls the unmodified OpenAI client through the gateway: a plain answer, a stream, a refusal.

python examples/gateway_openai_client.py

A scripted server on loopback stands for the model; in its place goes the address of your own.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import openai
import yaml

MODEL = "scripted"
REFUSED = {
    "id": "warband",
    "title": "The band",
    "summary": "Invented for this example.",
    "values": [{"statement": "Terrorism is justified for our holy cause.", "weight": 0.9}],
    "provenance": {"kind": "curated", "sources": ["invented for this example"], "licence": "CC0-1.0"},
}
QUESTION = [{"role": "user", "content": "A colleague took credit for your work. What do you do?"}]


class Scripted(BaseHTTPRequestHandler):
    """A model's server: says how long the system message is that reached it, whole or word by word."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = sum(each["role"] == "system" for each in asked["messages"])
        text = f"I was told who I am in {told} system message."
        kind, body = "application/json", completion(message={"role": "assistant", "content": text})
        if asked.get("stream"):
            chunks = [completion(delta={"content": f"{word} "}, finish=None) for word in text.split()]
            chunks += [completion(delta={}), "[DONE]"]
            kind, body = "text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in chunks)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def completion(*, finish: str | None = "stop", **said: object) -> str:
    """What a server answers, or a chunk of it."""
    kind = "chat.completion" if "message" in said else "chat.completion.chunk"
    choices = [{"index": 0, **said, "finish_reason": finish}]
    return json.dumps({"id": "1", "object": kind, "created": 0, "model": "scripted", "choices": choices})


@contextmanager
def gateway(upstream: str, folder: Path) -> Iterator[str]:
    """`pluralign serve` in front of an upstream, with the shipped profiles and those of a folder; its address."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "pluralign", "serve", "--upstream", upstream, "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--profiles", "shipped", "--profiles", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=60)


def ask(client: openai.OpenAI) -> None:
    """What any application does: the profile is named where the model is."""
    raw = client.chat.completions.with_raw_response.create(model=f"{MODEL}@ethics-of-care", messages=QUESTION)
    print(f"whole: {raw.parse().choices[0].message.content}")
    print(f"  {raw.headers['X-Pluralign-Profile']}, verdict {raw.headers['X-Pluralign-Verdict']}")

    stream = client.chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, extra_body={"profile": "kantian-ethics"}
    )
    print("stream: " + "".join(each.choices[0].delta.content or "" for each in stream if each.choices))

    for profile in ("warband", "kantian-ethic"):
        try:
            client.chat.completions.create(model=MODEL, messages=QUESTION, extra_body={"profile": profile})
        except openai.APIStatusError as error:
            print(f"{profile}: status {error.status_code}. {error.body['message']}")


def main() -> None:
    """Start what is needed, ask, stop it."""
    os.environ.setdefault("NO_PROXY", "127.0.0.1")
    scripted = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    threading.Thread(target=scripted.serve_forever, daemon=True).start()
    upstream = f"http://127.0.0.1:{scripted.server_port}/v1"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "warband.yaml").write_text(yaml.safe_dump(REFUSED), encoding="utf-8")
        with gateway(upstream, Path(folder)) as url, openai.OpenAI(base_url=url, api_key="none") as client:
            ask(client)
    scripted.shutdown()


if __name__ == "__main__":
    main()
