"""What a gateway is told: by options, a YAML file of the same names, or both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.guard.guard import OnDoubt
from pluralign.models.http import Endpoint
from pluralign.plain_yaml import read_plain_yaml, shortened
from pluralign.profiles import Style
from pluralign.records.base import Record, Text
from pluralign.records.jsonl import canonical_json, describe

# Stands for the profiles that come with pluralign, where folders of profiles are named.
SHIPPED = "shipped"
UPSTREAM_KEY = "PLURALIGN_UPSTREAM_KEY"

Layers = Literal["off", "rules", "screen"]
Seconds = Annotated[float, Field(gt=0, le=86400)]
Whole = Annotated[int, Field(ge=1)]


class Settings(Record):
    """A gateway's settings. The upstream's key is none of them: it comes from PLURALIGN_UPSTREAM_KEY alone.

    Attributes:
        upstream: Address of an OpenAI-compatible server, up to and without /chat/completions.
        profiles: Folders of profiles, with what lies in their folders; "shipped" for those of pluralign.
        host: Address to listen on.
        port: Port.
        workers: Processes. Each holds its share of the rates.
        keys: File of the keys that open the gateway; None: it is open to whoever reaches it.
        audit: JSONL file with a line a request; None: no log.
        audit_text: Keep prompts and answers in it too, not their hashes alone.
        ui: Serve the page.
        guard: What looks at prompts and answers: see `pluralign.serve.screening`. Profiles are always guarded.
        on_unsure: What becomes of a profile that the guard could not tell.
        refuse_unsure: Refuse prompts and answers that could not be told, too.
        policy: File of the guard's policy; None: the shipped one.
        overlays: Overlays to lay over it.
        allow_loosening: Let an overlay refuse less than the policy.
        style: How profiles are worded.
        way: Where the profile stands: in the system message, or before the first user message, for upstreams whose
            template takes no system message.
        per_minute: Requests a minute of each key, or of each client's address where there are no keys; None: no limit.
        most_bytes: Of a request.
        most_reply_bytes: Of an upstream's answer.
        most_concurrent: Requests at once in a worker.
        connect_seconds: To reach the upstream.
        read_seconds: Longest silence of the upstream.
        shutdown_seconds: For requests under way when the gateway is stopped.
        reload_seconds: Between looks at the folders; 0: only on SIGHUP.
        retry_after_seconds: What clients are told to wait where the upstream is down.
        nonce: Secret that the codes of the profiles' blocks follow from, the same in all workers; "": drawn anew.
    """

    upstream: Text
    profiles: tuple[Text, ...] = Field(default=(SHIPPED,), min_length=1)
    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    keys: Path | None = None
    audit: Path | None = None
    audit_text: bool = False
    ui: bool = False
    guard: Layers = "rules"
    on_unsure: OnDoubt = "refuse"
    refuse_unsure: bool = False
    policy: Path | None = None
    overlays: tuple[Text, ...] = ()
    allow_loosening: bool = False
    style: Style = Style.FIRST_PERSON
    way: Literal["system", "user"] = "system"
    per_minute: Whole | None = None
    most_bytes: Whole = 1_000_000
    most_reply_bytes: Whole = 16_000_000
    most_concurrent: Whole = 512
    connect_seconds: Seconds = 5.0
    read_seconds: Seconds = 300.0
    shutdown_seconds: Whole = 30
    reload_seconds: Annotated[float, Field(ge=0, le=86400)] = 2.0
    retry_after_seconds: Whole = 5
    nonce: str = Field(default="", repr=False)

    @field_validator("upstream")
    @classmethod
    def _address(cls, upstream: str) -> str:
        try:
            return Endpoint(upstream).url
        except ConfigurationError as error:
            raise ValueError(str(error)) from None


def read_settings(file: Path | None = None, **given: Any) -> Settings:
    """Settings from a YAML file, and over it those that are given.

    Args:
        file: YAML with the names of `Settings`; None for none.
        **given: Settings; None where one is not given.

    Raises:
        ConfigurationError: The file cannot be read, or a setting is missing, unknown or wrong.
    """
    named = f"{file}: " if file else ""
    kept = {} if file is None else read_plain_yaml(file, needed="settings such as 'upstream:'")
    if "nonce" in kept:
        raise ConfigurationError(f"{named}nonce: it is drawn at the start and stands in no file: remove it.")
    return _settings({**kept, **{name: each for name, each in given.items() if each is not None}}, named)


def _settings(fields: Mapping[str, Any], named: str) -> Settings:
    try:
        # As JSON, so that a list stands for a tuple and a text for a path.
        return Settings.model_validate_json(
            canonical_json({n: str(v) if isinstance(v, Path) else v for n, v in fields.items()})
        )
    except ValidationError as error:
        items = error.errors(include_url=False)
        unknown = [str(item["loc"][-1]) for item in items if item["type"] == "extra_forbidden"]
        hint = "".join(did_you_mean(name, Settings.model_fields) for name in unknown[:1])
        missing = any(item["type"] == "missing" and item["loc"] == ("upstream",) for item in items)
        hint += " Name the server with --upstream http://localhost:8000/v1." if missing else ""
        raise ConfigurationError(f"{named}{shortened(describe(error))}{hint}") from None
