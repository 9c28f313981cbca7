"""What is in a server's replies. Whatever is not as it should be raises ReplyError; nothing is filled in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pluralign.models.http.transport import ReplyError
from pluralign.models.protocol import Draw

# A reply that the server's filter cut or blocked is a cut one: what there is of it is kept, and where it says nothing
# it counts as truncated.
_FINISHES: Mapping[str, Literal["stop", "length"]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "length",
}


@dataclass(frozen=True)
class Step:
    """One token of a reply and the likeliest tokens at its place.

    Attributes:
        token: The token's text, as bytes.
        log_prob: Its log-probability, nats.
        candidates: The likeliest tokens and their log-probabilities, nats; with or without the token itself.
    """

    token: bytes
    log_prob: float
    candidates: tuple[tuple[bytes, float], ...]


@dataclass(frozen=True)
class ReadTokens:
    """Tokens that a server read as its prompt.

    Attributes:
        ids: Their ids; of servers that name tokens by their text only, that text as a number (its bytes, big-endian).
        log_probs: Log-probability of each given those before it, nats; the first has none, and stands as 0.
    """

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]


def read_draw(reply: Any, *, chat: bool, own_distribution: bool, stop: Sequence[str] = ()) -> Draw:
    """The one answer in a reply.

    The log-probability is given where the server names that of every token drawn, the end of the turn included.

    Args:
        reply: The reply.
        chat: Whether it is one to a chat.
        own_distribution: Whether it was drawn at temperature 1 with nothing cut off, so that the server's
            log-probabilities are the model's own, whether or not it gives them after the temperature.
        stop: What ends an answer; some servers leave it, and what its last token holds behind it, in the text.
    """
    choice = _choice(reply)
    finish = str(choice.get("finish_reason"))
    if finish not in _FINISHES:
        raise ReplyError(f"its answer finished with {finish!r}, so that it is none to read")
    text = _chat_text(choice) if chat else choice.get("text")
    if not isinstance(text, str):
        raise ReplyError(f"its answer has no text: {_kind(text)}")
    log_probs = _log_probs(choice, chat=chat)
    n_tokens = _usage(reply, "completion_tokens")
    if n_tokens is None:
        raise ReplyError("its answer does not say how many tokens it has (usage.completion_tokens)")
    if found := [text.find(each) for each in stop if each in text]:
        text, finish = text[: min(found)], "stop"
    complete = own_distribution and log_probs is not None and len(log_probs) == n_tokens
    return Draw(
        text=text,
        finish=_FINISHES[finish],
        n_tokens=n_tokens,
        log_prob=math.fsum(log_probs) if complete and log_probs else None,
    )


def read_prompt_tokens(reply: Any) -> int:
    """How many tokens the server made of the prompt."""
    n_tokens = _usage(reply, "prompt_tokens")
    if n_tokens is None:
        raise ReplyError("its answer does not say how many tokens the prompt has (usage.prompt_tokens)")
    return n_tokens


def read_steps(reply: Any, *, chat: bool) -> tuple[Step, ...]:
    """The tokens of an answer, each with the likeliest ones at its place."""
    given = _choice(reply).get("logprobs")
    if not isinstance(given, dict):
        raise ReplyError("its answer has no log-probabilities")
    if chat:
        return tuple(_chat_step(entry) for entry in _list(given.get("content"), "logprobs.content"))
    tokens = _list(given.get("tokens"), "logprobs.tokens")
    values = _list(given.get("token_logprobs"), "logprobs.token_logprobs")
    tops = _list(given.get("top_logprobs"), "logprobs.top_logprobs")
    if not len(tokens) == len(values) == len(tops):
        raise ReplyError("its log-probabilities are not one a token")
    return tuple(
        Step(
            _bytes(token),
            _log_prob(value),
            tuple((_bytes(text), _log_prob(each)) for text, each in _mapping(top).items()),
        )
        for token, value, top in zip(tokens, values, tops, strict=True)
    )


def read_scored_ids(reply: Any, ids: Sequence[int]) -> ReadTokens:
    """The log-probabilities of a prompt given as token ids (vLLM's `prompt_logprobs`)."""
    choice = _choice(reply)
    entries = _list(choice.get("prompt_logprobs", _mapping(reply).get("prompt_logprobs")), "prompt_logprobs")
    if len(entries) != len(ids):
        raise ReplyError(f"it scored {len(entries)} tokens of a prompt of {len(ids)}")
    values = [0.0]
    for index, entry in zip(ids[1:], entries[1:], strict=True):
        if str(index) not in _mapping(entry):
            raise ReplyError(f"it scored another token than {index}, which was sent")
        values.append(_log_prob(_mapping(entry[str(index)]).get("logprob")))
    return ReadTokens(tuple(ids), tuple(values))


def read_echo(reply: Any, text: str) -> ReadTokens:
    """The log-probabilities of a prompt given as text, and repeated before the answer (`echo`)."""
    given = _mapping(_choice(reply).get("logprobs"))
    n_tokens = read_prompt_tokens(reply)
    tokens = [str(token) for token in _list(given.get("tokens"), "logprobs.tokens")][:n_tokens]
    values = _list(given.get("token_logprobs"), "logprobs.token_logprobs")[:n_tokens]
    # A token that opens every text may stand before it.
    if len(tokens) != n_tokens or len(values) != n_tokens or "".join(tokens) not in {text, tokens[0] + text}:
        raise ReplyError("it does not repeat the prompt's tokens with their log-probabilities")
    return ReadTokens(
        ids=tuple(int.from_bytes(_bytes(token)) for token in tokens),
        log_probs=(0.0, *map(_log_prob, values[1:])),
    )


def read_ids(reply: Any) -> tuple[int, ...]:
    """Token ids, as /tokenize gives them."""
    ids = _list(_mapping(reply).get("tokens"), "tokens")
    if not all(isinstance(index, int) and not isinstance(index, bool) for index in ids):
        raise ReplyError("its tokens are no ids")
    return tuple(ids)


def read_text(reply: Any) -> str:
    """The text of token ids, as /detokenize gives it."""
    text = _mapping(reply).get("prompt")
    if not isinstance(text, str):
        raise ReplyError(f"it gives no text of token ids: {_kind(text)}")
    return text


def _chat_text(choice: Mapping[str, Any]) -> Any:
    """What the model said; its refusal where that stands apart. Null where it said nothing is an empty answer."""
    message = choice.get("message")
    if not isinstance(message, dict) or not {"content", "refusal"} & set(message):
        raise ReplyError(f"its answer has no message: {_kind(message)}")
    content = message.get("content")
    return (message.get("refusal") or "") if content is None else content


def _log_probs(choice: Mapping[str, Any], *, chat: bool) -> list[float] | None:
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        return None
    entries = given.get("content" if chat else "token_logprobs")
    if not isinstance(entries, list):
        return None
    return [_log_prob(_mapping(entry).get("logprob") if chat else entry) for entry in entries]


def _chat_step(entry: Any) -> Step:
    own = _mapping(entry)
    others = _list(own.get("top_logprobs"), "logprobs.content.top_logprobs")
    return Step(
        _token(own),
        _log_prob(own.get("logprob")),
        tuple((_token(_mapping(each)), _log_prob(_mapping(each).get("logprob"))) for each in others),
    )


def _token(entry: Mapping[str, Any]) -> bytes:
    """A token's text; of tokens that are parts of characters, the bytes stand beside it."""
    given = entry.get("bytes")
    if isinstance(given, list) and given:
        try:
            return bytes(given)
        except (ValueError, TypeError):
            raise ReplyError("the bytes of a token are none") from None
    return _bytes(entry.get("token", ""))


def _bytes(token: Any) -> bytes:
    return str(token).encode(errors="surrogatepass")


def _choice(reply: Any) -> Mapping[str, Any]:
    choices = _list(_mapping(reply).get("choices"), "choices")
    if not choices:
        raise ReplyError("its answer has no choices")
    return _mapping(choices[0])


def _usage(reply: Any, name: str) -> int | None:
    usage = _mapping(reply).get("usage")
    n_tokens = usage.get(name) if isinstance(usage, dict) else None
    is_count = isinstance(n_tokens, int) and not isinstance(n_tokens, bool) and n_tokens >= 0
    return n_tokens if is_count else None


def _log_prob(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= 1e-6:
        raise ReplyError(f"a log-probability is none: {value!r}")
    return min(0.0, float(value))  # rounding of a certain token


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ReplyError(f"its answer has no list {name}: {_kind(value)}")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ReplyError(f"its answer is not in the form of OpenAI's: {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
