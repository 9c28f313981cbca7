"""What a server can do, asked of it once, when its model is loaded: a few dozen requests of a few tokens each."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pluralign.errors import ConfigurationError, ModelError, did_you_mean
from pluralign.models.http import replies, wire
from pluralign.models.http.scoring import ExactScorer
from pluralign.models.http.transport import Call, Failure, ReplyError, T, Transport
from pluralign.models.http.wire import (
    Abilities,
    Dialect,
    RequestError,
    answer_path,
    answering,
    ask_all,
    chat_body,
    failed,
    text_body,
)
from pluralign.models.protocol import Chat, Draw, Message, SamplingParams, Text
from pluralign.models.remote_text import ProbeResult
from pluralign.models.remote_text import probe as probe_marks

# Ends and openings of turns of today's chat models, tried where a server does not tell its own.
_USUAL_MARKS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "<end_of_turn>",
    "<|end|>",
    "</s>",
    "<|endoftext|>",
    "<｜end▁of▁sentence｜>",  # noqa: RUF001
)
_QUESTION = Message("user", "Say one word.")
_WITH_SYSTEM = (Message("system", "Be kind."), _QUESTION)
_TEXT = Text("Question: Is it so?\nAnswer: ")
_FEW, _SOME = SamplingParams(max_new_tokens=2, temperature=0), SamplingParams(max_new_tokens=16)
_HOT = SamplingParams(max_new_tokens=16, temperature=2)
_N_TOP = (20, 5)
_KEY_STATUSES = frozenset({401, 403})
# How a server says that it lacks a route, or what a model of its kind would need for it; whatever else goes wrong says
# nothing about what it can do.
_LACKING = frozenset({200, 400, 401, 403, 404, 405, 422, 500, 501})
# Retries of what need not be known: a route that always fails is not waited for long.
_FEW_RETRIES = 2
# In the order in which servers are asked for their names.
_DIALECTS: tuple[Dialect, ...] = ("vllm", "llama.cpp", "transformers")
# Routes of `transformers serve` that no other server has together.
_TRANSFORMERS_ROUTES = frozenset({"/load_model", "/reset"})
# With fewer tokens than this a template closes no turn and opens none.
_SLACK_TOKENS = 1


def find_abilities(transport: Transport) -> Abilities:
    """Ask a server what it can do.

    Raises:
        ConfigurationError: The key is refused, or several models are served and none is named.
        ModelError: The server does not answer, or neither answers chats nor continues text; or it reads control
            tokens within messages and the endpoint does not say to go on.
    """
    known = _identity(transport)
    chat, known = _chats(transport, known)
    (text,) = transport.ask([_answer(known, None, _FEW)])
    if isinstance(text, Failure) and text.status not in _LACKING:
        raise failed(transport, [text], n_calls=1)
    if isinstance(chat, Failure) and isinstance(text, Failure):
        raise _unusable(transport, chat, text)
    known = replace(known, chat=not isinstance(chat, Failure), text=not isinstance(text, Failure))
    known = replace(known, n_top=_n_top(transport, known))
    known = _draws(transport, known)
    if known.chat:
        known = replace(
            known,
            system_prompt=_several(transport, [_answer(known, _WITH_SYSTEM, _FEW)]) != [None],
            continuing=_continuing(transport, known),
        )
    known = _scores(transport, known)
    return _with_marks(transport, known) if known.chat else known


def _one(transport: Transport, call: Call[Any]) -> Any:
    """What one request brings, or the Failure by which the server says that it lacks something.

    Raises:
        ConfigurationError: The key is missing or refused.
        ModelError: It failed in another way.
    """
    (found,) = transport.ask([call])
    if isinstance(found, Failure) and found.status not in _LACKING:
        raise failed(transport, [found], n_calls=1)
    if isinstance(found, Failure) and found.status in _KEY_STATUSES:
        raise ConfigurationError(
            f"The server {transport.endpoint.named()} wants another key: {found.reason}. Keys come from the environment: "
            "set PLURALIGN_API_KEY, or name a variable with ?key_variable=NAME behind the address."
        )
    return found


def _several(transport: Transport, calls: Sequence[Call[T]]) -> list[T | None]:
    """What requests bring; None where the server lacks what one needs.

    Raises:
        ModelError: One failed in another way.
    """
    found = transport.ask(calls)
    broken = [each for each in found if isinstance(each, Failure) and each.status not in _LACKING]
    if broken:
        raise failed(transport, broken, n_calls=len(calls))
    return [None if isinstance(each, Failure) else each for each in found]


def _identity(transport: Transport) -> Abilities:
    """The model's name, and what the server says of it and of itself."""
    endpoint = transport.endpoint
    n_retries = min(_FEW_RETRIES, endpoint.retries) if endpoint.model else None
    listed = _one(transport, Call("/models", _read_models, retries=n_retries))
    models: dict[str, str] = {} if isinstance(listed, Failure) else listed
    if not endpoint.model and len(models) != 1:
        which = f" It serves: {', '.join(sorted(models))}." if models else ""
        raise ConfigurationError(
            f"Name the model that {endpoint.url} is asked for, behind a '#': {endpoint.url}#model.{which}"
        )
    model = endpoint.model or next(iter(models))
    calls = [
        Call("/version", _read_vllm, at_root=True),
        Call("/props", _read_llama, at_root=True),
        Call("/openapi.json", _read_transformers, at_root=True),
    ]
    servers = _several(transport, calls)
    named = [(each, server) for each, server in zip(_DIALECTS, servers, strict=True) if server is not None]
    dialect, server = named[0] if named else ("openai", "unknown")
    return Abilities(model=model, served=models.get(model, ""), server=server, dialect=dialect)


