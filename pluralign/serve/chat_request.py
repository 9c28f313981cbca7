"""A chat request as it came in, and as it goes on to the upstream: every field that is not the gateway's is kept."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from pluralign.guard.guard import MOST_MEMBERS
from pluralign.serve.refusals import GatewayError, invalid

PROFILE_FIELD = "profile"
PROFILE_HEADER = "X-Pluralign-Profile"
_ROLES_OF_APPLICATIONS = frozenset({"system", "developer"})
_AT = "@"
MOST_WEIGHT = 1_000_000


@dataclass(frozen=True)
class Named:
    """The profiles that a request names.

    Attributes:
        weights: Id -> weight.
        param: Where they were named: a field or a header.
    """

    weights: Mapping[str, float]
    param: str


@dataclass(frozen=True)
class ChatRequest:
    """A request that can be meant.

    Attributes:
        body: As it came, byte for byte.
        fields: What it holds.
        texts: All texts of its messages, in order.
        asked: Those among them that are not the application's own, in system and developer messages.
        named: By body or header; None where neither names one.
        model: The name as it stands there; None where there is none.
        stream: Whether the answer is to be streamed.
        seed: Its seed.
    """

    body: bytes
    fields: Mapping[str, Any]
    texts: tuple[str, ...]
    asked: tuple[str, ...]
    named: Named | None
    model: str | None
    stream: bool
    seed: int | None

    def forwarded(
        self, *, model: str | None, prompt: str | None, way: Literal["system", "user"] = "system"
    ) -> bytes:
        """What goes on to the upstream.

        Args:
            model: The name of the model there.
            prompt: The profile's wording; None: no profile.
            way: Where it stands.
        """
        if prompt is None and model == self.model and PROFILE_FIELD not in self.fields:
            return self.body
        fields = {name: value for name, value in self.fields.items() if name != PROFILE_FIELD}
        if model is not None:
            fields["model"] = model
        if prompt is not None:
            fields["messages"] = with_profile(self.fields["messages"], prompt, way=way)
        return json.dumps(fields, separators=(",", ":")).encode()


def parse_json(body: bytes) -> dict[str, Any]:
    """The fields of a body.

    Raises:
        GatewayError: 400: it is no JSON, or no object.
    """
    try:
        fields = json.loads(body, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise invalid(
            f"The body is no JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            code="invalid_json",
            param="body",
        ) from None
    except UnicodeDecodeError:
        raise invalid("The body is no text in UTF-8.", code="invalid_json", param="body") from None
    except RecursionError:
        raise invalid("The body is nested too deeply.", code="invalid_json", param="body") from None
    except ValueError as error:  # a number that is none, or of too many digits
        raise invalid(f"The body is no JSON: {error}.", code="invalid_json", param="body") from None
    if not isinstance(fields, dict):
        raise invalid(
            f"The body must be a JSON object, not {_kind(fields)}.", code="invalid_json", param="body"
        )
    return fields


def parse_chat(body: bytes, *, header: str | None) -> ChatRequest:
    """Read a request for a chat completion.

    Args:
        body: The body.
        header: What the header X-Pluralign-Profile holds.

    Raises:
        GatewayError: 400; names the field that is wrong.
    """
    fields = parse_json(body)
    model, stream, seed = fields.get("model"), fields.get("stream"), fields.get("seed")
    if model is not None and not isinstance(model, str):
        raise _wrong("model", "a text", model)
    if stream is not None and not isinstance(stream, bool):
        raise _wrong("stream", "true or false", stream)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise _wrong("seed", "a whole number", seed)
    texts = list(_texts(fields.get("messages")))
    return ChatRequest(
        body=body,
        fields=fields,
        texts=tuple(text for _, text in texts),
        asked=tuple(text for role, text in texts if role not in _ROLES_OF_APPLICATIONS),
        named=named_profiles(fields, header=header),
        model=model,
        stream=bool(stream),
        seed=seed,
    )


def named_profiles(fields: Mapping[str, Any], *, header: str | None) -> Named | None:
    """The profiles that the body or the header names.

    Raises:
        GatewayError: 400: they are named wrongly, or the two name different ones.
    """
    given = fields.get(PROFILE_FIELD)
    by_body = None if given is None else Named(_weights(given), PROFILE_FIELD)
    by_header = None if header is None else Named({_id(header, PROFILE_HEADER): 1.0}, PROFILE_HEADER)
    return agreed(by_body, by_header)


def agreed(first: Named | None, second: Named | None) -> Named | None:
    """The one that both name, or the only one that there is.

    Raises:
        GatewayError: 400: they name different profiles.
    """
    if first is None or second is None:
        return first or second
    if first.weights.keys() != second.weights.keys():
        raise invalid(
            f"The profile is named twice, and differently: {_shown(first)} by {first.param!r}, {_shown(second)} by "
            f"{second.param!r}. Name it once.",
            param=first.param,
            code="profile_conflict",
        )
    return first


def split_model(model: str | None) -> tuple[str | None, Named | None]:
    """The model and the profile that a name such as "llama@stoicism" holds; behind the last "@"."""
    if model is None or _AT not in model:
        return model, None
    name, _, profile = model.rpartition(_AT)
    return (name, Named({profile: 1.0}, "model")) if name and profile else (model, None)


def with_profile(
    messages: list[dict[str, Any]], prompt: str, *, way: Literal["system", "user"]
) -> list[dict[str, Any]]:
    """Messages with a profile before all else; an application's own system text stands behind it, in one message."""
    if way == "user":
        first = next((i for i, each in enumerate(messages) if each["role"] == "user"), len(messages))
        own = messages[:first]
        if first == len(messages):
            return [{"role": "user", "content": prompt}, *messages]
        return [*own, _behind(prompt, messages[first]), *messages[first + 1 :]]
    if messages[0]["role"] in _ROLES_OF_APPLICATIONS:
        return [_behind(prompt, messages[0]), *messages[1:]]
    return [{"role": "system", "content": prompt}, *messages]


