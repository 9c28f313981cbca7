"""A real server on loopback that speaks the OpenAI dialect over a toy model, with faults in front of it."""

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from pluralign.models.http import Endpoint, HttpModel

VLLM = frozenset({
    "chat", "text", "tokenize", "prompt_logprobs", "echo", "logprobs", "seed", "system", "flags", "marks", "version"
})  # fmt: skip
HOSTED = frozenset({"chat", "logprobs", "system"})
Fault = Callable[[BaseHTTPRequestHandler], None]


class ToyBrain:
    """A language model by hash: next-token probabilities depend on the last three tokens; bytes, some words, marks."""

    words = (
        b"Yes",
        b" Yes",
        b"No",
        b" No",
        b"Yes,",
        b"one",
        b" one",
        b" strongly",
        b"user",
        b"assistant",
        b"\n",
    )
    specials = ("<|im_start|>", "<|im_end|>")

    def __init__(self) -> None:
        self.tokens = [bytes([i]) for i in range(256)] + list(self.words)
        self.end = len(self.tokens) + 1
        self.n_tokens = len(self.tokens) + len(self.specials)
        self._longest_first = sorted(self.words, key=len, reverse=True)

    def bytes_of(self, index: int) -> bytes:
        n_plain = len(self.tokens)
        return self.tokens[index] if index < n_plain else self.specials[index - n_plain].encode()

    def encode(self, text: str, *, honours: bool = True) -> list[int]:
        data, ids, place = text.encode(errors="surrogatepass"), [], 0
        while place < len(data):
            special = [
                i for i, s in enumerate(self.specials) if honours and data.startswith(s.encode(), place)
            ]
            word = next((w for w in self._longest_first if data.startswith(w, place)), None)
            if special:
                ids.append(len(self.tokens) + special[0])
            else:
                ids.append(256 + self.words.index(word) if word else data[place])
            place += len(self.bytes_of(ids[-1]))
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(map(self.bytes_of, ids)).decode(errors="replace")

    def chat(self, messages: Sequence[dict], *, opened: bool = True, left_open: bool = False) -> str:
        turns = [f"<|im_start|>{each['role']}\n{each['content']}<|im_end|>\n" for each in messages]
        text = "".join(turns)
        if left_open:
            return text.removesuffix("<|im_end|>\n")
        return text + ("<|im_start|>assistant\n" if opened else "")

    def log_probs(self, ids: Sequence[int]) -> np.ndarray:
        return _toy_log_probs(tuple(ids[-3:]), self.n_tokens)


@cache
def _toy_log_probs(last: tuple[int, ...], n_tokens: int) -> np.ndarray:
    digest = hashlib.sha256(repr(last).encode()).digest()
    logits = 1.5 * np.random.default_rng(int.from_bytes(digest[:8])).normal(size=n_tokens)
    logits[:32] = logits[128:256] = -20.0
    logits[256:] += 2.0
    logits[-2] = -20.0
    logits[-1] += 2.0
    return logits - np.logaddexp.reduce(logits)


