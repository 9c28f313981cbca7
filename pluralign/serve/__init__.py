"""The gateway: an OpenAI-compatible proxy that puts guarded value profiles in front of any model.

What it answers, as JSON. Where a keys file is given, every call but `/healthz` and the page needs
`Authorization: Bearer KEY`. Every error, of whatever path, is
`{"error": {"message": str, "type": str, "code": str, "param": str | null}}`; a refusal by the guard adds
`"category": str | null` and `"reason": str` within `error`.

`GET /v1/profiles`: what is on the shelf, and which policy guards it::

    {"object": "list",
     "policy": {"id": str, "version": str, "digest": str},
     "guard": "off" | "rules" | "screen",              what looks at prompts and answers
     "data": [{"id": str, "object": "profile", "version": str,      12 hex digits of its content's sha256
               "title": str, "summary": str, "language": str, "contrast": str | null,
               "values": [str, ...],                   its statements, heaviest first
               "served": bool,                         may be named in a request
               "guarded": bool,                        served, and each of its answers must be cleared
               "outcome": "served" | "served_with_output_guard" | "review" | "refused",
               "category": str | null, "reason": str | null}]}      of one that is not served

`GET /v1/models`: the upstream's models, and each of them with each profile::

    {"object": "list",
     "data": [{"id": "llama", "object": "model", ...},
              {"id": "llama@stoicism", "object": "model", "created": int, "owned_by": "pluralign",
               "pluralign": {"model": "llama", "profile": "stoicism"}}]}

`POST /v1/chat/completions`: OpenAI's request and answer, streaming too. A profile is named once, by the body's
`"profile": "stoicism"` or `"profile": {"stoicism": 0.5, "ubuntu-ethics": 0.5}` (a mixture, of which each request draws
one by weight, from the request's `seed` where it has one), by the header `X-Pluralign-Profile: stoicism`, or by the
model name `llama@stoicism`. The answer bears

* `X-Pluralign-Profile`, `X-Pluralign-Profile-Version`: the one that spoke; absent where none was named;
* `X-Pluralign-Verdict`: `serve`, `unsure` or `refuse`: the strictest of profile, prompt and answer. Of a stream it is
  that of profile and prompt, as the answer is not written yet;
* `X-Pluralign-Policy`: id, version and first 12 digits of the policy's digest;
* `X-Request-Id`: as in the audit log.

An answer that the guard refuses has status 200, `finish_reason` "content_filter", no content, and the policy's
sentence as `message.refusal`. See `pluralign.serve.streaming` for how a stream is cut.

`POST /v1/distribution`: how the model would answer a question with options, by its log-probabilities::

    {"question": str, "options": [str, ...], "profile": as above or absent, "model": str or absent}

    {"object": "distribution", "model": str, "question": str, "options": [str, ...],
     "exact": bool,
     "probabilities": [float, ...] | null,             sum to 1; null where not exact, or no option has any mass
     "valid_mass_prob": float | null,                  what the model gave to the options before normalising
     "lower_prob": [float, ...] | null, "upper_prob": [float, ...] | null,     bounds where not exact: the server
                                                       names its likeliest tokens only, the rest is unknown
     "profiles": [{"id": str, "version": str, "share": float, "probabilities": [...] | null,
                   "valid_mass_prob": float | null, "lower_prob": ..., "upper_prob": ...}],     [] without a profile
     "verdict": "serve" | "unsure" | "refuse"}

501 with the reason where the upstream offers no log-probabilities.

`GET /healthz`: `{"status": "ok", "version": str, "profiles": int}`. `GET /metrics`: Prometheus text.

With `--ui`, `GET /` is `page/index.html`, and `GET /NAME` the other files of `page/` (.css, .js, .svg, .png). They are
sent with `Content-Security-Policy: default-src 'self'`: no inline script or style, nothing from elsewhere.
"""

from typing import TYPE_CHECKING, Any

from pluralign.errors import require
from pluralign.registry import lazy_attribute

_EXPORTS = {
    "Gateway": "pluralign.serve.gateway",
    "Settings": "pluralign.serve.settings",
    "make_application": "pluralign.serve.app",
    "make_gateway": "pluralign.serve.app",
    "read_settings": "pluralign.serve.settings",
    "run": "pluralign.serve.running",
}

__all__ = ["Gateway", "Settings", "make_application", "make_gateway", "read_settings", "run"]

if TYPE_CHECKING:
    from pluralign.serve.app import make_application, make_gateway
    from pluralign.serve.gateway import Gateway
    from pluralign.serve.running import run
    from pluralign.serve.settings import Settings, read_settings


def __getattr__(name: str) -> Any:
    if _EXPORTS.get(name) == "pluralign.serve.app":
        require("fastapi", extra="serve")
    return lazy_attribute(__name__, name, exports=_EXPORTS)


def __dir__() -> list[str]:
    return sorted(__all__)
