"""Streams: what is held back, how they are cut, and what becomes of the upstream."""

import asyncio
import json

import httpx
import openai
import pytest

from pluralign.guard.verdict import Ruling
from pluralign.serve.refusals import GatewayError
from pluralign.serve.screening import SERVED, Finding, Screening
from pluralign.serve.streaming import HeldStream, data_of, events


def test_a_refused_stream_is_cut_with_a_finish_an_error_and_the_upstream_cancelled(
    gateway, upstream, tools, client
):
    async def turns_cruel(call):
        words = [f"{word} " for word in (tools.ANSWER + " " + tools.REFUSED_SENTENCE + " And so on.").split()]
        await call.stream(map(tools.chunk, [*words, *["more. "] * 400]), seconds=0.005)

    upstream.server.script = turns_cruel
    seen: list = []
    with pytest.raises(openai.APIError, match="not shown further") as caught:
        seen.extend(client.chat.completions.create(model="llama", messages=tools.HELLO, stream=True))
    assert caught.value.code == "answer_refused"
    assert seen[-1].choices[0].finish_reason == "content_filter"
    text = "".join(piece.choices[0].delta.content or "" for piece in seen)
    assert text.startswith("Honesty matters to me. I would tell my friend")
    assert "genocide" not in text
    tools.wait_for(lambda: upstream.server.n_cancelled == 1)
    (row,) = gateway.rows()
    assert (row["outcome"], row["status"], row["stream"]) == ("withheld", 200, True)


def test_a_client_that_leaves_a_stream_cancels_the_upstream(gateway, upstream, tools):
    async def endless(call):
        await call.stream((tools.chunk("Still here. ") for _ in range(10_000)), seconds=0.005)

    upstream.server.script = endless
    body = {"model": "llama", "messages": tools.HELLO, "stream": True}
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=body, trust_env=False) as answer:
        next(answer.iter_raw())
    tools.wait_for(lambda: upstream.server.n_cancelled == 1)
    (row,) = gateway.rows(n=1)
    assert row["outcome"] == "client_gone"
    assert row["n_answer_characters"] >= len("Still here. ")


def test_a_stream_that_breaks_off_ends_in_an_error(gateway, upstream, tools):
    async def breaks(call):
        await call.start(content_type="text/event-stream")
        await call.piece(tools.event(tools.chunk("One. Two. Three")))
        await call.piece(b"", more=False)

    upstream.server.script = breaks
    with httpx.stream(
        "POST",
        f"{gateway.url}/v1/chat/completions",
        json={"messages": tools.HELLO, "stream": True},
        trust_env=False,
    ) as answer:
        text = answer.read().decode()
    assert text.startswith("event: error\n")
    assert json.loads(text.split("data: ")[1])["error"]["code"] == "upstream_broken"
    assert gateway.rows()[0]["outcome"] == "broken"


@pytest.mark.parametrize(("finish", "outcome"), [("stop", "answered"), (None, "broken")])
def test_a_server_that_sends_no_done_is_complete_once_its_choices_are(
    gateway, upstream, tools, finish, outcome
):
    async def ends(call):
        await call.start(content_type="text/event-stream")
        await call.piece(tools.event(tools.chunk("One. Two.")))
        await call.piece(tools.event(tools.chunk(finish=finish)), more=False)

    upstream.server.script = ends
    text = gateway.ask(stream=True).text
    assert text.endswith("data: [DONE]\n\n") == (outcome == "answered")
    assert gateway.rows()[0]["outcome"] == outcome


def test_an_error_that_the_upstream_reports_within_a_stream_is_passed_on(gateway, upstream, tools):
    async def reports(call):
        await call.start(content_type="text/event-stream")
        await call.piece(tools.event(tools.chunk("One. ")))
        await call.piece(tools.event({"error": {"message": "out of memory", "code": "oom"}}), more=False)

    upstream.server.script = reports
    answer = gateway.ask(stream=True)
    assert '"message": "out of memory"' in answer.text
    assert gateway.rows()[0]["code"] == "oom"


async def taken(pieces, screening, *, watched=False):
    """What a stream lets through at each piece, and at its end."""
    stream = HeldStream(screening, watched=watched)
    out = [await stream.take(piece) for piece in pieces]
    return stream, [*out, b"" if stream.stopped else await stream.finish()]


def test_events_are_cut_wherever_the_bytes_are():
    raw = b": hi\n\ndata: 1\r\n\r\nevent: x\ndata: 2\ndata: 3\n\ndata: [DONE]\n\ndata: 4"

    async def cut(width):
        async def source():
            for at in range(0, len(raw), width):
                yield raw[at : at + width]

        return [event async for event in events(source(), most_bytes=1000)]

    for width in range(1, len(raw) + 1):
        found = asyncio.run(cut(width))
        assert b"".join(found) == raw
        assert [data_of(event) for event in found if data_of(event)] == ["1", "2\n3", "[DONE]", "4"]


