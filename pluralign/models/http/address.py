"""Where a server is, how it is asked, and which key opens it."""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl

import httpx

from pluralign.errors import ConfigurationError, did_you_mean

_log = logging.getLogger(__name__)

_KEY_VARIABLE = "PLURALIGN_API_KEY"
_OPENAI_VARIABLE, _OPENAI_HOST = "OPENAI_API_KEY", "api.openai.com"
# Upper case only, so that a key given in place of its variable's name is not repeated in a message.
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_SETTING = re.compile(r"[a-z_]{1,24}")

MarksPolicy = Literal["refuse", "neutralise"]
SeedsPolicy = Literal["probe", "honoured", "ignored"]


@dataclass(frozen=True)
class Endpoint:
    """A model at a server. Each field but the first two can be given in the model's name, behind a "?".

    Attributes:
        url: Address up to and without /chat/completions, for example "http://localhost:8000/v1".
        model: Name of the model there; "" where the server has one only.
        key_variable: Environment variable that holds the key; None for the usual ones.
        marks: What to do with a server that reads control tokens within messages: "refuse" it, or "neutralise": go on,
            as every mark of a known form is broken before a message is sent, whichever of the two is set.
        seeds: Whether the server's draws follow the seed: found out ("probe"), or known.
        concurrency: Requests under way at once, at most.
        retries: Further attempts after a failure that may pass.
        wait_seconds: Before the first retry, at most; doubled before each further one.
        max_wait_seconds: Longest wait before a retry; a server that asks for more has failed.
        connect_seconds: Time to connect.
        read_seconds: Longest silence of the server within an answer. It is silent while it writes.
        total_seconds: For the whole of one attempt, however steadily bytes come in.
        max_bytes: Largest answer that is read.
    """

    url: str
    model: str = ""
    key_variable: str | None = None
    marks: MarksPolicy = "refuse"
    seeds: SeedsPolicy = "probe"
    concurrency: int = 32
    retries: int = 5
    wait_seconds: float = 0.5
    max_wait_seconds: float = 120.0
    connect_seconds: float = 10.0
    read_seconds: float = 300.0
    total_seconds: float = 600.0
    max_bytes: int = 64_000_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _checked_url(self.url))
        if self.key_variable is not None and not _VARIABLE.fullmatch(self.key_variable):
            raise ConfigurationError(
                "key_variable takes the name of an environment variable, in capital letters, digits and underscores, "
                "and what was given is none. A key itself is never given here."
            )
        for name, policy in (("marks", MarksPolicy), ("seeds", SeedsPolicy)):
            if (value := getattr(self, name)) not in get_args(policy):
                raise ConfigurationError(
                    f"{name}: {value!r} is unknown.{did_you_mean(value, get_args(policy))}"
                )
        for name, least in (("concurrency", 1), ("retries", 0), ("wait_seconds", 0), ("max_bytes", 1)):
            if getattr(self, name) < least:
                raise ConfigurationError(
                    f"{name}: {getattr(self, name)} is too small; it is at least {least}."
                )
        for name in ("max_wait_seconds", "connect_seconds", "read_seconds", "total_seconds"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name}: {getattr(self, name)} is not possible; it is above 0.")

    @property
    def root(self) -> str:
        """The server's address without the version, where vLLM and llama.cpp keep what is not OpenAI's."""
        return self.url.removesuffix("/v1")

    @classmethod
    def of_name(cls, name: str) -> "Endpoint":
        """Read a name such as "http://host:8000/v1?marks=neutralise#model"; "endpoint:" may stand before it.

        Raises:
            ConfigurationError: It is no such name; nothing that may be secret is repeated.
        """
        address, _, model = name.removeprefix("endpoint:").partition("#")
        url, _, query = address.partition("?")
        return cls(url=url, model=model, **_settings(query))

    def named(self, **settings: str) -> str:
        """The name of this model with some settings, for messages; those already in it are left out."""
        query = "&".join(f"{key}={value}" for key, value in settings.items())
        return f"{self.url}{query and '?'}{query}{self.model and '#'}{self.model}"


@dataclass(frozen=True, repr=False)
class Key(httpx.Auth):
    """A key that is shown nowhere.

    Attributes:
        variable: The environment variable it came from; "" where there is no key.
    """

    variable: str
    _value: str

    def __repr__(self) -> str:
        return f"<key of {self.variable}>" if self.variable else "<no key>"

    def auth_flow(self, request: httpx.Request) -> Any:
        """Put the key into a request's header."""
        if self._value:
            request.headers["Authorization"] = f"Bearer {self._value}"
        yield request

    def redacted(self, text: str) -> str:
        """The text without the key: servers repeat it in their messages."""
        return text.replace(self._value, "***") if self._value else text


def find_key(endpoint: Endpoint, *, environment: Mapping[str, str] = os.environ) -> Key:
    """The key for an endpoint.

    It is that of the endpoint's `key_variable`, else that of PLURALIGN_API_KEY. OPENAI_API_KEY goes to OpenAI's own
    host unasked, and to any other host only where it is named as the `key_variable`.

    Raises:
        ConfigurationError: The variable named is not set, or holds what cannot be a key.
    """
    url = httpx.URL(endpoint.url)
    variable = endpoint.key_variable or _KEY_VARIABLE
    if endpoint.key_variable is None and not environment.get(variable):
        is_openai = url.scheme == "https" and url.host == _OPENAI_HOST
        variable = _OPENAI_VARIABLE if is_openai else ""
    value = environment.get(variable, "").strip()
    if not value:
        if endpoint.key_variable is not None:
            raise ConfigurationError(f"The environment variable {variable}, the endpoint's key, is not set.")
        return Key("", "")
    if not all("!" <= character <= "~" for character in value):
        raise ConfigurationError(f"The environment variable {variable} holds characters that no key has.")
    if url.scheme == "http" and not _is_local(url.host):
        _log.warning("The key of %s is sent to %s without encryption.", variable, url.host)
    return Key(variable, value)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_url(address: str) -> str:
    """The address without what is no part of it.

    Raises:
        ConfigurationError: It is no address, or holds a user, a query or a fragment.
    """
    example = "give one such as 'http://localhost:8000/v1#model'"
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = None
    if url is None or url.scheme not in {"http", "https"} or not url.host:
        shown = "" if "@" in address or "?" in address else f" {address!r}"
        raise ConfigurationError(f"The endpoint{shown} is no address: {example}.")
    if url.userinfo:
        raise ConfigurationError(
            f"The address of {url.host} holds a user name or password. Keys come from the environment: set "
            f"{_KEY_VARIABLE}, or name a variable with ?key_variable=NAME."
        )
    if url.query or url.fragment:
        raise ConfigurationError(
            f"The address of {url.host} holds a query or a fragment, and must not: {example}."
        )
    return str(url).rstrip("/")


def _settings(query: str) -> dict[str, Any]:
    """The settings in a name, as fields of an Endpoint."""
    known = {field.name: field.type for field in fields(Endpoint) if field.name not in {"url", "model"}}
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            shown = f" {name!r}.{did_you_mean(name, known)}" if _SETTING.fullmatch(name) else " of that name."
            raise ConfigurationError(
                f"An endpoint has no setting{shown} Keys are no setting: they come from the environment."
            )
        kind = known[name]
        if kind in {int, float}:
            try:
                found[name] = int(value) if kind is int else float(value)
            except ValueError:
                raise ConfigurationError(f"{name}: {value!r} is no number.") from None
        else:
            found[name] = value
    return found