class TinyBrain(ToyBrain):
    """A transformers model and its tokenizer, by which scores over HTTP are held against those in memory."""

    def __init__(self, model) -> None:
        self.model = model
        self.tokenizer = model.tokenizer
        self.end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def bytes_of(self, index: int) -> bytes:
        return self.tokenizer.decode([index]).encode()

    def encode(self, text: str, *, honours: bool = True) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=not honours)["input_ids"]

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def chat(self, messages, *, opened=True, left_open=False) -> str:
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=opened)
        return text.removesuffix("<|im_end|>\n") if left_open else text

    def log_probs(self, ids: Sequence[int]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self.model.model(input_ids=torch.tensor([list(ids)])).logits[0, -1].log_softmax(-1).numpy()


class Server(ThreadingHTTPServer):
    """The server; `faults` are used up one a POST before it answers properly."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, features: frozenset[str], brain: ToyBrain) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.features, self.brain = features, brain
        self.faults: list[Fault | None] = []
        self.requests: list[tuple[str, dict[str, str], dict]] = []
        self.models = [{"id": "toy", "object": "model", "root": "/models/toy-7b"}]
        self.n_connections = self.n_active = self.most_active = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address) -> None: ...


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.lock:
            self.server.n_connections += 1

    def log_message(self, *_: object) -> None: ...

    def send(self, body: object, *, status: int = 200, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self.send({"object": "list", "data": self.server.models})
        elif self.path == "/version" and "version" in self.server.features:
            self.send({"version": "0.11.0"})
        elif self.path == "/props" and "props" in self.server.features:
            self.send({"build_info": "b6000", "model_path": "/models/toy.gguf"})
        else:
            self.send({"error": {"message": "no such route"}}, status=404)

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers), request))
            self.server.n_active += 1
            self.server.most_active = max(self.server.most_active, self.server.n_active)
            fault = self.server.faults.pop(0) if self.server.faults else None
        try:
            with contextlib.suppress(OSError):  # the client hangs up where it should
                fault(self) if fault else self.answer(request)
        finally:
            with self.server.lock:
                self.server.n_active -= 1

    def answer(self, request: dict) -> None:
        route = {
            "/v1/chat/completions": ("chat", self.chat),
            "/v1/completions": ("text", self.complete),
            "/tokenize": ("tokenize", self.tokenize),
            "/detokenize": ("tokenize", self.detokenize),
        }.get(self.path)
        if route is None or route[0] not in self.server.features:
            self.send({"error": {"message": "no such route"}}, status=404)
        elif request["model"] not in {each["id"] for each in self.server.models}:
            self.send({"error": {"message": f"The model `{request['model']}` does not exist."}}, status=404)
        else:
            route[1](request)

    def ids_of_chat(self, request: dict) -> list[int]:
        text = self.server.brain.chat(
            request["messages"],
            opened=request.get("add_generation_prompt", True),
            left_open=bool(request.get("continue_final_message")) and "flags" in self.server.features,
        )
        return self.server.brain.encode(text, honours=True)

    def tokenize(self, request: dict) -> None:
        brain = self.server.brain
        ids = self.ids_of_chat(request) if "messages" in request else brain.encode(request["prompt"])
        self.send({"count": len(ids), "max_model_len": 512, "tokens": ids})

    def detokenize(self, request: dict) -> None:
        self.send({"prompt": self.server.brain.decode(request["tokens"])})

    def drawn(self, ids: list[int], request: dict) -> tuple[list[int], list[float]]:
        """Tokens by inverse sampling: greedy at temperature 0, else by the seed where seeds are honoured."""
        seed = request.get("seed") if "seed" in self.server.features else None
        generator = np.random.default_rng(seed)
        tokens: list[int] = []
        values: list[float] = []
        for _ in range(request.get("max_tokens") or request.get("max_completion_tokens") or 16):
            log_probs = self.server.brain.log_probs([*ids, *tokens])
            if request.get("temperature", 1) == 0 or "greedy" in self.server.features:
                token = int(log_probs.argmax())
            else:
                cumulative = np.exp(log_probs).cumsum()
                token = int(np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right"))
            tokens.append(token)
            values.append(float(log_probs[token]))
            if token == self.server.brain.end or any(
                stop in self.server.brain.decode(tokens) for stop in request.get("stop", ())
            ):
                break
        return tokens, values

    def said(self, tokens: list[int], request: dict) -> tuple[str, str]:
        brain = self.server.brain
        ended = tokens[-1:] == [brain.end]
        text = brain.decode(tokens[:-1] if ended else tokens)
        found = [text.find(stop) for stop in request.get("stop", ()) if stop in text]
        return (text[: min(found)] if found else text), "stop" if ended or found else "length"

    def tops(self, context: list[int], n: int) -> list[int]:
        return np.argsort(-self.server.brain.log_probs(context), kind="stable")[:n].tolist()

    def chat(self, request: dict) -> None:
        features, brain = self.server.features, self.server.brain
        if "system" not in features and any(each["role"] == "system" for each in request["messages"]):
            self.send({"error": {"message": "System role not supported"}}, status=400)
            return
        if "max_completion" in features and "max_tokens" in request:
            self.send({"error": {"message": "Use 'max_completion_tokens' instead."}}, status=400)
            return
        if "strict" in features and {"top_k", "min_p", "repetition_penalty"} & set(request):
            self.send({"error": {"message": "Unknown parameter: 'top_k'."}}, status=400)
            return
        text = brain.chat(request["messages"])
        ids = brain.encode(text, honours=True)
        if "flags" in features and request.get("continue_final_message"):
            ids = self.ids_of_chat(request)
        n_prompt = len(ids)
        if "marks" not in features:  # marks in contents are text, so they cost what their characters cost
            n_prompt += sum(
                len(brain.encode(each["content"], honours=False)) - len(brain.encode(each["content"]))
                for each in request["messages"]
            )
        tokens, values = self.drawn(ids, request)
        content, finish = self.said(tokens, request)
        if "thinks" in features:
            content, finish = "", "length"
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
        if request.get("logprobs") and "logprobs" in features:
            n_top = request.get("top_logprobs", 0)
            choice["logprobs"] = {
                "content": [
                    self.entry(token, value)
                    | {
                        "top_logprobs": [
                            self.entry(top, float(brain.log_probs([*ids, *tokens[:i]])[top]))
                            for top in self.tops([*ids, *tokens[:i]], n_top)
                        ]
                    }
                    for i, (token, value) in enumerate(zip(tokens, values, strict=True))
                ]
            }
        self.send({
            "model": request["model"] if "version" in features else f"{request['model']}-2026-01-31",
            "choices": [choice],
            "usage": {"prompt_tokens": n_prompt, "completion_tokens": len(tokens)},
        })

    def entry(self, token: int, value: float) -> dict:
        raw = self.server.brain.bytes_of(token)
        return {"token": raw.decode(errors="replace"), "logprob": value, "bytes": list(raw)}

    def complete(self, request: dict) -> None:
        features, brain = self.server.features, self.server.brain
        prompt = request["prompt"]
        ids = prompt if isinstance(prompt, list) else brain.encode(prompt)
        tokens, values = self.drawn(ids, request)
        text, finish = self.said(tokens, request)
        choice: dict = {"index": 0, "text": text, "finish_reason": finish}
        before = [None, *(float(brain.log_probs(ids[:i])[ids[i]]) for i in range(1, len(ids)))]
        if "prompt_logprobs" in features and "prompt_logprobs" in request:
            choice["prompt_logprobs"] = [None] + [
                {str(ids[i]): {"logprob": before[i], "rank": 1}} for i in range(1, len(ids))
            ]
        if "logprobs" in features and request.get("logprobs") is not None:
            shown = ids + tokens if request.get("echo") and "echo" in features else tokens
            values = before + values if len(shown) > len(tokens) else values
            start = len(ids) + len(tokens) - len(shown)
            tops = [
                {
                    brain.bytes_of(t).decode(errors="replace"): float(brain.log_probs(c)[t])
                    for t in self.tops(c, request["logprobs"])
                }
                for c in ((ids + tokens)[: start + i] or [0] for i in range(len(shown)))
            ]
            choice["logprobs"] = {
                "tokens": [brain.bytes_of(token).decode(errors="replace") for token in shown],
                "token_logprobs": values,
                "top_logprobs": tops,
            }
        self.send({
            "choices": [choice],
            "usage": {"prompt_tokens": len(ids), "completion_tokens": len(tokens)},
        })


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("PLURALIGN_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    running: list[Server] = []

    def start(features: frozenset[str] = VLLM, *, brain: ToyBrain | None = None) -> Server:
        server = Server(features, brain or ToyBrain())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def connect() -> Iterator[Callable[..., HttpModel]]:
    opened: list[HttpModel] = []

    def model_of(server: Server, **settings) -> HttpModel:
        given = {
            "model": "toy", "marks": "neutralise", "wait_seconds": 0.01, "retries": 3, "total_seconds": 20.0
        }  # fmt: skip
        opened.append(HttpModel(Endpoint(server.url, **(given | settings))))
        return opened[-1]

    yield model_of
    for model in opened:
        model.close()


@pytest.fixture
def features() -> dict[str, frozenset[str]]:
    """What two kinds of server can do."""
    return {"vllm": VLLM, "hosted": HOSTED}


@pytest.fixture
def tiny_brain(tiny_weights) -> TinyBrain:
    from pluralign.models import TransformersModel

    return TinyBrain(TransformersModel(tiny_weights))


def _sends(body: object, *, status: int = 200, **headers: str) -> Fault:
    return lambda handler: handler.send(body, status=status, **headers)


def _cut(handler: BaseHTTPRequestHandler) -> None:
    """Half a body, then the connection is closed."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _dripping(seconds: float) -> Fault:
    """One byte every so often: each comes in time, the whole never does."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        for _ in range(int(seconds / 0.05)):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    return drip


@pytest.fixture
def faults() -> dict[str, Callable[..., Fault]]:
    """Ways to go wrong, by name."""
    return {"sends": _sends, "cut": lambda: _cut, "drips": _dripping}
