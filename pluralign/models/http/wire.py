"""Requests in the dialect of OpenAI's API, as one server speaks it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pluralign.errors import ModelError
from pluralign.models.http.transport import Call, Failure, T, Transport
from pluralign.models.protocol import Message, SamplingParams
from pluralign.models.remote_text import neutralised

Dialect = Literal["openai", "vllm", "llama.cpp", "transformers"]

# What the model's whole distribution is called where a request that says nothing gets less of it: vLLM follows the
# model's generation_config.json, which for many models has a top_k of 20 and a top_p of 0.8; llama.cpp cuts at a top_k
# of 40, a top_p of 0.95 and a min_p of 0.05; `transformers serve` takes the likeliest token, or one of the likeliest 50.
_WHOLE_DISTRIBUTION: Mapping[Dialect, Mapping[str, float]] = {
    "openai": {},
    "vllm": {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0},
    "llama.cpp": {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0},
    "transformers": {"top_p": 1.0, "top_k": 0, "typical_p": 1.0, "repetition_penalty": 1.0},
}


class RequestError(ModelError):
    """A request that failed for good.

    Args:
        message: What was asked of whom, and what came instead.
        status: That of the `Failure`.
    """

    def __init__(self, message: str, *, status: int | None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Abilities:
    """What a server can do, as found out when its model is loaded.

    Attributes:
        model: The model's name in requests.
        served: What the server itself says it serves: the name behind an alias, a path, a dated version.
        server: Name and version of the server, "unknown" where it does not say.
        dialect: Whose fields, beside OpenAI's, a request for draws holds.
        chat: Whether it answers chats.
        text: Whether it continues text.
        system_prompt: Whether a chat may have a system turn.
        spectrum: Whether its template writes description, input and output turns.
        continuing: How an answer's first words are given: with vLLM's "flags", as a last turn that the server
            leaves open ("plain"), or not at all ("no").
        n_top: How many of the likeliest tokens it names at each place of an answer; 0 where it names none.
        length_field: What it calls the longest answer.
        draws: Whether it draws: at a temperature above 0, not the same answer every time.
        seeds: Whether its draws follow the seed.
        accepts_seed: Whether a request may hold one.
        scores: By which means it gives log-probabilities of a prompt: token "ids", "echo" of text, or "none".
        end_id: Token that ends a turn; None where it is not known.
        marks: How it reads control tokens within messages.
    """

    model: str
    served: str = ""
    server: str = "unknown"
    dialect: Dialect = "openai"
    chat: bool = True
    text: bool = False
    system_prompt: bool = True
    spectrum: bool = False
    continuing: Literal["flags", "plain", "no"] = "no"
    n_top: int = 0
    length_field: str = "max_tokens"
    draws: bool = True
    seeds: bool = False
    accepts_seed: bool = True
    scores: Literal["ids", "echo", "none"] = "none"
    end_id: int | None = None
    marks: Mapping[str, str] = field(default_factory=dict)


def written(messages: Sequence[Message], *, continue_from: str = "") -> list[dict[str, str]]:
    """Messages as they are sent: no text holds a control mark of a known form."""
    turns = [{"role": each.role, "content": neutralised(each.content)} for each in messages]
    opened = [{"role": "assistant", "content": neutralised(continue_from)}] if continue_from else []
    return turns + opened


def chat_body(
    abilities: Abilities, messages: Sequence[Message], *, continue_from: str = ""
) -> dict[str, Any]:
    """A chat; how it is to be answered is added by `answering`."""
    body: dict[str, Any] = {
        "model": abilities.model,
        "messages": written(messages, continue_from=continue_from),
    }
    if continue_from and abilities.continuing == "flags":
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def text_body(abilities: Abilities, prompt: str | Sequence[int]) -> dict[str, Any]:
    """Text, or token ids, to be continued."""
    return {"model": abilities.model, "prompt": prompt}


def answering(
    abilities: Abilities,
    params: SamplingParams,
    *,
    chat: bool,
    seed: int | None = None,
    n_top: int | None = None,
) -> dict[str, Any]:
    """How an answer is drawn; what is OpenAI's default is left out, as not every server knows every field.

    Servers with other defaults are told that nothing is to be cut off but what the parameters say.
    """
    body: dict[str, Any] = {
        abilities.length_field if chat else "max_tokens": params.max_new_tokens,
        "temperature": params.temperature,
    }
    cut = dict(_WHOLE_DISTRIBUTION[abilities.dialect])
    cut |= {"top_p": params.top_p} if params.top_p < 1 else {}
    cut |= {"min_p": params.min_p} if params.min_p > 0 else {}
    if abilities.dialect == "transformers":
        # Its requests have no fields for these, and a temperature alone leaves it at the likeliest token.
        hot = params.temperature > 0
        body["generation_config"] = json.dumps(
            {"do_sample": hot} | (cut if hot else {"repetition_penalty": 1.0})
        )
    else:
        body |= cut
    body |= {"stop": list(params.stop)} if params.stop else {}
    body |= {"seed": seed} if seed is not None and abilities.accepts_seed else {}
    if n_top is not None and chat:
        body |= {"logprobs": True} | ({"top_logprobs": n_top} if n_top else {})
    elif n_top is not None:
        body["logprobs"] = n_top
    return body


def answer_path(*, chat: bool) -> str:
    """Where chats, and where texts are answered."""
    return "/chat/completions" if chat else "/completions"


def ask_all(transport: Transport, calls: Sequence[Call[T]]) -> list[T]:
    """Make requests that must all succeed.

    Raises:
        ModelError: One failed for good; says how many and how the first.
    """
    found = transport.ask(calls)
    good = [each for each in found if not isinstance(each, Failure)]
    if len(good) < len(found):
        raise failed(transport, [each for each in found if isinstance(each, Failure)], n_calls=len(found))
    return good


def failed(transport: Transport, failures: Sequence[Failure], *, n_calls: int) -> RequestError:
    """The error over requests that failed for good."""
    of_several = f" {len(failures)} of {n_calls} requests failed; the first:" if n_calls > 1 else ""
    return RequestError(
        f"The server {transport.endpoint.named()}:{of_several} {failures[0].reason}.",
        status=failures[0].status,
    )