def test_a_stream_without_end_is_502():
    async def source():
        while True:
            yield b"x" * 100

    async def take():
        return [event async for event in events(source(), most_bytes=1000)]

    with pytest.raises(GatewayError) as caught:
        asyncio.run(take())
    assert caught.value.status == 502


def test_pieces_wait_for_the_end_of_their_sentence_and_keep_bytes_and_order(guard, tools):
    texts = ["One", " is.", " Two", " is", ". ", "Three"]
    pieces = [tools.event(tools.chunk(text, logprobs=None)) for text in texts]
    stream, out = asyncio.run(taken(pieces, Screening(guard, layers="rules")))
    assert out[0] == b""
    assert out[1] == b""
    # The space that ends "One is." stands in " Two", which waits for its own end.
    assert out[2] == pieces[0] + pieces[1]
    assert out[4] == pieces[2] + pieces[3] + pieces[4]
    assert out[-1] == pieces[5]
    assert b"".join(out) == b"".join(pieces)
    assert stream.texts == ["".join(texts)]


def test_what_has_no_end_is_judged_after_400_characters(guard, tools):
    pieces = [tools.event(tools.chunk("word ")) for _ in range(100)]
    _, out = asyncio.run(taken(pieces, Screening(guard, layers="rules")))
    first = next(number for number, each in enumerate(out) if each)
    assert 395 <= 5 * (first + 1) <= 410


def test_harm_over_three_sentences_is_seen_within_its_window(guard, tools, monkeypatch):
    seen = []

    async def look(self, texts, *, watched):
        seen.extend(texts)
        bad = any("three" in text and "one" in text for text in texts)
        return Finding(Ruling.REFUSE, "c", "No.") if bad else SERVED

    monkeypatch.setattr(Screening, "look", look)
    pieces = [tools.event(tools.chunk(text)) for text in ("one. ", "two. ", "three. ", "four. ")]
    stream, out = asyncio.run(taken(pieces, Screening(guard, layers="rules")))
    assert seen[:3] == ["one. ", "one. two. ", "one. two. three. "]
    assert b"".join(out) == pieces[0] + pieces[1]
    assert stream.stopped
    cut = stream.cut().split(b"\n\n")
    first = json.loads(cut[0].removeprefix(b"data: "))
    assert first["choices"] == [{"index": 0, "delta": {"refusal": "No."}, "finish_reason": "content_filter"}]
    assert first["id"] == "chatcmpl-1"
    assert cut[1].startswith(b"event: error\ndata: ")
    assert json.loads(cut[1].split(b"data: ")[1])["error"]["category"] == "c"
    assert cut[2:] == [b"data: [DONE]", b""]


def test_the_whole_is_judged_at_the_end(guard, tools, monkeypatch):
    async def look(self, texts, *, watched):
        bad = any(text.count(".") > 3 for text in texts)
        return Finding(Ruling.REFUSE, None, "No.") if bad else SERVED

    monkeypatch.setattr(Screening, "look", look)
    pieces = [tools.event(tools.chunk(f"{n}. x ")) for n in range(5)]
    stream, _ = asyncio.run(taken(pieces, Screening(guard, layers="rules")))
    assert stream.stopped


def test_reasoning_and_arguments_are_held_too_and_choices_are_told_apart(guard, tools):
    pieces = [
        tools.event(tools.chunk(None, reasoning_content="I think")),
        tools.event(tools.chunk("A. ", index=1)),
        tools.event(tools.chunk(None, tool_calls=[{"index": 0, "function": {"arguments": '{"x":'}}])),
        tools.event(tools.chunk(None, tool_calls=[{"index": 0, "function": {"arguments": "1}"}}])),
    ]
    stream, out = asyncio.run(taken(pieces, Screening(guard, layers="rules")))
    assert sorted(stream.texts) == ["A. ", "I think", '{"x":1}']
    assert out[:-1] == [b""] * 4
    assert out[-1] == b"".join(pieces)


def test_where_nobody_looks_pieces_go_on_at_once(guard, tools):
    pieces = [tools.event(tools.chunk("no end"))]
    assert asyncio.run(taken(pieces, Screening(guard, layers="off")))[1][0] == pieces[0]


@pytest.mark.parametrize(
    "piece", [b"data: {\n\n", b"data: 3\n\n", b'data: {"object": "x"}\n\n', b'{"choices": []}', b"<html>\n\n"]
)
def test_a_piece_that_is_none_is_502(guard, piece):
    with pytest.raises(GatewayError, match="answer"):
        asyncio.run(taken([piece], Screening(guard, layers="rules")))