def _chats(transport: Transport, known: Abilities) -> tuple[Any, Abilities]:
    """What answers a chat, by its own name; and the server's name for the longest answer."""
    answer = _one(transport, _answer(known, [_QUESTION], _FEW, read=_read_served))
    if isinstance(answer, Failure) and "max_completion_tokens" in answer.reason:
        known = replace(known, length_field="max_completion_tokens")
        answer = _one(transport, _answer(known, [_QUESTION], _FEW, read=_read_served))
    if isinstance(answer, Failure) and known.dialect != "openai":
        plain = replace(known, dialect="openai")
        again = _one(transport, _answer(plain, [_QUESTION], _FEW, read=_read_served))
        answer, known = (answer, known) if isinstance(again, Failure) else (again, plain)
    if isinstance(answer, str) and answer != known.model:
        known = replace(known, served=f"{known.served} {answer}".strip())
    return answer, known


def _unusable(transport: Transport, chat: Failure, text: Failure) -> ModelError:
    endpoint = transport.endpoint
    hint = ""
    if chat.status == 404 and text.status == 404:
        (models,) = _several(transport, [Call("/models", _read_models)])
        if models is not None:
            hint = f" It may serve no model {endpoint.model!r}.{did_you_mean(endpoint.model, models)}"
        elif not endpoint.url.endswith("/v1"):
            hint = f" Most addresses end with /v1: {replace(endpoint, url=endpoint.url + '/v1').named()}."
    return ModelError(
        f"The server {endpoint.named()} cannot be used. Asked for a chat, {chat.reason}; for text, {text.reason}.{hint}"
    )


def _answer(
    known: Abilities,
    messages: Sequence[Message] | None,
    params: SamplingParams,
    *,
    continue_from: str = "",
    seed: int | None = None,
    n_top: int | None = None,
    read: Any = None,
) -> Call[Any]:
    """A request for an answer to a chat, or to a text where there are no messages."""
    chat = messages is not None
    body = (
        text_body(known, "Once upon a time")
        if messages is None
        else chat_body(known, messages, continue_from=continue_from)
    )
    return Call(
        answer_path(chat=chat),
        read or (lambda reply: replies.read_draw(reply, chat=chat, own_distribution=False)),
        body=body | answering(known, params, chat=chat, seed=seed, n_top=n_top),
    )


def _n_top(transport: Transport, known: Abilities) -> int:
    """How many of the likeliest tokens the server names; some refuse to name many."""
    messages = [_QUESTION] if known.chat else None
    for n_top in _N_TOP:
        call = _answer(
            known, messages, _FEW, n_top=n_top, read=lambda reply: replies.read_steps(reply, chat=known.chat)
        )
        (found,) = _several(transport, [call])
        if found:
            return min(n_top, max(len(step.candidates) for step in found))
    return 0


