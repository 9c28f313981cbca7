"""A judge behind an OpenAI-compatible server: /chat/completions with time-outs, retries and size limits."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from pluralign.errors import ConfigurationError, ModelError
from pluralign.guard.judges.reading import Finding, Generation, no_verdict, read_chances, read_text
from pluralign.guard.judges.recipe import LogitReading, Recipe
from pluralign.guard.verdict import Role
from pluralign.models.protocol import Chat, Prompt

# Statuses after which asking again can help; what else fails will fail again.
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
# How many candidates of the first token a server is asked for: most serve 20 at most.
_TOP_LOG_PROBS = 20


@dataclass(frozen=True)
class Endpoint:
    """Where a judge is served.

    Attributes:
        base_url: Up to and without /chat/completions, for example "http://localhost:8000/v1".
        model: Name of the model there.
        key_variable: Environment variable that holds the key; None where none is needed. The key itself is kept
            nowhere.
        timeout_seconds: For the whole of one attempt, however slowly the server sends, and for each wait in it.
        retries: Further attempts after a time-out, a broken connection, or a status that says "later".
        wait_seconds: Before the first retry; doubled before each further one.
        max_bytes: Largest answer that is read.
        extra: Further fields of the request, for example {"reasoning_effort": "low"}.
    """

    base_url: str
    model: str
    key_variable: str | None = None
    timeout_seconds: float = 60.0
    retries: int = 2
    wait_seconds: float = 0.5
    max_bytes: int = 1_000_000
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ConfigurationError(
                f"The endpoint {self.base_url!r} is no address: give one such as 'http://localhost:8000/v1'."
            )
        if self.timeout_seconds <= 0 or self.retries < 0 or self.wait_seconds < 0 or self.max_bytes < 1:
            raise ConfigurationError(
                "timeout_seconds and max_bytes of an endpoint must be above 0, retries and wait_seconds at least 0."
            )
        if clash := sorted({"model", "messages", "stream", "n"} & set(self.extra)):
            raise ConfigurationError(f"extra of an endpoint cannot set {clash}: the judge sets them.")

    @property
    def id(self) -> str:
        """Model and address; without what a URL may hold of a user's name and password."""
        bare = str(httpx.URL(self.base_url).copy_with(username=None, password=None)).rstrip("/")
        settings = json.dumps(dict(self.extra), sort_keys=True) if self.extra else ""
        return f"{self.model} at {bare}{settings and ' ' + settings}"


