"""Who may use the gateway: keys by their sha256, each with the profiles and the rate that it is given."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError, model_validator

from pluralign.errors import ConfigurationError
from pluralign.plain_yaml import read_plain_yaml, shortened
from pluralign.records.base import Record, Text, duplicates
from pluralign.records.jsonl import canonical_json
from pluralign.serve.refusals import GatewayError

_NEEDED = "'keys:', a list of keys with 'name:' and 'sha256:' (printf %s \"$KEY\" | sha256sum)"


class Holder(Record):
    """Whoever holds a key. The key itself is nowhere: only its sha256 is kept.

    Attributes:
        name: In the audit log and in the metrics.
        sha256: Of the key, in hex.
        profiles: Ids of the profiles that may be named; None: all.
        per_minute: Requests a minute; None: as many as `Settings.per_minute`.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(repr=False)
    profiles: tuple[Text, ...] | None = None
    per_minute: Annotated[int, Field(ge=1)] | None = None

    def may_name(self, profile: str) -> bool:
        """Whether the holder may name a profile."""
        return self.profiles is None or profile in self.profiles


class _KeysFile(Record):
    keys: tuple[Holder, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "_KeysFile":
        for field in ("name", "sha256"):
            if twice := duplicates(tuple(getattr(key, field) for key in self.keys)):
                shown = f"{', '.join(twice)} stands" if field == "name" else "one stands"
                raise ValueError(f"keys: {field}: {shown} there more than once")
        return self


@dataclass(frozen=True)
class Keyring:
    """The keys that open the gateway.

    Attributes:
        holders: Their holders.
    """

    holders: Sequence[Holder]

    def holder(self, authorization: str | None) -> Holder:
        """The holder of the key in an Authorization header. Every key is compared, each in constant time.

        Raises:
            GatewayError: No key is given, or none that opens the gateway.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise _unauthorised("Give a key, in the header 'Authorization: Bearer KEY'.")
        digest = hashlib.sha256(key.strip().encode(errors="surrogatepass")).hexdigest()
        found = [holder for holder in self.holders if hmac.compare_digest(holder.sha256, digest)]
        if not found:
            raise _unauthorised("The key in the header 'Authorization' does not open this gateway.")
        return found[0]


def read_keys(file: Path) -> Keyring:
    """Read a file of keys.

    Raises:
        ConfigurationError: It cannot be read, or a field is missing, unknown or wrong; no hash is repeated.
    """
    fields = read_plain_yaml(file, needed=_NEEDED)
    try:
        return Keyring(_KeysFile.model_validate_json(canonical_json(fields)).keys)
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
        # A key given in place of its hash must not be repeated, nor a hash.
        if any(item["loc"][-1:] == ("sha256",) for item in items):
            raise ConfigurationError(
                f"{file}: sha256: each key needs the 64 lower-case hex digits of its sha256, never the key itself: "
                'printf %s "$KEY" | sha256sum'
            ) from None
        faults = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}".lstrip(": ") for item in items]
        raise ConfigurationError(f"{file}: {shortened('; '.join(faults))}") from None


def _unauthorised(message: str) -> GatewayError:
    return GatewayError(401, "invalid_api_key", message, headers={"WWW-Authenticate": "Bearer"})