def _draws(transport: Transport, known: Abilities) -> Abilities:
    """Whether the server draws, and whether draws follow the seed: with one twice the same text, else others."""
    drawn = _drawn(transport, known, _SOME, seeds=(11, 11, 12, 13))
    if drawn is None:
        known = replace(known, accepts_seed=False)
        drawn = _drawn(transport, known, _SOME, seeds=(None,) * 4)
    if drawn and _are_one(drawn):
        # A model can be sure of its answer; what is drawn at twice the temperature tells.
        hot = _drawn(transport, known, _HOT, seeds=(14, 15, 16, 17) if known.accepts_seed else (None,) * 4)
        known = replace(known, draws=hot is None or not _are_one(hot))
    if not drawn or not known.accepts_seed:
        return known
    if transport.endpoint.seeds != "probe":
        return replace(known, seeds=transport.endpoint.seeds == "honoured")
    first, again, *others = (draw.text for draw in drawn)
    follows = first == again and any(other != first for other in others)
    # `transformers serve` has one generator, which every request seeds anew while others are under way.
    alone = known.dialect != "transformers" or transport.endpoint.concurrency == 1
    return replace(known, seeds=follows and alone)


def _drawn(
    transport: Transport, known: Abilities, params: SamplingParams, *, seeds: Sequence[int | None]
) -> list[Draw] | None:
    """A draw with each seed; None where the server takes no such request."""
    messages = [Message("user", "Write twenty random words.")] if known.chat else None
    calls = [_answer(known, messages, params, seed=seed) for seed in seeds]
    found = [each for each in _several(transport, calls) if each is not None]
    return found if len(found) == len(calls) else None


def _are_one(drawn: Sequence[Draw]) -> bool:
    """Whether all are the same text; of models that think until they are cut, and said nothing, it is not known."""
    cut = all(not draw.text and draw.finish == "length" for draw in drawn)
    return len({draw.text for draw in drawn}) == 1 and not cut


def _continuing(transport: Transport, known: Abilities) -> Literal["flags", "plain", "no"]:
    """How the server is given an answer's first words: where it leaves the turn open, they cost their own tokens only."""
    ways: tuple[Literal["flags", "plain"], ...] = ("flags", "plain")
    for way in ways:
        able = replace(known, continuing=way)
        calls = [
            _answer(able, [_QUESTION], _FEW, continue_from=words, read=replies.read_prompt_tokens)
            for words in ("", "one", "one one")
        ]
        counts = [each for each in _several(transport, calls) if each is not None]
        if len(counts) < len(calls):
            continue
        bare, one, two = counts
        if two > one and abs((one - bare) - (two - one)) <= _SLACK_TOKENS:
            return way
    return "no"


def _scores(transport: Transport, known: Abilities) -> Abilities:
    """Whether options can be scored exactly, for every kind of prompt that the server takes."""
    if not known.text:
        return known
    for way in (_by_ids, _by_echo):
        try:
            return way(transport, known)
        except RequestError as error:
            if error.status not in _LACKING:
                raise
        except ModelError:
            continue
    return known


def _by_ids(transport: Transport, known: Abilities) -> Abilities:
    """The server as one that scores token ids.

    Raises:
        ModelError: It does not, or lays out no chats though it answers them.
    """
    known = replace(known, scores="ids")
    if known.chat:
        known = _with_end(transport, ExactScorer(transport, known), known)
        chat = Chat((_QUESTION,))
        ExactScorer(transport, known).score_chats([chat], [["Yes", " Yes"]], messages=[chat.messages])
    ExactScorer(transport, known).score_texts([_TEXT], [["Yes"]])
    return known


def _by_echo(transport: Transport, known: Abilities) -> Abilities:
    """The server as one that repeats a text with its log-probabilities.

    Raises:
        ModelError: It does not.
    """
    known = replace(known, scores="echo")
    ExactScorer(transport, known).score_texts([_TEXT], [["Yes"]])
    return known