def _behind(prompt: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message whose content stands behind a prompt."""
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "content": [{"type": "text", "text": prompt}, *content]}
    return {**message, "content": f"{prompt}\n\n{content}" if content else prompt}


def _texts(messages: Any) -> Iterator[tuple[str, str]]:
    """All texts of messages, each with its role.

    Raises:
        GatewayError: 400: they are no messages; names the field.
    """
    if not isinstance(messages, list) or not messages:
        raise _wrong("messages", "a list with one message at least", messages)
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            raise _wrong(where, "an object with 'role' and 'content'", message)
        role = message.get("role")
        if not isinstance(role, str):
            raise _wrong(f"{where}.role", "a text such as 'user'", role)
        content = message.get("content")
        if isinstance(content, str):
            yield role, content
        elif isinstance(content, list):
            for text in _parts(content, where=f"{where}.content"):
                yield role, text
        elif content is not None:
            raise _wrong(f"{where}.content", "a text, or a list of parts", content)


def _parts(parts: list[Any], *, where: str) -> Iterator[str]:
    for number, part in enumerate(parts):
        if not isinstance(part, dict):
            raise _wrong(f"{where}[{number}]", "an object with 'type'", part)
        text = part.get("text")
        if isinstance(text, str):
            yield text
        elif part.get("type") == "text":
            raise _wrong(f"{where}[{number}].text", "a text", text)


def _weights(given: Any) -> dict[str, float]:
    """Profiles with their weights, in the order of their names: the same mixture draws alike however it is written."""
    if isinstance(given, str):
        return {_id(given, PROFILE_FIELD): 1.0}
    if not isinstance(given, dict) or not given:
        raise _wrong(PROFILE_FIELD, 'an id, or ids with their weights: {"stoicism": 0.5, ...}', given)
    if len(given) > MOST_MEMBERS:
        raise invalid(
            f"{PROFILE_FIELD}: a mixture has {MOST_MEMBERS} profiles at most, not {len(given)}.",
            param=PROFILE_FIELD,
        )
    for name, weight in given.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not 0 < weight <= MOST_WEIGHT:
            raise invalid(
                f"{PROFILE_FIELD}.{name[:40]}: the weight must be a number above 0, at most {MOST_WEIGHT:,}.",
                param=PROFILE_FIELD,
            )
    return {_id(name, PROFILE_FIELD): float(given[name]) for name in sorted(given)}


def _id(name: str, param: str) -> str:
    if not name.strip() or len(name) > 200:
        raise invalid(f"{param}: {name[:40]!r} is no id of a profile.", param=param)
    return name.strip()


def _shown(named: Named) -> str:
    return " and ".join(repr(name) for name in named.weights)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _kind(value: Any) -> str:
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "nothing" if value is None else "true or false" if isinstance(value, bool) else names[type(value)]


def _wrong(param: str, wanted: str, given: Any) -> GatewayError:
    return invalid(f"{param}: it must be {wanted}, not {_kind(given)}.", param=param)