@dataclass(frozen=True)
class EndpointReader:
    """Asks a server and parses its answers.

    Attributes:
        endpoint: The server.
        recipe: How answers are read: by its `text`, or by its `logit` from the first token's log-probabilities.
        categories: Ids of the policy's categories that count.
        logit: The reading of probabilities; None to parse text.
    """

    endpoint: Endpoint
    recipe: Recipe
    categories: frozenset[str]
    logit: LogitReading | None = None

    @property
    def id(self) -> str:
        """Model and address."""
        return self.endpoint.id

    def find(self, prompts: Sequence[Prompt], *, role: Role) -> list[Finding]:
        """Ask for each prompt; whatever goes wrong with one is an unsure finding for it."""
        headers = self._headers()
        timeout = httpx.Timeout(self.endpoint.timeout_seconds)
        with httpx.Client(timeout=timeout, headers=headers, follow_redirects=False) as client:
            return [self._one(client, prompt, role=role) for prompt in prompts]

    def _headers(self) -> dict[str, str]:
        # Compressed answers could grow beyond the limit before it is looked at.
        headers = {"Accept-Encoding": "identity"}
        variable = self.endpoint.key_variable
        if variable is not None:
            if not (key := os.environ.get(variable)):
                raise ConfigurationError(
                    f"The environment variable {variable}, the endpoint's key, is not set."
                )
            headers["Authorization"] = f"Bearer {key}"
        return headers

    def _one(self, client: httpx.Client, prompt: Prompt, *, role: Role) -> Finding:
        if not isinstance(prompt, Chat):
            raise ConfigurationError("A server is sent messages, not raw text.")
        try:
            choice = _first_choice(self._answer(client, self._request(prompt)))
            if self.logit is not None:
                return read_chances(_first_token(choice), self.logit)
            assert self.recipe.text is not None
            return read_text(
                _generation(choice),
                self.recipe.text,
                role=role,
                codes=self.recipe.codes,
                categories=self.categories,
            )
        except ModelError as error:
            return no_verdict(str(error))

    def _request(self, chat: Chat) -> dict[str, Any]:
        request: dict[str, Any] = {
            "temperature": 0,
            **self.endpoint.extra,
            "model": self.endpoint.model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in chat.messages],
            "stream": False,
        }
        if self.logit is not None:
            request |= {"max_tokens": 1, "logprobs": True, "top_logprobs": _TOP_LOG_PROBS}
        elif self.recipe.text is not None:
            request.setdefault("max_tokens", self.recipe.text.max_tokens)
        return request

    def _answer(self, client: httpx.Client, request: Mapping[str, Any]) -> bytes:
        """The body of the answer, after retries.

        Raises:
            ModelError: No answer of status 200 within the limits; says what came instead.
        """
        url = f"{self.endpoint.base_url.rstrip('/')}/chat/completions"
        wait = self.endpoint.wait_seconds
        failure = ""
        for attempt in range(self.endpoint.retries + 1):
            if attempt:
                time.sleep(wait)
                wait *= 2
            try:
                return self._attempt(client, url, request)
            except _PassingError as error:
                failure = str(error)
        raise ModelError(f"{failure}, {self.endpoint.retries + 1} times")

    def _attempt(self, client: httpx.Client, url: str, request: Mapping[str, Any]) -> bytes:
        deadline = time.monotonic() + self.endpoint.timeout_seconds
        with _naming_failures(self.endpoint), client.stream("POST", url, json=request) as response:
            if response.status_code in _PASSING:
                raise _PassingError(f"the endpoint answered with status {response.status_code}")
            if response.status_code != httpx.codes.OK:
                raise ModelError(f"the endpoint answered with status {response.status_code}")
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > self.endpoint.max_bytes:
                    raise ModelError(f"the endpoint's answer is longer than {self.endpoint.max_bytes} bytes")
                if time.monotonic() > deadline:
                    raise _PassingError(_late(self.endpoint))
        return bytes(body)


class _PassingError(Exception):
    """A failure after which asking again can help."""


@contextmanager
def _naming_failures(endpoint: Endpoint) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise _PassingError(_late(endpoint)) from error
    except httpx.TransportError as error:
        raise _PassingError(f"the endpoint cannot be reached ({type(error).__name__})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelError(f"the endpoint cannot be asked ({type(error).__name__})") from error


def _late(endpoint: Endpoint) -> str:
    return f"the endpoint did not answer within {endpoint.timeout_seconds:g} seconds"


def _first_choice(body: bytes) -> Mapping[str, Any]:
    """The first choice of an answer.

    Raises:
        ModelError: It is no such answer.
    """
    try:
        choice = json.loads(body)["choices"][0]
        if isinstance(choice, dict):
            return choice
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise ModelError(f"the endpoint's answer is no chat completion: {body[:80]!r}")


def _generation(choice: Mapping[str, Any]) -> Generation:
    message = choice.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str):
        raise ModelError("the endpoint's answer has no content")
    # A server that names no reason may have cut the answer as well.
    return Generation(content, cut=choice.get("finish_reason") != "stop")


def _first_token(choice: Mapping[str, Any]) -> dict[str, float]:
    """Candidates of the first token -> nats, as far as the server names them."""
    try:
        candidates = choice["logprobs"]["content"][0]["top_logprobs"]
        found = {str(each["token"]): float(each["logprob"]) for each in candidates}
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError("the endpoint gives no log-probabilities of the first token") from error
    if any(not value <= 0 for value in found.values()):
        raise ModelError("the endpoint gives log-probabilities that are none")
    return found