def _with_end(transport: Transport, scorer: ExactScorer, known: Abilities) -> Abilities:
    """The token that ends a turn, and whether the template knows the turns of spectrum tuning.

    Raises:
        ModelError: The server lays out no chats, or its template changes what was said before.
    """
    turns = wire.written([_QUESTION, Message("assistant", "Word")])
    bare = {"model": known.model, "add_generation_prompt": False}
    (opened,) = scorer.laid_out([[_QUESTION]])
    left_open, closed = ask_all(
        transport,
        [
            Call(
                "/tokenize",
                replies.read_ids,
                body={**bare, "messages": turns, "continue_final_message": left},
                at_root=True,
            )
            for left in (True, False)
        ],
    )
    n_open = len(left_open)
    if left_open[: len(opened)] != opened or closed[:n_open] != left_open or len(closed) == n_open:
        raise ModelError("The chat template of the server does not close an answer behind what it opened.")
    (described,) = transport.ask([
        Call(
            "/tokenize",
            replies.read_ids,
            body={
                **bare,
                "messages": [{"role": "description", "content": "PROBE"}],
                "add_generation_prompt": True,
            },
            at_root=True,
        )
    ])
    spectrum = False
    if not isinstance(described, Failure):
        (text,) = scorer.texts([described])
        spectrum = "output" in text.rpartition("PROBE")[2]
    return replace(known, end_id=closed[n_open], spectrum=spectrum)


def _with_marks(transport: Transport, known: Abilities) -> Abilities:
    """How the server reads control marks within messages.

    Raises:
        ModelError: It reads them as anything but text, or does not say, and the endpoint does not say to go on.
    """
    marks: Sequence[str] = _USUAL_MARKS
    if known.end_id is not None:
        marks = ExactScorer(transport, known).texts([[known.end_id]])

    texts: list[str] = []

    def noted(text: str) -> int:
        texts.append(text)
        return 0

    probe_marks(noted, marks)  # what it wants counted, so that all is asked at once
    few = SamplingParams(max_new_tokens=1, temperature=0)
    calls = [
        Call(
            answer_path(chat=True),
            replies.read_prompt_tokens,
            # Not neutralised: how the server reads the marks themselves is the question.
            body={"model": known.model, "messages": [{"role": "user", "content": text}]}
            | answering(known, few, chat=True),
        )
        for text in texts
    ]
    n_tokens = dict(zip(texts, ask_all(transport, calls), strict=True))
    result = probe_marks(n_tokens.__getitem__, marks)
    if not result.is_safe and transport.endpoint.marks == "refuse":
        raise _marks_refused(transport, result)
    return replace(known, marks=dict(result.readings))


def _marks_refused(transport: Transport, result: ProbeResult) -> ModelError:
    said = {
        "token": "reads {} within a message as a control token, so that a text could end its turn and open another",
        "removed": "takes {} out of messages, so that a text could hide a control token",
        "unclear": "does not show how it reads {} within a message",
    }
    by_reading = {
        reading: [repr(mark) for mark, found in result.readings.items() if found == reading]
        for reading in said
    }
    what = "; it ".join(said[reading].format(", ".join(own)) for reading, own in by_reading.items() if own)
    raise_anyway = transport.endpoint.named(marks="neutralise")
    return ModelError(
        f"The server {transport.endpoint.named()} {what}. pluralign breaks every mark of a known form before it sends a "
        f"text; where that is enough for texts such as yours, name the model {raise_anyway!r}."
    )


def _read_served(reply: Any) -> str:
    """The name under which a chat was answered, for example that of a dated version."""
    replies.read_draw(reply, chat=True, own_distribution=False)
    return str(reply.get("model") or "")


def _read_models(reply: Any) -> dict[str, str]:
    """Name of each model -> what stands behind the name."""
    listed = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(listed, list):
        raise ReplyError("its list of models is none")
    found = {}
    for each in listed:
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            found[each["id"]] = " ".join(str(each[key]) for key in ("root", "meta") if each.get(key))
    return found


def _read_vllm(reply: Any) -> str:
    if isinstance(reply, dict) and isinstance(reply.get("version"), str):
        return f"vllm {reply['version']}"
    raise ReplyError("it names no version")


def _read_transformers(reply: Any) -> str:
    routes = reply.get("paths") if isinstance(reply, dict) else None
    if isinstance(routes, dict) and set(routes) >= _TRANSFORMERS_ROUTES:
        return "transformers serve"
    raise ReplyError("it lists other routes")


def _read_llama(reply: Any) -> str:
    if isinstance(reply, dict) and isinstance(reply.get("build_info"), str):
        return f"llama.cpp {reply['build_info']} {reply.get('model_path', '')}".rstrip()
    raise ReplyError("it names no build")
