"""What a client is told when a request is not answered: one shape, that of OpenAI's errors."""

import json
import math
from collections.abc import Mapping
from typing import Any

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    501: "not_supported_error",
    502: "upstream_error",
    503: "unavailable_error",
    504: "upstream_error",
}


class GatewayError(Exception):
    """A request that ends without an answer. Its message is for the client and holds no secret.

    Attributes:
        status: HTTP status.
        code: What went wrong, for programs.
        message: What went wrong, for people.
        param: The field or header that it lies in; None where it is none.
        headers: Beside the body.
        extra: Further fields of the error, such as the guard's category.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def content(self) -> dict[str, Any]:
        """The body."""
        kind = _TYPES.get(self.status, "invalid_request_error")
        return {
            "error": {
                "message": self.message,
                "type": kind,
                "code": self.code,
                "param": self.param,
                **self.extra,
            }
        }

    @property
    def body(self) -> bytes:
        """The body as it is sent."""
        return json.dumps(self.content).encode()


def invalid(message: str, *, param: str | None = None, code: str = "invalid_request") -> GatewayError:
    """A request that cannot be read or meant: 400."""
    return GatewayError(400, code, message, param=param)


def withheld(
    what: str, *, code: str, category: str | None, reason: str, param: str | None = None
) -> GatewayError:
    """Something that the guard refuses: 403 with the category and the policy's own words."""
    return GatewayError(
        403, code, f"{what}: {reason}", param=param, extra={"category": category, "reason": reason}
    )


def unavailable(
    code: str, message: str, *, retry_after: float, status: int = 503, param: str | None = None
) -> GatewayError:
    """Something that may work later, with the seconds after which to try again."""
    seconds = str(max(1, math.ceil(retry_after)))
    return GatewayError(status, code, message, param=param, headers={"Retry-After": seconds})
